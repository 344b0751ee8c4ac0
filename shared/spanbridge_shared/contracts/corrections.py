"""What annotators made of texts: the lines of a corrections store, of which none is ever changed."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter, model_validator

from spanbridge_shared.contracts.base import RawText, WireModel
from spanbridge_shared.text.languages import languages


def _flores(code: str) -> str:
    if code not in languages():
        raise ValueError(f"{code[:40]!r} is no FLORES code")
    return code


class Reason(StrEnum):
    """Why an annotation no longer counts. A deletion is final; a skipped task may be annotated later."""

    DELETED = "deleted"
    SKIPPED = "skipped"


class CorrectedSpan(WireModel):
    """An entity `[start, end)` in code points of its correction's text; `tool_label` is its label in the tool.

    `region` is its id in the tool, by which relations among `others` name it.
    """

    start: int = Field(ge=0)
    end: int
    label: RawText
    tool_label: RawText
    region: RawText = ""


class _Line(WireModel):
    """What every line has: `project`, `task` and `annotation` are the tool's, "" where it has none."""

    tool: RawText
    project: RawText = ""
    task: RawText = ""
    annotation: RawText = ""
    time: AwareDatetime = Field(description="When it was done, in the tool; else when it came.")


class Correction(_Line):
    """All entities of one text as one annotation has them, which don't overlap; none says that there are none.

    `field` names the text where a task has several; `others` are regions of other kinds, such as relations, as they
    came. `annotator` is empty or a hash. `model_version` is that of the prediction that was corrected, as far as the
    tool knows. `reviewed` is False where the tool copied a prediction without anybody looking.
    """

    kind: Literal["correction"] = "correction"
    field: RawText = ""
    text: RawText
    lang: Annotated[str, AfterValidator(_flores)] | None = Field(None, description="FLORES code.")
    spans: list[CorrectedSpan]
    others: list[Any] = []
    annotator: RawText = ""
    model_version: RawText | None = None
    reviewed: bool = True

    @model_validator(mode="after")
    def _spans_fit(self) -> Self:
        end = 0
        for each in sorted(self.spans, key=lambda span: span.start):
            if not end <= each.start < each.end <= len(self.text):
                raise ValueError(f"[{each.start}, {each.end}) overlaps another span, or is none of the text")
            end = each.end
        return self


class Withdrawal(_Line):
    """An annotation that no longer counts; `task` may be missing."""

    kind: Literal["withdrawal"] = "withdrawal"
    reason: Reason


class Unread(_Line):
    """An annotation that can't be read, as it came, and why."""

    kind: Literal["unread"] = "unread"
    error: RawText
    raw: Any


Entry = Annotated[Correction | Withdrawal | Unread, Field(discriminator="kind")]
ENTRY: TypeAdapter[Correction | Withdrawal | Unread] = TypeAdapter(Entry)


def now() -> datetime:
    """Return the time for what has none of its own."""
    return datetime.now(UTC).replace(microsecond=0)
