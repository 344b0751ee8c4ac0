"""Pure ASGI middleware that refuses bodies above a size."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanbridge_shared.errors import PayloadTooLarge
from spanbridge_shared.serving.headers import header


class BodyLimit:
    """Refuses bodies above a size, by their declared length or while they arrive."""

    def __init__(self, app: ASGIApp, max_bytes: int, answer: Callable[[Exception], Response]) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = header(scope, b"content-length")
        fault = PayloadTooLarge(f"the body is over {self.max_bytes:,} bytes; send fewer sentences at a time")
        # No integer has to be made of thousands of digits.
        if declared is not None and declared.isdecimal() and (len(declared) > 18 or int(declared) > self.max_bytes):
            await self.answer(fault)(scope, receive, send)
            return
        seen = 0
        answered = False

        async def counted() -> Message:
            nonlocal seen, answered
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.max_bytes and not answered:
                answered = True
                # Answered at once, because FastAPI makes a 400 of whatever is raised while it reads a body.
                await self.answer(fault)(scope, receive, send)
            if answered:
                raise fault
            return message

        async def unless_answered(message: Message) -> None:
            if not answered:
                await send(message)

        try:
            await self.app(scope, counted, unless_answered)
        except PayloadTooLarge:
            if not answered:
                raise
