"""The compose file's containers, started once for all tests, and what the tests ask of them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.compose.engine import Engine

SERVICES = ("gateway", "translation", "alignment", "projection", "ner-teacher")
_PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Stack:
    """A running project of the repository's compose file; `figures` collects what the last line tells."""

    engine: Engine
    root: Path
    project: str
    port: int
    figures: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the gateway is, from outside."""
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run `docker compose` in the repository and return its output."""
        told = self.engine.docker(
            "compose", "--project-directory", str(self.root), "--project-name", self.project, *arguments, check=check
        )
        return told.stdout

    def container(self, service: str) -> str:
        """Return a service's container, running or not."""
        return self.compose("ps", "--all", "--quiet", service).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's container."""
        (found,) = json.loads(self.engine.docker("inspect", self.container(service)).stdout)
        return dict(found)

    def inside(self, service: str, *command: str, check: bool = True) -> str:
        """Run a command in a service's container."""
        return self.engine.docker("exec", self.container(service), *command, check=check).stdout.strip()

    def health(self, service: str) -> str:
        """Return `healthy`, `unhealthy` or `starting`, or what keeps the container from being any of these."""
        state = self.inspect(service)["State"]
        return str(state["Health"]["Status"] if state["Status"] == "running" else state["Status"])

    def is_healthy(self, service: str) -> bool:
        """Say whether a service's container is healthy just now."""
        return self.health(service) == "healthy"

    def wait_until(self, holds: Callable[[], bool], what: str) -> float:
        """Wait until something holds and return how many seconds that took; fails after two minutes."""
        start = time.monotonic()
        while not holds():
            assert time.monotonic() - start < _PATIENCE_S, f"{what} didn't come within {_PATIENCE_S} s"
            time.sleep(0.25)
        return time.monotonic() - start

    def post(self, text: str, **fields: Any) -> httpx.Response:
        """Send one Swahili sentence to the gateway."""
        body = {"sentences": [{"text": text}], "lang": "swh_Latn", **fields}
        return httpx.post(f"{self.url}/v1/project", json=body, timeout=120)

    def answers(self, text: str) -> bool:
        """Say whether the gateway answers at all just now."""
        return self.post(text).status_code == httpx.codes.OK

    def result(self, text: str, **fields: Any) -> dict[str, Any]:
        """Return a sentence's result; fails where the gateway gives none."""
        response = self.post(text, **fields)
        assert response.status_code == 200, response.text
        (found,) = response.json()["results"]
        assert found["error"] is None
        return dict(found)
