"""Tab-separated pairs: gold word alignments, and sentences with their English."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spanbridge_evaluation.data.lines import DataError, is_file, is_folder, lines_of
from spanbridge_shared.errors import UnknownLanguage
from spanbridge_shared.text.languages import resolve_language

Links = frozenset[tuple[int, int]]
_LINK = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_PAIR = re.compile(r"en-([a-z]{2,3})")


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """English and other tokens with their gold links (English, other), 0-based; `possible` contains `sure`."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    sure: Links
    possible: Links


@dataclass(frozen=True, slots=True)
class AlignmentSet:
    """Gold alignments of one file; `lang` is as typed, or the folder's name; `code` the FLORES code, if it is known."""

    lang: str
    code: str | None
    split: str
    pairs: list[AlignedPair]

    def first(self, limit: int | None) -> "AlignmentSet":
        """Return the set cut to its first pairs."""
        return replace(self, pairs=self.pairs[:limit])


@dataclass(frozen=True, slots=True)
class TranslationSet:
    """Texts of one language and their English."""

    lang: str
    split: str
    texts: list[str]
    english: list[str]

    @property
    def code(self) -> str:
        """The FLORES code."""
        return resolve_language(self.lang)

    def first(self, limit: int | None) -> "TranslationSet":
        """Return the set cut to its first texts."""
        return replace(self, texts=self.texts[:limit], english=self.english[:limit])


def read_alignment_sets(data: Path, langs: Sequence[str], split: str | None) -> list[AlignmentSet]:
    """Read one file, or `en-xx/*.tsv` (or `*.tsv`) of a folder.

    `langs` are names such as `fr` or `en-fr`; `split` is a file's name without `.tsv`, or the end of it.
    """
    if is_file(data):
        lang = langs[0] if langs else _pair_of(data) or data.stem
        return [_alignment_set(data, lang)]
    if not is_folder(data):
        raise DataError(f"there is no file or folder {data}")
    files = sorted({*data.glob("en-*/*.tsv"), *data.glob("*.tsv")})
    chosen = [path for path in files if split is None or f".{path.stem}".endswith(f".{split}")]
    found: list[AlignmentSet] = []
    for lang in langs or list(dict.fromkeys(_pair_of(path) or path.stem for path in chosen)):
        own = [path for path in chosen if _answers_to(_pair_of(path) or path.stem, lang)]
        if not own:
            raise DataError(f"{data} has no gold alignment for {lang!r}{f' and split {split!r}' if split else ''}")
        found.extend(_alignment_set(path, lang) for path in own)
    if not found:
        raise DataError(f"{data} has no en-xx/*.tsv{f' for split {split!r}' if split else ''}")
    return found


def _pair_of(path: Path) -> str | None:
    return path.parent.name if _PAIR.fullmatch(path.parent.name) else None


def _code(name: str) -> str | None:
    try:
        return resolve_language(name.removeprefix("en-"))
    except UnknownLanguage:
        return None


def _answers_to(name: str, lang: str) -> bool:
    return name == lang or (_code(name) is not None and _code(name) == _code(lang))


def _alignment_set(path: Path, lang: str) -> AlignmentSet:
    return AlignmentSet(lang, _code(lang), path.stem, read_alignments(path))


def read_alignments(path: Path) -> list[AlignedPair]:
    """Read English tokens, other tokens, sure links, sure and possible links; raises `DataError`, naming the line."""
    pairs = []
    for number, fields in _fields(path, (3, 4), "English tokens, other tokens, sure links, sure and possible links"):
        source, target = tuple(fields[0].split()), tuple(fields[1].split())
        if not source or not target:
            raise DataError(f"{path}:{number}: the {'English' if not source else 'other'} side has no tokens")
        sizes = (len(source), len(target))
        sure = _links(f"{path}:{number}", fields[2], sizes)
        pairs.append(AlignedPair(source, target, sure, sure | _links(f"{path}:{number}", fields[-1], sizes)))
    if not any(pair.sure for pair in pairs):
        raise DataError(f"{path}:1: from here to the end there is no sure link")
    return pairs


def _links(place: str, text: str, sizes: tuple[int, int]) -> Links:
    found = set()
    for each in text.split():
        match = _LINK.fullmatch(each)
        if match is None:
            raise DataError(f"{place}: {each[:40]!r} is no link; links look like 0-0 1-2, counted from 0")
        link = (int(match[1]), int(match[2]))
        if link[0] >= sizes[0] or link[1] >= sizes[1]:
            raise DataError(f"{place}: the link {each} is outside the {sizes[0]} English and {sizes[1]} other tokens")
        found.add(link)
    return frozenset(found)


def read_translations(path: Path, lang: str) -> TranslationSet:
    """Read text and English, a pair a line, without a header; raises `DataError`, naming the line."""
    texts, english = [], []
    for number, fields in _fields(path, (2,), "text, English"):
        for what, field in zip(("text", "English"), fields, strict=True):
            if not field.strip():
                raise DataError(f"{path}:{number}: the {what} is empty")
        texts.append(fields[0])
        english.append(fields[1])
    return TranslationSet(lang, path.stem, texts, english)


def read_translation_sets(data: Path, langs: Sequence[str]) -> list[TranslationSet]:
    """Read one file of one language, or `<lang>.tsv` of a folder for each."""
    if is_folder(data):
        names = langs or [path.stem for path in sorted(data.glob("*.tsv")) if _code(path.stem)]
        if not names:
            raise DataError(f"{data} has no <lang>.tsv")
        by_code = {_code(path.stem): path for path in sorted(data.glob("*.tsv"))}
        if missing := [lang for lang in names if resolve_language(lang) not in by_code]:
            raise DataError(f"{data} has no {missing[0]}.tsv")
        return [read_translations(by_code[resolve_language(lang)], lang) for lang in names]
    lang = langs[0] if len(langs) == 1 else data.stem if not langs and _code(data.stem) else None
    if lang is None:
        raise DataError(f"--lang must name the one language of {data}")
    resolve_language(lang)
    return [read_translations(data, lang)]


def _fields(path: Path, counts: tuple[int, ...], names: str) -> Iterator[tuple[int, list[str]]]:
    width = 0
    for number, line in lines_of(path):
        fields = line.split("\t")
        if len(fields) not in counts:
            raise DataError(f"{path}:{number}: {len(fields)} tab-separated columns in place of {counts[-1]}: {names}")
        width = width or len(fields)
        if len(fields) != width:
            raise DataError(f"{path}:{number}: {len(fields)} columns, but the lines before have {width}")
        yield number, fields
    if width == 0:
        raise DataError(f"{path}:1: the file is empty; a line holds {names}, parted by tabs")
