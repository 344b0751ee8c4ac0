"""Label Studio's ML backend protocol, as its `ml/api_connector.py` and `ml/models.py` speak it."""

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.errors import ConfigurationError, Overloaded, UpstreamFailed
from tests.support.gateway import Gateway

URL = "/integrations/label-studio"
CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PER"/><Label value="Place" predicted_values="LOC"/>'
    '</Labels><Text name="text" value="$text"/></View>'
)
TEXT = "👩🏽‍🏫 Rais Samia alitembelea Nairobi jana."
SECRET = "s3cr3t-t0k3n-of-a-user"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All that the gateway logs, whatever its level."""
    monkeypatch.setattr(logging.getLogger("spanbridge"), "propagate", True)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="spanbridge")
    return caplog


def task(number: int, text: str = TEXT, **data: Any) -> dict[str, Any]:
    return {"id": number, "data": {"text": text, **data}, "meta": {}, "project": 1, "annotations": []}


async def set_up(gateway: Gateway, **fields: Any) -> Any:
    body = {"project": "1.17", "schema": CONFIG, "hostname": "http://ls", "access_token": SECRET, "extra_params": None}
    return await gateway.http.post(f"{URL}/setup", json={**body, **fields})


async def predict(gateway: Gateway, tasks: list[Any], **fields: Any) -> Any:
    params = {"login": None, "password": None, "context": None}
    body = {"tasks": tasks, "project": "1.17", "label_config": CONFIG, "params": params}
    return await gateway.http.post(f"{URL}/predict", json={**body, **fields})


async def test_the_backend_is_up(gateway: Gateway) -> None:
    response = await gateway.http.get(f"{URL}/health")
    assert response.status_code == 200
    assert response.json()["status"] == "UP"


async def test_predictions_are_the_native_answers(gateway: Gateway) -> None:
    tasks = [task(1), task(2, "Hakuna mtu hapa."), task(3, "Samia\nSamia 😀 Nairobi")]
    version = (await set_up(gateway, extra_params={"lang": "sw"})).json()["model_version"]
    response = await predict(gateway, tasks)
    assert response.status_code == 200, response.text
    results = response.json()["results"]
    native = await gateway.results([{"text": each["data"]["text"]} for each in tasks])
    assert len(results) == 3
    names = {"PER": "PER", "LOC": "Place"}
    for found, expected in zip(results, native, strict=True):
        assert found["model_version"] == version
        assert [(each["value"], each["score"]) for each in found["result"]] == [
            (
                {"start": e["start"], "end": e["end"], "text": e["text"], "labels": [names[e["label"]]]},
                e["score"],
            )
            for e in expected["entities"]
        ]
        for each in found["result"]:
            assert (each["from_name"], each["to_name"], each["type"]) == ("label", "text", "labels")
    assert len(results[0]["result"]) == 2
    assert results[1] == {"model_version": version, "score": None, "result": []}


async def test_a_projects_options_are_remembered_and_the_version_tells_them(gateway: Gateway) -> None:
    plain = (await set_up(gateway)).json()["model_version"]
    other = (await set_up(gateway, project="2.18", extra_params='{"lang": "sw", "method": "heuristic"}')).json()
    assert plain != other["model_version"]
    assert other["model_version"].startswith("spanbridge-heuristic-")
    (found,) = (await predict(gateway, [task(1)], project="2.18")).json()["results"]
    assert found["model_version"] == other["model_version"]
    versions = (await gateway.http.get(f"{URL}/versions")).json()["versions"]
    assert versions == [other["model_version"], plain]


async def test_setting_up_anew_forgets_what_was_asked_before(gateway: Gateway) -> None:
    first = (await set_up(gateway)).json()
    await set_up(gateway, extra_params={"lang": "sw"})
    assert (await set_up(gateway)).json() == first


async def test_a_tasks_own_language_comes_first(gateway: Gateway) -> None:
    await set_up(gateway, extra_params={"lang": "yor_Latn"})
    asked: list[str] = []
    pipeline = gateway.app.state.engine
    original = pipeline.project

    async def noting(request: Any, has_left: Any) -> Any:
        asked.append(request.lang)
        return await original(request, has_left)

    pipeline.project = noting
    tasks = [task(1), task(2, lang="sw"), task(3, language="swa"), task(4, lang=" "), task(5, lang="klingon")]
    results = (await predict(gateway, tasks)).json()["results"]
    assert sorted(asked) == ["swh_Latn", "yor_Latn"]
    assert ["result" in each for each in results] == [True, True, True, True, False]
    assert results[4]["error"] == "UnknownLanguage"


async def test_a_language_is_detected_in_all_undeclared_tasks_together(gateway: Gateway) -> None:
    tasks = [task(1, "Rais Samia alitembelea mji wa Nairobi jana asubuhi."), task(2, "Samia Nairobi")]
    results = (await predict(gateway, tasks)).json()["results"]
    assert [len(each["result"]) for each in results] == [2, 2]
    alone = await predict(gateway, tasks[1:])
    assert alone.status_code == 422
    assert alone.json()["error"] == "LanguageUndetermined"


async def test_the_setting_gives_the_language(gateway: Gateway) -> None:
    app = create_app(GatewaySettings(label_studio_lang="swa", log_level="ERROR"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
            response = await predict(Gateway(app, http), [task(1, "Samia Nairobi")])
    assert len(response.json()["results"][0]["result"]) == 2


def test_a_setting_that_is_no_language_is_told_at_start() -> None:
    with pytest.raises(ConfigurationError, match="SPANBRIDGE_GATEWAY_LABEL_STUDIO_LANG"):
        create_app(GatewaySettings(label_studio_lang="klingon"))


@pytest.mark.parametrize(
    ("fields", "error", "told"),
    [
        ({"schema": "<View/>"}, "InvalidRequest", "no <Labels"),
        ({"schema": ""}, "InvalidRequest", "not XML"),
        ({"schema": CONFIG.replace("PER", "X").replace("LOC", "Y")}, "InvalidRequest", "predicted_values"),
        ({"extra_params": {"lang": "klingon"}}, "UnknownLanguage", "nearest"),
        ({"extra_params": {"lang": "sw", "method": "magic"}}, "UnknownMethod", "there are"),
        ({"extra_params": {"lang": "sw", "method": "student"}}, "UnsupportedLanguage", "student"),
        ({"extra_params": {"lang": "sw", "options": {"beem": 1}}}, "UnknownOption", "beem"),
        ({"extra_params": "sw"}, "InvalidRequest", "extra_params"),
        ({"extra_params": {"language": "sw"}}, "InvalidRequest", "extra_params"),
        ({"extra_params": {"lang": "\ud800"}}, "UnknownLanguage", "nearest"),
        ({"schema": "\ud800"}, "InvalidRequest", "not XML"),
    ],
)
async def test_a_setup_that_cannot_be_says_why_and_logs_no_token(
    gateway: Gateway, logged: pytest.LogCaptureFixture, fields: dict[str, Any], error: str, told: str
) -> None:
    response = await _post(gateway, "setup", {"schema": CONFIG, "access_token": SECRET, "project": "1.17", **fields})
    assert response.status_code == 422, response.text
    assert response.json()["error"] == error
    assert told in response.json()["detail"]
    assert SECRET not in logged.text
    assert SECRET not in response.text
    assert told in logged.text


async def _post(gateway: Gateway, path: str, body: Any) -> Any:
    # json.dumps escapes lone surrogates, which httpx's own encoding refuses.
    headers = {"content-type": "application/json"}
    return await gateway.http.post(f"{URL}/{path}", content=json.dumps(body).encode(), headers=headers)


async def test_a_faulty_task_gets_no_prediction_and_its_neighbours_do(gateway: Gateway) -> None:
    await set_up(gateway, extra_params={"lang": "sw"})
    bad = [{"id": 2, "data": {"body": "x"}}, task(3, "a" * 20_001), task(4, "Samia \ud83d"), task(5, "a\0"), {"id": 6}]
    body = {"tasks": [task(1), *bad, task(7, ""), task(8, " \n"), task(9)], "project": "1.17", "label_config": CONFIG}
    response = await _post(gateway, "predict", body)
    assert response.status_code == 200, response.text
    results = response.json()["results"]
    errors = [each.get("error") for each in results]
    faults = ["InvalidRequest", "TextTooLong", "InvalidText", "InvalidText", "InvalidRequest"]
    assert errors == [None, *faults, None, None, None]
    # Label Studio keeps whatever has a result, and asks again for what has none.
    assert ["result" in each for each in results] == [each is None for each in errors]
    assert [len(results[place]["result"]) for place in (0, 6, 7, 8)] == [2, 0, 0, 2]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"label_config": "<View/>"}, "InvalidRequest"),
        ({"label_config": CONFIG.replace("$text", "$body")}, "InvalidRequest"),
        ({"tasks": "x"}, "InvalidRequest"),
        ({"tasks": [5]}, "InvalidRequest"),
        ({"tasks": [{"id": 1, "data": "x"}]}, "InvalidRequest"),
        ({"tasks": [{"id": 1}]}, "InvalidRequest"),
    ],
)
async def test_a_prediction_that_cannot_be_at_all_is_an_error(
    gateway: Gateway, fields: dict[str, Any], error: str
) -> None:
    await set_up(gateway, extra_params={"lang": "sw"})
    response = await predict(gateway, **{"tasks": [task(1)], **fields})
    assert response.status_code == 422, response.text
    assert response.json()["error"] == error


async def test_no_tasks_get_no_results(gateway: Gateway) -> None:
    response = await predict(gateway, [])
    assert response.json() == {"results": []}


async def test_whom_an_annotator_waits_for_gets_an_error_and_not_an_empty_entry(gateway: Gateway) -> None:
    await set_up(gateway, extra_params={"lang": "sw"})
    params = {"login": None, "password": None, "context": {"result": []}}
    good = await predict(gateway, [task(1)], params=params)
    assert len(good.json()["results"][0]["result"]) == 2
    bad = await predict(gateway, [task(1, "a" * 20_001)], params=params)
    assert bad.status_code == 422
    assert bad.json()["error"] == "TextTooLong"


async def test_five_thousand_tasks_are_answered_in_order(gateway: Gateway) -> None:
    await set_up(gateway, extra_params={"lang": "sw"})
    texts = [f"{'😀' * (number % 3)} Samia {number} Nairobi" for number in range(5_000)]
    results = (await predict(gateway, [task(number, text) for number, text in enumerate(texts)])).json()["results"]
    assert len(results) == 5_000
    for text, found in zip(texts, results, strict=True):
        values = [each["value"] for each in found["result"]]
        assert [text[each["start"] : each["end"]] for each in values] == ["Samia", "Nairobi"]


async def test_when_time_is_up_the_rest_gets_no_prediction(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(GatewaySettings(label_studio_seconds=1.0, label_studio_lang="sw", log_level="WARNING"))
    async with app.router.lifespan_context(app):
        pipeline, calls = app.state.engine, 0
        original = pipeline.project

        async def stuck(request: Any, has_left: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > 1:
                await asyncio.Event().wait()
            return await original(request, has_left)

        monkeypatch.setattr(pipeline, "project", stuck)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
            found = await predict(Gateway(app, http), [task(number) for number in range(200)])
            nothing = await predict(Gateway(app, http), [task(1)])
    results = found.json()["results"]
    assert len(results) == 200
    reached = ["result" in each for each in results]
    assert reached == sorted(reached, reverse=True)
    assert 0 < sum(reached) < 200
    assert {each["error"] for each in results if "error" in each} == {"DeadlineExceeded"}
    assert nothing.status_code == 408


async def test_a_busy_gateway_is_waited_for(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    await set_up(gateway, extra_params={"lang": "sw"})
    pipeline, refused = gateway.app.state.engine, 0
    original = pipeline.project

    async def busy(request: Any, has_left: Any) -> Any:
        nonlocal refused
        if not refused:
            refused += 1
            raise Overloaded("the queue is full", retry_after=0)
        return await original(request, has_left)

    monkeypatch.setattr(pipeline, "project", busy)
    results = (await predict(gateway, [task(1)])).json()["results"]
    assert refused == 1
    assert len(results[0]["result"]) == 2


async def test_a_service_that_fails_midway_costs_only_the_rest(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_up(gateway, extra_params={"lang": "sw"})
    pipeline, calls = gateway.app.state.engine, 0
    original = pipeline.project

    async def failing(request: Any, has_left: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise UpstreamFailed("translation is down")
        return await original(request, has_left)

    monkeypatch.setattr(pipeline, "project", failing)
    results = (await predict(gateway, [task(number) for number in range(200)])).json()["results"]
    reached = ["result" in each for each in results]
    assert reached == sorted(reached, reverse=True)
    assert 0 < sum(reached) < 200
    assert calls == 2  # A service that is down isn't asked for each chunk.


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"action": "START_TRAINING", "project": {"id": 1, "access_token": SECRET}}, 201),
        ({"action": "ANNOTATION_CREATED", "annotation": {"result": []}, "task": {"data": {"text": TEXT}}}, 200),
        ({"action": "SOMETHING_NEW"}, 200),
        ({}, 200),
    ],
)
async def test_events_are_acknowledged_and_not_logged(
    gateway: Gateway, logged: pytest.LogCaptureFixture, event: dict[str, Any], status: int
) -> None:
    response = await gateway.http.post(f"{URL}/webhook", json=event)
    assert response.status_code == status
    assert response.json() == {"status": "ok"}
    assert SECRET not in logged.text
    assert "Nairobi" not in logged.text
    assert "POST" in logged.text  # The access log is seen here.


async def test_a_body_over_the_limit_is_refused(gateway: Gateway) -> None:
    response = await gateway.http.post(f"{URL}/predict", content=b" " * 10_000_001)
    assert response.status_code == 413
