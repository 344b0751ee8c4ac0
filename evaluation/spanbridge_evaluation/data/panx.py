"""PAN-X (WikiANN) as it is published: columns with `sw:` before each token, JSON Lines, or Parquet."""

import importlib
import json
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from spanbridge_evaluation.data.lines import DataError, lines_of, unreadable
from spanbridge_evaluation.data.tagged import KNOWN_LABELS, Form, TaggedSentence, check_label, check_scheme, read_tagged
from spanbridge_shared.errors import UnknownLanguage
from spanbridge_shared.text.languages import resolve_language

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
"""What the numbers in `ner_tags` stand for (features of the data set unimelb-nlp/wikiann)."""

_PREFIX = re.compile(r"([a-z][a-z-]{1,11}):")
_FORM = Form(
    blank_tokens=True,
    untagged="; XTREME's script removes the tags of its test files: take <lang>/test of the archive that it unpacks",
)


def read_panx(path: Path, code: str, labels: AbstractSet[str] = frozenset()) -> list[TaggedSentence]:
    """Read a file of one language, named by its FLORES code, in the form that its ending tells.

    A prefix that all tokens have goes; tokens that are blank without it go too, as nothing can be labelled there.
    Raises `DataError` as `read_tagged` does, and for a prefix of another language.
    """
    if path.suffix == ".parquet":
        return _exported(path, enumerate(_parquet_rows(path), start=1), labels)
    if path.suffix in (".jsonl", ".json"):
        return _exported(path, _json_rows(path), labels)
    return _without_prefix(path, code, read_tagged(path, labels=labels, form=_FORM))


def _without_prefix(path: Path, code: str, sentences: list[TaggedSentence]) -> list[TaggedSentence]:
    found = _PREFIX.match(sentences[0].tokens[0])
    prefix = found[0] if found is not None and _is_prefix(found, code, sentences) else ""
    if found is not None and prefix and _code(found[1]) != code:
        raise DataError(f"{path}:{sentences[0].line}: tokens begin with {prefix!r}, which is not {code}")
    for sentence in sentences:
        for place, token in enumerate(sentence.tokens):
            if not token.startswith(prefix):
                raise DataError(f"{path}:{sentence.line + place}: the token {token[:40]!r} has no {prefix!r} before it")
    stripped = ([token.removeprefix(prefix) for token in each.tokens] for each in sentences)
    return _sound(
        path,
        ((each.line, tokens, each.tags) for each, tokens in zip(sentences, stripped, strict=True)),
        step=1,
    )


def _is_prefix(found: re.Match[str], code: str, sentences: Sequence[TaggedSentence]) -> bool:
    """Say whether what stands before the first token's colon is a prefix, and not part of a word."""
    everywhere = all(token.startswith(found[0]) for sentence in sentences for token in sentence.tokens)
    return everywhere or _code(found[1]) == code


def _code(name: str) -> str | None:
    try:
        return resolve_language(name)
    except UnknownLanguage:
        return None


def _sound(path: Path, rows: Iterator[tuple[int, list[str], Sequence[str]]], step: int) -> list[TaggedSentence]:
    """Return sentences without blank tokens; `step` is 1 where each token has its own line, else 0."""
    found = []
    for line, tokens, tags in rows:
        kept = []
        for place, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
            if token.strip():
                kept.append((token, tag))
            elif tag.startswith("B-"):
                raise DataError(f"{path}:{line + step * place}: a blank token begins an entity ({tag})")
        if kept:
            found.append(TaggedSentence(tuple(token for token, _ in kept), tuple(tag for _, tag in kept), line))
    return found


def _exported(path: Path, rows: Iterator[tuple[int, Any]], labels: AbstractSet[str]) -> list[TaggedSentence]:
    checked = (_checked(f"{path}:{number}", number, row, labels | KNOWN_LABELS) for number, row in rows)
    sentences = _sound(path, checked, step=0)
    if not sentences:
        raise DataError(f"{path}:1: no sentences from here to the end")
    check_scheme(path, sentences)
    return sentences


def _checked(place: str, number: int, row: Any, labels: AbstractSet[str]) -> tuple[int, list[str], list[str]]:
    row = row if isinstance(row, dict) else {}
    tokens, tags = row.get("tokens"), row.get("ner_tags")
    words = isinstance(tokens, list) and all(isinstance(each, str) for each in tokens)
    if not isinstance(tokens, list) or not isinstance(tags, list) or not words or len(tokens) != len(tags):
        raise DataError(f'{place}: no {{"tokens": […], "ner_tags": […]}} with as many tags as tokens')
    named = [_tag(place, tag) for tag in tags]
    for tag in named:
        check_label(place, tag, labels)
    return number, tokens, named


def _tag(place: str, tag: Any) -> str:
    if isinstance(tag, int) and not isinstance(tag, bool) and 0 <= tag < len(TAGS):
        return TAGS[tag]
    if isinstance(tag, str) and re.fullmatch("O|[BI]-.+", tag):
        return tag
    raise DataError(f"{place}: {str(tag)[:40]!r} is no tag: 0 to {len(TAGS) - 1}, or O, B-LABEL or I-LABEL")


def _json_rows(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in lines_of(path):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as fault:
            raise DataError(f"{path}:{number}: no JSON: a line holds one sentence's tokens and ner_tags") from fault


def _parquet_rows(path: Path) -> list[Any]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as fault:
        raise DataError(
            f"{path}: Parquet needs pyarrow (pip install pyarrow); or export JSON Lines: datasets' to_json"
        ) from fault
    try:
        rows: list[Any] = parquet.read_table(path).to_pylist()
    except OSError as fault:
        raise unreadable(path, fault) from fault
    except ValueError as fault:  # pyarrow's own errors of a bad file are ValueErrors.
        raise DataError(f"{path} is no Parquet file: {str(fault)[:200]}") from fault
    return rows
