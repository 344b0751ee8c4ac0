"""JSONL of Hugging Face's datasets: `tokens`, and `ner_tags` as names, or as numbers that a features file names."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, from_tags, read_id, read_lang, words_of
from spanbridge.formats.json_files import Fields, meta_of, read_objects
from spanbridge.formats.records import CorpusError

FEATURES = ("dataset_info.json", "features.json", "dataset_infos.json")
"""Files beside the data in which the names of numbered tags are looked for."""

_OWN = frozenset({"id", "tokens", "ner_tags", "text", "lang"})


def read_huggingface(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each row; its tags count where they have names, and are kept in `meta` where they are bare numbers."""
    names = _tag_names(Path(name).parent) if Path(name).is_file() else None
    for place, number, fields in read_objects(file, name):
        tokens = fields.get("tokens")
        if not isinstance(tokens, list) or not all(isinstance(each, str) for each in tokens):
            raise CorpusError(f"{place}: 'tokens' must be a list of strings")
        meta = meta_of(fields | {"meta": _meta(fields.get("meta"))}, _OWN)
        tags = _named(place, fields.get("ner_tags"), names)
        if tags is None:
            meta["ner_tags"] = fields["ner_tags"]
        yield from_tags(
            place, read_id(place, fields.get("id"), number), tokens, tags or ["O"] * len(tokens),
            text=fields.get("text"), lang=read_lang(place, fields.get("lang")), meta=meta,
        )  # fmt: skip


def _named(place: str, tags: Any, names: list[str] | None) -> list[str] | None:
    """Return tags by name, None where they are numbers without names."""
    if tags is None:
        return []
    if isinstance(tags, list) and all(isinstance(each, str) for each in tags):
        return tags
    if not isinstance(tags, list) or not all(isinstance(each, int) for each in tags):
        raise CorpusError(f"{place}: 'ner_tags' must be a list of tags")
    if names is None:
        return None
    if any(not 0 <= each < len(names) for each in tags):
        raise CorpusError(f"{place}: 'ner_tags' has a number that the features file has no name for")
    return [names[each] for each in tags]


def _meta(written: Any) -> Any:
    """Return `meta`, which is written as JSON because a column has one type."""
    if not isinstance(written, str):
        return written
    try:
        found = json.loads(written) if written else {}
    except ValueError:
        return written
    return found if isinstance(found, dict) else written


def _tag_names(folder: Path) -> list[str] | None:
    for path in (folder / each for each in FEATURES):
        if path.is_file():
            try:
                found = _find_names(json.loads(path.read_bytes()))
            except (OSError, ValueError) as fault:
                raise CorpusError(f"{path} can't be read as JSON: {fault}") from fault
            if found is not None:
                return found
    return None


def _find_names(features: Any) -> list[str] | None:
    """Return the `names` below `ner_tags`, wherever that is."""
    if not isinstance(features, dict):
        return None
    tags = features.get("ner_tags")
    if isinstance(tags, dict):
        return _names_in(tags)
    return next((found for each in features.values() if (found := _find_names(each)) is not None), None)


def _names_in(found: Any) -> list[str] | None:
    if not isinstance(found, dict):
        return None
    names = found.get("names")
    if isinstance(names, list):
        return [str(each) for each in names]
    return next((inner for each in found.values() if (inner := _names_in(each)) is not None), None)


def huggingface_lines(documents: Iterable[Document]) -> Iterator[Fields]:
    """Give each document as a row; all have the same columns, `meta` as JSON, so that Arrow finds one type for each."""
    for document in documents:
        words = words_of(document)
        yield {
            "id": document.id, "tokens": words.tokens, "ner_tags": words.tags, "text": document.text,
            "lang": document.lang, "meta": json.dumps(document.meta) if document.meta else "",
        }  # fmt: skip
