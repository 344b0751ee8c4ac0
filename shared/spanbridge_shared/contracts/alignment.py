"""Word alignment: `POST /v1/align`, `GET /v1/info`."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, model_validator

from spanbridge_shared.contracts.base import (
    MAX_ITEMS,
    ErrorBody,
    LanguageCode,
    Link,
    ModelAnswer,
    RawText,
    ServiceInfo,
    WireModel,
    one_or_many,
    one_or_many_schema,
)


class AlignMethod(StrEnum):
    """How links are found. A link's weight, in [0, 1], is the confidence in it.

    - argmax: 1 where each word is the other's most similar one, `one_sided_weight` where only one of them is.
    - itermax: 1 in the first round, `itermax_discount` to the power of the rounds before it in a later one.
    - match: 1 where each word is the other's most similar one, else their similarity.
    - softmax: the mean of the probabilities of both directions, at the words' best sub-words.
    - attention: as argmax, by the translation model's attention in place of similarity; needs no encoder.
    - fused: the geometric mean of the probabilities of both directions, over `fused_certain` and at most 1. They rest
      on similarity, attention where there is some, spelling, position, and the links of neighbouring words.
    """

    ARGMAX = "argmax"
    ITERMAX = "itermax"
    MATCH = "match"
    SOFTMAX = "softmax"
    ATTENTION = "attention"
    FUSED = "fused"


class TokenPair(WireModel):
    """A sentence and its translation, both as word tokens.

    `attention` is (n_source, n_target): how much the translation model looked at each target word while it wrote each
    source word, in [0, 1]. `attention` needs it, `fused` takes it along, the other methods don't read it.
    """

    source_tokens: list[RawText] = Field(examples=[["President", "Samia"]])
    target_tokens: list[RawText] = Field(examples=[["Rais", "Samia"]])
    attention: list[list[float]] | None = Field(None, examples=[[[0.8, 0.1], [0.05, 0.9]]])


class AlignOptions(WireModel):
    """Knobs of the alignment methods; each is read by the methods its description names."""

    one_sided_weight: float = Field(
        0.4,
        ge=0,
        le=1,
        description="argmax, attention: weight of a link that only one direction proposes; 0 leaves it out.",
    )
    one_sided_similarity: float = Field(
        0.35, ge=-1, le=1, description="argmax: least similarity of a link that only one direction proposes."
    )
    itermax_rounds: int = Field(2, ge=1, le=10, description="itermax: rounds of argmax.")
    itermax_discount: float = Field(0.9, ge=0, le=1, description="itermax: factor on similarities of linked words.")
    softmax_threshold: float = Field(0.001, ge=0, le=1, description="softmax: least probability in both directions.")
    attention_threshold: float = Field(0.05, ge=0, le=1, description="attention: least attention of a link.")
    weight_attention: float = Field(
        0.1, ge=0, le=10, description="fused links: weight of the translation model's attention; 0 leaves it out."
    )
    weight_names: float = Field(
        0.2, ge=0, le=10, description="fused links: weight of the share of letters in common, above one half."
    )
    weight_position: float = Field(
        0.15, ge=0, le=10, description="fused links: cost of words at different places, relative to their sentences."
    )
    weight_neighbours: float = Field(
        0.2, ge=0, le=10, description="fused links: weight of the links of neighbouring words; 0 leaves them out."
    )
    fused_rounds: int = Field(1, ge=0, le=10, description="fused links: how often neighbours support each other.")
    fused_temperature: float = Field(
        0.08, ge=0.001, le=10, description="fused links: temperature of both softmaxes; the lower, the more decided."
    )
    fused_threshold: float = Field(
        0.5, ge=0, le=1, description="fused links: words are linked above this geometric mean of both probabilities."
    )
    fused_certain: float = Field(
        0.8, gt=0, le=1, description="fused links: the mean from which a link weighs 1; below, it weighs in proportion."
    )


class AlignRequest(WireModel):
    """Align each pair; a single pair may be given flat, as `source_tokens` and `target_tokens`."""

    model_config = one_or_many_schema("pairs", TokenPair)

    pairs: list[TokenPair] = Field(min_length=1, max_length=MAX_ITEMS)
    source_lang: LanguageCode | None = None
    target_lang: LanguageCode | None = None
    method: AlignMethod = AlignMethod.ARGMAX
    options: AlignOptions = AlignOptions()
    include: list[Literal["similarity"]] = []

    @model_validator(mode="before")
    @classmethod
    def _single(cls, data: Any) -> Any:
        return one_or_many(data, "pairs", ("source_tokens", "target_tokens", "attention"))


class Alignment(WireModel):
    """Links of one pair sorted by source then target token, or its error; `similarity` is (n_source, n_target)."""

    links: list[Link] = []
    similarity: list[list[float]] | None = None
    cached: bool = False
    error: ErrorBody | None = None


class AlignResponse(ModelAnswer):
    """One alignment per pair, in the request's order."""

    alignments: list[Alignment]


class AlignmentInfo(ServiceInfo):
    """The methods served."""

    methods: list[AlignMethod] = list(AlignMethod)
