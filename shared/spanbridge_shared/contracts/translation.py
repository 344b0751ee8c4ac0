"""Translation: `POST /v1/translate`, `POST /v1/score`, `GET /v1/info`."""

from typing import Annotated, Literal

from pydantic import Field

from spanbridge_shared.contracts.base import (
    MAX_ITEMS,
    ErrorBody,
    LanguageCode,
    ModelAnswer,
    RawText,
    ServiceInfo,
    WireModel,
)
from spanbridge_shared.text.languages import ENGLISH

Texts = Annotated[list[RawText], Field(min_length=1, max_length=MAX_ITEMS)]


class TranslateRequest(WireModel):
    """Translate each text. Hypotheses come best first; ask `include` for sub-word tokens and attention."""

    texts: Texts = Field(examples=[["Rais Samia alitembelea Nairobi jana."]])
    source_lang: LanguageCode
    target_lang: LanguageCode = Field(ENGLISH, examples=[ENGLISH])
    beam: int = Field(4, ge=1, le=16, description="Beam size; 1 is greedy and fastest.")
    num_hypotheses: int = Field(1, ge=1, le=16, description="At most `beam`.")
    include: list[Literal["tokens", "attention"]] = []


class Hypothesis(WireModel):
    """One translation; `score` is the mean natural-log probability per target token (at most 0).

    `attention` is (target tokens, source tokens): row i holds the weights of the step that predicted target token i.
    """

    text: str
    score: float
    tokens: list[str] | None = None
    attention: list[list[float]] | None = None


class Translation(WireModel):
    """The hypotheses of one text, or its error. `via` names the pivot languages of a translation in several hops."""

    hypotheses: list[Hypothesis] = []
    source_tokens: list[str] | None = Field(None, description="Sub-word tokens of the source (of the last hop).")
    via: list[str] = []
    cached: bool = False
    error: ErrorBody | None = None


class TranslateResponse(ModelAnswer):
    """One translation per text, in the request's order."""

    translations: list[Translation]


class ScoreRequest(WireModel):
    """Score `targets[i]` as a translation of `sources[i]`; of its beginnings `prefixes[i]` the bounds cost no more."""

    sources: Texts
    targets: Texts
    source_lang: LanguageCode
    target_lang: LanguageCode = ENGLISH
    prefixes: list[Annotated[list[RawText], Field(max_length=MAX_ITEMS)]] | None = Field(
        None, description="For each target, texts that it begins with: their `bounds` are asked for."
    )


class TargetScore(WireModel):
    """`score` is the mean natural-log probability per target token, the end token counted; `tokens` is their number.

    `bounds` holds for each prefix what its own score is at most; null where its sub-words don't begin the target.
    """

    score: float | None = None
    tokens: int = 0
    cached: bool = False
    bounds: list[float | None] = []
    error: ErrorBody | None = None


class ScoreResponse(ModelAnswer):
    """One score per pair, in the request's order."""

    scores: list[TargetScore]


class TranslationInfo(ServiceInfo):
    """`pairs` are the directions the model was trained in; `routes` maps a source language to its way to English."""

    languages: list[str]
    pairs: list[tuple[str, str]]
    routes: dict[str, list[str]] = Field(
        description="Source language → the languages passed on the way to English, English last.",
        examples=[{"swh_Latn": ["eng_Latn"], "bbj_Latn": ["fra_Latn", "eng_Latn"]}],
    )
