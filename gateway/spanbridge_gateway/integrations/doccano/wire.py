"""The flat request that doccano can fill in, one text at a time, and the flat answer that its template can read."""

from typing import Annotated, Any

from pydantic import Field

from spanbridge_shared.contracts.base import Label, LanguageCode, ModelAnswer, RawText, WireModel
from spanbridge_shared.contracts.gateway import DEFAULT_LABELS, DEFAULT_METHOD


class DoccanoRequest(WireModel):
    """Label one text; the fields are those of `POST /v1/project`, with the text in place of sentences."""

    text: RawText = Field(examples=["Rais Samia alitembelea Nairobi jana."])
    lang: LanguageCode
    method: Annotated[str, Field(max_length=40)] = DEFAULT_METHOD
    labels: list[Label] = Field(list(DEFAULT_LABELS), min_length=1, max_length=50)
    options: dict[str, Any] = {}


class DoccanoEntity(WireModel):
    """A span `[start, end)` in code points of the text, as doccano counts, too."""

    label: str
    start: int
    end: int


class DoccanoAnswer(ModelAnswer):
    """The text's entities, in order."""

    entities: list[DoccanoEntity]
