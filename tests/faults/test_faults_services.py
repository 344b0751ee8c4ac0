"""A service that fails, each in every way: who needs it is told its name in bounded time, all others are served."""

import asyncio
import time
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

import httpx
import pytest

from tests.faults.conftest import Stage, fresh
from tests.faults.proxy import Fault
from tests.faults.remote import HANG_S, READY_S, SERVICES, TIMEOUT_S

pytestmark = pytest.mark.processes

Answer = TypeVar("Answer")

FAULTS = [each for each in Fault if each is not Fault.NONE]
SLACK_S = 4.0
"""What a busy machine may take on top."""
AT_ONCE = {Fault.REFUSED, Fault.CUT, Fault.GARBAGE, Fault.WRONG_JSON, Fault.BAD_GATEWAY}
FOUND_TO_HANG = {Fault.HUNG, Fault.TRICKLING}
LIMIT_S = dict.fromkeys(AT_ONCE, 0.0) | dict.fromkeys(FOUND_TO_HANG, 3 * HANG_S) | {Fault.SLOW: TIMEOUT_S}


async def timed(asked: Awaitable[Answer]) -> tuple[Answer, float]:
    started = time.monotonic()
    answer = await asked
    return answer, time.monotonic() - started


def others(stage: Stage, service: str) -> list[Coroutine[Any, Any, httpx.Response]]:
    """Requests that do without a service."""
    text = fresh()["text"]
    translate = stage.http.post("/v1/translate", json={"texts": [text], "source_lang": "swh_Latn"})
    if service == "ner_teacher":
        tokens = text.split()
        return [translate, stage.http.post("/v1/align", json={"source_tokens": tokens, "target_tokens": tokens})]
    found = [stage.project("student"), stage.project("transfer"), stage.http.get("/v1/methods")]
    if service == "translation":
        source = {"tokens": ["Samia", "left"], "entities": [{"start": 0, "end": 1, "label": "PER"}]}
        found.append(stage.project(sentences=[fresh() | {"source": source}], method="heuristic"))
        translate.close()
    else:
        found.append(translate)
    return found


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_failing_service_is_named_and_the_others_go_on(stage: Stage, service: str, fault: Fault) -> None:
    stage.proxies[service].break_by(fault)
    (needing, seconds), ready, *answers = await asyncio.gather(
        timed(stage.project()), stage.http.get("/readyz"), *others(stage, service)
    )
    assert (needing.status_code, needing.json()["error"]) == (424, "UpstreamFailed"), needing.text
    assert service in needing.json()["detail"]
    assert seconds < LIMIT_S[fault] + SLACK_S
    for each in answers:
        assert each.status_code == 200, each.text
        assert '"error":{' not in each.text
    if fault is Fault.SLOW:
        assert ready.status_code == 200  # It lives.
    else:
        assert (ready.status_code, ready.json()["error"]) == (503, "NotReady")
        assert service in ready.json()["detail"]
        assert all(each not in ready.json()["detail"] for each in SERVICES if each != service)
    stage.proxies[service].heal()
    _, seconds = await timed(stage.until_well())
    assert seconds < 2 * HANG_S + READY_S + SLACK_S


@pytest.mark.parametrize(
    ("service", "fault"),
    [
        ("translation", Fault.REFUSED),
        ("translation", Fault.HUNG),
        ("alignment", Fault.CUT),
        ("alignment", Fault.SLOW),
    ],
)
async def test_an_ensemble_goes_on_without_the_member_whose_service_fails(
    stage: Stage, service: str, fault: Fault
) -> None:
    stage.proxies[service].break_by(fault)
    answer = await stage.project("ensemble")
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    assert result["error"] is None
    assert result["member_errors"].keys() == {"candidates"}
    assert result["member_errors"]["candidates"]["error"] == "UpstreamFailed"
    assert service in result["member_errors"]["candidates"]["detail"]
    assert {each["text"] for each in result["entities"]} >= {"Nairobi"}


@pytest.mark.parametrize("service", ["projection", "ner_teacher"])
async def test_an_ensemble_that_nothing_can_stand_in_for_fails_by_name(stage: Stage, service: str) -> None:
    stage.proxies[service].break_by(Fault.REFUSED)
    answer = await stage.project("ensemble")
    assert answer.status_code == 424
    assert service in answer.json()["detail"]


@pytest.mark.parametrize(
    ("service", "fault"),
    [*((each, Fault.HUNG) for each in SERVICES), ("translation", Fault.SLOW), ("ner_teacher", Fault.TRICKLING)],
)
async def test_a_deadline_holds_whatever_the_service_does(stage: Stage, service: str, fault: Fault) -> None:
    stage.proxies[service].break_by(fault)
    answer, seconds = await timed(stage.project(deadline=0.3))
    assert (answer.status_code, answer.json()["error"]) == (408, "DeadlineExceeded")
    assert seconds < 0.3 + SLACK_S


async def test_a_hung_service_does_not_exhaust_the_gateway(stage: Stage) -> None:
    """120 requests that need it hang; each of those that don't is served, and nothing is left behind."""
    before = stage.gateway.resident_mb()
    proxy = stage.proxies["translation"]
    proxy.break_by(Fault.HUNG)
    proxy.most_connections = 0
    many = [fresh() for _ in range(50)]
    hanging = [asyncio.create_task(stage.project(sentences=many)) for _ in range(120)]
    served = await asyncio.gather(*(stage.project("student") for _ in range(30)))
    told = await asyncio.gather(*hanging)
    # The door lets 2,000 sentences in: who comes later meanwhile is asked to come again.
    assert {each.status_code for each in served} <= {200, 429}
    assert {each.status_code for each in told} == {424, 429}
    assert all("retry-after" in each.headers for each in (*served, *told) if each.status_code == 429)
    # It is known to hang by now: nobody waits for it, and nobody else is kept out.
    answers = await asyncio.gather(
        *(stage.project() for _ in range(60)), *(stage.project("student") for _ in range(60))
    )
    assert [each.status_code for each in answers] == [424] * 60 + [200] * 60
    assert proxy.most_connections <= 110
    assert stage.gateway.resident_mb() - before < 150
    proxy.heal()
    await stage.until_well()
    metrics = (await stage.http.get("/metrics")).text
    assert 'spanbridge_requests_in_flight{service="gateway"} 1.0' in metrics
    assert 'spanbridge_upstream_away{upstream="translation"} 0.0' in metrics


async def test_a_comparison_shows_the_methods_that_can_do_without_the_service(stage: Stage) -> None:
    stage.proxies["alignment"].break_by(Fault.REFUSED)
    request = {"sentences": [fresh()], "lang": "swh_Latn", "methods": ["candidates", "student", "transfer"]}
    answer = await stage.http.post("/v1/compare", json=request)
    assert answer.status_code == 200
    answers = answer.json()["results"][0]["answers"]
    assert "alignment" in answers["candidates"]["error"]["detail"]
    assert answers["student"]["error"] is None
    assert answers["transfer"]["error"] is None


async def test_annotation_tools_are_told_of_a_failing_service(stage: Stage) -> None:
    stage.proxies["translation"].break_by(Fault.REFUSED)
    text = fresh()["text"]
    doccano = await stage.http.post("/integrations/doccano", json={"text": text, "lang": "swh_Latn"})
    brat = await stage.http.post("/integrations/brat?lang=swh_Latn&method=heuristic", content=text.encode())
    assert doccano.status_code == 424, doccano.text
    assert "translation" in doccano.json()["detail"]
    assert (brat.status_code, brat.json()) == (200, {})
    assert "translation" in brat.headers["x-spanbridge-error"]
