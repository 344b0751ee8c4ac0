"""Methods and scores that need a multilingual teacher, with a small one that a test has really trained."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.contracts.base import ErrorBody
from tests.support.gateway import STUBS, Gateway

pytestmark = pytest.mark.torch

TOKENS = ["Rais", "Samia", "Suluhu", "alitembelea", "Nairobi", "jana", "."]
TAGS = ["O", "B-PER", "I-PER", "O", "B-LOC", "O", "O"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    from tests.support.ner_checkpoint import make_token_classifier

    return make_token_classifier(tmp_path_factory.mktemp("teacher") / "checkpoint")


@pytest.fixture(scope="module")
def converted(checkpoint: Path) -> Path:
    from spanbridge_ner_teacher.backends.convert import convert

    output = checkpoint.parent / "converted"
    return convert(str(checkpoint), output, licence="MIT", name="tiny", languages=["eng_Latn", "swh_Latn"])


@pytest.fixture(params=["transformers", "ctranslate2"])
async def gateway(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, checkpoint: Path, converted: Path
) -> AsyncIterator[Gateway]:
    model = checkpoint if request.param == "transformers" else converted
    for name, value in STUBS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SPANBRIDGE_NER_TEACHER_MULTILINGUAL", f"{request.param}:{model}")
    app = create_app(GatewaySettings(log_level="ERROR"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
            yield Gateway(app, http)


async def test_transfer_labels_the_sentence_itself(gateway: Gateway) -> None:
    gateway.count_calls()
    (result,) = await gateway.results([{"tokens": TOKENS}], method="transfer", include=["tokens"])
    assert result["tags"] == TAGS
    assert gateway.calls == {"ner_teacher": 1}
    assert all(each["source"] is None and each["score"] > 0.5 for each in result["entities"])


async def test_transfer_drops_what_scores_too_low(gateway: Gateway) -> None:
    (result,) = await gateway.results([{"tokens": TOKENS}], method="transfer", options={"min_score": 1.0})
    assert result["entities"] == []


@pytest.mark.parametrize(
    "options",
    [
        {"candidates": "ner"},
        {"score": "ner"},
        {"score": "ner_spans", "solver": "greedy"},
        {"score": "fused", "weight_align": 0.5, "weight_ner_spans": 0.5},
        {"score": "fused", "candidates": "ner", "weight_ner": 0.5},
    ],
)
async def test_candidates_and_scores_of_the_teacher_project(gateway: Gateway, options: dict[str, object]) -> None:
    source = {
        "tokens": ["President", "Samia", "Suluhu", "visited", "Nairobi", "."],
        "entities": [{"start": 1, "end": 3, "label": "PER"}, {"start": 4, "end": 5, "label": "LOC"}],
    }
    (result,) = await gateway.results(
        [{"tokens": TOKENS, "source": source}], options=options, include=["tokens", "scores"]
    )
    assert result["tags"] == TAGS
    assert all("total" in each["scores"] for each in result["entities"])


async def test_the_teachers_languages_are_listed(gateway: Gateway) -> None:
    languages = (await gateway.http.get("/v1/languages")).json()["languages"]
    swahili = next(each for each in languages if each["code"] == "swh_Latn")
    assert swahili["methods"] == ["candidates", "heuristic", "transfer", "ensemble"]


@pytest.mark.parametrize("gateway", ["ctranslate2"], indirect=True)
async def test_a_language_that_the_teacher_lacks_is_refused_by_name(gateway: Gateway) -> None:
    response = await gateway.project([{"text": "Ein Satz."}], lang="deu_Latn", method="transfer")
    assert response.status_code == 422
    assert response.json()["error"] == "MissingTeacher"
    assert "deu_Latn" in response.json()["detail"]


PROJECTED = {
    "tokens": TOKENS,
    "source": {
        "tokens": ["President", "Samia", "visited", "Nairobi", "."],
        "entities": [{"start": 1, "end": 2, "label": "PER"}],
    },
}


@pytest.mark.parametrize("gateway", ["ctranslate2"], indirect=True)
async def test_links_and_probabilities_are_asked_for_at_the_same_time(gateway: Gateway) -> None:
    upstreams = gateway.app.state.engine.upstreams
    begun = {name: asyncio.Event() for name in ("links", "probabilities")}

    def waiting_for(own: str, other: str, call: Any) -> Any:
        async def wrapped(request: Any) -> Any:
            begun[own].set()
            await asyncio.wait_for(begun[other].wait(), timeout=20)
            return await call(request)

        return wrapped

    upstreams.alignment.align = waiting_for("links", "probabilities", upstreams.alignment.align)
    teacher = upstreams.ner_teacher
    teacher.probabilities = waiting_for("probabilities", "links", teacher.probabilities)
    (result,) = await gateway.results([PROJECTED], options={"score": "fused"})
    assert result["error"] is None
    assert {"align", "probabilities"} <= result["timings_ms"].keys()


@pytest.mark.parametrize("gateway", ["ctranslate2"], indirect=True)
@pytest.mark.parametrize("first", ["alignment", "probabilities"])
async def test_an_error_of_either_stays_when_the_other_ends_later(gateway: Gateway, first: str) -> None:
    upstreams = gateway.app.state.engine.upstreams
    done = asyncio.Event()
    align, see = upstreams.alignment.align, upstreams.ner_teacher.probabilities

    async def failing(call: Any, request: Any, answers: str) -> Any:
        answer = await call(request)
        fault = ErrorBody(error="SpanbridgeError", detail="no luck")
        found = [each.model_copy(update={"error": fault}) for each in getattr(answer, answers)]
        done.set()
        return answer.model_copy(update={answers: found})

    async def later(call: Any, request: Any) -> Any:
        await asyncio.wait_for(done.wait(), timeout=20)
        return await call(request)

    if first == "alignment":
        upstreams.alignment.align = lambda request: failing(align, request, "alignments")
        upstreams.ner_teacher.probabilities = lambda request: later(see, request)
    else:
        upstreams.ner_teacher.probabilities = lambda request: failing(see, request, "results")
        upstreams.alignment.align = lambda request: later(align, request)
    (result,) = await gateway.results([PROJECTED], options={"score": "fused"})
    assert result["error"]["detail"] == "no luck"
