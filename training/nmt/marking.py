"""Marked copies: phrases that translate each other stand between brackets on both sides, as the product writes them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_gateway.core.markers import insert_markers, without_own_markers
from spanbridge_shared.text.spans import Span
from training.nmt.links import word_spans
from training.teacher.align import Link

_MAX_WORDS = 5
_MAX_PLAIN = 3
_TRIES = 30
_PRONOUNS = frozenset({"I", "Je", "J’ai"})


@dataclass(frozen=True)
class LinkedPair:
    """Both texts, the code-point spans of their words, and links of words (pivot, text), 0-based."""

    text: str
    translation: str
    text_words: Sequence[Span]
    translation_words: Sequence[Span]
    links: Sequence[Link]

    @classmethod
    def of(cls, text: str, translation: str, codes: tuple[str, str], links: Sequence[Link]) -> "LinkedPair":
        """A pair of (language, pivot) `codes`."""
        return cls(text, translation, word_spans(text, codes[0]), word_spans(translation, codes[1]), links)


@dataclass(frozen=True)
class Phrase:
    """Words `source` of the pivot and `target` of the text that are linked with each other and with no others."""

    source: Span
    target: Span


def phrase_of(source: Span, links: Sequence[Link]) -> Phrase | None:
    """The phrase whose pivot words are `source`, or None: all words of both sides must be linked, within it alone.

    >>> phrase_of(Span(0, 2), [(0, 3), (1, 2), (2, 0)])
    Phrase(source=Span(start=0, end=2), target=Span(start=2, end=4))
    >>> phrase_of(Span(0, 2), [(0, 3), (1, 1)]) is None
    True
    """
    inside = {j for i, j in links if source.start <= i < source.end}
    if not inside or {i for i, j in links if j in inside} != set(range(source.start, source.end)):
        return None
    target = Span(min(inside), max(inside) + 1)
    return Phrase(source, target) if len(target) == len(inside) <= _MAX_WORDS else None


def names(words: Sequence[str]) -> list[Span]:
    """Runs of up to five capitalised words; a first word counts only with a capitalised one behind it.

    >>> names("In Dar es Salaam President Samia Suluhu met I .".split())
    [Span(start=1, end=2), Span(start=3, end=7)]
    """
    runs: list[Span] = []
    start = 0
    capitals = [word[:1].isupper() and word not in _PRONOUNS for word in words]
    for place, capital in enumerate([*capitals, False]):
        if not capital:
            if place - start > (start == 0):
                runs.append(Span(start, place))
            start = place + 1
    # A sentence's first word is a capital whatever it is: "In Kano" is not a name.
    runs = [Span(1, run.end) if run.start == 0 and len(words[0]) <= 3 else run for run in runs]
    return [run for run in runs if len(run) <= _MAX_WORDS]


def choose_phrases(pair: LinkedPair, most: int, rng: random.Random) -> list[Phrase]:
    """Up to `most` phrases, names of the pivot side first, other words where it has none; in the pivot's order."""
    words = [pair.translation[span.start : span.end] for span in pair.translation_words]
    others = [pair.text[span.start : span.end] for span in pair.text_words]
    wanted = rng.randint(1, most)
    candidates = names(words)
    rng.shuffle(candidates)
    found: list[Phrase] = []
    for source in candidates:
        _take(found, phrase_of(source, pair.links), others, wanted)
    for _ in range(0 if found else _TRIES):
        start = rng.randrange(len(words))
        source = Span(start, min(len(words), start + rng.randint(1, _MAX_PLAIN)))
        if all(any(map(str.isalnum, word)) for word in words[source.start : source.end]):
            _take(found, phrase_of(source, pair.links), others, min(wanted, 2))
    return sorted(found, key=lambda phrase: phrase.source)


def _take(found: list[Phrase], phrase: Phrase | None, words: Sequence[str], wanted: int) -> None:
    if phrase is None or len(found) >= wanted:
        return
    # A link to a comma is a wrong one, and no entity begins or ends in one.
    if not all(any(map(str.isalnum, word)) for word in (words[phrase.target.start], words[phrase.target.end - 1])):
        return
    if all(_apart(phrase.source, each.source) and _apart(phrase.target, each.target) for each in found):
        found.append(phrase)


def _apart(one: Span, other: Span) -> bool:
    return one.end <= other.start or other.end <= one.start


def marked(pair: LinkedPair, most: int, rng: random.Random) -> LinkedPair | None:
    """The pair with brackets around 1 to `most` phrases; each bracket is a word, linked to its like.

    None where no phrase fits, and where a text has brackets of its own.

    >>> links = [(0, 0), (1, 1), (2, 2)]
    >>> pair = LinkedPair.of("aliona Samia leo", "saw Samia today", ("swh_Latn", "eng_Latn"), links)
    >>> both = marked(pair, 1, random.Random(0))
    >>> both.text, both.translation, both.links
    ('aliona [Samia] leo', 'saw [Samia] today', [(0, 0), (2, 2), (4, 4), (1, 1), (3, 3)])
    """
    if any(without_own_markers(side) != side for side in (pair.text, pair.translation)):
        return None
    phrases = choose_phrases(pair, most, rng)
    if not phrases:
        return None
    translation, translation_words, sources = _bracketed(
        pair.translation, pair.translation_words, [phrase.source for phrase in phrases]
    )
    text, text_words, targets = _bracketed(pair.text, pair.text_words, [phrase.target for phrase in phrases])
    links = [(sources[i], targets[j]) for i, j in pair.links]
    for phrase in phrases:
        links.append((sources[phrase.source.start] - 1, targets[phrase.target.start] - 1))
        links.append((sources[phrase.source.end - 1] + 1, targets[phrase.target.end - 1] + 1))
    return LinkedPair(text, translation, text_words, translation_words, links)


def _bracketed(text: str, words: Sequence[Span], phrases: Sequence[Span]) -> tuple[str, list[Span], list[int]]:
    """The text with brackets, its words and brackets in order, and the new number of each old word."""
    places = sorted(phrases)
    opening, closing = {place.start for place in places}, {place.end - 1 for place in places}
    found: list[Span] = []
    numbers: list[int] = []
    shift = 0
    for number, word in enumerate(words):
        if number in opening:
            found.append(Span(word.start + shift, word.start + shift + 1))
            shift += 1
        numbers.append(len(found))
        found.append(Span(word.start + shift, word.end + shift))
        if number in closing:
            found.append(Span(word.end + shift, word.end + shift + 1))
            shift += 1
    spans = [Span(words[place.start].start, words[place.end - 1].end) for place in places]
    return insert_markers(text, spans), found, numbers
