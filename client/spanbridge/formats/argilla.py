"""Argilla's records: fields, and suggestions for a span question."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, in_order, read_id, read_lang, read_mark
from spanbridge.formats.json_files import Fields, list_of, object_of, read_objects
from spanbridge.formats.records import CorpusError

FIELD, QUESTION = "text", "entities"
"""Names that a dataset's settings must have for its text and its span question."""

_NOT_IN_AGENT = re.compile(r"[^A-Za-z0-9\-_:./ ]")
_MAX_AGENT = 200


def read_argilla(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each record; of responses the first counts, else the suggestion."""
    for place, number, fields in read_objects(file, name):
        texts = object_of(place, fields.get("fields"), "'fields'")
        key = FIELD if FIELD in texts else next((k for k, v in texts.items() if isinstance(v, str)), FIELD)
        text = texts.get(key)
        if not isinstance(text, str):
            raise CorpusError(f"{place}: no field holds a text")
        metadata = dict(object_of(place, fields.get("metadata") or {}, "'metadata'"))
        meta = _meta(metadata.pop("meta", None))
        spans, scores = _spans(place, fields)
        marks = [
            read_mark(place, text, each.get("start"), each.get("end"), each.get("label"), score)
            for each, score in zip(spans, scores, strict=True)
        ]
        lang = read_lang(place, metadata.pop("lang", None))
        yield Document(
            place, read_id(place, fields.get("id"), number), text, in_order(marks),
            lang=lang, meta=metadata | meta,
        )  # fmt: skip


def _spans(place: str, fields: Fields) -> tuple[list[Fields], list[Any]]:
    answers = object_of(place, fields.get("responses") or {}, "'responses'").get(QUESTION)
    suggested = object_of(place, fields.get("suggestions") or {}, "'suggestions'").get(QUESTION)
    if isinstance(answers, list) and answers:
        found, scores = object_of(place, answers[0], "a response"), None
    elif suggested is not None:
        found = object_of(place, suggested, "a suggestion")
        scores = found.get("score")
    else:
        return [], []
    spans = [object_of(place, each, "a span") for each in list_of(place, found, "value")]
    return spans, scores if isinstance(scores, list) and len(scores) == len(spans) else [scores] * len(spans)


def _meta(written: Any) -> Fields:
    if not isinstance(written, str):
        return {} if written is None else {"meta": written}
    try:
        found = json.loads(written)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"meta": written}


def agent_of(model_version: str) -> str:
    """Return a model's version in the alphabet and the length that Argilla allows an agent.

    >>> agent_of("spanbridge-0.1.0:nmt-2+en")
    'spanbridge-0.1.0:nmt-2_en'
    """
    return _NOT_IN_AGENT.sub("_", model_version)[:_MAX_AGENT].strip() or "spanbridge"


def argilla_records(documents: Iterable[Document], model_version: str) -> Iterator[Fields]:
    """Give each document as `Record.from_dict` takes it; `metadata` has the language, and other `meta` as JSON."""
    agent = agent_of(model_version)
    for document in documents:
        value = [{"label": mark.label, "start": mark.start, "end": mark.end} for mark in document.marks]
        scores = [mark.score for mark in document.marks]
        suggestion: Fields = {"value": value, "agent": agent}
        if scores and None not in scores:
            suggestion["score"] = scores
        metadata = {"lang": document.lang} if document.lang else {}
        if document.meta:
            metadata["meta"] = json.dumps(document.meta)
        yield {
            "id": str(document.id), "fields": {FIELD: document.text}, "metadata": metadata,
            "suggestions": {QUESTION: suggestion}, "responses": {}, "vectors": {},
        }  # fmt: skip
