"""Sentence splitting with offsets, so that nothing of a long text is lost and every entity finds its way back."""

import regex
import sentencex

from spanbridge_shared.text.languages import languages
from spanbridge_shared.text.spans import Span

# "Dkt. ": sentencex knows abbreviations of a few languages only; one short capitalised word is never a sentence.
_ABBREVIATION = regex.compile(r"\s*\p{Lu}\p{L}{0,3}\.\s*")


def split_sentences(text: str, lang: str) -> list[Span]:
    """Return the code-point spans of a text's sentences, outer white space left out, none empty, in order.

    >>> split_sentences("Habari. Dkt. Ruto amefika!", "swh_Latn")
    [Span(start=0, end=7), Span(start=8, end=26)]
    """
    aliases = languages()[lang].aliases
    code = aliases[0] if aliases else languages()[lang].iso639_3
    found: list[Span] = []
    held: int | None = None
    for each in sentencex.get_sentence_boundaries(code, text):
        start, end = each["start_index"], each["end_index"]
        start = start if held is None else held
        held = None
        if _ABBREVIATION.fullmatch(text[start:end]) and end < len(text) and not each["is_paragraph_break"]:
            held = start
        else:
            found.append(Span(start, end))
    return [trimmed for span in found if (trimmed := trim(text, span))]


def trim(text: str, span: Span) -> Span:
    """Return the span less the white space at both ends; an empty span where nothing is left.

    >>> trim(" a b ", Span(0, 5))
    Span(start=1, end=4)
    """
    inside = text[span.start : span.end]
    start = span.start + len(inside) - len(inside.lstrip())
    return Span(start, max(start, span.start + len(inside.rstrip())))
