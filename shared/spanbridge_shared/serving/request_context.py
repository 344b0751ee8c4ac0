"""Pure ASGI middleware: the context of a request, that is its id, trace, metrics and access log."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanbridge_shared.serving.headers import header
from spanbridge_shared.serving.request_facts import FACTS, RequestFacts
from spanbridge_shared.serving.telemetry import (
    IN_FLIGHT,
    REQUEST_ID,
    REQUEST_SECONDS,
    REQUESTS,
    SENTENCES,
    TRACEPARENT,
    TRACESTATE,
    new_request_id,
    safe_traceparent,
    safe_tracestate,
)
from spanbridge_shared.serving.tracing import ACTIVE_SPAN, ActiveSpan, Tracing

_log = logging.getLogger("spanbridge.access")
_errors = logging.getLogger("spanbridge.errors")
_VERBS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
_CLIENT_LEFT = 499
_SERVER_FAULT = 500
_QUIET = {"/healthz", "/readyz", "/metrics"}
"""Asked every few seconds: logged at DEBUG only, and never traced."""
_TRACED_AS_CHILD_ONLY = {"/v1/info"}
"""What a gateway asks to answer /readyz; on its own it would begin traces that nobody looks for."""


class RequestContext:
    """Gives every request an id and a trace context, counts it, times it, and logs it without its text.

    What nobody expected is logged and answered here, under the request's id.
    """

    def __init__(
        self, app: ASGIApp, service: str, answer: Callable[[Exception], Response], tracing: Tracing | None = None
    ) -> None:
        self.app = app
        self.service = service
        self.answer = answer
        self.tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = _with_ascii_query(scope)
        request_id = new_request_id(header(scope, b"x-request-id"))
        span, facts = self._begin_span(scope), RequestFacts()
        status = 0
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        with _set({REQUEST_ID: request_id, FACTS: facts, ACTIVE_SPAN: span, **_trace_context(scope, span)}):
            IN_FLIGHT.labels(self.service).inc()
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
                IN_FLIGHT.labels(self.service).dec()
                self._record(scope, status, time.perf_counter() - started, facts, span)

    def _begin_span(self, scope: Scope) -> ActiveSpan | None:
        if self.tracing is None or scope["path"] in _QUIET:
            return None
        incoming = {name: value for name, value in _offered(scope).items() if value is not None}
        if not incoming and scope["path"] in _TRACED_AS_CHILD_ONLY:
            return None
        return self.tracing.server_span(_verb(scope), incoming)

    def _record(self, scope: Scope, status: int, seconds: float, facts: RequestFacts, span: ActiveSpan | None) -> None:
        # The route's template, never the path: paths are the client's words and would make labels without bound.
        route = getattr(scope.get("route"), "path", "unmatched")
        REQUESTS.labels(self.service, route, str(status)).inc()
        REQUEST_SECONDS.labels(self.service, route).observe(seconds)
        if facts.sentences:
            SENTENCES.labels(self.service, route, "ok").inc(facts.sentences - facts.failed)
            SENTENCES.labels(self.service, route, "failed").inc(facts.failed)
        told = facts.fields()
        fields = {"service": self.service, "route": route, "status": status, "ms": round(1000 * seconds, 1), **told}
        level = logging.DEBUG if route in _QUIET else logging.INFO
        _log.log(level, "%s %s", _verb(scope), route, extra={"fields": fields})
        if span is not None:
            attributes = {"http.route": route, "http.response.status_code": status}
            attributes |= {f"spanbridge.{name}": value for name, value in told.items()}
            attributes["spanbridge.request_id"] = REQUEST_ID.get() or ""
            span.end(attributes, name=f"{_verb(scope)} {route}", failed=status >= _SERVER_FAULT)


def _with_ascii_query(scope: Scope) -> Scope:
    """Return the scope with its query's bytes encoded: Starlette fails on raw ones where it redirects."""
    query: bytes = scope.get("query_string", b"")
    if query.isascii():
        return scope
    return {**scope, "query_string": b"".join(b"%%%02X" % each if each > 127 else bytes([each]) for each in query)}


def _verb(scope: Scope) -> str:
    """Return the HTTP method, where it is one: any other word is the client's, and may say anything."""
    verb: str = scope["method"]
    return verb if verb in _VERBS else "_OTHER"


def _offered(scope: Scope) -> dict[str, str | None]:
    """Return the request's W3C headers, each None where it is missing or none that may be passed on."""
    traceparent = safe_traceparent(header(scope, b"traceparent"))
    state = safe_tracestate(header(scope, b"tracestate")) if traceparent else None
    return {"traceparent": traceparent, "tracestate": state}


def _trace_context(scope: Scope, span: ActiveSpan | None) -> dict[ContextVar[Any], str | None]:
    """Return what the services behind this one get to see: this request's span, or what the client sent."""
    headers = _offered(scope) if span is None else span.headers()
    return {TRACEPARENT: headers.get("traceparent"), TRACESTATE: headers.get("tracestate")}


@contextmanager
def _set(values: dict[ContextVar[Any], Any]) -> Iterator[None]:
    tokens = [(variable, variable.set(value)) for variable, value in values.items()]
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)
