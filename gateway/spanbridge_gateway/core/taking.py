"""From a request's sentences to the work on them: checked, cut, and with the English side that they bring."""

from collections.abc import Sequence

from spanbridge_gateway.core.preparation import Prepared, check_sentence, prepare
from spanbridge_gateway.core.work import SegmentWork, SentenceWork
from spanbridge_shared.contracts.gateway import Sentence
from spanbridge_shared.contracts.projection import SourceEntity
from spanbridge_shared.errors import SentenceError
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import Token, join_tokens


def raw_text(sentence: Sentence) -> str:
    """Return a sentence's text as it was sent; tokens are joined by single spaces."""
    return sentence.text if sentence.text is not None else " ".join(sentence.tokens or [])


def identifier(sentence: Sentence, place: int) -> str | int:
    """Return a sentence's own id, else its place in the request."""
    return str(place) if sentence.id is None else sentence.id


def is_sound(sentence: Sentence) -> bool:
    """Say whether a sentence can be worked on at all."""
    try:
        check_sentence(sentence)
    except SentenceError:
        return False
    return True


def take_all(sentences: Sequence[Sentence], lang: str) -> list[SentenceWork]:
    """Return the work on each sentence; one that is faulty has its error, and no segments."""
    return [_take(sentence, place, lang) for place, sentence in enumerate(sentences)]


def afresh(work: SentenceWork) -> SentenceWork:
    """Return the work on a sound sentence as it was taken, for another method to fill."""
    return SentenceWork(work.id, work.raw_text, work.prepared, _segments(work.prepared) if work.prepared else [])


def _take(sentence: Sentence, place: int, lang: str) -> SentenceWork:
    work = SentenceWork(id=identifier(sentence, place), raw_text=raw_text(sentence))
    try:
        work.prepared = prepare(sentence, lang)
    except SentenceError as fault:
        work.error = fault
    else:
        work.segments = _segments(work.prepared)
    return work


def _segments(prepared: Prepared) -> list[SegmentWork]:
    return [_segment(prepared, place) for place in prepared.segments]


def _segment(prepared: Prepared, place: Span) -> SegmentWork:
    segment = SegmentWork(prepared.tokens[place.start : place.end], place, prepared.segment_text(place))
    if prepared.source is not None:
        text, offsets = join_tokens(prepared.source.tokens)
        segment.source_text = text
        segment.source_tokens = [Token(t, o) for t, o in zip(prepared.source.tokens, offsets, strict=True)]
        segment.source_given = True
        if prepared.source.entities is not None:
            ordered = sorted(prepared.source.entities, key=lambda each: (each.start, each.end))
            segment.source_entities = [SourceEntity(start=e.start, end=e.end, label=e.label) for e in ordered]
    return segment
