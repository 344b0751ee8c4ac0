"""Datasaur's documents of sentences, with labels beside them, as its ML-assisted labelling sends and takes them."""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, Mark, in_order, read_id, read_lang, read_mark
from spanbridge.formats.json_files import Fields, dump, list_of, meta_of, object_of, string_of
from spanbridge.formats.readers import parse_object
from spanbridge.formats.records import lines_of

_OWN = frozenset({"id", "text", "lang"})


def read_datasaur(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each sentence of a project; where there are several documents, `meta` names the sentence's."""
    project = parse_object("\n".join(line for _, line in lines_of(file, name)), name)
    documents = list_of(name, project, "documents")
    for number, each in enumerate(documents, start=1):
        document = object_of(name, each, "a document")
        place = f"{name}, document {number}"
        labels = {
            str(found.get("id")): list_of(place, found, "entities")
            for found in (object_of(place, each, "a label") for each in list_of(place, document, "labels"))
        }
        extra = {"document": document.get("id")} if len(documents) > 1 else {}
        for row, found in enumerate(list_of(place, document, "sentences")):
            yield _sentence(f"{place}, sentence {row}", object_of(place, found, "a sentence"), row, labels, extra)


def _sentence(place: str, fields: Fields, row: int, labels: dict[str, list[Any]], extra: Fields) -> Document:
    text = string_of(place, fields, "text")
    id_ = read_id(place, fields.get("id"), row)
    marks = [_mark(place, text, each) for each in labels.get(str(id_), [])]
    return Document(
        place, id_, text, in_order(marks),
        lang=read_lang(place, fields.get("lang")), meta=meta_of(fields, _OWN) | extra,
    )  # fmt: skip


def _mark(place: str, text: str, found: Any) -> Mark:
    entity = object_of(place, found, "an entity")
    return read_mark(
        place, text, entity.get("start_char"), entity.get("end_char"), entity.get("label"), entity.get("score")
    )


def build_datasaur(documents: Iterable[Document]) -> Iterator[bytes]:
    """Give a project of one document, each text a sentence of it with its labels."""
    sentences, labels = [], []
    for document in documents:
        sentence: Fields = {"id": document.id, "text": document.text, "lang": document.lang}
        sentences.append(sentence | {"meta": dict(document.meta)} if document.meta else sentence)
        labels.append({"id": document.id, "entities": [_entity(mark) for mark in document.marks]})
    shown = [{"id": "1", "sentences": sentences, "labels": labels}]
    yield dump({"id": "spanbridge", "name": "spanbridge", "documents": shown}) + b"\n"


def _entity(mark: Mark) -> Fields:
    shown: Fields = {"label": mark.label, "start_char": mark.start, "end_char": mark.end, "layer": 0}
    return shown if mark.score is None else shown | {"score": mark.score}
