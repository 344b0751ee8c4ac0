"""What each teacher asks, and what becomes of the answers."""

from typing import Any, cast

import pytest

from spanbridge.async_client import Projection
from spanbridge_distillation.teachers import LlmTeacher, ProjectionTeacher, TransferTeacher
from spanbridge_distillation.texts import Sentence
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import Entity, SentenceResult
from spanbridge_shared.contracts.ner import (
    NerEntity,
    NerRequest,
    NerResponse,
    NerResult,
    ProbabilitiesRequest,
    ProbabilitiesResponse,
    TokenProbabilities,
)

TAGS = ("O", "B-PER", "I-PER")
BOTH = [Sentence(("Rais", "Samia")), Sentence(("jana",), ("yesterday",))]
FAULT = ErrorBody(error="TextTooLong", detail="too long")


class _Service:
    """Answers the first sentence, and has a fault for the second."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def probabilities(self, request: ProbabilitiesRequest) -> ProbabilitiesResponse:
        self.asked.append(request)
        rows = [[0.5, 0.25, 0.25], [0.125, 0.0, 0.875]]
        results = [TokenProbabilities(probabilities=rows), TokenProbabilities(error=FAULT)]
        return ProbabilitiesResponse(model_version="m-1", labels=["O", "B-DATE", "B-PER"], results=results)

    async def ner(self, request: NerRequest) -> NerResponse:
        self.asked.append(request)
        entity = NerEntity(start=1, end=2, text="Samia", label="PER", score=0.75)
        return NerResponse(model_version="llm-1", results=[NerResult(entities=[entity]), NerResult(error=FAULT)])


class _Gateway:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def projection(self, sentences: list[Any], lang: str, **options: Any) -> Projection:
        self.asked.append((sentences, lang, options))
        entity = Entity(start=5, end=10, text="Samia", label="PER", score=0.5)
        other = Entity(start=0, end=4, text="jana", label="DATE", score=0.9)
        return Projection(
            [
                SentenceResult(id="0", text="Rais Samia", lang=lang, entities=[entity]),
                SentenceResult(id="1", text="jana", lang=lang, entities=[other]),
            ],
            "p-1",
        )


async def test_transfer_folds_columns_and_keeps_faults() -> None:
    found = await TransferTeacher(cast("Any", _Service()), TAGS).label(BOTH, "swh_Latn")
    first, second = found.rows
    assert first is not None
    assert first.tolist() == [[0.75, 0.25, 0.0], [0.125, 0.875, 0.0]]
    assert (second, found.errors, found.model_version) == (None, [None, "TextTooLong"], "m-1")


async def test_the_language_model_is_asked_by_name_and_its_probabilities_are_soft() -> None:
    service = _Service()
    found = await LlmTeacher(cast("Any", service), TAGS).label(BOTH, "swh_Latn")
    assert service.asked[0].teacher == "llm"
    assert found.rows[0] is not None
    assert found.rows[0].tolist() == [[1.0, 0.0, 0.0], [0.25, 0.75, 0.0]]
    assert found.errors == [None, "TextTooLong"]


async def test_projection_sends_ready_english_and_leaves_other_labels_out() -> None:
    gateway = _Gateway()
    teacher = ProjectionTeacher(cast("Any", gateway), ["PER"], TAGS, {"min_score": 0.3})
    found = await teacher.label(BOTH, "swh_Latn")
    sentences, lang, options = gateway.asked[0]
    assert (lang, options["method"], options["labels"], options["options"]) == (
        "swh_Latn", "candidates", ["PER"], {"min_score": 0.3},
    )  # fmt: skip
    assert sentences[0].source is None
    assert sentences[1].source.tokens == ["yesterday"]
    assert sentences[1].source.entities is None
    assert [rows.tolist() for rows in found.rows if rows is not None] == [
        [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]],
        [[1.0, 0.0, 0.0]],
    ]
    assert teacher.settings["options"] == {"min_score": 0.3}


@pytest.mark.parametrize("kind", [TransferTeacher, LlmTeacher])
async def test_words_are_sent_as_they_are(kind: type[TransferTeacher] | type[LlmTeacher]) -> None:
    service = _Service()
    await kind(cast("Any", service), TAGS).label(BOTH, "swh_Latn")
    assert [item.tokens for item in service.asked[0].sentences] == [["Rais", "Samia"], ["jana"]]
