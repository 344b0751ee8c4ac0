"""Pure ASGI middleware by which a service serves its gateway alone: both hold one secret."""

import hmac
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from spanbridge_shared.errors import WrongSecret
from spanbridge_shared.serving.headers import header
from spanbridge_shared.serving.open_paths import is_open

HEADER = "x-spanbridge-secret"


class SharedSecret:
    """Refuses requests that don't show the secret; probes, metrics and documentation stay open."""

    def __init__(self, app: ASGIApp, secret: str, answer: Callable[[Exception], Response]) -> None:
        self.app = app
        self.secret = secret.encode()
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or is_open(scope):
            await self.app(scope, receive, send)
            return
        shown = header(scope, HEADER.encode())
        # In constant time, so that nobody can find the secret out sign by sign.
        if shown is not None and hmac.compare_digest(shown.encode("latin-1"), self.secret):
            await self.app(scope, receive, send)
            return
        what = "has none" if shown is None else "has another one"
        fault = WrongSecret(
            f"this service serves its gateway alone, which shows the secret SPANBRIDGE_SECRET; the request {what}"
        )
        await self.answer(fault)(scope, receive, send)
