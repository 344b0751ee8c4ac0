"""Prodigy's JSONL: tokens with their places, spans that name their first and last token."""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, Mark, in_order, read_id, read_lang, read_mark, words_of
from spanbridge.formats.json_files import Fields, list_of, meta_of, object_of, read_objects, string_of
from spanbridge.formats.records import CorpusError
from spanbridge_shared.text.offsets import char_span

_OWN = frozenset({"id", "text", "tokens", "spans", "lang", "_input_hash", "_task_hash"})


def read_prodigy(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each task; other keys, such as `answer`, become `meta`. Hashes are Prodigy's to make again."""
    for place, number, fields in read_objects(file, name):
        text = string_of(place, fields, "text")
        marks = [_mark(place, text, each) for each in list_of(place, fields, "spans")]
        tokens = [_token(place, text, each) for each in list_of(place, fields, "tokens")]
        yield Document(
            place,
            read_id(place, fields.get("id"), number),
            text,
            in_order(marks),
            tuple(tokens) if fields.get("tokens") is not None else None,
            lang=read_lang(place, fields.get("lang")),
            meta=meta_of(fields, _OWN),
        )


def _mark(place: str, text: str, found: Any) -> Mark:
    span = object_of(place, found, "a span")
    return read_mark(place, text, span.get("start"), span.get("end"), span.get("label"), span.get("score"))


def _token(place: str, text: str, found: Any) -> str:
    token = object_of(place, found, "a token")
    start, end = token.get("start"), token.get("end")
    if not isinstance(start, int) or not isinstance(end, int) or text[start:end] != token.get("text"):
        raise CorpusError(f"{place}: token {str(token.get('text'))[:40]!r} isn't at [{start}, {end}) of the text")
    return text[start:end]


def prodigy_lines(documents: Iterable[Document]) -> Iterator[Fields]:
    """Give each document as a task; `token_end` is the last token, and `ws` says that white space follows."""
    for document in documents:
        words = words_of(document)
        tokens = [
            {
                "text": token,
                "start": place.start,
                "end": place.end,
                "id": number,
                "ws": document.text[place.end : place.end + 1].isspace(),
            }
            for number, (token, place) in enumerate(zip(words.tokens, words.offsets, strict=True))
        ]
        scores = {(mark.start, mark.end): mark.score for mark in document.marks}
        spans = []
        for span, label in words.spans:
            start, end = char_span(span, words.offsets)
            shown = {"start": start, "end": end, "token_start": span.start, "token_end": span.end - 1, "label": label}
            score = scores[start, end]
            spans.append(shown if score is None else shown | {"score": score})
        yield {
            "text": document.text, "tokens": tokens, "spans": spans, "meta": dict(document.meta),
            "id": document.id, "lang": document.lang,
        }  # fmt: skip
