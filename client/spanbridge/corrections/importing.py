"""Files that annotation tools export, read as entries of a corrections store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, as_entity
from spanbridge.formats.json_files import list_of
from spanbridge.formats.label_studio import LabelStudioTask, read_tasks
from spanbridge.formats.records import CorpusError, InputFormat
from spanbridge.formats.registry import DOCUMENT_READERS
from spanbridge_shared.contracts.corrections import CorrectedSpan, Correction, Entry, Unread, now
from spanbridge_shared.contracts.gateway import DEFAULT_LABELS
from spanbridge_shared.corrections.gold import check_apart
from spanbridge_shared.corrections.label_studio import Shown, Task, identifier, read_annotation
from spanbridge_shared.errors import UnknownLanguage
from spanbridge_shared.text.languages import resolve_language
from spanbridge_shared.text.spans import Span

FORMATS = (
    InputFormat.LABEL_STUDIO, InputFormat.DOCCANO, InputFormat.PRODIGY, InputFormat.BRAT, InputFormat.CONLL,
    InputFormat.CONLLU,
)  # fmt: skip
"""What corrections come in; of the other formats nothing tells whether people or a model labelled them."""

_USUAL = (*DEFAULT_LABELS, "DATE", "MISC")
_ACCEPTED = "accept"


@dataclass(frozen=True, slots=True)
class Import:
    """What is said of a file beside its content.

    `lang` is of texts that name none; `names` leads from the tool's labels to ours. `annotator` is who annotated all of
    it, hashed; `hashed` does that to the annotators that the file names. Without `empty`, texts without entities are
    left out.
    """

    project: str = ""
    lang: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    annotator: str = ""
    hashed: Callable[[str], str] = lambda _: ""
    empty: bool = True

    def renamed(self, label: str) -> str:
        """Return our name of a label: the one said, else a usual one that differs in case alone, else its own."""
        same = (each for each in _USUAL if each.casefold() == label.casefold())
        return self.names.get(label) or next(same, label)

    def language(self, given: Any) -> str | None:
        """Return the FLORES code of what a text says of its language, else that of the file."""
        try:
            return resolve_language(given) if isinstance(given, str) and given.strip() else self.lang
        except UnknownLanguage:
            return self.lang


@dataclass(frozen=True, slots=True)
class Imported:
    """A file's entries, and how many of its texts nobody has annotated, or were left out as empty."""

    entries: tuple[Entry, ...]
    untouched: int
    empty: int


def read_corrections(file: BinaryIO, name: str, format_: InputFormat, about: Import) -> Imported:
    """Read a whole file; raises `CorpusError`, naming the line, for what isn't of the format."""
    time = now()
    if format_ is InputFormat.LABEL_STUDIO:
        groups = [_of_task(each, about, time) for each in read_tasks(file, name)]
    else:
        documents = DOCUMENT_READERS[format_](file, name)
        groups = [_of_document(each, format_, about, time) for each in documents]
    entries = [each for group in groups for each in group]
    kept = [each for each in entries if about.empty or not isinstance(each, Correction) or each.spans]
    return Imported(tuple(kept), groups.count([]), len(entries) - len(kept))


def _of_task(task: LabelStudioTask, about: Import, time: datetime) -> list[Entry]:
    if "annotations" not in task.fields:
        raise CorpusError(f"{task.place}: no 'annotations'; export as JSON, not as JSON-MIN or another form")
    shown = Task(
        project=about.project or identifier(task.fields.get("project")),
        task=identifier(task.fields.get("id")) or task.number,
        data=task.data,
        shown=[Shown(None, task.key, task.text)],
        now=time,
        lang=about.language(task.data.get("lang", task.data.get("language"))),
        renamed=about.renamed,
        is_for_labels=False,
        hashed=about.hashed,
    )
    annotations = list_of(task.place, task.fields, "annotations")
    return [entry for each in annotations for entry in read_annotation(shown, each)]


def _of_document(document: Document, format_: InputFormat, about: Import, time: datetime) -> list[Entry]:
    if document.meta.get("answer", _ACCEPTED) != _ACCEPTED:
        return []  # Prodigy's rejected and ignored tasks.
    task = str(document.id)
    same: dict[str, Any] = {
        "tool": format_.value,
        "project": about.project,
        "task": task,
        # Of a file by one annotator; the tool itself numbers no annotations.
        "annotation": f"{task}:{about.annotator}" if about.annotator else "",
        "time": time,
    }
    try:
        check_apart([Span(mark.start, mark.end) for mark in document.marks])
    except ValueError as fault:
        raw = {"text": document.text, "entities": [as_entity(document, mark) for mark in document.marks]}
        return [Unread(**same, error=str(fault), raw=raw | {"meta": dict(document.meta)})]
    spans = [
        CorrectedSpan(start=mark.start, end=mark.end, label=about.renamed(mark.label), tool_label=mark.label)
        for mark in document.marks
    ]
    return [
        Correction(
            **same, text=document.text, lang=about.language(document.lang), spans=spans,
            others=_relations(document), annotator=about.annotator,
        )
    ]  # fmt: skip


def _relations(document: Document) -> list[Any]:
    found = document.meta.get("relations") or []
    return found if isinstance(found, list) else [found]


def as_result(correction: Correction) -> dict[str, Any]:
    """Return a correction as a line of results has it, so that `spanbridge export` takes it; all else is its `meta`."""
    text = correction.text
    shown = correction.model_dump(mode="python", exclude={"kind", "text", "lang", "spans", "time"})
    entities = [
        {"start": each.start, "end": each.end, "text": text[each.start : each.end], "label": each.label}
        for each in correction.spans
    ]
    names = {each.tool_label: each.label for each in correction.spans if each.tool_label != each.label}
    return {
        "id": "/".join(filter(None, (correction.tool, correction.project, correction.task, correction.field))),
        "text": text,
        "lang": correction.lang or "und",
        "entities": entities,
        "error": None,
        "meta": shown | {"time": correction.time.isoformat(), "tool_labels": names},
    }
