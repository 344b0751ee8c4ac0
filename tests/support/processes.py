"""Real server processes on loopback."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx


def free_port() -> int:
    """Return a port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a server says that it is ready; raises where it ends or takes two minutes."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            if httpx.get(f"{url}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # Not listening yet.
        time.sleep(0.1)
    raise RuntimeError(f"{url} never became ready")


@contextmanager
def pipeline(logs: Path, environment: Mapping[str, str], *, services: tuple[str, ...]) -> Iterator[str]:
    """Start a gateway, and these services in processes of their own, in an environment; yield its address.

    Each process's log is in the folder; all have ended, by SIGTERM, when this is left.
    """
    processes: list[subprocess.Popen[bytes]] = []
    settings = dict(environment)

    def start(name: str) -> str:
        port = free_port()
        own = settings | {f"SPANBRIDGE_{name.upper()}_PORT": str(port)}
        with (logs / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", f"spanbridge_{name}"]
            processes.append(subprocess.Popen(command, env=own, stdout=log, stderr=log))
        return f"http://127.0.0.1:{port}"

    try:
        urls = {name: start(name) for name in services}
        for url, process in zip(urls.values(), processes, strict=True):
            wait_until_ready(url, process)
        settings |= {f"SPANBRIDGE_GATEWAY_{name.upper()}_URL": url for name, url in urls.items()}
        gateway = start("gateway")
        wait_until_ready(gateway, processes[-1])
        yield gateway
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=60)
