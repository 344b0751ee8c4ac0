"""The server under load: a gateway of its own on loopback, every service in its process, as `make run` starts it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

_START_S = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and its address."""

    url: str
    process: "subprocess.Popen[bytes]"

    def resident_mb(self) -> float:
        """Return the memory that the server holds, in megabytes; Linux alone can tell."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the server has no resident memory; has it ended?")


@contextmanager
def running(settings: Mapping[str, str]) -> Iterator[Server]:
    """Start a server with these settings more, wait until it is ready, and stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"SPANBRIDGE_GATEWAY_PORT": str(port), "SPANBRIDGE_GATEWAY_LOG_LEVEL": "ERROR"}
    process = subprocess.Popen([sys.executable, "-m", "spanbridge_gateway"], env={**os.environ, **own, **settings})
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        _wait(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended with {server.process.returncode}")
        try:
            if httpx.get(f"{server.url}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # Not listening yet.
        time.sleep(0.1)
    raise RuntimeError(f"the server wasn't ready within {_START_S:g} s")
