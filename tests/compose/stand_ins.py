"""Base images for where no registry can be reached: Debian's Python and Redis, under the names that are asked for."""

import shutil
import ssl
import subprocess
from pathlib import Path

from tests.compose.engine import Engine, EngineMissing

PYTHON = "python:3.11-slim"
REDIS = "redis:7-alpine"
_RELEASE = "bookworm"  # Its Python is 3.11.
_LEFT_OUT = ("var/cache/apt", "var/lib/apt/lists", *(f"usr/share/{each}" for each in ("doc", "man", "locale", "info")))
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"


def provide(engine: Engine, folder: Path) -> list[str]:
    """See that both images are here: kept, pulled, or else made; returns the names of those made."""
    made: list[str] = []
    for name, make in ((PYTHON, _make_python), (REDIS, _make_redis)):
        if not engine.has_image(name) and engine.docker("pull", name, check=False).returncode != 0:
            make(engine, folder)
            made.append(name)
    return made


def _make_python(engine: Engine, folder: Path) -> None:
    root, archive = folder / "debian", folder / "debian.tar"
    packages = "--include=python3,python3-pip,python3-venv,ca-certificates"
    _run("debootstrap", "--variant=minbase", packages, _RELEASE, str(root))
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    (root / "usr/bin/python").symlink_to("python3")
    if trusted := ssl.get_default_verify_paths().cafile:
        shutil.copyfile(trusted, root / _BUNDLE)  # Where this machine goes out through a proxy, so do builds.
    _run("tar", "-C", str(root), *(f"--exclude=./{each}/*" for each in _LEFT_OUT), "-cf", str(archive), ".")
    engine.docker("import", str(archive), PYTHON)
    archive.unlink()
    shutil.rmtree(root)


def _make_redis(engine: Engine, folder: Path) -> None:
    context = folder / "redis"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(
        f"FROM {PYTHON}\n"
        "RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server"
        " && rm -rf /var/lib/apt/lists/*\n"
    )
    engine.docker("build", "--tag", REDIS, str(context))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EngineMissing(f"{command[0]}: {(done.stderr or done.stdout)[-500:]}")
