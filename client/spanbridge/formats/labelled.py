"""Reading a corpus of labelled English: one record per sentence, with its entities."""

import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from pydantic import ValidationError

from spanbridge.formats.readers import conll_sentences, misfit, parse_object
from spanbridge.formats.records import CorpusError, InputFormat, LabelledRecord, lines_of
from spanbridge_shared.contracts.gateway import GivenEntity
from spanbridge_shared.contracts.translate_train import EnglishSentence
from spanbridge_shared.text.bio import spans_of

_COLUMNS = re.compile(r"[ \t]+")
# IOBES and BILOU say where entities end too, which IOB2 leaves to the next tag.
_IOB2 = {"S": "B", "U": "B", "E": "I", "L": "I"}
_OWN_KEYS = frozenset({"id", "text", "tokens", "entities", "tags"})
_PLACE = ("start", "end", "label")


def read_labelled_conll(file: BinaryIO, name: str) -> Iterator[LabelledRecord]:
    """Read a token a line, its tag in the last column (IOB2, IOBES or BILOU), a blank line between sentences.

    Ids and comments are as `read_conll` has them. Raises `CorpusError`, naming the line, where a tag is missing or is
    none.
    """
    for number, (comments, lines) in enumerate(conll_sentences(file, name), start=1):
        columns = [(f"{name}:{place}", _COLUMNS.split(line.strip(" \t\r"))) for place, line in lines]
        tags = [_tag(place, found) for place, found in columns]
        sentence = EnglishSentence(id=str(number), tokens=[found[0] for _, found in columns], entities=_entities(tags))
        yield LabelledRecord(sentence, {"comments": comments} if comments else {})


def _tag(place: str, columns: list[str]) -> str:
    if len(columns) < 2:
        raise CorpusError(f"{place}: {columns[0][:40]!r} has no tag; a line looks like `Nairobi B-LOC`")
    prefix, dash, label = columns[-1].partition("-")
    tag = f"{_IOB2.get(prefix, prefix)}{dash}{label}"
    try:
        spans_of([tag])
    except ValueError as fault:
        raise CorpusError(f"{place}: {columns[-1][:40]!r} is no tag; tags are O, B-LABEL and I-LABEL") from fault
    return tag


def _entities(tags: list[str]) -> list[GivenEntity]:
    return [GivenEntity(start=span.start, end=span.end, label=label) for span, label in spans_of(tags)]


def read_labelled_jsonl(file: BinaryIO, name: str) -> Iterator[LabelledRecord]:
    """Read objects with `text` or `tokens`, and `entities` that count its characters, or its tokens; or `tags`.

    With both, as results of `spanbridge project` have them, the text counts. Ids and other keys are as `read_jsonl` has
    them. Raises `CorpusError`, naming the line.
    """
    for number, line in lines_of(file, name):
        if line.strip():
            place = f"{name}:{number}"
            fields = parse_object(line, place)
            meta = {key: value for key, value in fields.items() if key not in _OWN_KEYS}
            yield LabelledRecord(_sentence(fields, str(number), place), meta)


def _sentence(fields: dict[str, Any], number: str, place: str) -> EnglishSentence:
    text, tokens = fields.get("text"), fields.get("tokens")
    own: dict[str, Any] = {"id": number if fields.get("id") is None else fields["id"]}
    own |= {"tokens": tokens} if text is None else {"text": text}
    if fields.get("entities") is not None:
        own["entities"] = _only_places(fields["entities"])
    elif fields.get("tags") is not None and text is None:
        own["entities"] = _from_tags(fields["tags"], tokens, place)
    else:
        raise CorpusError(f"{place}: no entities; an empty list says that there are none")
    try:
        return EnglishSentence.model_validate(own)
    except ValidationError as fault:
        raise misfit(fault, place) from fault


def _only_places(entities: Any) -> Any:
    """Return the entities without the scores and texts that results of `spanbridge project` have."""
    if not isinstance(entities, list) or not all(isinstance(each, dict) for each in entities):
        return entities
    return [{key: each[key] for key in _PLACE if key in each} for each in entities]


def _from_tags(tags: Any, tokens: Any, place: str) -> list[GivenEntity]:
    if not isinstance(tags, list) or not isinstance(tokens, list) or len(tags) != len(tokens):
        raise CorpusError(f"{place}: tags must be a list with one tag per token")
    return _entities([_tag(place, ["", str(tag)]) for tag in tags])


LABELLED_READERS: dict[InputFormat, Callable[[BinaryIO, str], Iterator[LabelledRecord]]] = {
    InputFormat.JSONL: read_labelled_jsonl,
    InputFormat.CONLL: read_labelled_conll,
}
