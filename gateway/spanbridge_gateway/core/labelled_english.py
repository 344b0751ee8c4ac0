"""Translate-train: from a labelled English sentence to segments that can be translated, and from them to the answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from spanbridge_gateway.core.markers import place_tokens
from spanbridge_gateway.core.preparation import Prepared, prepare
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import GivenEntity, Identifier, Sentence
from spanbridge_shared.contracts.translate_train import (
    EnglishSentence,
    LostEntity,
    TranslatedEntity,
    TranslatedSentence,
)
from spanbridge_shared.errors import EmptyText, InvalidSource, SentenceError, SpanbridgeError
from spanbridge_shared.text.bio import LabelledSpan, tags_of
from spanbridge_shared.text.checks import replace_surrogates
from spanbridge_shared.text.languages import ENGLISH
from spanbridge_shared.text.offsets import char_span, token_span
from spanbridge_shared.text.sentences import trim
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import Token


@dataclass(frozen=True, slots=True)
class EnglishEntity:
    """An entity of a segment: `source` is its place in the request, `chars` and `words` its spans in the segment."""

    source: int
    label: str
    chars: Span
    words: Span


@dataclass(frozen=True, slots=True)
class PlacedEntity:
    """An entity in a segment's translation, a span of its tokens."""

    entity: EnglishEntity
    words: Span
    score: float


@dataclass(slots=True)
class EnglishSegment:
    """A piece of English short enough for the model, with its entities in order; the rest fills as services answer."""

    text: str
    tokens: list[Token]
    entities: list[EnglishEntity]
    target_text: str = ""
    target_tokens: list[Token] = field(default_factory=list)
    placed: list[PlacedEntity] = field(default_factory=list)
    translation_score: float = 0.0
    via: list[str] = field(default_factory=list)
    error: SpanbridgeError | None = None


@dataclass(slots=True)
class EnglishWork:
    """One sentence of the request: its segments, or its error."""

    id: Identifier
    raw_text: str
    segments: list[EnglishSegment] = field(default_factory=list)
    error: SentenceError | None = None

    @property
    def fault(self) -> SpanbridgeError | None:
        """The sentence's error, or the first of its segments'."""
        return self.error or next((segment.error for segment in self.segments if segment.error), None)


def take(sentence: EnglishSentence, place: int) -> EnglishWork:
    """Check a sentence and cut it; what is wrong with it becomes its error."""
    raw = sentence.text if sentence.text is not None else " ".join(sentence.tokens or [])
    work = EnglishWork(id=str(place) if sentence.id is None else sentence.id, raw_text=raw)
    try:
        prepared = prepare(Sentence(text=sentence.text, tokens=sentence.tokens), ENGLISH)
        places = _words_of(sentence.entities, prepared)
    except SentenceError as fault:
        work.error = fault
    else:
        inner = [span for span, _ in places.values()]
        work.segments = [
            _segment(prepared, segment, sentence.entities, places) for segment in join_cut(prepared.segments, inner)
        ]
    return work


def _words_of(entities: Sequence[GivenEntity], prepared: Prepared) -> dict[int, tuple[Span, Span]]:
    """Return each entity's tokens and code points by its place in the request, in order of the text.

    Raises `InvalidSource` where one is no span of the sentence, is blank, or overlaps another.
    """
    found: dict[int, tuple[Span, Span]] = {}
    limit, unit = (len(prepared.tokens), "tokens") if prepared.as_tokens else (len(prepared.text), "characters")
    before: int | None = None
    for place in sorted(range(len(entities)), key=lambda each: (entities[each].start, entities[each].end)):
        start, end = entities[place].start, entities[place].end
        if not 0 <= start < end <= limit:
            raise InvalidSource(
                f"entity {place} is [{start}, {end}), which is no span of the sentence's {limit:,} {unit}"
            )
        if before is not None and start < entities[before].end:
            raise InvalidSource(f"entities {before} and {place} overlap; a sentence is labelled without overlaps")
        before = place
        if prepared.as_tokens:
            words, chars = Span(start, end), char_span(Span(start, end), prepared.offsets)
        else:
            chars = trim(prepared.text, Span(start, end))
            touched = token_span(chars, prepared.offsets) if chars else None
            if touched is None:
                raise InvalidSource(f"entity {place} is [{start}, {end}), where the text is blank")
            words = touched
        found[place] = words, chars
    return found


def join_cut(segments: Sequence[Span], entities: Sequence[Span]) -> list[Span]:
    """Return the segments, those joined between which an entity would be cut; both in tokens and in order.

    >>> join_cut([Span(0, 2), Span(2, 5), Span(5, 6)], [Span(1, 3)])
    [Span(start=0, end=5), Span(start=5, end=6)]
    """
    joined: list[Span] = []
    for segment in segments:
        if joined and any(entity.start < segment.start < entity.end for entity in entities):
            joined[-1] = Span(joined[-1].start, segment.end)
        else:
            joined.append(segment)
    return joined


def _segment(
    prepared: Prepared, segment: Span, given: Sequence[GivenEntity], places: dict[int, tuple[Span, Span]]
) -> EnglishSegment:
    words = prepared.tokens[segment.start : segment.end]
    if prepared.as_tokens:
        text, offsets = place_tokens(words)
        begin = 0
    else:
        begin = prepared.offsets[segment.start].start
        text = prepared.segment_text(segment)
        offsets = [span.shifted(-begin) for span in prepared.offsets[segment.start : segment.end]]
    entities: list[EnglishEntity] = []
    for place, (tokens, chars) in places.items():
        if segment.start <= tokens.start < segment.end:
            inside = tokens.shifted(-segment.start)
            exact = char_span(inside, offsets) if prepared.as_tokens else chars.shifted(-begin)
            entities.append(EnglishEntity(place, given[place].label, exact, inside))
    tokens_ = [Token(word, span) for word, span in zip(words, offsets, strict=True)]
    return EnglishSegment(text, tokens_, entities)


def assemble_translation(work: EnglishWork, lang: str, request_id: str | None) -> TranslatedSentence:
    """Return a sentence's answer: its segments' translations joined by single spaces, and what got lost."""
    text = " ".join(segment.target_text for segment in work.segments if segment.target_text)
    fault = work.fault or (None if text else EmptyText("the translation came out empty"))
    if fault is not None:
        return _failed(work, fault, lang, request_id)
    tokens = [token.text for segment in work.segments for token in segment.target_tokens]
    tagged: list[LabelledSpan] = []
    entities: list[TranslatedEntity] = []
    lost: list[LostEntity] = []
    first_char = first_word = 0
    for segment in work.segments:
        placed = without_shared_words(segment.placed)
        tagged += [LabelledSpan(each.words.shifted(first_word), each.entity.label) for each in placed]
        entities += [_entity(segment, each, first_char) for each in placed]
        lost += _lost(segment, placed)
        first_word += len(segment.target_tokens)
        first_char += len(segment.target_text) + bool(segment.target_text)
    return TranslatedSentence(
        id=work.id,
        text=text,
        lang=lang,
        tokens=tokens,
        tags=tags_of(tagged, len(tokens)),
        entities=entities,
        lost=lost,
        source_text=" ".join(segment.text for segment in work.segments),
        translation_score=_score(work.segments),
        via=list(dict.fromkeys(code for segment in work.segments for code in segment.via)),
        error=None,
    )


def _failed(work: EnglishWork, fault: SpanbridgeError, lang: str, request_id: str | None) -> TranslatedSentence:
    return TranslatedSentence(
        id=work.id,
        text="",
        lang=lang,
        source_text=replace_surrogates(work.raw_text),
        error=ErrorBody(error=type(fault).__name__, detail=replace_surrogates(fault.detail), request_id=request_id),
    )


def _entity(segment: EnglishSegment, placed: PlacedEntity, begin: int) -> TranslatedEntity:
    start, end = char_span(placed.words, [token.span for token in segment.target_tokens])
    return TranslatedEntity(
        start=start + begin,
        end=end + begin,
        text=segment.target_text[start:end],
        label=placed.entity.label,
        score=round(placed.score, 6),
        source=placed.entity.source,
    )


def without_shared_words(placed: Sequence[PlacedEntity]) -> list[PlacedEntity]:
    """Return the entities in order of the words, less each one that shares a word with a better one."""
    kept: list[PlacedEntity] = []
    for each in sorted(placed, key=lambda one: (-one.score, one.words)):
        if not any(each.words.overlaps(other.words) for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda one: one.words)


def _lost(segment: EnglishSegment, placed: Sequence[PlacedEntity]) -> list[LostEntity]:
    there = {each.entity.source for each in placed}
    return [
        LostEntity(source=each.source, text=segment.text[each.chars.start : each.chars.end], label=each.label)
        for each in segment.entities
        if each.source not in there
    ]


def _score(segments: Sequence[EnglishSegment]) -> float | None:
    weights = [len(segment.target_tokens) or 1 for segment in segments]
    total = sum(segment.translation_score * weight for segment, weight in zip(segments, weights, strict=True))
    return round(total / sum(weights), 6) if weights else None
