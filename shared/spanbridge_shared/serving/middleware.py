"""Pure ASGI middleware: request context (id, trace, metrics, access log) and the body limit."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanbridge_shared.errors import PayloadTooLarge
from spanbridge_shared.serving.telemetry import (
    REQUEST_ID,
    REQUEST_SECONDS,
    REQUESTS,
    TRACEPARENT,
    new_request_id,
    safe_traceparent,
)

_log = logging.getLogger("spanbridge.access")
_QUIET = {"/healthz", "/readyz", "/metrics"}


def _header(scope: Scope, name: bytes) -> str | None:
    found = next((value for key, value in scope["headers"] if key == name), None)
    return found.decode("latin-1") if found is not None else None


class RequestContext:
    """Gives every request an id and a trace context, counts it, times it, and logs it without its text."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = new_request_id(_header(scope, b"x-request-id"))
        tokens = REQUEST_ID.set(request_id), TRACEPARENT.set(safe_traceparent(_header(scope, b"traceparent")))
        status = 500
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
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


class BodyLimit:
    """Refuses bodies above a size, by their declared length or while they arrive."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = _header(scope, b"content-length")
        if declared is not None and declared.isdecimal() and int(declared) > self.max_bytes:
            raise self._fault()
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.max_bytes:
                raise self._fault()
            return message

        await self.app(scope, counted, send)

    def _fault(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"the body is over {self.max_bytes:,} bytes; send fewer sentences at a time")
