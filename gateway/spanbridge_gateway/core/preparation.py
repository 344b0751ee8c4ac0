"""From a request's sentence to tokens and segments: the pieces that are translated, each short enough for a model."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_shared.contracts.gateway import GivenSource, Sentence
from spanbridge_shared.errors import AmbiguousInput, InvalidSource, SentenceError
from spanbridge_shared.text.checks import check_text, check_tokens
from spanbridge_shared.text.sentences import split_sentences
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import detokenize, join_tokens, tokenize

MAX_SEGMENT_TOKENS = 80
"""Words in a segment: above it, small translation models begin to drop the end of a sentence."""

_STRONG = frozenset(".!?;።፧؟。！？")
_WEAK = frozenset(",:፣،、，–—-)")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sentence with its word tokens and their code-point spans (n_tokens,) in `text`; segments are token ranges."""

    text: str
    tokens: list[str]
    offsets: list[Span]
    segments: list[Span]
    as_tokens: bool
    source: GivenSource | None

    def segment_text(self, segment: Span) -> str:
        """Return what is translated for a segment."""
        if self.as_tokens:
            return detokenize(self.tokens[segment.start : segment.end])
        return self.text[self.offsets[segment.start].start : self.offsets[segment.end - 1].end]


def check_sentence(sentence: Sentence) -> None:
    """Raise a `SentenceError` that says what is wrong with a sentence, where something is."""
    if (sentence.text is None) == (sentence.tokens is None):
        found = "neither" if sentence.text is None else "both"
        raise AmbiguousInput(f"send either text or tokens; the sentence has {found}")
    if sentence.text is not None:
        check_text(sentence.text)
    if sentence.tokens is not None:
        check_tokens(sentence.tokens)
    if sentence.source is not None:
        _check_source(sentence.source)


def prepare(sentence: Sentence, lang: str) -> Prepared:
    """Check a sentence and cut it; raises as `check_sentence` does."""
    check_sentence(sentence)
    if sentence.text is not None:
        return _prepare_text(sentence.text, lang, sentence.source)
    return _prepare_tokens(sentence.tokens or [], sentence.source)


def _prepare_text(text: str, lang: str, source: GivenSource | None) -> Prepared:
    # A sentence with its own English side stays whole: its entities and links refer to all of it.
    places = [Span(0, len(text))] if source is not None else split_sentences(text, lang)
    tokens: list[str] = []
    offsets: list[Span] = []
    segments: list[Span] = []
    for place in places:
        found = tokenize(text[place.start : place.end], lang)
        if not found:
            continue
        segments.append(Span(len(tokens), len(tokens) + len(found)))
        tokens.extend(token.text for token in found)
        offsets.extend(token.span.shifted(place.start) for token in found)
    if source is None:
        segments = [part for segment in segments for part in cut_long(tokens, segment)]
    return Prepared(text, tokens, offsets, segments, as_tokens=False, source=source)


def _prepare_tokens(tokens: list[str], source: GivenSource | None) -> Prepared:
    text, offsets = join_tokens(tokens)
    whole = Span(0, len(tokens))
    segments = [whole] if source is not None else cut_long(tokens, whole)
    return Prepared(text, tokens, offsets, segments, as_tokens=True, source=source)


def _check_source(source: GivenSource) -> None:
    try:
        check_tokens(source.tokens)
    except SentenceError as fault:
        raise InvalidSource(f"source: {fault}") from fault
    for number, entity in enumerate(source.entities or []):
        if not 0 <= entity.start < entity.end <= len(source.tokens):
            raise InvalidSource(
                f"source: entity {number} is [{entity.start}, {entity.end}), which is no span of its "
                f"{len(source.tokens)} tokens"
            )


def cut_long(tokens: Sequence[str], segment: Span, limit: int = MAX_SEGMENT_TOKENS) -> list[Span]:
    """Cut a segment into parts of at most `limit` tokens, after punctuation where there is some, near the middle.

    >>> cut_long(["a", "b", ",", "c", "d"], Span(0, 5), limit=4)
    [Span(start=0, end=3), Span(start=3, end=5)]
    """
    if len(segment) <= limit:
        return [segment]
    first, second = halve(tokens, segment)
    return [*cut_long(tokens, first, limit), *cut_long(tokens, second, limit)]


def halve(tokens: Sequence[str], segment: Span) -> tuple[Span, Span]:
    """Cut a segment of two tokens or more in two, after the strongest punctuation nearest its middle."""
    middle = (segment.start + segment.end) / 2
    places = range(segment.start + 1, segment.end)
    # A cut outside the middle half would leave a part too short to be understood.
    inner = [place for place in places if abs(place - middle) <= len(segment) / 4] or list(places)

    def cost(place: int) -> tuple[int, float]:
        before = tokens[place - 1]
        strength = 0 if before in _STRONG else 1 if before in _WEAK else 2
        return strength, abs(place - middle)

    best = min(inner, key=cost)
    return Span(segment.start, best), Span(best, segment.end)
