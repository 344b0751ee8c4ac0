"""Label Studio's annotations as entries of a store, pure; webhooks and exported files have them in one shape."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from spanbridge_shared.contracts.corrections import CorrectedSpan, Correction, Entry, Reason, Unread, Withdrawal
from spanbridge_shared.corrections.gold import check_apart
from spanbridge_shared.text.spans import Span

TOOL = "label-studio"
_LABELS = "labels"
_KEPT = ("id", "result", "was_cancelled", "created_at", "updated_at", "lead_time", "ground_truth", "parent_prediction")
"""What is kept of an annotation that can't be read: who made it is not."""
_TIME: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


@dataclass(frozen=True, slots=True)
class Shown:
    """A text of a task; `names` are those of its `<Text>`s, None where regions of any name are on it."""

    names: frozenset[str] | None
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Task:
    """What annotations are of; `data` is all that the tool has of it, `lang` a FLORES code.

    `renamed` turns the tool's labels into ours.

    `is_for_labels` says that its project is known to have labels for texts: then an annotation without any says that
    there are none. `hashed` turns an annotator into what is kept of them.
    """

    project: str
    task: str
    data: Any
    shown: Sequence[Shown]
    now: datetime
    lang: str | None = None
    renamed: Callable[[str], str] = lambda label: label
    is_for_labels: bool = True
    hashed: Callable[[str], str] = lambda _: ""


class _Unreadable(Exception):
    """Why an annotation can't be read; never holds text."""


def read_annotation(task: Task, found: Any) -> list[Entry]:
    """Return what one annotation comes to: a correction a text, or why there is none."""
    annotation = found if isinstance(found, dict) else {}
    same: dict[str, Any] = {
        "tool": TOOL,
        "project": task.project,
        "task": task.task,
        "annotation": identifier(annotation.get("id")),
        "time": _time(annotation, task.now),
    }
    if annotation.get("was_cancelled") is True:
        return [Withdrawal(**same, reason=Reason.SKIPPED)]
    try:
        return [Correction(**same, **each) for each in _texts(task, annotation)]
    except _Unreadable as fault:
        raw = {"data": task.data, "annotation": {key: annotation[key] for key in _KEPT if key in annotation}}
        return [Unread(**same, error=str(fault), raw=raw)]


def withdrawal(project: str, found: Any, now: datetime) -> Withdrawal | None:
    """Return that an annotation, of which no more than its id is told, was deleted; None where there is none."""
    number = identifier(found.get("id")) if isinstance(found, dict) else ""
    if not number:
        return None
    return Withdrawal(tool=TOOL, project=project, annotation=number, time=now, reason=Reason.DELETED)


def _texts(task: Task, annotation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the correction of each text has beside what all have; raises `_Unreadable`."""
    marked, others = _regions(task, annotation)
    found: list[list[CorrectedSpan]] = [[] for _ in task.shown]
    for region in marked:
        place = _place(task, region)
        found[place] += _spans(task, task.shown[place].text, region)
    for spans in found:
        spans.sort(key=lambda each: (each.start, each.end, each.tool_label))
        try:
            check_apart([Span(each.start, each.end) for each in spans])
        except ValueError as fault:
            raise _Unreadable(str(fault)) from fault
    same = {"lang": task.lang, **_origin(task, annotation)}
    # Relations may lead from one text to another: they are kept once.
    return [
        {"field": shown.field, "text": shown.text, "spans": spans, "others": [] if number else others, **same}
        for number, (shown, spans) in enumerate(zip(task.shown, found, strict=True))
    ]


def _regions(task: Task, annotation: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return an annotation's entities, and its regions of other kinds."""
    regions = annotation.get("result")
    if not isinstance(regions, list) or not all(isinstance(each, dict) for each in regions):
        raise _Unreadable("its result is no list of regions")
    if not task.shown:
        raise _Unreadable("its task has no text that labels are for")
    marked = [each for each in regions if each.get("type") == _LABELS]
    others = [each for each in regions if each.get("type") != _LABELS]
    if others and not marked and not task.is_for_labels:
        kinds = ", ".join(sorted({str(each.get("type"))[:40] for each in others}))
        raise _Unreadable(f"it has nothing but {kinds}, so that its project may be for something else")
    return marked, others


def _place(task: Task, region: Mapping[str, Any]) -> int:
    """Return which of the task's texts a region is on."""
    for number, shown in enumerate(task.shown):
        if shown.names is None or str(region.get("to_name")) in shown.names:
            return number
    raise _Unreadable("a region is on something else than a text of the task")


def _spans(task: Task, text: str, region: Mapping[str, Any]) -> list[CorrectedSpan]:
    value = region.get("value")
    value = value if isinstance(value, dict) else {}
    start, end, labels = value.get("start"), value.get("end"), value.get("labels")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise _Unreadable(
            f"[{str(start)[:20]}, {str(end)[:20]}) is no span of the text, which has {len(text)} characters"
        )
    if not isinstance(labels, list) or not labels or not all(isinstance(each, str) and each for each in labels):
        raise _Unreadable(f"[{start}, {end}) has no label")
    said = value.get("text")
    if isinstance(said, str) and _bare(said) != _bare(text[start:end]):
        raise _Unreadable(f"[{start}, {end}) is not what the region says it is: was the text changed since?")
    number = identifier(region.get("id"))
    return [
        CorrectedSpan(start=start, end=end, label=task.renamed(each), tool_label=each, region=number) for each in labels
    ]


def _bare(text: str) -> str:
    # Label Studio writes line ends as a backslash and an n.
    return "".join(text.replace("\\n", " ").split())


def _origin(task: Task, annotation: Mapping[str, Any]) -> dict[str, Any]:
    prediction, who = annotation.get("prediction"), annotation.get("completed_by")
    version = prediction.get("model_version") if isinstance(prediction, dict) else None
    who = who.get("id") if isinstance(who, dict) else who
    return {
        "annotator": "" if who is None else task.hashed(str(who)),
        "model_version": version if isinstance(version, str) and version else None,
        # "Create annotations from predictions" names neither a time that it took nor anyone who changed it.
        "reviewed": any(annotation.get(key) is not None for key in ("lead_time", "updated_by"))
        or annotation.get("parent_prediction") is None,
    }


def identifier(found: Any) -> str:
    """Return an id as text, "" where it is none."""
    return str(found) if isinstance(found, int | str) and not isinstance(found, bool) else ""


def _time(annotation: Mapping[str, Any], now: datetime) -> datetime:
    try:
        return _TIME.validate_python(annotation.get("updated_at") or annotation.get("created_at"))
    except ValidationError:
        return now
