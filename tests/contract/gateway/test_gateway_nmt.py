"""nmt scores through the gateway, with stub services: words are their own translation, so names score 1 as they are."""

from dataclasses import replace
from typing import Any

import pytest

from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.translation import ScoreRequest, ScoreResponse, TargetScore
from tests.support.gateway import Gateway

SENTENCE = {"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}
FUSED = {"score": "fused", "weight_align": 0.5, "weight_nmt": 1.0}
OPTIONS = [
    {"score": "nmt"},
    {"score": "nmt", "candidates": "ngram"},
    {"score": "nmt", "candidates": "ngram", "solver": "greedy", "nmt_min_self": 0.0},
    {"score": "nmt", "candidates": "ngram", "n_proj_form": "exactly"},
    FUSED,
    FUSED | {"candidates": "ngram"},
]


def names(result: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["text"], each["label"]) for each in result["entities"]}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
async def test_names_are_found_by_how_they_translate(gateway: Gateway, options: dict[str, object]) -> None:
    (result,) = await gateway.results([SENTENCE], options=options, include=["scores"])
    assert result["error"] is None
    assert names(result) == {("Samia", "PER"), ("Nairobi", "LOC")}
    for entity in result["entities"]:
        assert entity["scores"]["nmt"] == 1.0
        assert entity["scores"]["total"] == 1.0 + 0.5 * entity["scores"].get("align", 0.0)
    assert set(result["timings_ms"]) == {"translate", "ner", "align", "score", "project"}


async def test_without_nmt_nothing_is_scored(gateway: Gateway) -> None:
    (result,) = await gateway.results([SENTENCE])
    assert "score" not in result["timings_ms"]


async def test_a_given_source_is_scored_by_its_own_words(gateway: Gateway) -> None:
    sentence = {
        "tokens": ["Angela", "Merkel", "besuchte", "Rom", "."],
        "source": {
            "tokens": ["Angela", "Merkel", "visited", "Rom", "."],
            "entities": [{"start": 0, "end": 2, "label": "PER"}, {"start": 3, "end": 4, "label": "LOC"}],
        },
    }
    (result,) = await gateway.results([sentence], lang="deu_Latn", options={"score": "nmt"}, include=["tokens"])
    assert result["tags"] == ["B-PER", "I-PER", "O", "B-LOC", "O"]


async def test_a_batch_equals_single_sentences(gateway: Gateway) -> None:
    texts = ["Rais Samia alifika Nairobi.", "Hakuna jina hapa.", "Nairobi ni mji. Kampala pia.", "🙂 Samia !"]
    batch = await gateway.results([{"id": text, "text": text} for text in texts], options=FUSED, include=["scores"])
    for text, together in zip(texts, batch, strict=True):
        (alone,) = await gateway.results([{"id": text, "text": text}], options=FUSED, include=["scores"])
        for result in (alone, together):
            del result["timings_ms"], result["cached"]
        assert alone == together


async def test_scores_that_were_computed_before_come_from_the_cache(gateway: Gateway) -> None:
    found: list[TargetScore] = []
    translation = gateway.app.state.engine.upstreams.translation
    score = translation.score

    async def watched(request: ScoreRequest) -> ScoreResponse:
        answer: ScoreResponse = await score(request)
        found.extend(answer.scores)
        return answer

    translation.score = watched
    await gateway.results([SENTENCE], options={"score": "nmt"})
    assert not any(each.cached for each in found)
    found.clear()
    await gateway.results([SENTENCE], options={"score": "nmt"}, include=["scores"])
    assert found
    assert all(each.cached for each in found)


async def test_a_score_that_cannot_be_had_fails_its_sentence_alone(gateway: Gateway) -> None:
    translation = gateway.app.state.engine.upstreams.translation
    score = translation.score

    async def failing(request: ScoreRequest) -> ScoreResponse:
        answer: ScoreResponse = await score(request)
        bad = TargetScore(error=ErrorBody(error="TextTooLong", detail="the target has 999 sub-words"))
        scores = [
            bad if "Kampala" in target else each for target, each in zip(request.targets, answer.scores, strict=True)
        ]
        return answer.model_copy(update={"scores": scores})

    translation.score = failing
    good, bad = await gateway.results([SENTENCE, {"text": "Amina alifika Kampala."}], options={"score": "nmt"})
    assert names(good) == {("Samia", "PER"), ("Nairobi", "LOC")}
    assert bad["entities"] == []
    assert (bad["error"]["error"], bad["error"]["detail"]) == ("TextTooLong", "the target has 999 sub-words")


@pytest.mark.parametrize("pairs", [[("swh_Latn", "eng_Latn")], [("eng_Latn", "swh_Latn"), ("swh_Latn", "fra_Latn")]])
async def test_a_language_served_one_way_only_is_refused(gateway: Gateway, pairs: list[tuple[str, str]]) -> None:
    upstreams = gateway.app.state.engine.upstreams
    infos = await upstreams.infos()
    translation = infos.translation.model_copy(update={"pairs": pairs})
    upstreams._infos = replace(infos, translation=translation)
    response = await gateway.project([SENTENCE], options={"score": "nmt"})
    assert (response.status_code, response.json()["error"]) == (422, "UnsupportedLanguage")
    assert "swh_Latn" in response.json()["detail"]
    assert "both" in response.json()["detail"]
    (result,) = await gateway.results([SENTENCE])
    assert len(result["entities"]) == 2


async def test_english_needs_no_scores(gateway: Gateway) -> None:
    (result,) = await gateway.results([{"text": "President Samia."}], lang="en", options={"score": "nmt"})
    assert names(result) == {("Samia", "PER")}
    assert "score" not in result["timings_ms"]


async def test_the_option_is_described(gateway: Gateway) -> None:
    methods = (await gateway.http.get("/v1/methods")).json()["methods"]
    (candidates,) = [each for each in methods if each["name"] == "candidates"]
    options = {each["name"]: each for each in candidates["options"]}
    assert "nmt" in options["score"]["choices"]
    assert (options["nmt_min_self"]["minimum"], options["nmt_min_self"]["maximum"]) == (0, 1)
