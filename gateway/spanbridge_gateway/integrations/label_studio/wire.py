"""The bodies that Label Studio sends and reads. Its bodies have more than is read here, tokens among it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from spanbridge_shared.contracts.base import ErrorBody, RawText, WireModel

_TEXT_CONFIG = '<View><Labels name="label" toName="text"><Label value="PER"/></Labels><Text name="text" value="$text"/>'


class LabelStudioBody(BaseModel):
    """What Label Studio sends: fields that aren't read here are dropped, whatever they are."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class SetupBody(LabelStudioBody):
    """Sent when a backend is connected, and before each prediction."""

    project: StrictStr | None = Field(None, max_length=200, examples=["1.1735689600"])
    label_config: RawText = Field("", alias="schema", examples=[f"{_TEXT_CONFIG}</View>"])
    extra_params: dict[str, Any] | RawText | None = Field(
        None, description="JSON: lang, method, options.", examples=[{"lang": "swh_Latn", "method": "student"}]
    )


class SetupAnswer(WireModel):
    """Label Studio asks again for tasks that have no prediction of this version."""

    model_version: str


class TaskBody(LabelStudioBody):
    """One task; its texts are in `data`, under the keys that the labelling configuration names."""

    id: StrictInt | StrictStr | None = None
    data: dict[str, Any] = Field({}, examples=[{"text": "Rais Samia alitembelea Nairobi jana."}])


class ParamsBody(LabelStudioBody):
    """`context` is there where an annotator waits for the answer."""

    context: Any = None


class PredictBody(LabelStudioBody):
    """All tasks that are to be predicted, in one request."""

    tasks: list[TaskBody]
    project: StrictStr | None = Field(None, max_length=200, examples=["1.1735689600"])
    label_config: RawText = Field("", examples=[f"{_TEXT_CONFIG}</View>"])
    params: ParamsBody | None = None


class RegionValue(WireModel):
    """A span, `[start, end)` in code points of the task's text."""

    start: int
    end: int
    text: str
    labels: list[str]


class Region(WireModel):
    """One entity, as the labelling configuration's `from_name` would have written it."""

    id: str
    from_name: str
    to_name: str
    type: str = "labels"
    score: float
    value: RegionValue


class Prediction(WireModel):
    """One task's entities; `score` is their mean, None where there are none."""

    model_version: str
    score: float | None
    result: list[Region]


class PredictAnswer(WireModel):
    """One entry a task, in order. An error has no `result`: Label Studio keeps nothing, and asks again next time."""

    results: list[Prediction | ErrorBody]


class HealthAnswer(WireModel):
    """Asked before each setup."""

    status: str = "UP"
    model_class: str = "Spanbridge"


class VersionsAnswer(WireModel):
    """The versions of the projects that are set up."""

    versions: list[str]


class WebhookBody(LabelStudioBody):
    """An event. Its project holds tokens and passwords, of which nothing is kept; texts are kept, but never logged.

    `task` and `annotation` are one, or as many of each; of deleted `annotations` no more than the ids are told.
    """

    action: RawText | None = None
    project: Any = None
    task: Any = None
    annotation: Any = None
    annotations: Any = None


class WebhookAnswer(WireModel):
    """Says that the event has arrived."""

    status: str = "ok"
