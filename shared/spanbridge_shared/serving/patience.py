"""Pure ASGI middleware that ends a request's work once nobody waits for it: its time is over, or its client left."""

import asyncio
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanbridge_shared import deadline
from spanbridge_shared.errors import ClientLeft, DeadlineExceeded, InvalidRequest, SpanbridgeError
from spanbridge_shared.serving.headers import header
from spanbridge_shared.serving.telemetry import DEADLINES

_HEADER = deadline.HEADER.encode()


class Patience:
    """Cancels the handler at the request's deadline, or when the client closes the connection before its answer.

    Starlette does neither. All that the handler calls sees the deadline as `deadline.DEADLINE`. A client is watched
    once its body was read; what reads no body is short.
    """

    def __init__(self, app: ASGIApp, service: str, answer: Callable[[Exception], Response]) -> None:
        self.app = app
        self.service = service
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            until = self._deadline(scope)
        except (InvalidRequest, DeadlineExceeded) as fault:
            await self.answer(fault)(scope, receive, send)
            return
        limit = asyncio.timeout_at(until)
        exchange = _Exchange(receive, send, limit)
        token = deadline.DEADLINE.set(until)
        try:
            async with limit:
                await self.app(scope, exchange.receive, exchange.send)
        except TimeoutError:
            if not limit.expired():  # The handler's own.
                raise
            await self._give_up(exchange, scope)
        finally:
            exchange.close()
            deadline.DEADLINE.reset(token)

    def _deadline(self, scope: Scope) -> float | None:
        given = header(scope, _HEADER)
        if given is None:
            return None
        seconds = deadline.read_deadline(given)
        if seconds <= 0:
            raise self._too_late()
        return asyncio.get_running_loop().time() + seconds

    async def _give_up(self, exchange: "_Exchange", scope: Scope) -> None:
        left = exchange.gone.is_set()
        fault: SpanbridgeError = ClientLeft("the client left before the answer") if left else self._too_late()
        if not exchange.begun:
            # To a client that has left it says nothing; the log and the metrics get their status from it.
            await self.answer(fault)(scope, exchange.receive, exchange.send)
        elif not left:
            raise fault from None  # Half an answer is out: the server must cut the connection.

    def _too_late(self) -> DeadlineExceeded:
        DEADLINES.labels(self.service).inc()
        return DeadlineExceeded(
            "the time that X-Request-Deadline gave this request is over; give it more, or send fewer sentences"
        )


class _Exchange:
    """One request and its answer, as they pass; `limit` is made to strike when the client leaves."""

    def __init__(self, receive: Receive, send: Send, limit: asyncio.Timeout) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._watch: asyncio.Task[None] | None = None
        self._answered = False
        self.gone = asyncio.Event()
        self.begun = False

    def close(self) -> None:
        """Watch no longer."""
        if self._watch is not None:
            self._watch.cancel()

    async def receive(self) -> Message:
        """Pass a part of the body on; once it is complete, the watch alone listens."""
        if self._watch is not None:
            await self.gone.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.gone.set()
        elif not message.get("more_body", False):
            self._watch = asyncio.create_task(self._wait_until_gone())
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        self.begun = True
        # Servers say that the client is gone when they have sent all, too.
        self._answered = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def _wait_until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._answered and not self._limit.expired():
            self.gone.set()
            self._limit.reschedule(asyncio.get_running_loop().time())
