"""Reading a corpus: one record per sentence, in the file's order."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from pydantic import ValidationError

from spanbridge.formats.records import CorpusError, InputFormat, Record, lines_of
from spanbridge_shared.contracts.gateway import Sentence

_TAG = re.compile(r"O|[BIESLU]-\S+")
_OWN_KEYS = frozenset(Sentence.model_fields)


def read_text(file: BinaryIO, name: str) -> Iterator[Record]:
    """Read a sentence or a paragraph a line; its id is the line's number from 1, and blank lines count."""
    for number, line in lines_of(file, name):
        if line.strip():
            yield Record(Sentence(id=str(number), text=line))


def read_jsonl(file: BinaryIO, name: str) -> Iterator[Record]:
    """Read objects with `text` or `tokens`, and if they like `id` and `source`; other keys become `meta`.

    Without `id` the line's number counts. Raises `CorpusError`, naming the line, for what isn't such an object.
    """
    for number, line in lines_of(file, name):
        if line.strip():
            fields = parse_object(line, f"{name}:{number}")
            meta = {key: value for key, value in fields.items() if key not in _OWN_KEYS}
            own = {key: value for key, value in fields.items() if key in _OWN_KEYS and value is not None}
            try:
                yield Record(Sentence.model_validate({"id": str(number)} | own), meta)
            except ValidationError as fault:
                raise misfit(fault, f"{name}:{number}") from fault


def misfit(fault: ValidationError, place: str) -> CorpusError:
    """Return the error that tells pydantic's in one line."""
    told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in fault.errors())
    return CorpusError(f"{place}: {told}")


def parse_object(line: str, place: str) -> dict[str, Any]:
    """Return the object that a line of JSON holds; raises `CorpusError`, naming the place."""
    try:
        found = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as fault:
        raise CorpusError(f"{place}: not valid JSON: {fault}; a line must hold one whole object") from fault
    if not isinstance(found, dict):
        raise CorpusError(f'{place}: not an object; a line looks like {{"id": "1", "text": "…"}}')
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


def read_conll(file: BinaryIO, name: str) -> Iterator[Record]:
    """Read a token a line, its first column, and a blank line between sentences; tags are not read.

    A sentence's id is its number from 1. Comments before a sentence (`# …`) become its `meta`; `-DOCSTART-` lines only
    separate.
    """
    for number, (comments, lines) in enumerate(conll_sentences(file, name), start=1):
        tokens = [first_column(line) for _, line in lines]
        yield Record(Sentence(id=str(number), tokens=tokens), {"comments": comments} if comments else {})


def conll_sentences(file: BinaryIO, name: str) -> Iterator[tuple[list[str], list[tuple[int, str]]]]:
    """Give each sentence's comments, and its lines with their numbers; none is empty."""
    comments: list[str] = []
    lines: list[tuple[int, str]] = []
    for number, line in _with_end(lines_of(file, name)):
        if not line.strip(" \t\r") or (first_column(line) == "-DOCSTART-" and not lines):
            if lines:
                yield comments, lines
                comments, lines = [], []
        elif not lines and _is_comment(line):
            comments.append(line)
        else:
            lines.append((number, line))


def first_column(line: str) -> str:
    """Return what stands before the first blank or tab."""
    return re.split(r"[ \t]", line, maxsplit=1)[0]


def _with_end(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield from lines
    yield 0, ""


def _is_comment(line: str) -> bool:
    """Say whether a line before a sentence is a comment; "#" with a tag is a token, as in collections of tweets."""
    return line.startswith("# ") and _TAG.fullmatch(line.split()[-1]) is None


READERS: dict[InputFormat, Callable[[BinaryIO, str], Iterator[Record]]] = {
    InputFormat.TEXT: read_text,
    InputFormat.JSONL: read_jsonl,
    InputFormat.CONLL: read_conll,
}
