"""Real server processes on loopback."""

import socket
import subprocess
import time

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
