"""A service that hangs is given up and found again; what services said of themselves holds while one is away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_gateway.watching import Watch
from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.errors import NotReady, UpstreamFailed
from tests.support.gateway import STUBS
from tests.support.serving import until

PATIENCE_S = 0.02


class Service:
    """Answers work once `works` is set, its health check once `lives` is; `asked` counts what is asked of it."""

    def __init__(self) -> None:
        self.works, self.lives = asyncio.Event(), asyncio.Event()
        self.asked = 0
        self.refuses = False

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.refuses:
            raise httpx.ConnectError("refused")
        if request.url.path == "/healthz":
            await self.lives.wait()
            return httpx.Response(200)
        self.asked += 1
        await self.works.wait()
        return httpx.Response(200, json={"error": "a", "detail": "b"})


@asynccontextmanager
async def watched(service: Service) -> AsyncIterator[ServiceClient]:
    http = httpx.AsyncClient(transport=httpx.MockTransport(service), base_url="http://service")
    client = ServiceClient("translation", http)
    watching = asyncio.create_task(Watch(client, http, patience_s=PATIENCE_S).run())
    try:
        yield client
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def ask(client: ServiceClient) -> ErrorBody:
    return await client.get("/v1/info", ErrorBody)


async def test_a_service_that_hangs_is_given_up_until_it_answers() -> None:
    service = Service()
    async with watched(service) as client, asyncio.timeout(10):
        with pytest.raises(UpstreamFailed, match="translation hangs"):
            await ask(client)
        assert service.asked == 1
        with pytest.raises(UpstreamFailed, match="translation hangs"):
            await ask(client)
        assert service.asked == 1  # It wasn't even asked.
        service.works.set()
        service.lives.set()
        await until(lambda: client.away is None)
        assert (await ask(client)).error == "a"


async def test_a_service_that_works_long_is_waited_for() -> None:
    service = Service()
    service.lives.set()
    async with watched(service) as client, asyncio.timeout(10):
        asking = asyncio.create_task(ask(client))
        await asyncio.sleep(10 * PATIENCE_S)
        assert not asking.done()
        assert client.longest_wait() >= 10 * PATIENCE_S
        service.works.set()
        assert (await asking).error == "a"
        assert client.longest_wait() == 0


async def test_a_service_that_is_gone_does_not_hang() -> None:
    service = Service()
    async with watched(service) as client, asyncio.timeout(10):
        with pytest.raises(UpstreamFailed, match="translation hangs"):
            await ask(client)
        service.refuses = True  # Its process ended.
        await until(lambda: client.away is None)
        with pytest.raises(UpstreamFailed, match="can't be reached"):
            await ask(client)


@pytest.mark.parametrize("fault", [httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError])
async def test_a_call_whose_connection_breaks_is_made_again(fault: Callable[[str], Exception]) -> None:
    """Regression: a service that was restarted failed requests that another process of it could have answered."""
    asked: list[int] = []

    async def breaks(request: httpx.Request) -> httpx.Response:
        asked.append(1)
        if len(asked) % 4:
            raise fault("broken")
        return httpx.Response(200, json={"error": "a", "detail": "b"})

    client = ServiceClient("t", httpx.AsyncClient(transport=httpx.MockTransport(breaks), base_url="http://t"))
    with pytest.raises(UpstreamFailed, match="t can't be reached"):
        await ask(client)
    assert len(asked) == 3
    assert (await ask(client)).error == "a"
    assert len(asked) == 4


async def test_what_services_said_holds_while_one_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: from 30 s on, a service that was down failed all requests, also those that don't need it."""
    for name, value in STUBS.items():
        monkeypatch.setenv(name, value)
    app = create_app(GatewaySettings(log_level="ERROR", info_ttl_s=0))
    async with app.router.lifespan_context(app):
        upstreams = app.state.engine.upstreams
        before = await upstreams.infos()

        async def down() -> None:
            raise UpstreamFailed("translation can't be reached: ConnectError")

        monkeypatch.setattr(upstreams.translation, "info", down)
        assert await upstreams.infos() == before
        with pytest.raises(NotReady, match="translation can't be reached") as fault:
            await upstreams.check()
        assert "alignment" not in fault.value.detail


async def test_a_service_that_was_never_seen_fails_by_name_and_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in STUBS.items():
        monkeypatch.setenv(name, value)
    app = create_app(GatewaySettings(log_level="ERROR", hang_s=0.05))
    async with app.router.lifespan_context(app):
        upstreams = app.state.engine.upstreams

        async def hangs() -> None:
            await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            patch.setattr(upstreams.alignment, "info", hangs)
            told = await asyncio.gather(*(upstreams.infos() for _ in range(3)), return_exceptions=True)
            assert [type(each) for each in told] == [UpstreamFailed] * 3
            assert all("alignment gave no answer" in str(each) for each in told)
        assert (await upstreams.infos()).alignment.service == "alignment"
