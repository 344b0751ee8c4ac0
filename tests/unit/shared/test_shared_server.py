"""How a server ends: what is still in work when the time to drain is over is told so, and new ones are refused."""

import asyncio
import socket

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from spanbridge_shared.serving.server import DrainingServer, server_config
from tests.support.serving import until


async def answer(send: Send, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Held:
    """An app whose requests wait for `gate`; those for /quick don't."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        if scope["path"] != "/quick":
            await self.gate.wait()
        await answer(send, b"done")


@pytest.fixture
def listener():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def serve(app, listener, **options):
    server = DrainingServer(server_config(app, lifespan="off", log_config=None, **options))
    return server, asyncio.create_task(server.serve(sockets=[listener]))


async def test_what_outlives_the_time_to_drain_is_told_503(listener):
    """Regression: uvicorn cancels it, and said 500."""
    app = Held()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server, serving = serve(app, listener, timeout_graceful_shutdown=1)
    await until(lambda: server.started)
    async with httpx.AsyncClient(base_url=url, timeout=20) as http:
        waiting = asyncio.create_task(http.get("/"))
        await until(lambda: app.inside)
        server.should_exit = True
        told = await waiting
    await serving
    assert (told.status_code, told.json()["error"]) == (503, "NotReady")


async def test_a_kept_connection_has_a_last_request_and_is_told_to_close(listener):
    """Regression: it was cut at once, though a request may be on its way in it."""
    app = Held()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server, serving = serve(app, listener)
    await until(lambda: server.started)
    async with httpx.AsyncClient(base_url=url, timeout=20) as kept, httpx.AsyncClient(base_url=url) as other:
        assert "connection" not in (await kept.get("/quick")).headers
        waiting = asyncio.create_task(other.get("/"))
        await until(lambda: app.inside == 2)
        server.should_exit = True
        await until(lambda: not server.servers[0].is_serving())
        last = await kept.get("/quick")
        assert (last.text, last.headers["connection"]) == ("done", "close")
        with pytest.raises(httpx.ConnectError):
            await kept.get("/quick")
        app.gate.set()
        assert (await waiting).text == "done"
    await serving


async def test_connections_that_the_system_has_accepted_are_served(listener):
    """Regression: closing the listener cut those that were still in its queue, with their requests."""
    app = Held()
    server, serving = serve(app, listener)
    await until(lambda: server.started)
    # They arrive while the loop is busy, which accepts them no earlier than at its next turn.
    clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
    for client in clients:
        client.sendall(b"GET /quick HTTP/1.1\r\nhost: a\r\n\r\n")
    await server._accept_the_last()
    answers = await asyncio.gather(*(asyncio.to_thread(_read, client) for client in clients))
    assert all(each.endswith(b"done") for each in answers)
    server.should_exit = True
    await serving


def _read(client: socket.socket) -> bytes:
    client.settimeout(10)
    found = b""
    with client:
        while not found.endswith(b"done"):
            more = client.recv(4_096)
            if not more:
                break
            found += more
    return found
