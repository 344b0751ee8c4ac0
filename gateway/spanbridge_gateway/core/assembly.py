"""From what is known of a sentence to its answer."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from spanbridge_gateway.core.preparation import Prepared
from spanbridge_gateway.core.work import MergedSpan, SegmentWork, SentenceWork
from spanbridge_shared.contracts.base import ErrorBody, Link
from spanbridge_shared.contracts.gateway import (
    Cached,
    Entity,
    EntitySource,
    SentenceResult,
    ShownAlignment,
    ShownBackTranslation,
    ShownTranslation,
)
from spanbridge_shared.contracts.projection import ProjectedEntity
from spanbridge_shared.errors import NotReady, SpanbridgeError
from spanbridge_shared.text.bio import LabelledSpan, tags_of
from spanbridge_shared.text.checks import replace_surrogates
from spanbridge_shared.text.languages import ENGLISH
from spanbridge_shared.text.offsets import char_span
from spanbridge_shared.text.spans import Span


def assemble(work: SentenceWork, lang: str, include: AbstractSet[str], request_id: str | None) -> SentenceResult:
    """Return a sentence's answer: segments joined again, offsets into the sentence's own text."""
    if work.fault is not None or work.prepared is None:
        fault = work.fault or NotReady("the sentence was never taken up")
        return failed(work.id, work.raw_text, lang, fault, request_id).model_copy(update={"timings_ms": work.timings})
    prepared = work.prepared
    result = SentenceResult(
        id=work.id,
        text=prepared.text,
        lang=lang,
        entities=_entities(prepared, work, include),
        cached=_cached(work.segments),
        timings_ms=work.timings,
        error=None,
    )
    shown: dict[str, object] = {}
    if work.member_errors:
        shown["member_errors"] = {name: _error(each, request_id) for name, each in work.member_errors.items()}
    if "tokens" in include:
        shown |= {"tokens": prepared.tokens, "tags": tags_of(_labelled(work), len(prepared.tokens))}
    if "translation" in include:
        shown["translation"] = _translation(work.segments)
        if (back := _back_translation(work.segments)) is not None:
            shown["back_translation"] = back
    if "alignment" in include:
        shown["alignment"] = _alignment(prepared, work.segments)
    return result.model_copy(update=shown)


def failed(
    identifier: str | int, raw_text: str, lang: str, fault: SpanbridgeError, request_id: str | None
) -> SentenceResult:
    """Return the answer of a sentence that has none."""
    return SentenceResult(
        id=identifier,
        text=replace_surrogates(raw_text),
        lang=lang,
        entities=[],
        cached=Cached(translation=False, alignment=False),
        timings_ms={},
        error=_error(fault, request_id),
    )


def _error(fault: SpanbridgeError, request_id: str | None) -> ErrorBody:
    return ErrorBody(error=type(fault).__name__, detail=replace_surrogates(fault.detail), request_id=request_id)


def _labelled(work: SentenceWork) -> list[LabelledSpan]:
    if work.merged is not None:
        return [LabelledSpan(each.span, each.label) for each in work.merged]
    return [LabelledSpan(span, entity.label) for _, entity, span in work.direct_spans]


def _entities(prepared: Prepared, work: SentenceWork, include: AbstractSet[str]) -> list[Entity]:
    shifts = dict(zip(map(id, work.segments), _source_shifts(work.segments), strict=True))
    found = [
        (span, entity, _entity_source(segment, entity, shifts[id(segment)]), _scores(segment, entity))
        for segment, entity, span in work.direct_spans
    ]
    if work.merged is None:
        return [
            _entity(prepared, MergedSpan(span, entity.label, entity.score, {}), source, scores, include)
            for span, entity, source, scores in found
        ]
    sources = {(span, entity.label): source for span, entity, source, _ in found}
    return [
        _entity(prepared, each, sources.get((each.span, each.label)), dict(each.scores), include)
        for each in work.merged
    ]


def _entity(
    prepared: Prepared,
    found: MergedSpan,
    source: EntitySource | None,
    scores: dict[str, float] | None,
    include: AbstractSet[str],
) -> Entity:
    place = char_span(found.span, prepared.offsets)
    entity = Entity(
        start=place.start,
        end=place.end,
        text=prepared.text[place.start : place.end],
        label=found.label,
        score=found.score,
        source=source,
    )
    return entity.model_copy(update={"scores": scores}) if "scores" in include else entity


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
