"""One trace through the gateway and its services, as a collector sees it: in one process, and in five."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.gateway import STUBS
from tests.support.otlp_collector import Collector, SeenSpan, collecting
from tests.support.processes import free_port, pipeline

pytestmark = pytest.mark.processes

SERVICES = ("translation", "alignment", "projection", "ner_teacher")
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TEXT = "Rais Samia alitembelea Nairobi jana."


@contextmanager
def serving(logs: Path, endpoint: str, *, remote: bool) -> Iterator[str]:
    """Start the gateway, and its services in processes of their own where it is remote; yield its address."""
    environment = {**os.environ, **STUBS, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with pipeline(logs, environment, services=SERVICES if remote else ()) as url:
        yield url


def ask(url: str) -> httpx.Response:
    body = {"sentences": [{"text": TEXT}, {"text": ""}], "lang": "swh_Latn"}
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine"}
    return httpx.post(f"{url}/v1/project", json=body, headers=headers, timeout=60)


@pytest.mark.parametrize("remote", [False, True], ids=["embedded", "remote"])
def test_one_trace_across_the_services(tmp_path: Path, remote: bool) -> None:
    with collecting() as collector:
        with serving(tmp_path, collector.url, remote=remote) as url:
            answer = ask(url)
            assert answer.status_code == 200, answer.text
        # All processes have ended, so what they had has been sent.
        check_trace(collector, [each for each in collector.spans if each.trace == TRACE])
    check_logs(tmp_path, remote=remote)


def check_trace(collector: Collector, spans: list[SeenSpan]) -> None:
    (root,) = (each for each in spans if each.service == "spanbridge-gateway" and each.kind == "SERVER")
    assert root.name == "POST /v1/project"
    assert root.parent == PARENT
    told = {
        "http.request.method": "POST", "http.route": "/v1/project", "http.response.status_code": 200,
        "spanbridge.sentences": 2, "spanbridge.failed": 1, "spanbridge.lang": "swh_Latn",
        "spanbridge.method": "candidates", "spanbridge.request_id": "mine",
    }  # fmt: skip
    assert root.attributes == told
    calls = {each.id: each for each in spans if each.kind == "CLIENT"}
    assert {each.parent for each in calls.values()} == {root.id}
    served = [each for each in spans if each.kind == "SERVER" and each is not root]
    assert {each.service for each in served} == {f"spanbridge-{name.replace('_', '-')}" for name in SERVICES}
    for each in served:
        call = calls.pop(each.parent)
        assert each.service == f"spanbridge-{str(call.attributes['spanbridge.upstream']).replace('_', '-')}"
        assert each.attributes["http.route"] == call.attributes["url.path"]
        assert each.attributes["http.response.status_code"] == 200
    assert calls == {}
    for secret in (b"Samia", b"Nairobi"):
        assert secret not in b"".join(collector.bodies)


def check_logs(logs: Path, *, remote: bool) -> None:
    lines = [json.loads(line) for log in logs.iterdir() for line in log.read_text().splitlines()]
    mine = [each for each in lines if each["request_id"] == "mine"]
    assert {each["service"] for each in mine} == {"gateway", *SERVICES}
    assert {each["trace_id"] for each in mine} == {TRACE}
    (front,) = (each for each in mine if each["service"] == "gateway")
    assert (front["route"], front["status"], front["sentences"], front["failed"]) == ("/v1/project", 200, 2, 1)
    assert TEXT not in "".join(log.read_text() for log in logs.iterdir())
    assert len(list(logs.iterdir())) == (5 if remote else 1)


def test_without_a_collector_nothing_waits_for_it(tmp_path: Path) -> None:
    with serving(tmp_path, f"http://127.0.0.1:{free_port()}", remote=False) as url:
        assert ask(url).status_code == 200
    (log,) = tmp_path.iterdir()
    assert "Traceback" not in log.read_text()
