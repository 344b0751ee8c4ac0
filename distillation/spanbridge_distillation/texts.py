"""Unlabelled text: a sentence a line, as running text or as words between blanks, and its English if there is some."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.checks import MAX_TOKENS
from spanbridge_shared.text.languages import ENGLISH, resolve_language
from spanbridge_shared.text.sentences import split_sentences
from spanbridge_shared.text.tokenization import tokenize


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words to be labelled; `english` (words) is a translation that was made elsewhere."""

    words: tuple[str, ...]
    english: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences of one language, each once; `lang` is its FLORES code."""

    lang: str
    sentences: tuple[Sentence, ...]
    digest: str = field(repr=False)

    def words(self) -> list[tuple[str, ...]]:
        """Return each sentence's words."""
        return [sentence.words for sentence in self.sentences]


def read_texts(path: Path, lang: str, *, tokenized: bool, limit: int | None, translations: Path | None) -> Texts:
    """Read a file; with `tokenized` lines are words between blanks, else running text, cut into sentences and words.

    Of lines that are there twice the first counts, `limit` sentences at most. Raises `ConfigurationError` for a file
    that can't be read or is empty, and `UnknownLanguage`.
    """
    code = resolve_language(lang)
    english = {} if translations is None else read_translations(translations, code, lang)
    found: dict[tuple[str, ...], Sentence] = {}
    for line in _lines(path):
        for words, whole in _sentences(line, code, tokenized=tokenized):
            # A translation is of the whole line: where that holds several sentences it is nobody's.
            given = english.get(_spaced(line)) if whole else None
            if words not in found and len(words) <= MAX_TOKENS:
                found[words] = Sentence(words, None if given is None else _english_words(given))
        if limit is not None and len(found) >= limit:
            break
    if not found:
        raise ConfigurationError(f"{path} has no sentences in it")
    chosen = tuple(found.values())[:limit]
    return Texts(code, chosen, digest_of(chosen))


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise ConfigurationError(f"{path} can't be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise ConfigurationError(f"{path} is not UTF-8: {fault.reason} at byte {fault.start}") from fault
    return [line for line in (line.strip() for line in text.split("\n")) if line]


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _sentences(line: str, code: str, *, tokenized: bool) -> list[tuple[tuple[str, ...], bool]]:
    """Return the words of each sentence of a line, and whether it is all of the line."""
    if tokenized:
        return [(tuple(line.split()), True)]
    spans = split_sentences(line, code)
    cut = [tuple(token.text for token in tokenize(line[span.start : span.end], code)) for span in spans]
    return [(words, len(spans) == 1) for words in cut if words]


def _english_words(text: str) -> tuple[str, ...]:
    return tuple(token.text for token in tokenize(text, ENGLISH))


def read_translations(folder: Path, *names: str) -> Mapping[str, str]:
    """Read `NAME.jsonl` of the first name that is there: lines of {"text", "english"}, text as in the unlabelled file.

    Empty translations are none. Raises `ConfigurationError` where no such file is there, or a line is something else.
    """
    path = next((path for path in (folder / f"{name}.jsonl" for name in names) if path.is_file()), None)
    if path is None:
        raise ConfigurationError(f"{folder} has no {names[0]}.jsonl; a language without translations needs none given")
    found: dict[str, str] = {}
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
            text, english = _spaced(row["text"]), row["english"].strip()
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise ConfigurationError(f'{path}, line {number} is not {{"text": …, "english": …}}') from fault
        if english:
            found[text] = english
    return found


def digest_of(sentences: Sequence[Sentence]) -> str:
    """Return a hash of sentences: what was made of equal ones has the same."""
    digest = hashlib.sha256()
    for sentence in sentences:
        digest.update(json.dumps([sentence.words, sentence.english]).encode())
    return digest.hexdigest()
