"""Projection: `POST /v1/candidates`, `POST /v1/project`, `GET /v1/info`. An answer depends on its request alone."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from spanbridge_shared.contracts.base import (
    MAX_ITEMS,
    ErrorBody,
    Label,
    Link,
    RawText,
    ServiceInfo,
    WireModel,
    one_or_many,
    one_or_many_schema,
)

MAX_SOURCE_ENTITIES = 500
PUNCTUATION_LINKS = "Whether links to punctuation of the target count (García-Ferrero 2022 leaves them out)."
TRIM_SOURCE = "Leave articles, titles of persons and punctuation at the ends of source entities out, as CoNLL does."

Index = Annotated[int, Field(ge=0)]
TokenRange = tuple[Index, Index]
"""A half-open range of tokens `[start, end)`."""


class ProjectionMethod(StrEnum):
    """The two families of METHODS.md that need word links."""

    CANDIDATES = "candidates"
    HEURISTIC = "heuristic"


class CandidateSource(StrEnum):
    """Where target spans come from."""

    NGRAM = "ngram"
    NER = "ner"
    ALIGNED = "aligned"


class Score(StrEnum):
    """How a source entity is matched with a candidate."""

    ALIGN = "align"
    NER = "ner"
    NER_SPANS = "ner_spans"
    NMT = "nmt"
    FUSED = "fused"


class Solver(StrEnum):
    """How the assignment is found."""

    GREEDY = "greedy"
    EXACT = "exact"


class ProjectionCount(StrEnum):
    """What `n_proj` is of an entity's projections: their limit, their number, or their minimum."""

    AT_MOST = "at_most"
    EXACTLY = "exactly"
    AT_LEAST = "at_least"


class AlignCount(StrEnum):
    """What the align score counts: links, or the words on both sides that a link reaches."""

    LINKS = "links"
    WORDS = "words"


class LinkUseOptions(WireModel):
    """Which words count, in both methods."""

    punctuation_links: bool = Field(True, description=PUNCTUATION_LINKS)
    trim_source: bool = Field(False, description=f"{TRIM_SOURCE} Needs source_tokens.")


class CandidateOptions(LinkUseOptions):
    """Options of `method: "candidates"` (METHODS.md "The projection problem", "Scores", "Candidates")."""

    candidates: CandidateSource = Field(
        CandidateSource.NGRAM,
        description="Target spans: n-grams, a teacher's spans, or the n-grams between words aligned with one entity.",
    )
    max_words: int = Field(10, ge=1, le=50, description="ngram, aligned: longest candidate, in words.")
    score: Score = Field(Score.ALIGN, description="What a candidate is scored by; `fused` adds them by weight.")
    align_count: AlignCount = Field(
        AlignCount.LINKS, description="align: count links, as published, or the words that links reach, each once."
    )
    lowercase_weight: float = Field(
        1.0, ge=0.01, le=1, description="align: factor on links to target words in lower case, which names seldom are."
    )
    unlinked_weight: float = Field(
        1.0, ge=0.01, le=1, description="align: what a target word without any link adds to a candidate's length."
    )
    weight_align: float = Field(1.0, ge=0, le=10, description="fused: weight of the align score.")
    weight_ner: float = Field(0.0, ge=0, le=10, description="fused: weight of the ner score.")
    weight_ner_spans: float = Field(0.0, ge=0, le=10, description="fused: weight of the ner_spans score.")
    weight_nmt: float = Field(0.0, ge=0, le=10, description="fused: weight of the nmt score.")
    ner_alpha: float = Field(1.15, ge=1, le=2, description="ner, ner_spans: bonus per word of a well-formed entity.")
    ner_threshold: float = Field(0.05, ge=0, le=1, description="ner, ner_spans: scores at or below count as zero.")
    nmt_threshold: float = Field(0.1, ge=0, le=1, description="nmt: scores at or below count as zero.")
    min_score: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Pairs scored at or below are never projected; at 0, exactly and at_least may force pairs of 0.",
    )
    score_power: float = Field(
        1.0, ge=1, le=4, description="Power of scores in sums; above 1, a match beats two halves."
    )
    n_proj: int = Field(1, ge=1, le=10, description="Projections of one source entity, as n_proj_form says.")
    n_proj_form: ProjectionCount = Field(
        ProjectionCount.AT_MOST,
        description="at_most, exactly or at_least n_proj projections; as many as can be where spans are too few.",
    )
    solver: Solver = Field(Solver.EXACT, description="`exact` is optimal, `greedy` takes the best pair first.")


class HeuristicOptions(LinkUseOptions):
    """Options of `method: "heuristic"` (García-Ferrero 2022, extended; METHODS.md "Heuristic")."""

    max_gap: int = Field(1, ge=0, le=50, description="Runs of aligned words at most this far apart merge (d).")
    max_runs: int | None = Field(None, ge=1, le=50, description="Runs kept, longest first (k); null keeps all.")
    only_i: bool = Field(
        False, description="A run that starts at a word aligned with the entity's first word never merges (only_i)."
    )
    min_ratio: float = Field(
        0.8, ge=0, le=10, description="A run is kept if its words / the entity's words exceed it (thr)."
    )


class SourceEntity(WireModel):
    """An entity on the source (English) side, `[start, end)` in source tokens."""

    start: Index
    end: Index
    label: Label
    score: float = Field(1.0, ge=0, le=1)


class CandidatesItem(WireModel):
    """What candidate spans are made from; `probabilities` (n_target, n_labels) only for NER candidates.

    Of `source_entities` that share a word only the longest is projected, of equals the surest, then the first.
    """

    source_entities: list[SourceEntity] = Field(max_length=MAX_SOURCE_ENTITIES)
    links: list[Link]
    target_tokens: list[RawText]
    probabilities: list[list[float]] | None = None
    source_tokens: list[RawText] | None = Field(None, description="Only trim_source reads them.")


class CandidatesRequest(WireModel):
    """Ask for each sentence's candidate spans, so that they can be scored before projecting; one may be given flat."""

    model_config = one_or_many_schema("sentences", CandidatesItem)

    sentences: list[CandidatesItem] = Field(min_length=1, max_length=MAX_ITEMS)
    probability_labels: list[str] | None = Field(None, description="Columns of `probabilities`: IOB2 tags and `O`.")
    options: CandidateOptions = CandidateOptions()

    @model_validator(mode="before")
    @classmethod
    def _single(cls, data: Any) -> Any:
        return one_or_many(data, "sentences", tuple(CandidatesItem.model_fields))


class CandidatesResult(WireModel):
    """Candidate target spans; their order is what `nmt_scores` indexes."""

    candidates: list[TokenRange] = []
    error: ErrorBody | None = None


class CandidatesResponse(WireModel):
    """One result per sentence, in the request's order."""

    results: list[CandidatesResult]


class ProjectItem(CandidatesItem):
    """One sentence to project; `candidates` overrides the spans that would be generated.

    `nmt_scores` are [entity, candidate, score] by index into `source_entities` and `candidates` (or, without them, into
    the answer of `/v1/candidates` for the same item and options); pairs left out score zero.
    """

    candidates: list[TokenRange] | None = None
    nmt_scores: list[tuple[Index, Index, float]] | None = None


class ProjectRequest(WireModel):
    """Project source entities onto target tokens; `options` are the method's own. One sentence may be given flat."""

    model_config = one_or_many_schema("sentences", ProjectItem)

    sentences: list[ProjectItem] = Field(min_length=1, max_length=MAX_ITEMS)
    probability_labels: list[str] | None = None
    method: ProjectionMethod = ProjectionMethod.CANDIDATES
    options: dict[str, Any] = Field({}, description="CandidateOptions or HeuristicOptions, by method.")
    include: list[Literal["scores"]] = []

    @model_validator(mode="before")
    @classmethod
    def _single(cls, data: Any) -> Any:
        return one_or_many(data, "sentences", tuple(ProjectItem.model_fields))


class ProjectedEntity(WireModel):
    """A target entity `[start, end)` in target tokens; `source` indexes `source_entities`.

    `score` in [0, 1] is the source entity's score times the share of the match (at most 1); `scores`, where asked for,
    holds the parts by name (`align`, `ner`, …, `total`).
    """

    start: int
    end: int
    label: Label
    score: float
    source: int
    scores: dict[str, float] | None = None


class ProjectResult(WireModel):
    """Target entities in order, none overlapping, or the sentence's error."""

    entities: list[ProjectedEntity] = []
    error: ErrorBody | None = None


class ProjectResponse(WireModel):
    """One result per sentence, in the request's order."""

    results: list[ProjectResult]


class ProjectionInfo(ServiceInfo):
    """The methods served; `model_version` is the code's version, because no model is involved."""

    methods: list[ProjectionMethod] = list(ProjectionMethod)
