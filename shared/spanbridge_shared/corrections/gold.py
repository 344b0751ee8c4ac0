"""Corrections as gold sentences, pure: cut into sentences and words as the pipeline cuts, entities in words."""

import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_shared.contracts.corrections import CorrectedSpan, Correction
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.offsets import char_span, token_span
from spanbridge_shared.text.sentences import split_sentences, trim
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import tokenize


@dataclass(frozen=True, slots=True)
class GoldSentence:
    """Words, and the entities `[start, end)` in words, in order."""

    words: tuple[str, ...]
    entities: tuple[LabelledSpan, ...]


@dataclass(frozen=True, slots=True)
class Gold:
    """The sentences of a correction whose entities are whole words, and what isn't so.

    `misfits` are entities that begin or end inside a word, go over a sentence's end, or are blank; the `left_out`
    sentences, which they touch, have no full gold.
    """

    sentences: tuple[GoldSentence, ...]
    misfits: tuple[CorrectedSpan, ...]
    left_out: int


def gold_of(correction: Correction, lang: str) -> Gold:
    """Cut a correction; `lang` is a FLORES code.

    White space at the ends of an entity is nobody's: a mouse picks it up easily.

    >>> spans = [CorrectedSpan(start=5, end=11, label="PER", tool_label="Person")]
    >>> one = Correction(tool="t", text="Rais Samia amefika.", spans=spans, time="2025-01-01T00:00:00Z")
    >>> gold_of(one, "swh_Latn").sentences[0].entities
    (LabelledSpan(span=Span(start=1, end=2), label='PER'),)
    """
    text = correction.text
    spans = sorted(correction.spans, key=lambda each: (each.start, each.end))
    places = [trim(text, Span(each.start, each.end)) for each in spans]
    found: list[GoldSentence] = []
    misfits = {n for n, place in enumerate(places) if not len(place)}
    sentences = split_sentences(text, lang)
    for sentence in sentences:
        words = tokenize(text[sentence.start : sentence.end], lang)
        offsets = [word.span.shifted(sentence.start) for word in words]
        inside = [n for n, place in enumerate(places) if len(place) and place.overlaps(sentence)]
        in_words = {n: token_span(places[n], offsets) for n in inside}
        wrong = {n for n, each in in_words.items() if each is None or char_span(each, offsets) != places[n]}
        misfits |= wrong
        if not wrong:
            entities = [LabelledSpan(each, spans[n].label) for n, each in in_words.items() if each is not None]
            found.append(GoldSentence(tuple(word.text for word in words), tuple(entities)))
    return Gold(tuple(found), tuple(spans[n] for n in sorted(misfits)), len(sentences) - len(found))


def check_apart(places: Sequence[Span]) -> None:
    """Raise `ValueError` where spans, given in order, overlap."""
    for before, after in itertools.pairwise(places):
        if before.overlaps(after):
            raise ValueError(f"entities overlap: [{before.start}, {before.end}) and [{after.start}, {after.end})")


def likeness(text: str) -> str:
    """Return what texts have in common that differ in nothing but white space, case and Unicode's spelling of letters.

    >>> likeness("Rais  Samia .") == likeness("rais samia.")
    True
    """
    return "".join(unicodedata.normalize("NFC", text).casefold().split())


def likenesses(correction: Correction, lang: str) -> set[str]:
    """Return the likenesses of a correction's text and of each of its sentences."""
    text = correction.text
    parts = [text, *(text[each.start : each.end] for each in split_sentences(text, lang))]
    return {found for part in parts if (found := likeness(part))}
