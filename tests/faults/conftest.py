"""One set of processes for the tests of this folder: four services, a proxy before each, and a gateway behind those."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.faults.proxy import FaultyProxy, proxies
from tests.faults.remote import SERVICES, Server, faults_told, gateway_of, running, server

_numbers = itertools.count()

Processes = tuple[dict[str, Server], dict[str, FaultyProxy], Server]
"""Services and proxies by name, and the gateway."""


def fresh() -> dict[str, str]:
    """A sentence that nobody has seen yet."""
    return {"text": f"Rais Samia alitembelea Nairobi mara {next(_numbers)}."}


@dataclass
class Stage:
    """What a test has."""

    services: dict[str, Server]
    proxies: dict[str, FaultyProxy]
    gateway: Server
    http: httpx.AsyncClient

    async def project(
        self, method: str = "candidates", *, deadline: float | None = None, **fields: Any
    ) -> httpx.Response:
        request = {"sentences": [fresh()], "lang": "swh_Latn", "method": method, **fields}
        headers = {} if deadline is None else {"X-Request-Deadline": str(deadline)}
        return await self.http.post("/v1/project", json=request, headers=headers)

    async def until_well(self) -> None:
        """Wait until the gateway says that all services answer, and one sentence passes them all."""
        async with asyncio.timeout(30):
            while not await self._is_well():  # noqa: ASYNC110 - other processes get well.
                await asyncio.sleep(0.05)

    async def _is_well(self) -> bool:
        ready = await self.http.get("/readyz")
        return ready.status_code == 200 and (await self.project()).status_code == 200


@pytest.fixture(scope="session")
def _processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    folder = tmp_path_factory.mktemp("faults")
    services = {name: server(name, folder) for name in SERVICES}
    with running(list(services.values())), proxies({name: [each.port] for name, each in services.items()}) as between:
        gateway = gateway_of({name: each.url for name, each in between.items()}, folder)
        with running([gateway]):
            yield services, between, gateway
    # Whatever happened, nobody met what they didn't expect.
    for each in (gateway, *services.values()):
        assert faults_told(each.log) == []


@pytest.fixture
async def stage(_processes: Processes) -> AsyncIterator[Stage]:
    services, between, gateway = _processes
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30, limits=limits) as http:
        found = Stage(services, between, gateway, http)
        await found.until_well()
        yield found
        for each in between.values():
            each.heal()
