"""`POST /v1/merge`, in process."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from spanbridge_projection.app import create_app
from spanbridge_projection.settings import ProjectionSettings

PARAMETERS: dict[str, Any] = {
    "bias": 0.0,
    "members": {
        "student": {"weight": 1.0, "present": 0.0, "absent": -1.0},
        "transfer": {"weight": 1.0, "present": 0.0, "absent": -1.0},
    },
    "threshold": 0.5,
}
AGREED = {"start": 0, "end": 2, "label": "PER", "scores": {"student": 0.9, "transfer": 0.8}}
DOUBTED = {"start": 1, "end": 3, "label": "LOC", "scores": {"student": 0.6}}
ALONE = {"start": 4, "end": 5, "label": "LOC", "scores": {"transfer": 0.9}}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(ProjectionSettings(log_level="ERROR"))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://projection") as client,
    ):
        yield client


async def merge(http: httpx.AsyncClient, *sentences: list[dict[str, Any]]) -> list[dict[str, Any]]:
    body = {"sentences": [{"proposals": each} for each in sentences], "parameters": PARAMETERS}
    response = await http.post("/v1/merge", json=body)
    assert response.status_code == 200, response.text
    return list(response.json()["results"])


async def test_the_best_set_with_probabilities_and_the_members_scores(http: httpx.AsyncClient) -> None:
    [result] = await merge(http, [ALONE, DOUBTED, AGREED])
    assert result["error"] is None
    assert result["entities"] == [
        {"start": 0, "end": 2, "label": "PER", "score": 0.972973, "scores": {"student": 0.9, "transfer": 0.8}},
        {"start": 4, "end": 5, "label": "LOC", "score": 0.768031, "scores": {"transfer": 0.9}},
    ]


async def test_one_sentence_may_be_given_flat(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/merge", json={"proposals": [AGREED], "parameters": PARAMETERS})
    assert [each["label"] for each in response.json()["results"][0]["entities"]] == ["PER"]


async def test_a_batch_equals_single_sentences(http: httpx.AsyncClient) -> None:
    sentences: list[list[dict[str, Any]]] = [[AGREED, DOUBTED], [], [DOUBTED], [ALONE, AGREED]]
    together = await merge(http, *sentences)
    assert together == [(await merge(http, each))[0] for each in sentences]


@pytest.mark.parametrize(
    ("proposals", "told"),
    [
        ([AGREED | {"start": 2}], "its end must be above its start"),
        ([AGREED | {"end": 10**30}], "its end must be"),
        ([AGREED, AGREED], "twice"),
        ([AGREED | {"scores": {"magic": 0.5}}], "'magic', which is no member; they are student, transfer"),
    ],
)
async def test_a_faulty_sentence_fails_alone(
    http: httpx.AsyncClient, proposals: list[dict[str, Any]], told: str
) -> None:
    bad, good = await merge(http, proposals, [ALONE])
    assert bad["entities"] == []
    assert bad["error"]["error"] == "InvalidSource"
    assert told in bad["error"]["detail"]
    assert len(good["entities"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 1.0},
        {"bias": 1e9},
        {"members": {}},
        {"members": {"a": {"weight": 1.0}}},
    ],
)
async def test_faulty_parameters_are_refused(http: httpx.AsyncClient, change: dict[str, Any]) -> None:
    body = {"sentences": [{"proposals": [ALONE]}], "parameters": PARAMETERS | change}
    response = await http.post("/v1/merge", json=body)
    assert (response.status_code, response.json()["error"]) == (422, "InvalidRequest")


@pytest.mark.parametrize("score", [-0.1, 1.1])
async def test_scores_lie_between_0_and_1(http: httpx.AsyncClient, score: float) -> None:
    body = {"sentences": [{"proposals": [ALONE | {"scores": {"student": score}}]}], "parameters": PARAMETERS}
    assert (await http.post("/v1/merge", json=body)).status_code == 422


async def test_a_long_text_may_have_thousands_of_proposals(http: httpx.AsyncClient) -> None:
    many = [ALONE | {"start": place, "end": place + 2} for place in range(20_000)]
    [result] = await merge(http, many)
    assert len(result["entities"]) == 10_000
