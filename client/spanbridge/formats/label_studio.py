"""Label Studio's JSON: tasks with predictions to import, or with annotations as exported."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, Mark, in_order, read_id, read_lang, read_mark
from spanbridge.formats.json_files import Fields, list_of, meta_of, object_of, read_objects
from spanbridge.formats.records import CorpusError

CONTROL, FIELD = "label", "text"
"""Names of `<Labels>` and `<Text>` in the labelling configuration that predictions are for."""

_OWN = frozenset({"id", FIELD, "lang"})


@dataclass(frozen=True, slots=True)
class LabelStudioTask:
    """A task of a file: `data[key]` is its text, `number` counts from 1."""

    place: str
    number: str
    fields: Fields
    data: Fields
    key: str

    @property
    def text(self) -> str:
        """The text that is labelled."""
        found: str = self.data[self.key]
        return found


def read_tasks(file: BinaryIO, name: str) -> Iterator[LabelStudioTask]:
    """Give each task, with the one text of its data, or the one called `text`."""
    for place, number, task in read_objects(file, name):
        data = object_of(place, task["data"], "'data'") if "data" in task else task
        key = FIELD
        if not isinstance(data.get(FIELD), str):
            texts = [each for each, value in data.items() if isinstance(value, str)]
            if len(texts) != 1:
                raise CorpusError(f"{place}: data has no 'text'")
            key = texts[0]
        yield LabelStudioTask(place, number, task, data, key)


def read_label_studio(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each task; of annotations the first counts, else the first prediction. `meta` has the task's other data."""
    for task in read_tasks(file, name):
        id_ = read_id(task.place, task.data.get("id"), read_id(task.place, task.fields.get("id"), task.number))
        yield Document(
            task.place, id_, task.text, in_order(_marks(task.place, task.text, task.fields)),
            lang=read_lang(task.place, task.data.get("lang")), meta=meta_of(task.data, {*_OWN, task.key}),
        )  # fmt: skip


def _marks(place: str, text: str, task: Fields) -> Iterator[Mark]:
    for kind in ("annotations", "completions", "predictions"):
        if answers := list_of(place, task, kind):
            regions = list_of(place, object_of(place, answers[0], "an annotation"), "result")
            for each in regions:
                region = object_of(place, each, "a region")
                if region.get("type") == "labels":
                    yield from _labelled(place, text, region)
            return


def _labelled(place: str, text: str, region: Fields) -> Iterator[Mark]:
    value = object_of(place, region.get("value"), "'value'")
    for label in list_of(place, value, "labels"):
        yield read_mark(place, text, value.get("start"), value.get("end"), label, region.get("score"))


def label_studio_tasks(documents: Iterable[Document], model_version: str) -> Iterator[Fields]:
    """Give each document as a task with one prediction."""
    for document in documents:
        data: Fields = {FIELD: document.text, "id": document.id, "lang": document.lang}
        if document.meta:
            data["meta"] = dict(document.meta)
        regions = [_region(document, number, mark) for number, mark in enumerate(document.marks)]
        scores = [mark.score for mark in document.marks if mark.score is not None]
        prediction: Fields = {"model_version": model_version, "result": regions}
        if scores:
            prediction["score"] = round(sum(scores) / len(scores), 6)
        yield {"data": data, "predictions": [prediction]}


def _region(document: Document, number: int, mark: Mark) -> dict[str, Any]:
    value = {"start": mark.start, "end": mark.end, "text": document.text[mark.start : mark.end], "labels": [mark.label]}
    region = {"id": f"r{number}", "from_name": CONTROL, "to_name": FIELD, "type": "labels", "value": value}
    return region if mark.score is None else region | {"score": mark.score}
