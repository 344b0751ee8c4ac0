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
_DOCUMENT = "-DOCSTART-"


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Tokens and their tags (n_tokens,); `line` is where the sentence starts in its file."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    token: str
    tag: str


def read_tagged(path: Path, *, labels: AbstractSet[str] = frozenset(), prefix: str = "") -> list[TaggedSentence]:
    """Read a file; its first column is the token, the last the tag, parted by tabs or blanks.

    `labels` are known beside PER, ORG, LOC, MISC and DATE. With `prefix` (`en:`, as PAN-X has it) tokens lose it, if
    the first one has it. Raises `DataError` for columns that change, tags that aren't IOB2, labels that nobody knows,
    a file without sentences or without any entity.
    """
    sentences: list[TaggedSentence] = []
    rows: list[_Row] = []
    for row in _with_end(_rows(path, labels | KNOWN_LABELS)):
        if row is not None:
            rows.append(row)
        elif rows:
            sentences.append(_sentence(rows))
            rows = []
    if not sentences:
        raise DataError(f"{path} has no sentences in it; a line is a token and its tag, such as 'Samia B-PER'")
    _check_scheme(path, sentences)
    return _without_prefix(path, sentences, prefix) if prefix else sentences


def _sentence(rows: Sequence[_Row]) -> TaggedSentence:
    return TaggedSentence(tuple(row.token for row in rows), tuple(row.tag for row in rows), rows[0].line)


def _rows(path: Path, labels: AbstractSet[str]) -> Iterator[_Row | None]:
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
        _check_columns(path, number, fields, width)
        _check_tag(path, number, fields[-1], labels)
        inside = True
        yield _Row(number, fields[0], fields[-1])


def _with_end(rows: Iterator[_Row | None]) -> Iterator[_Row | None]:
    yield from rows
    yield None


def _is_comment(text: str, fields: Sequence[str]) -> bool:
    """Say whether a line before a sentence is a comment; "#" with a tag is a token, as in collections of tweets."""
    return text.startswith("# ") and _TAG.fullmatch(fields[-1]) is None


def _check_columns(path: Path, number: int, fields: Sequence[str], width: int) -> None:
    if len(fields) < 2:
        raise DataError(
            f"{path}:{number}: no tag: the line has one column ({fields[0][:40]!r}); a line is a token and its tag, "
            "such as 'Samia B-PER'"
        )
    if len(fields) != width:
        raise DataError(f"{path}:{number}: {len(fields)} columns, but the lines before have {width}")
    if not fields[0].strip():
        raise DataError(f"{path}:{number}: the first column, the token, is empty")


def _check_tag(path: Path, number: int, tag: str, labels: AbstractSet[str]) -> None:
    found = _TAG.fullmatch(tag)
    if found is None or (tag != "O" and (found["prefix"] not in ("B", "I") or not found["label"])):
        raise DataError(f"{path}:{number}: the last column, {tag[:40]!r}, is no IOB2 tag: O, B-LABEL or I-LABEL")
    if tag != "O" and found["label"] not in labels:
        raise DataError(
            f"{path}:{number}: unknown label {found['label'][:40]!r}; known are {', '.join(sorted(labels))}, "
            "and what --labels names"
        )


def _check_scheme(path: Path, sentences: Sequence[TaggedSentence]) -> None:
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


def _without_prefix(path: Path, sentences: list[TaggedSentence], prefix: str) -> list[TaggedSentence]:
    if not sentences[0].tokens[0].startswith(prefix):
        return sentences
    for sentence in sentences:
        for place, token in enumerate(sentence.tokens):
            if not token.startswith(prefix) or token == prefix:
                raise DataError(f"{path}:{sentence.line + place}: the token {token[:40]!r} has no {prefix!r} before it")
    return [
        TaggedSentence(tuple(token.removeprefix(prefix) for token in each.tokens), each.tags, each.line)
        for each in sentences
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
