"""What is known of a segment and of a sentence while they pass through the services, and the answer made of it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from spanbridge_gateway.core.attention import FloatArray
from spanbridge_gateway.core.preparation import Prepared
from spanbridge_shared.contracts.base import ErrorBody, Link
from spanbridge_shared.contracts.gateway import (
    Cached,
    Entity,
    EntitySource,
    Identifier,
    SentenceResult,
    ShownAlignment,
    ShownBackTranslation,
    ShownTranslation,
)
from spanbridge_shared.contracts.projection import ProjectedEntity, SourceEntity, TokenRange
from spanbridge_shared.errors import NotReady, SpanbridgeError
from spanbridge_shared.text.bio import LabelledSpan, tags_of
from spanbridge_shared.text.checks import replace_surrogates
from spanbridge_shared.text.languages import ENGLISH
from spanbridge_shared.text.offsets import char_span
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import Token


@dataclass(slots=True)
class BackTranslation:
    """A segment's English side translated back to its language, markers left out.

    `places` are token spans in `tokens`, one for each entity of the English side, or None where its markers got lost;
    `similarities` compare what was marked with the entity's own translation, in [0, 1]. `links` lead from these tokens
    to the segment's.
    """

    text: str
    tokens: list[str]
    places: list[Span | None]
    similarities: list[float]
    links: list[Link] = field(default_factory=list)


@dataclass(slots=True)
class SegmentWork:
    """One segment: `tokens` and `place` (token range in its sentence) are given, the rest fills as services answer."""

    tokens: list[str]
    place: Span
    text: str
    source_text: str | None = None
    source_tokens: list[Token] = field(default_factory=list)
    source_given: bool = False
    source_entities: list[SourceEntity] | None = None
    translation_score: float | None = None
    via: list[str] = field(default_factory=list)
    attention: FloatArray | None = None
    links: list[Link] = field(default_factory=list)
    back: BackTranslation | None = None
    probabilities: list[list[float]] | None = None
    candidates: list[TokenRange] | None = None
    nmt_scores: list[tuple[int, int, float]] | None = None
    entities: list[ProjectedEntity] = field(default_factory=list)
    translation_cached: bool = False
    alignment_cached: bool | None = None
    error: SpanbridgeError | None = None

    @property
    def needs_links(self) -> bool:
        """Say whether there is an entity that can only be projected from the English side."""
        return bool(self.source_entities) and (self.back is None or None in self.back.places)

    def origin_tokens(self) -> list[str]:
        """Return the tokens that the entities of `origin` count in."""
        own = [token.text for token in self.source_tokens]
        return own if self.back is None else [*self.back.tokens, *own]

    def origin(self) -> tuple[list[SourceEntity], list[Link]]:
        """Return the entities to project, in the order of `source_entities`, and the links to project them by.

        With a back-translation its tokens come first and the English ones follow them, for the entities that it lost:
        one problem, so that no two projections overlap.
        """
        entities = self.source_entities or []
        if self.back is None:
            return entities, self.links
        shift = len(self.back.tokens)
        moved: list[SourceEntity] = []
        for entity, place in zip(entities, self.back.places, strict=True):
            start, end = place or Span(entity.start, entity.end).shifted(shift)
            moved.append(entity.model_copy(update={"start": start, "end": end}))
        return moved, [*self.back.links, *((s + shift, t, weight) for s, t, weight in self.links)]


@dataclass(slots=True)
class SentenceWork:
    """One sentence of the request: its segments, or its error."""

    id: Identifier
    raw_text: str
    prepared: Prepared | None = None
    segments: list[SegmentWork] = field(default_factory=list)
    error: SpanbridgeError | None = None
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def fault(self) -> SpanbridgeError | None:
        """The sentence's error, or the first of its segments'."""
        return self.error or next((segment.error for segment in self.segments if segment.error), None)


def assemble(work: SentenceWork, lang: str, include: AbstractSet[str], request_id: str | None) -> SentenceResult:
    """Return a sentence's answer: segments joined again, offsets into the sentence's own text."""
    if work.fault is not None or work.prepared is None:
        return _failed(work, lang, request_id)
    prepared, shift = work.prepared, _source_shifts(work.segments)
    pairs = [
        (segment, entity, by) for segment, by in zip(work.segments, shift, strict=True) for entity in segment.entities
    ]
    result = SentenceResult(
        id=work.id,
        text=prepared.text,
        lang=lang,
        entities=[_entity(prepared, segment, entity, by, include) for segment, entity, by in pairs],
        cached=_cached(work.segments),
        timings_ms=work.timings,
        error=None,
    )
    shown: dict[str, object] = {}
    if "tokens" in include:
        spans = [LabelledSpan(_token_span(segment, entity), entity.label) for segment, entity, _ in pairs]
        shown |= {"tokens": prepared.tokens, "tags": tags_of(spans, len(prepared.tokens))}
    if "translation" in include:
        shown["translation"] = _translation(work.segments)
        if (back := _back_translation(work.segments)) is not None:
            shown["back_translation"] = back
    if "alignment" in include:
        shown["alignment"] = _alignment(prepared, work.segments)
    return result.model_copy(update=shown)


def _failed(work: SentenceWork, lang: str, request_id: str | None) -> SentenceResult:
    fault = work.fault or NotReady("the sentence was never taken up")
    return SentenceResult(
        id=work.id,
        text=replace_surrogates(work.raw_text),
        lang=lang,
        entities=[],
        cached=Cached(translation=False, alignment=False),
        timings_ms=work.timings,
        error=ErrorBody(error=type(fault).__name__, detail=replace_surrogates(fault.detail), request_id=request_id),
    )


def _token_span(segment: SegmentWork, entity: ProjectedEntity) -> Span:
    return Span(entity.start, entity.end).shifted(segment.place.start)


def _entity(
    prepared: Prepared, segment: SegmentWork, entity: ProjectedEntity, shift: int, include: AbstractSet[str]
) -> Entity:
    place = char_span(_token_span(segment, entity), prepared.offsets)
    found = Entity(
        start=place.start,
        end=place.end,
        text=prepared.text[place.start : place.end],
        label=entity.label,
        score=entity.score,
        source=_entity_source(segment, entity, shift),
    )
    return found.model_copy(update={"scores": _scores(segment, entity)}) if "scores" in include else found


def _scores(segment: SegmentWork, entity: ProjectedEntity) -> dict[str, float] | None:
    if segment.back is None:
        return entity.scores
    # 0 where the markers got lost.
    return (entity.scores or {}) | {"back_translation": round(segment.back.similarities[entity.source], 6)}


def _entity_source(segment: SegmentWork, entity: ProjectedEntity, shift: int) -> EntitySource | None:
    if segment.source_text is None or segment.source_entities is None:
        return None
    of = segment.source_entities[entity.source]
    place = char_span(Span(of.start, of.end), [token.span for token in segment.source_tokens])
    text = segment.source_text[place.start : place.end]
    return EntitySource(start=place.start + shift, end=place.end + shift, text=text)


def _source_shifts(segments: Sequence[SegmentWork]) -> list[int]:
    """Return where each segment's English side starts in all of it, joined by single spaces."""
    shifts, place = [], 0
    for segment in segments:
        shifts.append(place)
        place += len(segment.source_text or "") + 1
    return shifts


def _translation(segments: Sequence[SegmentWork]) -> ShownTranslation | None:
    if not segments or any(segment.source_text is None for segment in segments):
        return None
    weights = [len(segment.source_tokens) or 1 for segment in segments]
    scored = [
        (s.translation_score, w) for s, w in zip(segments, weights, strict=True) if s.translation_score is not None
    ]
    score = round(sum(s * w for s, w in scored) / sum(w for _, w in scored), 6) if scored else None
    text = " ".join(segment.source_text or "" for segment in segments)
    via = list(dict.fromkeys(code for segment in segments for code in segment.via))
    return ShownTranslation(text=text, lang=ENGLISH, score=score, via=via)


def _back_translation(segments: Sequence[SegmentWork]) -> ShownBackTranslation | None:
    backs = [segment.back for segment in segments if segment.back is not None]
    if not backs:
        return None
    places = [place for back in backs for place in back.places]
    lost = places.count(None)
    return ShownBackTranslation(text=" ".join(back.text for back in backs), kept=len(places) - lost, lost=lost)


def _alignment(prepared: Prepared, segments: Sequence[SegmentWork]) -> ShownAlignment | None:
    if not segments or any(segment.source_text is None for segment in segments):
        return None
    source_tokens: list[str] = []
    links: list[Link] = []
    for segment in segments:
        links.extend((s + len(source_tokens), t + segment.place.start, weight) for s, t, weight in segment.links)
        source_tokens.extend(token.text for token in segment.source_tokens)
    return ShownAlignment(source_tokens=source_tokens, target_tokens=prepared.tokens, links=links)


def _cached(segments: Sequence[SegmentWork]) -> Cached:
    translated = [segment.translation_cached for segment in segments if segment.translation_score is not None]
    aligned = [segment.alignment_cached for segment in segments if segment.alignment_cached is not None]
    return Cached(
        translation=bool(translated) and all(translated),
        alignment=bool(aligned) and all(aligned),
    )


def add_timings(works: Sequence[SentenceWork], timings: Mapping[str, float]) -> None:
    """Add the milliseconds of a batch's calls to every sentence that was in it."""
    for work in works:
        for stage, milliseconds in timings.items():
            work.timings[stage] = round(work.timings.get(stage, 0.0) + milliseconds, 2)
