"""Options of the gateway's methods, as `options` of `POST /v1/project` holds them."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from spanbridge_shared.contracts.alignment import AlignMethod, AlignOptions
from spanbridge_shared.contracts.base import WireModel
from spanbridge_shared.contracts.merging import MergeParameters
from spanbridge_shared.contracts.projection import (
    PUNCTUATION_LINKS,
    TRIM_SOURCE,
    CandidateOptions,
    CandidateSource,
    HeuristicOptions,
    Score,
)

MIN_SCORE = "Entities scored below are left out."


class Member(StrEnum):
    """The methods that an ensemble can merge."""

    CANDIDATES = "candidates"
    STUDENT = "student"
    TRANSFER = "transfer"


class MarkerStyle(StrEnum):
    """What stands around an entity in a text that is translated with its entities marked."""

    BRACKETS = "brackets"
    PARENTHESES = "parentheses"
    QUOTES = "quotes"


class LinkingOptions(AlignOptions):
    """Options of every method that translates and aligns."""

    beam: int = Field(2, ge=1, le=16, description="Beam size of the translation; 1 is fastest.")
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

    min_score: float = Field(0.0, ge=0, le=1, description=MIN_SCORE)
    teacher: str | None = Field(
        None,
        min_length=1,
        max_length=40,
        description='Key of the teacher that labels, such as "llm"; null: the one that serves the language.',
    )


class StudentMethodOptions(WireModel):
    """Options of `method: "student"`."""

    min_score: float = Field(0.0, ge=0, le=1, description=MIN_SCORE)


class EnsembleMethodOptions(WireModel):
    """Options of `method: "ensemble"`."""

    members: list[Member] | None = Field(
        None, min_length=1, max_length=len(Member), description="Methods to merge; null: all that serve the language."
    )
    threshold: float | None = Field(
        None,
        ge=0.001,
        le=0.999,
        description="Spans are kept whose probability is above it; null: the calibration's own.",
    )
    parameters: MergeParameters | None = Field(
        None,
        description="What to merge by in place of the calibration; their members are those that label, and where one "
        "of them fails a sentence the rest of them counts.",
    )
    candidates: dict[str, Any] = Field({}, description="Options of the member candidates, as that method takes them.")
