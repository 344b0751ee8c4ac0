"""A labelled text as every annotation format has one, and what they need of it: words, tags, records to label."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from spanbridge.formats.readers import misfit
from spanbridge.formats.records import CorpusError, Record
from spanbridge_shared.contracts.gateway import Sentence
from spanbridge_shared.text.bio import LabelledSpan, spans_of, tags_of
from spanbridge_shared.text.languages import languages
from spanbridge_shared.text.offsets import char_span, token_span
from spanbridge_shared.text.sentences import split_sentences
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import join_tokens, tokenize


@dataclass(frozen=True, slots=True)
class Mark:
    """A labelled span `[start, end)` in code points of its document's text."""

    start: int
    end: int
    label: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its marks, in order.

    `place` says where it was read, for errors. `tokens` are its words in order, None where nobody has cut it.
    `by_tokens` says that its file has words rather than a text, so that it is to be labelled by them. `result` is the
    line of results that it was read from.
    """

    place: str
    id: str | int
    text: str
    marks: tuple[Mark, ...] = ()
    tokens: tuple[str, ...] | None = None
    lang: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    by_tokens: bool = False
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """A document's words, where they are in its text, and their IOB2 tags."""

    tokens: list[str]
    offsets: list[Span]
    tags: list[str]

    @property
    def spans(self) -> list[LabelledSpan]:
        """The labelled spans of words, in order."""
        return spans_of(self.tags)


def in_order(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return marks as a document has them."""
    return tuple(sorted(marks, key=lambda one: (one.start, one.end, one.label)))


def words_of(document: Document) -> Words:
    """Return a document's words and tags; raises `CorpusError` where a mark isn't whole words, or they overlap."""
    offsets = offsets_of(document)
    tokens = [document.text[each.start : each.end] for each in offsets]
    spans: list[LabelledSpan] = []
    for mark in document.marks:
        place = Span(mark.start, mark.end)
        words = token_span(place, offsets)
        if words is None or char_span(words, offsets) != place:
            raise CorpusError(
                f"{document.place}: {mark.label} [{mark.start}, {mark.end}) {document.text[mark.start : mark.end]!r} "
                "isn't made of whole words, which this format needs"
            )
        if any(character.isspace() for character in mark.label):
            raise CorpusError(f"{document.place}: the label {mark.label!r} has white space, which a tag can't hold")
        spans.append(LabelledSpan(words, mark.label))
    try:
        return Words(tokens, offsets, tags_of(spans, len(tokens)))
    except ValueError as fault:
        raise CorpusError(f"{document.place}: marks overlap, which tags can't hold: {fault}") from fault


def offsets_of(document: Document) -> list[Span]:
    """Return where a document's words are; one that nobody has cut is cut as the gateway cuts it."""
    if document.tokens is not None:
        found = locate(document.tokens, document.text)
        if found is None:
            raise CorpusError(f"{document.place}: the tokens aren't the words of the text, in order")
        return found
    text, lang = document.text, document.lang or ""
    sentences = split_sentences(text, lang) if lang in languages() else [Span(0, len(text))]
    return [
        token.span.shifted(sentence.start)
        for sentence in sentences
        for token in tokenize(text[sentence.start : sentence.end], lang)
    ]


def locate(tokens: Iterable[str], text: str) -> list[Span] | None:
    """Return where tokens are in a text, in order, None where there is more than white space between them.

    >>> locate(["Rais", "Samia"], " Rais  Samia")
    [Span(start=1, end=5), Span(start=7, end=12)]
    """
    found: list[Span] = []
    place = 0
    for token in tokens:
        start = text.find(token, place)
        if not token or start < 0 or text[place:start].strip():
            return None
        place = start + len(token)
        found.append(Span(start, place))
    return None if text[place:].strip() else found


def from_tags(place: str, id_: str | int, tokens: Sequence[str], tags: Sequence[str], **rest: Any) -> Document:
    """Return a document of words with IOB2 tags; `text` is theirs where they are in it, else they are joined."""
    text = rest.pop("text", None)
    offsets = locate(tokens, text) if isinstance(text, str) else None
    if offsets is None:
        text, offsets = join_tokens(tokens)
    if len(tags) != len(tokens):
        raise CorpusError(f"{place}: {len(tokens)} tokens but {len(tags)} tags")
    try:
        spans = spans_of(tags)
    except ValueError as fault:
        raise CorpusError(f"{place}: {fault}") from fault
    marks = tuple(Mark(*char_span(span, offsets), label) for span, label in spans)
    return Document(place, id_, text, marks, tuple(tokens), by_tokens=True, **rest)


def read_mark(place: str, text: str, start: Any, end: Any, label: Any, score: Any = None) -> Mark:
    """Return a mark that a file has; raises `CorpusError` where it is no span of the text."""
    numbers = all(isinstance(each, int) and not isinstance(each, bool) for each in (start, end))
    if not numbers or not 0 <= start < end <= len(text):
        raise CorpusError(f"{place}: [{start}, {end}) is no span of the text, which has {len(text)} characters")
    if not isinstance(label, str) or not label:
        raise CorpusError(f"{place}: [{start}, {end}) has the label {label!r}, which must be a string")
    given = score if isinstance(score, int | float) and not isinstance(score, bool) else None
    return Mark(start, end, label, given)


def read_id(place: str, found: Any, default: str | int) -> str | int:
    """Return a text's id, the default where its file has none; raises `CorpusError` for what can't be one."""
    if found is None:
        return default
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise CorpusError(f"{place}: the id {str(found)[:40]!r} must be a string or a whole number")
    return found


def read_lang(place: str, found: Any) -> str | None:
    """Return the language that a file has for a text; raises `CorpusError` where it is no string."""
    if found is not None and not isinstance(found, str):
        raise CorpusError(f"{place}: the language {str(found)[:40]!r} must be a string")
    return found


def as_record(document: Document) -> Record:
    """Return what is labelled anew; marks that the file has are kept in `meta` as `entities`."""
    fields = {"tokens": list(document.tokens or ())} if document.by_tokens else {"text": document.text}
    meta = dict(document.meta)
    if document.marks:
        meta["entities"] = [as_entity(document, mark) for mark in document.marks]
    try:
        return Record(Sentence.model_validate({"id": document.id} | fields), meta)
    except ValidationError as fault:
        raise misfit(fault, document.place) from fault


def as_records(documents: Iterator[Document]) -> Iterator[Record]:
    """Give what is labelled anew of each document."""
    return map(as_record, documents)


def as_entity(document: Document, mark: Mark) -> dict[str, Any]:
    """Return a mark as results have it."""
    shown = {"start": mark.start, "end": mark.end, "text": document.text[mark.start : mark.end], "label": mark.label}
    return shown if mark.score is None else shown | {"score": mark.score}


def as_result(document: Document) -> dict[str, Any]:
    """Return a document as a line of results has it: the very line, where it was read from one."""
    if document.result is not None:
        return dict(document.result)
    words = words_of(document)
    shown: dict[str, Any] = {
        "id": document.id,
        "text": document.text,
        "lang": document.lang or "und",
        "entities": [as_entity(document, mark) for mark in document.marks],
        "tokens": words.tokens,
        "tags": words.tags,
        "error": None,
    }
    return shown | {"meta": dict(document.meta)} if document.meta else shown
