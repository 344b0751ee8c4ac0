import json
import logging
import subprocess
import sys
import time

import httpx
import pytest
from fastapi import APIRouter

from spanbridge_shared.errors import ConfigurationError, UpstreamFailed
from spanbridge_shared.serving import tracing
from spanbridge_shared.serving.config import ServiceSettings, load_settings
from spanbridge_shared.serving.outgoing import Observed
from spanbridge_shared.serving.service_app import service_app
from spanbridge_shared.serving.telemetry import TRACEPARENT, TRACESTATE, JsonFormatter
from tests.support.otlp_collector import collecting
from tests.support.processes import free_port

SECRET = "Siri ya mtumiaji"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}


class NoEngine:
    async def start(self):
        pass

    async def stop(self):
        pass


def inner_router():
    router = APIRouter()

    @router.get("/v1/inner/{word}")
    async def inner(word: str):
        return {"traceparent": TRACEPARENT.get(), "tracestate": TRACESTATE.get()}

    @router.get("/v1/info")
    async def info():
        return {}

    return router


def outer_router(inner):
    router = APIRouter()

    @router.get("/v1/outer/{word}")
    async def outer(word: str):
        transport = Observed(httpx.ASGITransport(app=inner), "inner")
        async with httpx.AsyncClient(transport=transport, base_url="http://inner") as http:
            return (await http.get("/v1/inner/x")).json()

    @router.get("/v1/fails")
    async def fails():
        raise UpstreamFailed(SECRET)

    @router.get("/v1/bug")
    async def bug():
        raise KeyError(SECRET)

    return router


def app_of(name, router, endpoint):
    settings = ServiceSettings(otlp_endpoint=endpoint)
    return service_app(name=name, description="x", engine=NoEngine(), routers=[router], settings=settings)


class Pair:
    """A service that calls another one, both in this process and with the collector's address."""

    def __init__(self, endpoint):
        self.inner = app_of("ner_teacher", inner_router(), endpoint)
        self.outer = app_of("gateway", outer_router(self.inner), endpoint)

    async def __aenter__(self):
        self.contexts = [each.router.lifespan_context(each) for each in (self.inner, self.outer)]
        for each in self.contexts:
            await each.__aenter__()
        transport = httpx.ASGITransport(app=self.outer)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://outer")
        return self

    async def __aexit__(self, *fault):
        await self.http.aclose()
        for each in reversed(self.contexts):
            await each.__aexit__(*fault)


@pytest.fixture
def collector():
    with collecting() as running:
        yield running


def by_kind(spans):
    return {(each.service, each.kind): each for each in spans}


async def test_one_trace_from_the_client_through_both_services(collector):
    async with Pair(collector.url) as pair:
        answer = (await pair.http.get(f"/v1/outer/{SECRET}", headers=SENT)).json()
    spans = by_kind(collector.wait_for(3))
    assert len(collector.spans) == 3
    server = spans["spanbridge-gateway", "SERVER"]
    call = spans["spanbridge-gateway", "CLIENT"]
    inner = spans["spanbridge-ner-teacher", "SERVER"]
    assert {each.trace for each in collector.spans} == {TRACE}
    assert (server.parent, call.parent, inner.parent) == (PARENT, server.id, call.id)
    assert (server.name, call.name) == ("GET /v1/outer/{word}", "GET inner /v1/inner/x")
    assert server.attributes["http.route"] == "/v1/outer/{word}"
    assert server.attributes["http.response.status_code"] == 200
    assert call.attributes["spanbridge.outcome"] == "ok"
    assert answer == {"traceparent": f"00-{TRACE}-{inner.id}-01", "tracestate": "vendor=1"}
    assert SECRET.encode() not in b"".join(collector.bodies)


async def test_a_request_without_a_trace_begins_one(collector):
    async with Pair(collector.url) as pair:
        await pair.http.get("/v1/outer/x")
        await pair.http.get("/v1/outer/x", headers={"traceparent": "junk"})
    spans = collector.wait_for(6)
    roots = [each for each in spans if not each.parent]
    assert [each.service for each in roots] == ["spanbridge-gateway"] * 2
    assert len({each.trace for each in spans}) == 2


async def test_health_and_metrics_make_no_spans(collector):
    async with Pair(collector.url) as pair:
        for path in ("/healthz", "/readyz", "/metrics"):
            await pair.http.get(path, headers=SENT)
        transport = httpx.ASGITransport(app=pair.inner)
        async with httpx.AsyncClient(transport=transport, base_url="http://inner") as http:
            await http.get("/v1/info")
            await http.get("/v1/info", headers=SENT)
    (only,) = collector.wait_for(1)
    assert (only.name, only.parent) == ("GET /v1/info", PARENT)


async def test_an_unsampled_trace_is_passed_on_but_not_exported(collector):
    async with Pair(collector.url) as pair:
        sent = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
        answer = (await pair.http.get("/v1/outer/x", headers=sent)).json()
    assert answer["traceparent"].startswith(f"00-{TRACE}-")
    assert answer["traceparent"].endswith("-00")
    assert collector.spans == []


async def test_an_invented_method_is_not_quoted(collector):
    async with Pair(collector.url) as pair:
        await pair.http.request("SIRI", "/v1/outer/x")
    (span,) = collector.wait_for(1)
    assert span.name == "_OTHER /v1/outer/{word}"
    assert b"SIRI" not in b"".join(collector.bodies)


async def test_failures_are_marked_without_their_message(collector):
    async with Pair(collector.url) as pair:
        await pair.http.get("/v1/fails")
        await pair.http.get("/v1/bug")
    spans = {each.name: each for each in collector.wait_for(2)}
    assert spans["GET /v1/fails"].attributes["http.response.status_code"] == 424
    assert not spans["GET /v1/fails"].error
    assert spans["GET /v1/bug"].error
    assert SECRET.encode() not in b"".join(collector.bodies)


@pytest.mark.parametrize("how", ["refuses", "is not there"])
async def test_a_collector_that_fails_hurts_no_request(collector, monkeypatch, how):
    monkeypatch.setattr(tracing, "_FLUSH_S", 0.5)
    collector.status = 400
    url = collector.url if how == "refuses" else f"http://127.0.0.1:{free_port()}"
    async with Pair(url) as pair:
        for _ in range(20):
            assert (await pair.http.get("/v1/outer/x")).status_code == 200
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert tracing._queues == {}


async def test_a_collector_that_hangs_delays_the_end_for_a_bounded_time_only(collector, monkeypatch, caplog):
    monkeypatch.setattr(tracing, "_FLUSH_S", 0.2)
    monkeypatch.setattr(logging.getLogger("spanbridge"), "propagate", True)
    caplog.set_level(logging.WARNING, logger="spanbridge")  # The first app of the process may have set it higher.
    collector.gate.clear()
    async with Pair(collector.url) as pair:
        assert (await pair.http.get("/v1/outer/x")).status_code == 200
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert "took no spans" in caplog.text


async def test_an_app_may_start_again(collector):
    pair = Pair(collector.url)
    for number in (1, 2):
        async with pair:
            await pair.http.get("/v1/outer/x")
        collector.wait_for(3 * number)


async def test_without_an_endpoint_both_headers_pass_unchanged():
    async with Pair("") as pair:
        answer = (await pair.http.get("/v1/outer/x", headers=SENT)).json()
        assert answer == SENT
        bare = (await pair.http.get("/v1/outer/x", headers={"tracestate": "vendor=1"})).json()
        assert bare == {"traceparent": None, "tracestate": None}


async def test_the_log_line_names_request_trace_and_sentences(collector):
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(JsonFormatter())
    handler.emit = lambda record: lines.append(handler.format(record))
    logger = logging.getLogger("spanbridge.access")
    level, _ = logger.level, logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        async with Pair(collector.url) as pair:
            await pair.http.get("/v1/fails", headers={**SENT, "x-request-id": "mine"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    (line,) = (json.loads(each) for each in lines)
    assert line.pop("ms") >= 0
    del line["time"]
    assert line == {
        "level": "info", "logger": "spanbridge.access", "message": "GET /v1/fails", "request_id": "mine",
        "trace_id": TRACE, "service": "gateway", "route": "/v1/fails", "status": 424, "sentences": 0, "failed": 0,
    }  # fmt: skip


def test_the_setting_follows_the_standard_variable(monkeypatch):
    assert load_settings(ServiceSettings).otlp_endpoint == ""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    assert load_settings(ServiceSettings).otlp_endpoint == "http://collector:4318"


@pytest.mark.parametrize("endpoint", ["collector:4317", "grpc://collector:4317", " "])
def test_an_endpoint_that_is_none_is_a_wrong_setting(endpoint):
    with pytest.raises(ConfigurationError, match="OTLP over HTTP"):
        app_of("gateway", APIRouter(), endpoint)


async def test_a_wrong_variable_of_the_exporter_is_a_wrong_setting(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")
    app = app_of("gateway", APIRouter(), "http://127.0.0.1:4318")
    with pytest.raises(ConfigurationError, match="OTEL_"):
        await app.router.lifespan_context(app).__aenter__()


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout


def test_without_the_extra_the_setting_is_refused_and_the_extra_named():
    told = run_python(
        "import sys; sys.modules['opentelemetry.exporter'] = None\n"
        "from spanbridge_shared.errors import ConfigurationError\n"
        "from spanbridge_shared.serving.tracing import open_tracing\n"
        "try:\n    open_tracing('gateway', 'http://collector:4318')\n"
        "except ConfigurationError as fault:\n    print(fault.detail)\n"
    )
    assert "spanbridge-shared[telemetry]" in told


def test_without_the_setting_the_sdk_and_the_exporter_are_not_imported():
    told = run_python(
        "import asyncio, sys, httpx\n"
        "from fastapi import APIRouter\n"
        "from spanbridge_shared.serving.config import ServiceSettings\n"
        "from spanbridge_shared.serving.service_app import service_app\n"
        "class Engine:\n    async def start(self): pass\n    async def stop(self): pass\n"
        "app = service_app(name='x', description='x', engine=Engine(), routers=[APIRouter()],"
        " settings=ServiceSettings(otlp_endpoint=''))\n"
        "async def main():\n"
        "    async with app.router.lifespan_context(app):\n"
        "        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url='http://x') as http:\n"
        "            print((await http.get('/docs')).status_code)\n"
        "asyncio.run(main())\n"
        "print([each for each in sys.modules if each.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])\n"
    )
    assert told.split() == ["200", "[]"]


async def test_fastapi_makes_no_telemetry_of_its_own(monkeypatch, collector):
    """Regression: with this variable set, FastAPI exported its own spans, and log records that quote exceptions."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    app = app_of("gateway", outer_router(None), collector.url)
    assert not app._native_telemetry.enabled()
    assert not app._telemetry["auto_configure"]
