"""Merging, in the projection service: `POST /v1/merge`, and the parameters by which an ensemble's members count."""

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, RootModel, model_validator

from spanbridge_shared.contracts.base import (
    MAX_ITEMS,
    ErrorBody,
    Label,
    WireModel,
    one_or_many,
    one_or_many_schema,
)
from spanbridge_shared.contracts.projection import Index

MemberName = Annotated[str, Field(min_length=1, max_length=40, examples=["transfer"])]
Finite = Annotated[float, Field(ge=-100, le=100)]
"""A log-odds; what lies beyond is as sure as what a float can say."""


class MemberParameters(WireModel):
    """A member's word in log-odds: `weight`·logit(score) + `present` on a span that it proposes, `absent` on others."""

    weight: Finite
    present: Finite
    absent: Finite


class MergeParameters(WireModel):
    """A logistic model of "this span with this label is right"; spans are kept whose probability is above `threshold`.

    `members` are those that ran: one that is named here and doesn't propose a span speaks against it.
    """

    bias: Finite
    members: dict[MemberName, MemberParameters] = Field(min_length=1, max_length=20)
    threshold: float = Field(0.5, ge=0.001, le=0.999)


class Proposal(WireModel):
    """A span `[start, end)` with a label, and the score in [0, 1] of each member that proposes it."""

    start: Index
    end: Index
    label: Label
    scores: dict[MemberName, Annotated[float, Field(ge=0, le=1)]] = Field(min_length=1)


class MergeItem(WireModel):
    """One sentence: each (start, end, label) once, in tokens or whatever the caller counts."""

    proposals: list[Proposal]


class MergeRequest(WireModel):
    """Merge the proposals of each sentence; a single one may be given flat, as `proposals`."""

    model_config = one_or_many_schema("sentences", MergeItem)

    sentences: list[MergeItem] = Field(min_length=1, max_length=MAX_ITEMS)
    parameters: MergeParameters

    @model_validator(mode="before")
    @classmethod
    def _single(cls, data: Any) -> Any:
        return one_or_many(data, "sentences", ("proposals",))


class MergedEntity(WireModel):
    """A span that was kept: `score` is its probability, `scores` are those of the members that proposed it."""

    start: int
    end: int
    label: Label
    score: float
    scores: dict[str, float]


class MergeResult(WireModel):
    """Entities in order, none overlapping, or the sentence's error."""

    entities: list[MergedEntity] = []
    error: ErrorBody | None = None


class MergeResponse(WireModel):
    """One result per sentence, in the request's order."""

    results: list[MergeResult]


def set_key(members: Iterable[str]) -> str:
    """Return the name of a set of members in a calibration table.

    >>> set_key(["transfer", "candidates"])
    'candidates+transfer'
    """
    return "+".join(sorted(members))


class CalibratedSet(MergeParameters):
    """The parameters of one set of members, and what they were fitted on."""

    fitted_on: str = Field(description="Data, and how; says so where the numbers are provisional.")
    model_versions: dict[str, str] = Field({}, description="What each member's answers came from when it was fitted.")


class CalibrationTable(RootModel[dict[str, CalibratedSet]]):
    """Calibrated sets by `set_key`: the content of a calibration file."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        for key, each in self.root.items():
            if key != set_key(each.members):
                raise ValueError(f"the key {key[:80]!r} has the parameters of {set_key(each.members)!r}")
        return self
