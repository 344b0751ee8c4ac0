import asyncio
import re
import threading
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Response
from prometheus_client import REGISTRY
from pydantic import BaseModel

from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.ner import NerResponse, NerResult
from spanbridge_shared.serving.batching import Batcher
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_shared.serving.outgoing import Observed
from spanbridge_shared.serving.request_facts import FACTS, RequestFacts, count_items, count_method, note_method
from spanbridge_shared.serving.service_app import json_answer, service_app
from spanbridge_shared.serving.telemetry import show_model
from tests.support.promql import faults, product_metrics

DOCS = Path(__file__).resolve().parents[3] / "docs" / "observability.md"
BOUNDED = {
    "service", "route", "status", "outcome", "reason", "method", "upstream",
    "version", "model_version", "model", "kind", "error",
}  # fmt: skip
"""Labels whose values come from the code or the settings, never from a request."""


class Info(BaseModel):
    version: str = "1.0"
    model_version: str = "m-1"


class Engine:
    async def start(self):
        pass

    async def stop(self):
        pass

    def info(self):
        return Info()


def answer(*failed):
    return NerResponse(
        model_version="m-1",
        results=[NerResult(error=ErrorBody(error="EmptyText", detail="x") if each else None) for each in failed],
    )


def router():
    routes = APIRouter()

    @routes.get("/v1/some")
    async def some():
        note_method("student", "swh_Latn")
        assert value("spanbridge_requests_in_flight", service="metered") == 1
        return json_answer(answer(False, True, False))

    @routes.get("/v1/status/{status}")
    async def status(status: int):
        return Response(status_code=status)

    return routes


@pytest.fixture
async def app():
    settings = ServiceSettings(otlp_endpoint="")
    made = service_app(name="metered", description="x", engine=Engine(), routers=[router()], settings=settings)
    async with made.router.lifespan_context(made):
        yield made


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels)


def test_every_metric_is_in_the_documentation_with_its_labels():
    rows = re.findall(r"^\| `(spanbridge_\w+)` \| (\w+) \| ([^|]*) \|", DOCS.read_text(), re.MULTILINE)
    documented = {name: (kind, sorted(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert len(documented) == len(rows)
    assert documented == {each.name: (each.kind, sorted(each.labels)) for each in product_metrics()}


def test_names_and_labels_keep_to_the_conventions():
    for each in product_metrics():
        assert re.fullmatch(r"spanbridge(_[a-z]+)+", each.name), each
        assert each.help.endswith("."), each
        assert set(each.labels) <= BOUNDED, each
        assert (each.kind == "counter") == each.name.endswith("_total"), each
        assert "milliseconds" not in each.name


def test_the_checker_of_expressions_finds_faults():
    assert faults('sum by (service) (rate(spanbridge_requests_total{status=~"5.."}[5m]))') == []
    assert faults("rate(spanbridge_request_total[5m])")
    assert faults('rate(spanbridge_requests_total{state="x"}[5m])')
    assert faults("sum by (state) (rate(spanbridge_requests_total[5m]))")
    assert faults("spanbridge_request_seconds")
    assert faults("rat(spanbridge_requests_total[5m])")
    assert faults("vector(1)")


def test_items_and_their_errors_are_counted_in_any_answer():
    assert count_items(answer(False, True, True)) == (3, 2)
    assert count_items(Info()) == (0, 0)


async def test_sentences_are_counted_by_outcome_and_requests_in_flight_go_back_to_none(app):
    before = [
        value("spanbridge_sentences_total", service="metered", route="/v1/some", outcome=each) or 0
        for each in ("ok", "failed")
    ]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as http:
        assert (await http.get("/v1/some")).status_code == 200
    after = [
        value("spanbridge_sentences_total", service="metered", route="/v1/some", outcome=each)
        for each in ("ok", "failed")
    ]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1]
    assert value("spanbridge_requests_in_flight", service="metered") == 0


def test_what_methods_answered_counts_until_the_answer_itself_says_more():
    """An integration's answer has its own shape; what its methods gave is counted all the same."""
    facts = RequestFacts()
    token = FACTS.set(facts)
    try:
        count_method("student", answer(False, True))
        count_method("ensemble", answer(False))
        json_answer(Info())
        assert (facts.sentences, facts.failed) == (3, 1)
        json_answer(answer(False, False))
        assert (facts.sentences, facts.failed) == (2, 0)
    finally:
        FACTS.reset(token)


def test_a_method_is_named_once():
    """Regression: a request that was labelled in 100 parts had its method 100 times in its log line and its span."""
    facts = RequestFacts()
    token = FACTS.set(facts)
    try:
        for method in ("student", "student", "ensemble", "student"):
            note_method(method, "swh_Latn")
    finally:
        FACTS.reset(token)
    assert facts.fields()["method"] == "student,ensemble"


async def test_mishaps_are_counted_from_zero(app):
    """Regression: a counter that appears with its first mishap hasn't grown, so that `rate` and alerts missed it."""
    for name in ("shed_sentences", "rate_limited_requests", "deadline_exceeded_requests"):
        assert value(f"spanbridge_{name}_total", service="metered") == 0
    for reason in ("connection", "timeout", "refused", "unreadable"):
        assert value("spanbridge_cache_failures_total", service="metered", reason=reason) == 0


async def test_the_running_model_is_shown_and_an_older_one_goes(app):
    assert value("spanbridge_model_info", service="metered", version="1.0", model_version="m-1") == 1
    show_model("metered", "1.0", "m-2")
    assert value("spanbridge_model_info", service="metered", version="1.0", model_version="m-1") is None
    assert value("spanbridge_model_info", service="metered", version="1.0", model_version="m-2") == 1


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "ok"), (422, "refused"), (429, "overloaded"), (424, "failed"), (500, "failed")]
)
async def test_calls_to_a_service_are_timed_by_outcome(app, status, outcome):
    def calls():
        return value("spanbridge_upstream_seconds_count", upstream="metered", outcome=outcome) or 0

    before = calls()
    transport = Observed(httpx.ASGITransport(app=app), "metered")
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        await http.get(f"/v1/status/{status}")
    assert calls() == before + 1


async def test_a_service_that_is_not_there_counts_as_failed():
    class Nobody(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            raise httpx.ConnectError("nobody")

    async with httpx.AsyncClient(transport=Observed(Nobody(), "nobody"), base_url="http://x") as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("/")
    assert value("spanbridge_upstream_seconds_count", upstream="nobody", outcome="failed") == 1


async def test_a_services_queue_is_the_sum_of_its_batchers():
    """Regression: each batcher set the gauge to its own queue, so that a service with two showed either at random."""
    gate, busy = threading.Event(), threading.Barrier(3)

    def hold(_, items):
        busy.wait(30)
        gate.wait(30)
        return items

    batchers = [Batcher(hold, lambda _: 1, service="queued", max_batch_tokens=8, max_queue=100) for _ in range(2)]
    for each in batchers:
        each.start()
    work = [asyncio.create_task(each.submit("g", range(number))) for each, number in zip(batchers, (3, 2), strict=True)]
    await asyncio.to_thread(busy.wait, 30)
    shown = value("spanbridge_queue_sentences", service="queued")
    gate.set()
    await asyncio.gather(*work)
    await asyncio.gather(*(each.stop() for each in batchers))
    assert shown == 5
    assert value("spanbridge_queue_sentences", service="queued") == 0
