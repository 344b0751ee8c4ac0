"""Gateway: `POST /v1/project`, `GET /v1/languages`, `GET /v1/methods`."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, StrictStr

from spanbridge_shared.contracts.base import ErrorBody, Label, LanguageCode, Link, ModelAnswer, RawText, WireModel

MAX_SENTENCES = 10_000
UNDETERMINED = "und"
"""A result's `lang` where it was to be detected and the request had no sound sentence to detect it in."""
DEFAULT_LABELS = ("PER", "ORG", "LOC")
DEFAULT_METHOD = "candidates"
"""The method of a request that names none."""

Identifier = Annotated[StrictStr, Field(max_length=200)] | StrictInt
Include = Literal["translation", "alignment", "tokens", "scores"]


class GivenEntity(WireModel):
    """An entity on the English side that a sentence brings, `[start, end)` in its tokens."""

    start: StrictInt
    end: StrictInt
    label: Label


class GivenSource(WireModel):
    """The sentence's own English side: nothing is translated and, with `entities`, nothing labelled."""

    tokens: list[RawText]
    entities: list[GivenEntity] | None = None


class Sentence(WireModel):
    """A sentence as text or as tokens, not both; a text may hold several sentences. Without `id` its place counts."""

    id: Identifier | None = None
    text: RawText | None = None
    tokens: list[RawText] | None = None
    source: GivenSource | None = None


class ProjectSentencesRequest(WireModel):
    """Label sentences of one language."""

    sentences: list[Sentence] = Field(
        min_length=1,
        max_length=MAX_SENTENCES,
        examples=[[{"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}]],
    )
    lang: LanguageCode = Field(
        description='FLORES code ("swh_Latn"), ISO 639-1 or 639-3 ("sw", "swa"), or "auto".', examples=["swh_Latn"]
    )
    method: Annotated[str, Field(max_length=40)] = Field(DEFAULT_METHOD, description="One of `GET /v1/methods`.")
    labels: list[Label] = Field(list(DEFAULT_LABELS), min_length=1, max_length=50, description="Labels wanted.")
    options: dict[str, Any] = Field({}, description="Options of the method, as `GET /v1/methods` lists them.")
    include: list[Include] = Field([], description="What to show beside the entities.", examples=[["tokens"]])


class EntitySource(WireModel):
    """The English entity that was projected, in code points of `translation.text`."""

    start: int
    end: int
    text: str


class Entity(WireModel):
    """An entity `[start, end)` in code points of the result's `text`.

    `scores` holds, if asked for, the match's parts, or the score that each member of an ensemble gave it.
    """

    start: int
    end: int
    text: str
    label: Label
    score: float = Field(
        description="In [0, 1]: the teacher's score times the quality of the match, or the ensemble's probability."
    )
    source: EntitySource | None = None
    scores: dict[str, float] | None = None


class ShownTranslation(WireModel):
    """The English side; `score` is the mean log-probability per token, null where the sentence brought its own.

    `via` names the languages in between where the model has no direct way.
    """

    text: str
    lang: str
    score: float | None
    via: list[str] = []


class ShownAlignment(WireModel):
    """Word tokens of both sides and their links [source token, target token, weight]."""

    source_tokens: list[str]
    target_tokens: list[str]
    links: list[Link]


class ShownBackTranslation(WireModel):
    """The English side translated back, without the markers.

    `kept` of its entities came back marked and were projected from here; the `lost` ones were from the English side.
    """

    text: str
    kept: int
    lost: int


class Cached(WireModel):
    """Whether all of a sentence's translation, or alignment, came from the cache."""

    translation: bool = False
    alignment: bool = False


class SentenceResult(WireModel):
    """One sentence's answer; with `error` there are no entities.

    For token input `text` is the tokens joined by single spaces. `tags` are IOB2, one per token. `back_translation` is
    shown with the translation where the option of that name is on. `timings_ms` is the time of each service call that
    the sentence was part of. `member_errors` is there where members of an ensemble failed and others answered.
    """

    id: Identifier
    text: str
    lang: str
    entities: list[Entity]
    tokens: list[str] | None = None
    tags: list[str] | None = None
    translation: ShownTranslation | None = None
    back_translation: ShownBackTranslation | None = None
    alignment: ShownAlignment | None = None
    cached: Cached = Cached()
    timings_ms: dict[str, float] = {}
    member_errors: dict[str, ErrorBody] | None = None
    error: ErrorBody | None = None


class ProjectSentencesResponse(ModelAnswer):
    """One result per sentence, in the request's order."""

    results: list[SentenceResult]


class LanguageInfo(WireModel):
    """A language: whether the pipeline serves it, and through which others its translation goes."""

    code: str
    name: str
    aliases: list[str]
    via: list[str] = []
    methods: list[str]


class LanguagesResponse(WireModel):
    """`languages` are those that can be labelled from text alone; others need `source`."""

    languages: list[LanguageInfo]


class OptionInfo(WireModel):
    """One option of a method; `choices`, `minimum` and `maximum` where they apply."""

    name: str
    type: str
    default: Any
    description: str
    choices: list[str] | None = None
    minimum: float | None = None
    maximum: float | None = None


class MethodInfo(WireModel):
    """One method and its options.

    With default options, `labels` are those that it can give, and `models` the versions of what it works by, by role.
    Both are None where the server has no such teacher.
    """

    name: str
    description: str
    options: list[OptionInfo]
    labels: list[str] | None = None
    models: dict[str, str] | None = None


class MethodsResponse(WireModel):
    """Every method."""

    methods: list[MethodInfo]
    labels: list[str] = Field(description="Labels that the configured teachers give.")
