"""Pure ASGI middleware: the context of a request, that is its id, trace, metrics and access log."""

import asyncio
import logging
import time
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanbridge_shared.serving.headers import header
from spanbridge_shared.serving.telemetry import (
    REQUEST_ID,
    REQUEST_SECONDS,
    REQUESTS,
    TRACEPARENT,
    new_request_id,
    safe_traceparent,
)

_log = logging.getLogger("spanbridge.access")
_errors = logging.getLogger("spanbridge.errors")
_CLIENT_LEFT = 499
_QUIET = {"/healthz", "/readyz", "/metrics"}


class RequestContext:
    """Gives every request an id and a trace context, counts it, times it, and logs it without its text.

    What nobody expected is logged and answered here, under the request's id.
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
        request_id = new_request_id(header(scope, b"x-request-id"))
        tokens = REQUEST_ID.set(request_id), TRACEPARENT.set(safe_traceparent(header(scope, b"traceparent")))
        status = 0
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            status = status or _CLIENT_LEFT
            raise
        except Exception as fault:  # noqa: BLE001 - logged and answered.
            # Answered here and not by Starlette, whose handler runs outside, where the request's id is gone.
            _errors.exception("unexpected %s", type(fault).__name__)
            if status:
                raise RuntimeError("the answer broke off") from None  # The server must cut the connection.
            await self.answer(fault)(scope, receive, send_with_id)
        finally:
            self._record(scope, status, time.perf_counter() - started)
            REQUEST_ID.reset(tokens[0])
            TRACEPARENT.reset(tokens[1])

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's template, never the path: paths are the client's words and would make labels without bound.
        route = getattr(scope.get("route"), "path", "unmatched")
        REQUESTS.labels(self.service, route, str(status)).inc()
        REQUEST_SECONDS.labels(self.service, route).observe(seconds)
        fields = {"service": self.service, "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        level = logging.DEBUG if route in _QUIET else logging.INFO
        _log.log(level, "%s %s", scope["method"], route, extra={"fields": fields})
