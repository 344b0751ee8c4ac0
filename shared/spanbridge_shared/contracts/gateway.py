"""Gateway: `POST /v1/project`, `GET /v1/languages`, `GET /v1/methods`."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, StrictStr

from spanbridge_shared.contracts.alignment import AlignMethod, AlignOptions
from spanbridge_shared.contracts.base import ErrorBody, Label, LanguageCode, Link, ModelAnswer, RawText, WireModel
from spanbridge_shared.contracts.projection import (
    PUNCTUATION_LINKS,
    TRIM_SOURCE,
    CandidateOptions,
    CandidateSource,
    HeuristicOptions,
    Score,
)

MAX_SENTENCES = 10_000
UNDETERMINED = "und"
"""A result's `lang` where it was to be detected and the request had no sound sentence to detect it in."""
DEFAULT_LABELS = ("PER", "ORG", "LOC")

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


class MarkerStyle(StrEnum):
    """What stands around an entity in a text that is translated with its entities marked."""

    BRACKETS = "brackets"
    PARENTHESES = "parentheses"
    QUOTES = "quotes"


class LinkingOptions(AlignOptions):
    """Options of every method that translates and aligns."""

    beam: int = Field(4, ge=1, le=16, description="Beam size of the translation; 1 is fastest.")
    align_method: AlignMethod = Field(AlignMethod.FUSED, description="How word links are found.")
    back_translation: bool = Field(
        False,
        description="Translate the English back with its entities marked, and project from what comes back marked.",
    )
    marker_style: MarkerStyle = Field(MarkerStyle.BRACKETS, description="back_translation: what marks an entity.")


class CandidatesMethodOptions(LinkingOptions, CandidateOptions):
    """Options of `method: "candidates"`; their defaults did best on development data (docs/decisions/0007)."""

    score: Score = Field(
        Score.FUSED,
        description="What a candidate is scored by; `fused` adds them by weight. Sentences that bring their own "
        "entities are scored by align unless told otherwise.",
    )
    candidates: CandidateSource = Field(
        CandidateSource.NGRAM,
        description="Target spans: n-grams, a teacher's spans, or the n-grams between words aligned with one entity, "
        "which they are where nmt scores count and nothing else is chosen.",
    )
    weight_align: float = Field(0.35, ge=0, le=10, description="fused: weight of the align score.")
    weight_ner: float = Field(
        0.65,
        ge=0,
        le=10,
        description="fused: weight of the ner score; of a label that the teacher doesn't know the others take it over.",
    )
    min_score: float = Field(
        0.4,
        ge=0,
        le=10,
        description="Pairs scored at or below are never projected; at 0, exactly and at_least may force pairs of 0.",
    )
    score_power: float = Field(
        2.0, ge=1, le=4, description="Power of scores in sums; above 1, a match beats two halves."
    )
    trim_source: bool = Field(True, description=TRIM_SOURCE)
    punctuation_links: bool = Field(False, description=PUNCTUATION_LINKS)
    nmt_threshold: float = Field(0.02, ge=0, le=1, description="nmt: scores at or below count as zero.")
    nmt_min_self: float = Field(
        0.2,
        ge=0,
        le=1,
        description="nmt: a text's score given itself, by which scores are divided, counts as at least this; 0 is the "
        "published score.",
    )


class HeuristicMethodOptions(LinkingOptions, HeuristicOptions):
    """Options of `method: "heuristic"`; their defaults did best on development data (docs/decisions/0007)."""

    max_gap: int = Field(2, ge=0, le=50, description="Runs of aligned words at most this far apart merge (d).")
    max_runs: int | None = Field(1, ge=1, le=50, description="Runs kept, longest first (k); null keeps all.")
    min_ratio: float = Field(
        0.0, ge=0, le=10, description="A run is kept if its words / the entity's words exceed it (thr)."
    )
    trim_source: bool = Field(True, description=TRIM_SOURCE)
    punctuation_links: bool = Field(False, description=PUNCTUATION_LINKS)


class TransferMethodOptions(WireModel):
    """Options of `method: "transfer"`."""

    min_score: float = Field(0.0, ge=0, le=1, description="Entities scored below are left out.")


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
    method: Annotated[str, Field(max_length=40)] = Field("candidates", description="One of `GET /v1/methods`.")
    labels: list[Label] = Field(list(DEFAULT_LABELS), min_length=1, max_length=50, description="Labels wanted.")
    options: dict[str, Any] = Field({}, description="Options of the method, as `GET /v1/methods` lists them.")
    include: list[Include] = Field([], description="What to show beside the entities.", examples=[["tokens"]])


class EntitySource(WireModel):
    """The English entity that was projected, in code points of `translation.text`."""

    start: int
    end: int
    text: str


class Entity(WireModel):
    """An entity `[start, end)` in code points of the result's `text`; `scores` holds the match's parts if asked for."""

    start: int
    end: int
    text: str
    label: Label
    score: float = Field(description="In [0, 1]: the teacher's score times the quality of the match.")
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
    the sentence was part of.
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
    """One method and its options."""

    name: str
    description: str
    options: list[OptionInfo]


class MethodsResponse(WireModel):
    """Every method."""

    methods: list[MethodInfo]
    labels: list[str] = Field(description="Labels that the configured teachers give.")
