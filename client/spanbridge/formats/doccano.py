"""doccano's JSONL: `label` with triples, or `entities` with ids and relations. Both count code points."""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, Mark, in_order, read_id, read_lang, read_mark
from spanbridge.formats.json_files import Fields, list_of, meta_of, object_of, read_objects, string_of
from spanbridge.formats.records import CorpusError

_OWN = frozenset({"id", "text", "data", "label", "labels", "entities", "relations", "lang"})


def read_doccano(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each example of either form; relations are kept in `meta`."""
    for place, number, fields in read_objects(file, name):
        text = string_of(place, fields, "text" if "text" in fields else "data")
        triples = list_of(place, fields, "label") or list_of(place, fields, "labels")
        marks = [_of_triple(place, text, each) for each in triples]
        marks += [_of_entity(place, text, each) for each in list_of(place, fields, "entities")]
        meta = meta_of(fields, _OWN)
        if fields.get("relations"):
            meta["relations"] = fields["relations"]
        id_, lang = read_id(place, fields.get("id"), number), read_lang(place, fields.get("lang"))
        yield Document(place, id_, text, in_order(marks), lang=lang, meta=meta)


def _of_triple(place: str, text: str, found: Any) -> Mark:
    if not isinstance(found, list) or len(found) != 3:
        raise CorpusError(f'{place}: a label looks like [0, 5, "PER"], not {str(found)[:60]}')
    return read_mark(place, text, *found)


def _of_entity(place: str, text: str, found: Any) -> Mark:
    entity = object_of(place, found, "an entity")
    return read_mark(place, text, entity.get("start_offset"), entity.get("end_offset"), entity.get("label"))


def doccano_lines(documents: Iterable[Document]) -> Iterator[Fields]:
    """Give each document in the form with triples, for projects of sequence labelling."""
    for document in documents:
        labels = [[mark.start, mark.end, mark.label] for mark in document.marks]
        yield _shared(document) | {"label": labels} | _meta(document)


def doccano_relation_lines(documents: Iterable[Document]) -> Iterator[Fields]:
    """Give each document in the form with entities and relations, for projects that use relations; ids are unique."""
    next_id = 0
    for document in documents:
        entities = [
            {"id": next_id + number, "label": mark.label, "start_offset": mark.start, "end_offset": mark.end}
            for number, mark in enumerate(document.marks)
        ]
        next_id += len(entities)
        yield _shared(document) | {"entities": entities, "relations": []} | _meta(document)


def _shared(document: Document) -> Fields:
    return {"id": document.id, "text": document.text, "lang": document.lang}


def _meta(document: Document) -> Fields:
    return {"meta": dict(document.meta)} if document.meta else {}
