"""Results of `spanbridge project` and `translate-train`, read again."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, in_order, read_id, read_lang, read_mark
from spanbridge.formats.json_files import list_of, object_of, read_objects, string_of
from spanbridge.formats.records import CorpusError


def read_results(file: BinaryIO, name: str, failed: list[str] | None = None) -> Iterator[Document]:
    """Give each result that has no error, in order; ids of the others go to `failed`.

    Raises `CorpusError`, naming the line, for what is no result.
    """
    for place, number, fields in read_objects(file, name):
        if fields.get("error") is None:
            yield _document(place, number, fields)
        elif failed is not None:
            failed.append(str(fields.get("id", number)))


def _document(place: str, number: str, fields: dict[str, Any]) -> Document:
    text = string_of(place, fields, "text")
    if fields.get("entities") is None:
        raise CorpusError(f"{place}: no entities; is this a result of `spanbridge project`?")
    marks = []
    for each in list_of(place, fields, "entities"):
        entity = object_of(place, each, "an entity")
        start, end = entity.get("start"), entity.get("end")
        marks.append(read_mark(place, text, start, end, entity.get("label"), entity.get("score")))
    tokens = fields.get("tokens")
    if tokens is not None and not (isinstance(tokens, list) and all(isinstance(each, str) for each in tokens)):
        raise CorpusError(f"{place}: 'tokens' must be a list of strings")
    return Document(
        place,
        read_id(place, fields.get("id"), number),
        text,
        in_order(marks),
        None if tokens is None else tuple(tokens),
        lang=read_lang(place, fields.get("lang")),
        meta=object_of(place, fields.get("meta") or {}, "'meta'"),
        result=fields,
    )
