"""Request ids, trace context, metrics and logs.

One metric set per process, told apart by the `service` label, so that the embedded form's `/metrics` shows all of them.
No text of a user ever reaches a log line or a label.
"""

import json
import logging
import re
import time
import traceback
import uuid
from contextvars import ContextVar
from types import TracebackType

from prometheus_client import Counter, Gauge, Histogram

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
TRACESTATE: ContextVar[str | None] = ContextVar("tracestate", default=None)
_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SAFE_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SAFE_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
REQUESTS = Counter("spanbridge_requests_total", "Requests answered.", ["service", "route", "status"])
REQUEST_SECONDS = Histogram("spanbridge_request_seconds", "Time to answer.", ["service", "route"], buckets=_SECONDS)
QUEUE_SECONDS = Histogram(
    "spanbridge_queue_wait_seconds", "Time a sentence waited for a batch.", ["service"], buckets=_SECONDS
)
QUEUE_ITEMS = Gauge("spanbridge_queue_sentences", "Sentences waiting or running.", ["service"])
BATCH_ITEMS = Histogram("spanbridge_batch_sentences", "Sentences in a model call.", ["service"], buckets=_SIZES)
INFERENCE_SECONDS = Histogram("spanbridge_inference_seconds", "Time of a model call.", ["service"], buckets=_SECONDS)
CACHE_READS = Counter("spanbridge_cache_reads_total", "Cache reads by outcome.", ["service", "outcome"])
CACHE_FAILURES = Counter(
    "spanbridge_cache_failures_total",
    "Cache operations that failed: connection, timeout, refused; and values found unreadable.",
    ["service", "reason"],
)
SHED = Counter("spanbridge_shed_sentences_total", "Sentences refused because the queue was full.", ["service"])
RATE_LIMITED = Counter(
    "spanbridge_rate_limited_requests_total", "Requests refused because their key asks too often.", ["service"]
)
DEADLINES = Counter("spanbridge_deadline_exceeded_requests_total", "Requests that ran out of time.", ["service"])
IN_FLIGHT = Gauge("spanbridge_requests_in_flight", "Requests being answered.", ["service"])
SENTENCES = Counter(
    "spanbridge_sentences_total",
    "Sentences answered, ok or with an error of their own.",
    ["service", "route", "outcome"],
)
METHOD_SENTENCES = Counter(
    "spanbridge_method_sentences_total",
    "Sentences that the gateway took to a method, by outcome.",
    ["method", "outcome"],
)
UPSTREAM_SECONDS = Histogram(
    "spanbridge_upstream_seconds",
    "Time of the gateway's calls to a service: ok, refused, overloaded, failed or abandoned.",
    ["upstream", "outcome"],
    buckets=_SECONDS,
)
UPSTREAM_AWAY = Gauge(
    "spanbridge_upstream_away", "1 while a service hangs and is asked for nothing but a sign of life.", ["upstream"]
)
MODEL_INFO = Gauge(
    "spanbridge_model_info", "1; the labels say which code and models run.", ["service", "version", "model_version"]
)


def new_request_id(offered: str | None) -> str:
    """Return the client's request id where it is a safe one, else a new one."""
    return offered if offered and _SAFE_ID.fullmatch(offered) else uuid.uuid4().hex


def safe_traceparent(offered: str | None) -> str | None:
    """Return a well-formed W3C traceparent, or None."""
    return offered if offered and _SAFE_TRACEPARENT.fullmatch(offered) else None


def safe_tracestate(offered: str | None) -> str | None:
    """Return a W3C tracestate that is short and plain, or None; it means nothing without its traceparent."""
    return offered if offered and _SAFE_TRACESTATE.fullmatch(offered) else None


def trace_id() -> str | None:
    """Return the id of the trace that the request belongs to."""
    traceparent = TRACEPARENT.get()
    return traceparent.split("-")[1] if traceparent else None


_shown_models: dict[str, tuple[str, str]] = {}


def show_model(service: str, version: str, model_version: str) -> None:
    """Show which code and models a service runs; what it showed before goes."""
    shown = (version, model_version)
    if _shown_models.get(service, shown) != shown:
        MODEL_INFO.remove(service, *_shown_models[service])
    _shown_models[service] = shown
    MODEL_INFO.labels(service, *shown).set(1)


_CACHE_FAULTS = ("connection", "timeout", "refused", "unreadable")


def begin_at_zero(service: str) -> None:
    """Show a service's counters of mishaps before any has happened.

    To Prometheus a counter that appears with its first mishap hasn't grown, and no alert would see that one.
    """
    for counter in (SHED, RATE_LIMITED, DEADLINES):
        counter.labels(service)
    for reason in _CACHE_FAULTS:
        CACHE_FAILURES.labels(service, reason)


def show_engine(service: str, engine: object) -> None:
    """Show that a service has started, and what its engine says of itself, where it says something."""
    begin_at_zero(service)
    info = getattr(engine, "info", None)
    if info is not None:
        about = info()
        show_model(service, about.version, about.model_version)


class _WithoutMessages(logging.Formatter):
    """Shows where an exception came from, but not its message, which may quote a user's text."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's own name.
        """Return the type and the frames of an exception and of those that led to it, the last one first."""
        parts: list[str] = []
        fault = ei[1]
        while fault is not None:
            parts.append(f"{type(fault).__name__}\n{''.join(traceback.format_tb(fault.__traceback__))}")
            fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
        return "from ".join(parts)


class JsonFormatter(_WithoutMessages):
    """One JSON object a line: time, level, logger, message, request and trace id, and the record's `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": REQUEST_ID.get(),
            "trace_id": trace_id(),
        } | getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logging(level: str, log_format: str) -> None:
    """Send the `spanbridge` loggers to stderr, as JSON or as plain text; uvicorn's own loggers are left as they are.

    OpenTelemetry's go the same way, from warnings on.

    The first app of a process decides: in the embedded form that is the gateway, not the services inside it.
    """
    logger = logging.getLogger("spanbridge")
    if any(isinstance(each.formatter, _WithoutMessages) for each in logger.handlers):
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else _WithoutMessages("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    exporting = logging.getLogger("opentelemetry")
    exporting.addHandler(handler)
    exporting.propagate = False
