"""NER teacher: `POST /v1/ner`, `POST /v1/probabilities`, `GET /v1/info`."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from spanbridge_shared.contracts.base import (
    MAX_ITEMS,
    ErrorBody,
    Label,
    LanguageCode,
    ModelAnswer,
    RawText,
    ServiceInfo,
    WireModel,
    one_or_many,
    one_or_many_schema,
)
from spanbridge_shared.text.languages import ENGLISH

TeacherKey = Annotated[
    str,
    Field(
        min_length=1,
        max_length=40,
        examples=["student"],
        description="Which teacher answers, by its key in GET /v1/info: english, multilingual, student, llm, or a name "
        "from SPANBRIDGE_NER_TEACHER_TEACHERS. Unset: the first of english and multilingual that serves the language.",
    ),
]


class NerItem(WireModel):
    """One sentence: its text, or its tokens; not both."""

    text: RawText | None = None
    tokens: list[RawText] | None = None


class NerRequest(WireModel):
    """Label each sentence; a single one may be given flat, as `text` or `tokens`."""

    model_config = one_or_many_schema("sentences", NerItem)

    sentences: list[NerItem] = Field(min_length=1, max_length=MAX_ITEMS)
    lang: LanguageCode = ENGLISH
    teacher: TeacherKey | None = None
    labels: list[Label] | None = Field(
        None, min_length=1, max_length=50, description="Give entities of these labels only. Unset: of all."
    )

    @model_validator(mode="before")
    @classmethod
    def _single(cls, data: Any) -> Any:
        return one_or_many(data, "sentences", ("text", "tokens"))


class NerEntity(WireModel):
    """An entity; `start` and `end` count what was sent: code points of a text, tokens of a list of tokens."""

    start: int
    end: int
    text: str
    label: Label
    score: float = Field(ge=0, le=1, description="The teacher's probability of this span with this label.")


class NerResult(WireModel):
    """Entities in order, none overlapping, or the sentence's error; `unit` says what their offsets count."""

    unit: Literal["characters", "tokens"] = "characters"
    entities: list[NerEntity] = []
    cached: bool = False
    error: ErrorBody | None = None


class NerResponse(ModelAnswer):
    """One result per sentence, in the request's order."""

    results: list[NerResult]


class ProbabilitiesRequest(WireModel):
    """Ask for label probabilities per token; a single sentence may be given flat, as `tokens`."""

    model_config = one_or_many_schema("sentences", NerItem)

    sentences: list[NerItem] = Field(min_length=1, max_length=MAX_ITEMS)
    lang: LanguageCode
    teacher: TeacherKey | None = None

    @model_validator(mode="before")
    @classmethod
    def _single(cls, data: Any) -> Any:
        return one_or_many(data, "sentences", ("text", "tokens"))


class TokenProbabilities(WireModel):
    """`probabilities` is (n_tokens, n_labels), each row sums to 1; `tokens` are given back where a text was sent."""

    tokens: list[str] | None = None
    probabilities: list[list[float]] = []
    cached: bool = False
    error: ErrorBody | None = None


class ProbabilitiesResponse(ModelAnswer):
    """`labels` names the columns: IOB2 tags such as `B-PER`, and `O`."""

    labels: list[str]
    results: list[TokenProbabilities]


ANY_LANGUAGE = "*"
"""Stands for every language in a teacher's list."""


class TeacherRole(StrEnum):
    """When a teacher answers: the first two without being asked for by name, each for its languages."""

    ENGLISH = "english"
    MULTILINGUAL = "multilingual"
    STUDENT = "student"
    NAMED = "named"


UNNAMED_ROLES = (TeacherRole.ENGLISH, TeacherRole.MULTILINGUAL)
"""Roles whose teachers answer requests that name no teacher."""


class TeacherUsage(WireModel):
    """What a language model behind an API has used since the service started; `cost` is in the prices' currency.

    `failed_answers` counts samples that couldn't be used, `dropped_spans` spans that aren't in the text or don't fit.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    failed_answers: int = 0
    dropped_spans: int = 0


class TeacherInfo(WireModel):
    """One configured teacher: the labels it gives, the languages it serves (`["*"]`: any), and what it can answer.

    `key` is what a request's `teacher` names; `name` says which model it is.
    """

    key: str
    role: TeacherRole
    name: str
    model_version: str
    labels: list[Label]
    languages: list[str]
    probabilities: bool
    usage: TeacherUsage | None = None


class NerInfo(ServiceInfo):
    """Every configured teacher: english, multilingual, student, then the named ones."""

    teachers: list[TeacherInfo]
