"""Comparison: `POST /v1/compare`, the same sentences by every method."""

from typing import Annotated, Any

from pydantic import Field

from spanbridge_shared.contracts.base import ErrorBody, Label, LanguageCode, ModelAnswer, WireModel
from spanbridge_shared.contracts.gateway import (
    DEFAULT_LABELS,
    Cached,
    Entity,
    Identifier,
    Sentence,
    ShownAlignment,
    ShownTranslation,
)

MAX_COMPARED = 16
LLM_METHOD = "llm"
"""Stands for `transfer` by the teacher of that key."""

MethodName = Annotated[str, Field(min_length=1, max_length=40, examples=["transfer"])]


class CompareRequest(WireModel):
    """Label a few sentences of one language by several methods."""

    sentences: list[Sentence] = Field(
        min_length=1, max_length=MAX_COMPARED, examples=[[{"text": "Rais Samia alitembelea Nairobi jana."}]]
    )
    lang: LanguageCode = Field(description="As for `POST /v1/project`.", examples=["swh_Latn"])
    methods: list[MethodName] | None = Field(
        None,
        min_length=1,
        max_length=20,
        description='Of `GET /v1/methods`, or "llm"; null: every method that serves the language.',
    )
    labels: list[Label] = Field(list(DEFAULT_LABELS), min_length=1, max_length=50, description="Labels wanted.")
    options: dict[MethodName, dict[str, Any]] = Field({}, description="Options by method.")


class MethodAnswer(WireModel):
    """One method's answer for one sentence; with `error` there are no entities and no tags.

    `timings_ms` are its own calls; what a method before it asked for too comes from the cache, as `cached` says.
    """

    entities: list[Entity] = []
    tags: list[str] | None = None
    timings_ms: dict[str, float] = {}
    cached: Cached = Cached()
    member_errors: dict[str, ErrorBody] | None = None
    error: ErrorBody | None = None


class ComparedSentence(WireModel):
    """One sentence and each method's answer; tokens, translation and alignment are shared, as the methods made them.

    They are those of candidates, else of another method that translates; null where none could be had.
    """

    id: Identifier
    text: str
    lang: str
    tokens: list[str] | None
    translation: ShownTranslation | None
    alignment: ShownAlignment | None
    answers: dict[str, MethodAnswer]


class CompareResponse(ModelAnswer):
    """One result per sentence, in the request's order; `methods` are those asked, in the order they ran."""

    methods: list[str]
    results: list[ComparedSentence]
