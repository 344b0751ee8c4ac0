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
    """How links are read off the similarity matrix."""

    ARGMAX = "argmax"
    ITERMAX = "itermax"
    MATCH = "match"
    SOFTMAX = "softmax"


class TokenPair(WireModel):
    """A sentence and its translation, both as word tokens."""

    source_tokens: list[RawText] = Field(examples=[["President", "Samia"]])
    target_tokens: list[RawText] = Field(examples=[["Rais", "Samia"]])


class AlignOptions(WireModel):
    """Knobs of the alignment methods; each is read by the methods its description names."""

    one_sided_weight: float = Field(
        0.4, ge=0, le=1, description="argmax: weight of a link that only one direction proposes; 0 leaves it out."
    )
    one_sided_similarity: float = Field(
        0.35, ge=-1, le=1, description="argmax: least similarity of a link that only one direction proposes."
    )
    itermax_rounds: int = Field(2, ge=1, le=10, description="itermax: rounds of argmax.")
    itermax_discount: float = Field(0.9, ge=0, le=1, description="itermax: factor on similarities of linked words.")
    softmax_threshold: float = Field(0.001, ge=0, le=1, description="softmax: least probability in both directions.")


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
        return one_or_many(data, "pairs", ("source_tokens", "target_tokens"))


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
