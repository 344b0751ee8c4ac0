"""Calls to the services behind this one, measured: their times by outcome, and a span each where spans are made."""

import time
from types import TracebackType

import httpx

from spanbridge_shared.serving.telemetry import TRACEPARENT, TRACESTATE, UPSTREAM_SECONDS
from spanbridge_shared.serving.tracing import ACTIVE_SPAN, ActiveSpan

_ABANDONED = "abandoned"
"""The caller stopped waiting: its time was up, or its own client left."""
_OVERLOADED = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


class Observed(httpx.AsyncBaseTransport):
    """A transport around another one, to one service; times run until the answer begins."""

    def __init__(self, inner: httpx.AsyncBaseTransport, upstream: str) -> None:
        self._inner = inner
        self._upstream = upstream

    async def __aenter__(self) -> "Observed":
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(exc_type, exc_value, traceback)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on."""
        span = self._span(request)
        attributes: dict[str, str | int] = {}
        outcome = _ABANDONED
        started = time.perf_counter()
        try:
            response = await self._inner.handle_async_request(request)
            outcome = outcome_of(response.status_code)
            attributes["http.response.status_code"] = response.status_code
            return response
        except Exception as fault:
            outcome = "failed"
            attributes["error.type"] = type(fault).__name__
            raise
        finally:
            UPSTREAM_SECONDS.labels(self._upstream, outcome).observe(time.perf_counter() - started)
            if span is not None:
                span.end({**attributes, "spanbridge.outcome": outcome}, failed=outcome != "ok")

    def _span(self, request: httpx.Request) -> ActiveSpan | None:
        """Start the call's span, if its request has one, and tell the service whose child its own is."""
        request.headers.update(trace_headers())
        parent = ACTIVE_SPAN.get()
        if parent is None:
            return None
        # The path is one of the clients' own, never a user's words.
        attributes = {
            "http.request.method": request.method,
            "url.path": request.url.path,
            "spanbridge.upstream": self._upstream,
        }
        span = parent.client_span(f"{request.method} {self._upstream} {request.url.path}", attributes)
        request.headers.update(span.headers())
        return span


def trace_headers() -> dict[str, str]:
    """Return the W3C headers of the request that is being answered, for whoever is asked on its behalf."""
    traceparent, tracestate = TRACEPARENT.get(), TRACESTATE.get()
    headers = {"traceparent": traceparent, "tracestate": tracestate if traceparent else None}
    return {name: value for name, value in headers.items() if value is not None}


def outcome_of(status: int) -> str:
    """Return the outcome that a status stands for.

    >>> [outcome_of(each) for each in (200, 422, 424, 429, 500, 503)]
    ['ok', 'refused', 'failed', 'overloaded', 'failed', 'overloaded']
    """
    if status in _OVERLOADED:
        return "overloaded"
    if status == httpx.codes.FAILED_DEPENDENCY or httpx.codes.is_server_error(status):
        return "failed"
    return "refused" if httpx.codes.is_client_error(status) else "ok"
