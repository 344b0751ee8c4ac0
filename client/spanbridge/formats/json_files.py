"""What formats in JSON share: reading objects with their places, writing lines and arrays."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from spanbridge.formats.readers import parse_object
from spanbridge.formats.records import CorpusError, lines_of

Fields = dict[str, Any]


def read_objects(file: BinaryIO, name: str) -> Iterator[tuple[str, str, Fields]]:
    """Give the objects of a JSON array, or one a line, each with its place for errors, and its number from 1."""
    first = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(0)
    if first.startswith(b"["):
        for number, found in enumerate(_array(file, name), start=1):
            place = f"{name}, record {number}"
            if not isinstance(found, dict):
                raise CorpusError(f"{place}: not an object")
            yield place, str(number), found
        return
    for number, line in lines_of(file, name):
        if line.strip():
            yield f"{name}:{number}", str(number), parse_object(line, f"{name}:{number}")


def _array(file: BinaryIO, name: str) -> list[Any]:
    # Line by line first, so that what isn't UTF-8 is told by line.
    text = "\n".join(line for _, line in lines_of(file, name))
    return list(parse_object(f'{{"records":{text}}}', name)["records"])


def string_of(place: str, fields: Mapping[str, Any], key: str) -> str:
    """Return a field that must be a string."""
    found = fields.get(key)
    if not isinstance(found, str):
        raise CorpusError(f"{place}: {key!r} must be a string")
    return found


def list_of(place: str, fields: Mapping[str, Any], key: str) -> list[Any]:
    """Return a field that must be a list; empty where it is missing or null."""
    found = fields.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise CorpusError(f"{place}: {key!r} must be a list")
    return found


def object_of(place: str, found: Any, what: str) -> Fields:
    """Return what must be an object."""
    if not isinstance(found, dict):
        raise CorpusError(f"{place}: {what} must be an object")
    return found


def meta_of(fields: Mapping[str, Any], own: Iterable[str]) -> Fields:
    """Return the fields that aren't the format's own; those of an object `meta` stand beside the others."""
    rest = {key: value for key, value in fields.items() if key not in {*own, "meta"}}
    meta = fields.get("meta")
    if isinstance(meta, dict):
        return rest | meta
    return rest if meta is None else rest | {"meta": meta}


def dump(value: Any) -> bytes:
    """Return JSON as results are written: UTF-8, with lone surrogates escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def write_lines(values: Iterable[Any]) -> Iterator[bytes]:
    """Give an object a line."""
    for value in values:
        yield dump(value) + b"\n"


def write_array(values: Iterable[Any]) -> Iterator[bytes]:
    """Give an array, an element a line, so that it need never be in memory as a whole."""
    yield b"["
    for number, value in enumerate(values):
        yield (b",\n" if number else b"\n") + dump(value)
    yield b"\n]\n"
