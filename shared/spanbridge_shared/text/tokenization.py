"""Word tokens with their places in the text: one tokenizer for every language, and a finer one for English.

Scripts written without spaces are cut into grapheme clusters, so that a span can begin and end anywhere in them.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import regex

from spanbridge_shared.text.languages import ENGLISH
from spanbridge_shared.text.spans import Span


class Token(NamedTuple):
    """A token and its code-point span in the text it came from."""

    text: str
    span: Span


_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
# The two joiners stand inside words (Persian, Sinhala) and at their end (Malayalam).
_LETTER = rf"[\p{{L}}\p{{M}}\p{{N}}\u200c\u200d--[{_UNSPACED}]]"
# Apostrophes (also the glottal stop of Mossi and Fon), hyphens and middle dots join words; full stops join initials.
_WORD = regex.compile(
    rf"""
    (?:\p{{L}}\.){{2,}}                                     # U.S.  B.B.C.
    | \p{{N}}+(?:[.,:/]\p{{N}}+)+{_LETTER}*                 # 2.3  87,000  10:30  1/2
    | {_LETTER}+(?:[’'ʼꞌ`\-‐‑·.@_]{_LETTER}+)*              # COVID-19  n’umwanya  U.S.A  someone@example
    | [\p{{RI}}]{{1,2}}+\p{{M}}*                              # flags; \X alone looks back over all of them each time
    | \p{{GCB=Prepend}}                                     # \X would take the white space after it along
    | [\s\x1c-\x1f]                                        # \X would make a token of a space with an accent
    | \X                                                    # one punctuation mark, emoji or unspaced character
    """,
    regex.VERBOSE | regex.V1,
)
_ENGLISH_CLITIC = regex.compile(r"(?i)(?<=\p{L})(?:n['’]t|['’](?:s|re|ve|ll|d|m))$")
_SENTENCE_JOIN = regex.compile(r"(?<=\p{Ll}{2})\.(?=\p{Lu})")


def tokenize(text: str, lang: str) -> list[Token]:
    """Return the word tokens of a text, in order, white space left out.

    >>> [token.text for token in tokenize("Rais Samia alitembelea Nairobi.", "swh_Latn")]
    ['Rais', 'Samia', 'alitembelea', 'Nairobi', '.']
    >>> [token.text for token in tokenize("Samia's visit", "eng_Latn")]
    ['Samia', "'s", 'visit']
    """
    tokens: list[Token] = []
    for match in _WORD.finditer(text):
        if match.group().isspace():
            continue
        tokens.extend(_parts(match.group(), match.start(), english=lang == ENGLISH))
    return tokens


def _parts(word: str, start: int, *, english: bool) -> list[Token]:
    cuts = {0, len(word)}
    # "amesema.Rais": a full stop with no space after it still ends a sentence in much scraped text.
    for stop in _SENTENCE_JOIN.finditer(word):
        cuts |= {stop.start(), stop.end()}
    if english and (clitic := _ENGLISH_CLITIC.search(word)):
        cuts.add(clitic.start())
    places = sorted(cuts)
    return [Token(word[a:b], Span(start + a, start + b)) for a, b in itertools.pairwise(places)]


def join_tokens(tokens: Sequence[str]) -> tuple[str, list[Span]]:
    """Join tokens with single spaces; return the text and each token's code-point span in it.

    >>> join_tokens(["Rais", "Samia"])
    ('Rais Samia', [Span(start=0, end=4), Span(start=5, end=10)])
    """
    spans: list[Span] = []
    place = 0
    for token in tokens:
        spans.append(Span(place, place + len(token)))
        place += len(token) + 1
    return " ".join(tokens), spans


_CLOSING = regex.compile(r"[\p{Pe}\p{Pf}.,;:!?%።፣፤፧]+|['’](?:s|re|ve|ll|d|m)|n['’]t", regex.IGNORECASE)
_OPENING = regex.compile(r"[\p{Ps}\p{Pi}]+")


def detokenize(tokens: Sequence[str]) -> str:
    """Join tokens as running text has them: a translation model has not seen spaces before full stops.

    >>> detokenize(["Alisema", ":", '"', "Karibu", "(", "tena", ")", '"', "."])
    'Alisema: "Karibu (tena)".'
    """
    parts: list[str] = []
    glue = True
    quoted = False
    for token in tokens:
        straight = token == '"'
        closes = _CLOSING.fullmatch(token) is not None or (straight and quoted)
        if not glue and not closes:
            parts.append(" ")
        parts.append(token)
        quoted ^= straight
        glue = _OPENING.fullmatch(token) is not None or (straight and quoted)
    return "".join(parts)
