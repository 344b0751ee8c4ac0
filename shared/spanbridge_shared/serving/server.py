"""The server that every process runs: uvicorn, with an end that loses no request."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from spanbridge_shared.errors import NotReady
from spanbridge_shared.serving.service_app import fault_answer

DRAIN_S = 30
"""Seconds that accepted requests have left from SIGTERM on."""
MAX_HEAD_BYTES = 1_000_000
"""About: what comes in one piece with the end of a body is counted with the next head."""
KEEP_ALIVE_S = 75
"""Longer than any client's: one that closes first can't send into a connection that is being closed."""
_LAST_REQUEST_TURNS, _TURN_S = 50, 0.02
"""How often, and for how long each time, it waits for open connections to have their last request: a second."""
_CLOSE = (b"connection", b"close")
_GARBAGE = (10_000, 50, 100)
"""When to look for garbage: seldom among what is long-lived, which are a thousand requests that wait for their turn."""


class DrainingServer(uvicorn.Server):
    """Answers, once told to end, what was accepted, and exits with 0; a second Ctrl-C ends it at once.

    uvicorn alone cuts connections that are kept alive, though the next request may be on its way in them; and in the
    end it raises the signal again, which interrupts what still shuts down.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals while serving."""
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, self.handle_exit) for each in handled}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load and listen; then leave what was loaded out of garbage collection.

        Models and libraries are hundreds of thousands of objects, which stay. Going over them again and again stopped
        a server under load for half a second at a time, and took half of its throughput.
        """
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GARBAGE)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no connections, let each open one have a last request, then end as uvicorn does."""
        await self._accept_the_last()
        # All requests of the connections that are open now get this header: their clients then open no others here.
        headers = self.server_state.default_headers
        headers.append(_CLOSE)
        for connection in self.server_state.connections:
            cycle = getattr(connection, "cycle", None)
            if cycle is not None:
                cycle.default_headers = headers
        for _ in range(_LAST_REQUEST_TURNS):
            if not self.server_state.connections or self.force_exit:
                break
            await asyncio.sleep(_TURN_S)
        await super().shutdown(sockets)

    async def _accept_the_last(self) -> None:
        """Stop listening, but take the connections that the system has accepted already: closing would cut them."""
        loop = asyncio.get_running_loop()
        # By their descriptors: uvloop's sockets can't be copied.
        listeners = [socket.socket(fileno=os.dup(each.fileno())) for server in self.servers for each in server.sockets]
        for server in self.servers:
            server.close()
        for listener in listeners:
            arrived = list(_waiting(listener))
            listener.close()
            for connection in arrived:
                await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


class BoundedHeads(HttpToolsProtocol):
    """Refuses a head without end: httptools keeps whatever comes until it is complete."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_head = True
        self._head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take what came, and count it while a head isn't complete."""
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        """Count no more: the body has a limit of its own."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count again: the next head may come."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    listener.setblocking(False)
    try:
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection
    except OSError:
        return  # There are no more.


def server_config(app: ASGIApp, **options: Any) -> uvicorn.Config:
    """Return uvicorn's settings, the same for every process but for `options`."""
    chosen = {
        "access_log": False,
        "http": BoundedHeads,
        "loop": "asyncio",  # uvloop accepts one connection a turn, and takes long turns under load: it can't refuse.
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": DRAIN_S,
    }
    return uvicorn.Config(_refusing_at_the_end(app), **{**chosen, **options})


def _refusing_at_the_end(app: ASGIApp) -> ASGIApp:
    """Answer 503 where uvicorn cancels a request because the time to drain is over; itself it would say 500."""

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, noted)
        except asyncio.CancelledError:
            if scope["type"] != "http" or begun:
                raise
            await fault_answer(NotReady("the server is stopping, and had no time left for this request"))(
                scope, receive, send
            )

    return refusing
