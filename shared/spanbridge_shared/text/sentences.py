"""Sentence splitting with offsets, so that nothing of a long text is lost and every entity finds its way back."""

from collections.abc import Iterator
from typing import Any

import regex
import sentencex

from spanbridge_shared.text.languages import languages
from spanbridge_shared.text.spans import Span

# sentencex takes quadratic time on texts that are all full stops or quotation marks, so it sees this much at a time.
_WINDOW = 4_000
# sentencex panics on a white space of several bytes before a full stop, as in "A\u00a0.".
_WIDE_SPACE = regex.compile(r"[^\S\x00-\x7f](?=\.)")
# "Dkt. ": sentencex knows abbreviations of a few languages only; one short capitalised word is never a sentence.
_ABBREVIATION = regex.compile(r"\s*\p{Lu}\p{L}{0,3}\.\s*")


def split_sentences(text: str, lang: str) -> list[Span]:
    """Return the code-point spans of a text's sentences, outer white space left out, none empty, in order.

    All that isn't white space lies in one of them. What has no end within 2,000 characters may be cut behind them.

    >>> split_sentences("Habari. Dkt. Ruto amefika!", "swh_Latn")
    [Span(start=0, end=7), Span(start=8, end=26)]
    """
    aliases = languages()[lang].aliases
    code = aliases[0] if aliases else languages()[lang].iso639_3
    found: list[Span] = []
    start = 0
    for end, is_break in _boundaries(text, code):
        if is_break or not _ABBREVIATION.fullmatch(text, start, end):
            found.append(Span(start, end))
            start = end
    found.append(Span(start, len(text)))
    return [trimmed for span in found if (trimmed := trim(text, span))]


def _boundaries(text: str, code: str) -> Iterator[tuple[int, bool]]:
    """Yield where each sentence ends, and whether that is a paragraph's end."""
    start = 0
    while start < len(text):
        window = text[start : start + _WINDOW]
        ends = [(start + each["end_index"], each["is_paragraph_break"]) for each in _sentencex(code, window)]
        if start + len(window) == len(text):
            yield from ends
            return
        # The last one may go on behind the window, so the next window begins with it.
        ends = ends[:-1]
        if not ends or ends[-1][0] < start + _WINDOW // 2:
            ends.append((start + _last_gap(window), False))
        yield from ends
        start = ends[-1][0]


def _sentencex(code: str, text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sentencex.get_sentence_boundaries(code, _WIDE_SPACE.sub(" ", text))
    return found


def _last_gap(window: str) -> int:
    """Return the place behind the last blank or line break of the second half, or the window's length."""
    gap = max(window.rfind(" ", _WINDOW // 2), window.rfind("\n", _WINDOW // 2))
    return gap + 1 if gap > 0 else len(window)


def trim(text: str, span: Span) -> Span:
    """Return the span less the white space at both ends; an empty span where nothing is left.

    >>> trim(" a b ", Span(0, 5))
    Span(start=1, end=4)
    """
    inside = text[span.start : span.end]
    start = span.start + len(inside) - len(inside.lstrip())
    return Span(start, max(start, span.start + len(inside.rstrip())))
