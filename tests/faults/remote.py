"""The product as several processes on loopback, with stubs for models; each can be killed, stopped and restarted."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.gateway import STUBS
from tests.support.processes import free_port, wait_until_ready

SERVICES = ("translation", "alignment", "projection", "ner_teacher")
TIMEOUT_S, HANG_S, READY_S = 1.5, 0.5, 0.6
"""The gateway's limits here: of a call to a service, of a sign of life, of readiness."""

_ENVIRONMENT = STUBS | {
    "SPANBRIDGE_NER_TEACHER_MULTILINGUAL": "stub:",
    "SPANBRIDGE_NER_TEACHER_STUDENT": "stub:",
    "SPANBRIDGE_GATEWAY_TIMEOUT_S": str(TIMEOUT_S),
    "SPANBRIDGE_GATEWAY_HANG_S": str(HANG_S),
    "SPANBRIDGE_GATEWAY_READY_S": str(READY_S),
    "SPANBRIDGE_GATEWAY_INFO_TTL_S": "0.2",  # So that what services say of themselves is asked for during faults.
    **{f"SPANBRIDGE_{name.upper()}_CACHE_URL": "none://" for name in (*SERVICES, "gateway")},
    **{f"SPANBRIDGE_{name.upper()}_LOG_LEVEL": "WARNING" for name in (*SERVICES, "gateway")},
}


@dataclass
class Server:
    """One process of the product, and its log."""

    name: str
    port: int
    log: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]" = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        own = os.environ | self.environment | {f"SPANBRIDGE_{self.name.upper()}_PORT": str(self.port)}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", f"spanbridge_{self.name}"]
            self.process = subprocess.Popen(command, env=own, stdout=log, stderr=log)

    def wait(self) -> None:
        wait_until_ready(self.url, self.process)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=20)

    def resident_mb(self) -> float:
        """Return its memory in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("no VmRSS")


def server(name: str, folder: Path, **environment: str) -> Server:
    """A process that isn't started yet; `environment` are settings beside the stubs' own."""
    return Server(name, free_port(), folder / f"{name}.log", _ENVIRONMENT | environment)


@contextmanager
def running(servers: list[Server]) -> Iterator[None]:
    """Start processes, wait until they are ready, and end them."""
    try:
        for each in servers:
            each.start()
        for each in servers:
            each.wait()
        yield
    finally:
        for each in servers:
            if hasattr(each, "process"):
                each.end()


def gateway_of(urls: dict[str, str], folder: Path, **environment: str) -> Server:
    """A gateway of the services at these addresses; not started yet."""
    settings = {f"SPANBRIDGE_GATEWAY_{name.upper()}_URL": url for name, url in urls.items()}
    return server("gateway", folder, **settings, **environment)


def faults_told(log: Path) -> list[str]:
    """Return the lines of a log that tell of what nobody expected."""
    lines = log.read_text().splitlines() if log.is_file() else []
    return [line for line in lines if "unexpected" in line or "Traceback" in line or "never retrieved" in line]
