"""A collector on loopback that takes OTLP over HTTP and keeps the spans."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class SeenSpan:
    """A span as it came over the wire; ids in hexadecimal, `parent` empty for a root."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    error: bool
    attributes: dict[str, object]


@dataclass
class Collector:
    """`status` is what it answers; `gate`, once cleared, keeps it from answering at all."""

    url: str
    status: int = 200
    spans: list[SeenSpan] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, number: int, seconds: float = 30) -> list[SeenSpan]:
        """Return the spans once there are so many; raises where they don't come."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.spans) >= number, seconds):
                raise AssertionError(f"{len(self.spans)} spans came, not {number}: {self.spans}")
            return list(self.spans)

    def take(self, body: bytes) -> None:
        with self.changed:
            self.bodies.append(body)
            self.spans += _read(body)
            self.changed.notify_all()


def _read(body: bytes) -> Iterator[SeenSpan]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {each.key: each.value.string_value for each in resource.resource.attributes}
        for span in (each for scope in resource.scope_spans for each in scope.spans):
            values = {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}
            yield SeenSpan(
                service=about["service.name"],
                name=span.name,
                kind=span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                trace=span.trace_id.hex(),
                id=span.span_id.hex(),
                parent=span.parent_span_id.hex(),
                error=span.status.code == span.status.STATUS_CODE_ERROR,
                attributes=values,
            )


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector while the context is open."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.gate.wait(60)
            if self.path == "/v1/traces" and collector.status == 200:
                collector.take(body)
            self.send_response(collector.status if self.path == "/v1/traces" else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    collector.gate.set()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
