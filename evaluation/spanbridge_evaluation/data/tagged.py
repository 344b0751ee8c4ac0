"""CoNLL columns: a token and its IOB2 tag a line, a blank line between sentences."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from spanbridge_evaluation.data.lines import DataError, lines_of
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.spans import Span

KNOWN_LABELS = frozenset({"PER", "ORG", "LOC", "MISC", "DATE"})
_TAG = re.compile(r"O|(?P<prefix>[^-]*)-(?P<label>.*)")
_IOB = re.compile(r"O|[BI]-.+")
_OTHER_SCHEMES = frozenset("SELU")
"""Prefixes of IOBES and BILOU beside B and I."""
_DOCUMENT = "-DOCSTART-"


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Tokens and their tags (n_tokens,); `line` is where the sentence starts in its file."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Form:
    """What is particular to a data set: whether tokens may be blank, and what to say where lines have no tag."""

    blank_tokens: bool = False
    untagged: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    token: str
    tag: str


def read_tagged(
    path: Path, *, labels: AbstractSet[str] = frozenset(), form: Form | None = None
) -> list[TaggedSentence]:
    """Read a file; its first column is the token, the last the tag, parted by tabs or blanks.

    `labels` are known beside PER, ORG, LOC, MISC and DATE. Raises `DataError` for columns that change, blank tokens,
    tags that aren't IOB2, labels that nobody knows, a file without sentences or without any entity.
    """
    sentences: list[TaggedSentence] = []
    rows: list[_Row] = []
    for row in _with_end(_rows(path, labels | KNOWN_LABELS, form or Form())):
        if row is not None:
            rows.append(row)
        elif rows:
            sentences.append(_sentence(rows))
            rows = []
    if not sentences:
        raise DataError(f"{path}:1: no sentences from here to the end; a line is a token and its tag: 'Samia B-PER'")
    check_scheme(path, sentences)
    return sentences


def _sentence(rows: Sequence[_Row]) -> TaggedSentence:
    return TaggedSentence(tuple(row.token for row in rows), tuple(row.tag for row in rows), rows[0].line)


def _rows(path: Path, labels: AbstractSet[str], form: Form) -> Iterator[_Row | None]:
    """Give a row per token, and None between sentences."""
    width = 0
    inside = False
    for number, line in lines_of(path):
        text = line.rstrip(" \t")
        fields = text.split("\t") if "\t" in text else re.split(" +", text)
        if not text or (fields[0] == _DOCUMENT and not inside):
            inside = False
            yield None
            continue
        if not inside and _is_comment(text, fields):
            continue
        width = width or len(fields)
        _check_columns(path, number, fields, width, form)
        _check_tag(path, number, fields, labels)
        inside = True
        yield _Row(number, fields[0], fields[-1])


def _with_end(rows: Iterator[_Row | None]) -> Iterator[_Row | None]:
    yield from rows
    yield None


def _is_comment(text: str, fields: Sequence[str]) -> bool:
    """Say whether a line before a sentence is a comment; "#" with a tag is a token, as in collections of tweets."""
    return text.startswith("# ") and _TAG.fullmatch(fields[-1]) is None


def _check_columns(path: Path, number: int, fields: Sequence[str], width: int, form: Form) -> None:
    if len(fields) < 2:
        raise DataError(
            f"{path}:{number}: no tag: the line has one column ({fields[0][:40]!r}); a line is a token and its tag, "
            f"such as 'Samia B-PER'{form.untagged}"
        )
    if len(fields) != width:
        raise DataError(f"{path}:{number}: {len(fields)} columns, but the lines before have {width}")
    if not form.blank_tokens and not fields[0].strip():
        raise DataError(f"{path}:{number}: the first column, the token, is empty")


def _check_tag(path: Path, number: int, fields: Sequence[str], labels: AbstractSet[str]) -> None:
    tag = fields[-1]
    if tag != "O" and _IOB.fullmatch(tag) is None:
        raise DataError(
            f"{path}:{number}: the last column, {tag[:40]!r}, is no IOB2 tag: O, B-LABEL or I-LABEL{_hint(fields)}"
        )
    check_label(f"{path}:{number}", tag, labels)


def _hint(fields: Sequence[str]) -> str:
    found = _TAG.fullmatch(fields[-1])
    if found is not None and found["prefix"] in _OTHER_SCHEMES and found["label"]:
        return "; convert IOBES or BILOU to IOB2"
    places = [place for place, field in enumerate(fields[:-1], start=1) if _IOB.fullmatch(field)]
    return f"; column {places[0]} looks like one, but the tag must stand last" if places else ""


def check_label(place: str, tag: str, labels: AbstractSet[str]) -> None:
    """Raise `DataError`, naming the place, for an IOB2 tag whose label isn't among those known."""
    label = tag.partition("-")[2]
    if tag != "O" and label not in labels:
        raise DataError(
            f"{place}: unknown label {label[:40]!r}; known are {', '.join(sorted(labels))}, and what --labels names"
        )


def check_scheme(path: Path, sentences: Sequence[TaggedSentence]) -> None:
    """Raise `DataError` where tags follow IOB1, or where there is no entity at all."""
    begun = sum(tag.startswith("B-") for sentence in sentences for tag in sentence.tags)
    stray = [place for sentence in sentences for place in _stray(sentence)]
    if len(stray) > begun:
        raise DataError(
            f"{path}:{stray[0]}: an I- tag without its B-, as {len(stray) - 1:,} others; the tags are IOB1, "
            "convert them to IOB2"
        )
    if begun == 0:
        raise DataError(f"{path}:{sentences[0].line}: from here to the end there is no entity, every tag is O")


def _stray(sentence: TaggedSentence) -> list[int]:
    before = ["O", *sentence.tags]
    return [
        sentence.line + place
        for place, tag in enumerate(sentence.tags)
        if tag.startswith("I-") and before[place][2:] != tag[2:]
    ]


def strict_spans(tags: Sequence[str]) -> list[LabelledSpan]:
    """Return the entities that seqeval's strict mode sees in IOB2 tags: an I- without its B- belongs to none.

    >>> strict_spans(["I-PER", "B-PER", "I-PER", "I-LOC"])
    [LabelledSpan(span=Span(start=1, end=3), label='PER')]
    """
    found: list[LabelledSpan] = []
    for place, tag in enumerate(tags):
        if tag.startswith("B-"):
            found.append(LabelledSpan(Span(place, place + 1), tag[2:]))
        elif tag != "O" and found and found[-1].span.end == place and found[-1].label == tag[2:]:
            found[-1] = LabelledSpan(Span(found[-1].span.start, place + 1), tag[2:])
    return found
