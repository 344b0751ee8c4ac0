"""Markers around entities that survive a translation: put in before it, read back after it (EasyProject, Chen et al.
2023; METHODS.md "Back-translation" and "EasyProject").

Offsets are code points. A text that brings markers of its own has them replaced first, one character by one, so that
what is read back can only come from markers that were put in.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spanbridge_shared.contracts.options import MarkerStyle
from spanbridge_shared.text.sentences import trim
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import detokenize


@dataclass(frozen=True, slots=True)
class Markers:
    """What is put before and behind an entity, what replaces each in a text's own words, and what else models write."""

    opening: str
    closing: str
    stand_ins: tuple[str, str]
    other_openings: str = ""
    other_closings: str = ""


MARKERS = {
    MarkerStyle.BRACKETS: Markers("[", "]", ("(", ")")),
    MarkerStyle.PARENTHESES: Markers("(", ")", ("[", "]")),
    # Models answer a straight quotation mark with those of the target language.
    MarkerStyle.QUOTES: Markers('"', '"', ("'", "'"), "“„«‟”»", "”“»"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A text without its markers, and the spans that stood between pairs of them, in order, none empty or overlapping.

    `unpaired` counts markers without a partner, `empty` pairs around nothing but white space.
    """

    text: str
    spans: list[Span]
    unpaired: int = 0
    empty: int = 0


def insert_markers(text: str, spans: Iterable[Span], style: MarkerStyle = MarkerStyle.BRACKETS) -> str:
    """Return the text with markers around each span; the text's own markers become their stand-ins.

    >>> insert_markers("Samia [sic] visited Nairobi.", [Span(0, 5), Span(20, 27)])
    '[Samia] (sic) visited [Nairobi].'

    Raises `ValueError` where a span is empty, outside the text, or begins before the one before it ends.
    """
    markers, clean = MARKERS[style], without_own_markers(text, style)
    parts: list[str] = []
    place = 0
    for start, end in spans:
        if not place <= start < end <= len(text):
            raise ValueError(f"span [{start}, {end}) is empty, outside the text, or overlaps the one before it")
        parts += [clean[place:start], markers.opening, clean[start:end], markers.closing]
        place = end
    return "".join([*parts, clean[place:]])


def without_own_markers(text: str, style: MarkerStyle = MarkerStyle.BRACKETS) -> str:
    """Return a text of the same length with no character that is a marker, or that NFKC would turn into one.

    Models normalise what they read: to them a full-width bracket is a bracket, and U+2474 is "(1)".

    >>> without_own_markers("a [b] \uff3bc\uff3d"), without_own_markers("\u2474 f(x)", MarkerStyle.PARENTHESES)
    ('a (b) (c)', '1 f[x]')
    """
    markers = MARKERS[style]
    marking = {markers.opening, markers.closing, *markers.other_openings, *markers.other_closings}
    if marking.isdisjoint(text) and marking.isdisjoint(unicodedata.normalize("NFKC", text)):
        return text
    return "".join(_without(character, markers) for character in text)


def _without(character: str, markers: Markers) -> str:
    folded = unicodedata.normalize("NFKC", character)
    opens = markers.opening in folded or character in markers.other_openings
    if not opens and markers.closing not in folded and character not in markers.other_closings:
        return character
    inside = [each for each in folded if each not in (markers.opening, markers.closing)]
    return inside[0] if inside and len(folded) > 1 else markers.stand_ins[0 if opens else 1]


def read_markers(text: str, style: MarkerStyle = MarkerStyle.BRACKETS) -> Reading:
    """Return a text without its markers, and what they enclosed.

    A pair is an opening marker and the closing one that follows it with no marker in between; of nested pairs that is
    the inner one. All other markers only go. White space between a marker and more white space goes too, so that
    "visited [ Rome ] ." gives "visited Rome .".

    >>> read_markers("[Samia] (sic) alitembelea [ Nairobi ] .").spans
    [Span(start=0, end=5), Span(start=24, end=31)]
    >>> read_markers("Samia] [alitembelea [Nairobi").unpaired
    3
    """
    reader = _Reader(MARKERS[style])
    for character in text:
        reader.take(character)
    return reader.finished()


class _Reader:
    """Reads a marked text character by character."""

    def __init__(self, markers: Markers) -> None:
        self._openings = markers.opening + markers.other_openings
        self._closings = markers.closing + markers.other_closings
        self._text: list[str] = []
        self._pairs: list[Span] = []
        self._opened: int | None = None
        self._after_marker = False
        self._unpaired = 0

    def take(self, character: str) -> None:
        """Read on."""
        # What may both open and close, such as a quotation mark, closes where something is open.
        if character in self._closings and (self._opened is not None or character not in self._openings):
            self._close()
        elif character in self._openings:
            self._unpaired += self._opened is not None
            self._opened = len(self._text)
            self._after_marker = True
        elif not (character.isspace() and self._after_marker and self._ends_blank()):
            self._text.append(character)
            self._after_marker = False

    def _close(self) -> None:
        if self._opened is None:
            self._unpaired += 1
        else:
            self._pairs.append(Span(self._opened, len(self._text)))
        self._opened = None
        self._after_marker = True

    def _ends_blank(self) -> bool:
        return not self._text or self._text[-1].isspace()

    def finished(self) -> Reading:
        """Return what was read."""
        self._unpaired += self._opened is not None
        while self._after_marker and self._text and self._text[-1].isspace():
            self._text.pop()
        text = "".join(self._text)
        trimmed = [trim(text, Span(start, min(end, len(text)))) for start, end in self._pairs]
        spans = [span for span in trimmed if span]
        return Reading(text, spans, self._unpaired, len(trimmed) - len(spans))


def place_tokens(tokens: Sequence[str]) -> tuple[str, list[Span]]:
    """Return the tokens as running text (`detokenize`), and each one's code-point span in it.

    >>> place_tokens(["Samia", "left", "."])
    ('Samia left.', [Span(start=0, end=5), Span(start=6, end=10), Span(start=10, end=11)])
    """
    text = detokenize(tokens)
    spans: list[Span] = []
    place = 0
    for token in tokens:
        start = text.index(token, place)
        place = start + len(token)
        spans.append(Span(start, place))
    return text, spans
