"""The real programs: started on loopback with folders of their own, stopped again, their output in a file."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "tools"
"""Where `make test-tools` has installed the tools, each in an environment of its own."""

_START_S = 300
_STOP_S = 30


@dataclass(frozen=True)
class Server:
    """A running program: its address, and the file that has its output."""

    url: str
    log: Path

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def program(tool: str, name: str) -> str:
    """Return the path of a tool's program; fails where it isn't installed."""
    path = TOOLS / tool / "bin" / name
    assert path.is_file(), f"{path} is missing: run `make test-tools`"
    return str(path)


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment, without proxies between programs of one machine."""
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return {**kept, "NO_PROXY": "*", "PYTHONUNBUFFERED": "1", **more}


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str], log: Path, ready: str, cwd: Path) -> Iterator[Server]:
    """Give a server once `ready` answers with 200; end it, and what it started, afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=dict(env), cwd=cwd, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(process, ready, log)
        yield Server(ready[: ready.index("/", len("http://"))], log)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_S)


def _wait(process: "subprocess.Popen[bytes]", ready: str, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        told = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}:\n{told}"
        try:
            if httpx.get(ready, timeout=10, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # Not listening yet.
        time.sleep(0.2)
    raise AssertionError(f"{ready} never answered:\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def spanbridge(folder: Path, **settings: str) -> Iterator[Server]:
    """Give a gateway with the shipped models."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("spanbridge")), "serve", "--port", str(port), "--verbose"]
    ready = f"http://127.0.0.1:{port}/readyz"
    with running(command, environment(**settings), folder / "spanbridge.log", ready, ROOT) as server:
        yield server


def cli(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the `spanbridge` command as its users do."""
    command = [str(Path(sys.executable).with_name("spanbridge")), *arguments]
    return subprocess.run(
        command, env=environment(**env), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def native(gateway: Server, tasks: Sequence[Mapping[str, str]], **fields: Any) -> list[list[tuple[int, int, str]]]:
    """Return what `POST /v1/project` finds in each task's text: (start, end, label)."""
    found: dict[int, list[tuple[int, int, str]]] = {}
    for lang in {task["lang"] for task in tasks}:
        places = [place for place, task in enumerate(tasks) if task["lang"] == lang]
        sentences = [{"id": place, "text": tasks[place]["text"]} for place in places]
        body = {"sentences": sentences, "lang": lang, **fields}
        response = httpx.post(f"{gateway.url}/v1/project", json=body, timeout=300, trust_env=False)
        assert response.status_code == 200, response.text
        for result in response.json()["results"]:
            assert result["error"] is None
            found[result["id"]] = [(each["start"], each["end"], each["label"]) for each in result["entities"]]
    return [found[place] for place in range(len(tasks))]
