"""Spans by OpenTelemetry, for whom an OTLP endpoint is set; without one nothing of it is imported here (FastAPI imports
its bare interface by itself).

The spans of all apps of a process go through one queue, which a thread empties. A full queue drops spans, a collector
that fails or hangs is reported in the log: requests never wait for either. Attributes hold names and numbers, no text.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import TYPE_CHECKING

from spanbridge_shared.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import Span, SpanKind, Tracer

_log = logging.getLogger("spanbridge.tracing")
_FLUSH_S = 5.0
"""Seconds that a process which ends gives its last spans."""

Attributes = Mapping[str, str | int]


class ActiveSpan:
    """A span that was started and has yet to end."""

    def __init__(self, tracer: "Tracer", span: "Span") -> None:
        self._tracer = tracer
        self._span = span

    def headers(self) -> dict[str, str]:
        """Return the W3C headers that make what receives them a child of this span."""
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, set_span_in_context(self._span, Context()))
        return carrier

    def client_span(self, name: str, attributes: Attributes) -> "ActiveSpan":
        """Start the span of a call that this one makes."""
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind, set_span_in_context

        return _started(self._tracer, name, SpanKind.CLIENT, attributes, set_span_in_context(self._span, Context()))

    def end(self, attributes: Attributes, *, name: str | None = None, failed: bool = False) -> None:
        """End the span; a failed one gets the status ERROR, without the message, which may quote a text."""
        if name is not None:
            self._span.update_name(name)
        self._span.set_attributes(dict(attributes))
        if failed:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR)
        self._span.end()


ACTIVE_SPAN: ContextVar[ActiveSpan | None] = ContextVar("active_span", default=None)


class Tracing:
    """One service's spans, from `start` to `stop`."""

    def __init__(self, service: str, endpoint: str) -> None:
        """Raise `ConfigurationError` where the endpoint is none, or OpenTelemetry isn't installed."""
        if not endpoint.startswith(("http://", "https://")):
            raise ConfigurationError(
                "OTEL_EXPORTER_OTLP_ENDPOINT must be the address of a collector that takes OTLP over HTTP, "
                "such as http://collector:4318"
            )
        try:
            _exporter(endpoint)  # Here and not in `start`, so that what is lacking is told before a model is loaded.
        except ImportError as fault:
            raise ConfigurationError(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry isn't installed: install the extra `telemetry` "
                "(pip install 'spanbridge-shared[telemetry]'), or unset it"
            ) from fault
        self._service = service
        self._endpoint = endpoint
        self._tracer: Tracer | None = None

    def start(self) -> None:
        """Begin to make spans; raises `ConfigurationError` where OTEL_… variables don't fit each other."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        code = version("spanbridge-shared")
        name = f"spanbridge-{self._service.replace('_', '-')}"
        resource = Resource.create({"service.name": name, "service.version": code})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        try:
            provider.add_span_processor(_join(self._endpoint))
        except ValueError as fault:
            raise ConfigurationError(f"OpenTelemetry can't use its settings, OTEL_BSP_…: {fault}") from fault
        self._tracer = provider.get_tracer("spanbridge", code)

    async def stop(self) -> None:
        """Make no more spans; the last service of the process exports what is left, for a few seconds at most."""
        if self._tracer is None:
            return
        self._tracer = None
        queue = _leave(self._endpoint)
        if queue is None:
            return
        # A thread that nothing waits for at exit: the exporter's own retries may take half a minute.
        flush = threading.Thread(target=queue.shutdown, name="spans-flush", daemon=True)
        flush.start()
        await asyncio.to_thread(flush.join, _FLUSH_S)
        if flush.is_alive():
            _log.warning("the collector took no spans for %g s; the last ones are lost", _FLUSH_S)

    def server_span(self, verb: str, incoming: Mapping[str, str]) -> ActiveSpan | None:
        """Start a request's span, a child of the incoming W3C headers; None where nothing was started."""
        if self._tracer is None:
            return None
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(incoming, Context())
        return _started(self._tracer, verb, SpanKind.SERVER, {"http.request.method": verb}, parent)


def open_tracing(service: str, endpoint: str) -> Tracing | None:
    """Return a service's tracing, None where there is no endpoint."""
    return Tracing(service, endpoint) if endpoint else None


@asynccontextmanager
async def making_spans(tracing: Tracing | None) -> AsyncIterator[None]:
    """Make spans while the context is open."""
    if tracing is None:
        yield
        return
    tracing.start()
    try:
        yield
    finally:
        await tracing.stop()


def _started(tracer: "Tracer", name: str, kind: "SpanKind", attributes: Attributes, parent: "Context") -> ActiveSpan:
    return ActiveSpan(tracer, tracer.start_span(name, parent, kind, dict(attributes)))


_queues: dict[str, tuple["BatchSpanProcessor", int]] = {}
_queues_lock = threading.Lock()


def _exporter(endpoint: str) -> "OTLPSpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")


def _join(endpoint: str) -> "BatchSpanProcessor":
    """Return the process's queue for an endpoint."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    with _queues_lock:
        queue, users = _queues.get(endpoint) or (BatchSpanProcessor(_exporter(endpoint)), 0)
        _queues[endpoint] = queue, users + 1
        return queue


def _leave(endpoint: str) -> "BatchSpanProcessor | None":
    """Give a queue up; return it to whoever is its last user, who must shut it down."""
    with _queues_lock:
        queue, users = _queues.pop(endpoint)
        if users > 1:
            _queues[endpoint] = queue, users - 1
            return None
        return queue
