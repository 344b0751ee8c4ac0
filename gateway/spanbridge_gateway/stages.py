"""The stages of the pipeline: each makes one call to one service for all segments that need it.

Where one text has more segments than a call may hold, a stage makes as many calls as it takes.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from spanbridge_gateway.core.attention import attention_of, missing_attention, needs_attention
from spanbridge_gateway.core.methods import align_options
from spanbridge_gateway.core.preparation import halve
from spanbridge_gateway.core.work import SegmentWork, SentenceWork
from spanbridge_gateway.projecting import projections
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.clients.transport import raised
from spanbridge_shared.contracts.alignment import AlignMethod, AlignRequest, TokenPair
from spanbridge_shared.contracts.ner import NerEntity, NerItem, NerRequest, ProbabilitiesRequest
from spanbridge_shared.contracts.options import (
    CandidatesMethodOptions,
    HeuristicMethodOptions,
    LinkingOptions,
)
from spanbridge_shared.contracts.projection import (
    MAX_SOURCE_ENTITIES,
    ProjectedEntity,
    SourceEntity,
)
from spanbridge_shared.contracts.translation import TranslateRequest, Translation
from spanbridge_shared.errors import EmptyText, InvalidSource, TextTooLong
from spanbridge_shared.text.languages import ENGLISH
from spanbridge_shared.text.offsets import token_span
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import tokenize

Item = TypeVar("Item")


def _calls(upstreams: Upstreams, todo: Sequence[Item]) -> Iterator[Sequence[Item]]:
    limit = upstreams.call_limit
    return (todo[start : start + limit] for start in range(0, len(todo), limit))


def alive(segments: Sequence[SegmentWork]) -> list[SegmentWork]:
    """Return the segments that no stage has failed."""
    return [segment for segment in segments if segment.error is None]


async def translate(upstreams: Upstreams, works: Sequence[SentenceWork], lang: str, options: LinkingOptions) -> None:
    """Translate every segment without an English side; one that is too long for the model is cut in two.

    A segment that the model can't read, such as a line of emoji or an endless word, is left without an English side,
    unless its sentence has no other: then it is the sentence's error.
    """
    todo = [(work, segment) for work in works for segment in alive(work.segments) if segment.source_text is None]
    while todo:
        translations: list[Translation] = []
        for part in _calls(upstreams, todo):
            texts = [segment.text for _, segment in part]
            request = TranslateRequest(
                texts=texts,
                source_lang=lang,
                target_lang=ENGLISH,
                beam=options.beam,
                include=["tokens", "attention"] if needs_attention(options) else [],
            )
            translations += (await upstreams.translation.translate(request)).translations
        again: list[tuple[SentenceWork, SegmentWork]] = []
        for (work, segment), translation in zip(todo, translations, strict=True):
            fault = None if translation.error is None else raised(translation.error)
            if isinstance(fault, TextTooLong) and len(segment.tokens) > 1:
                again.extend((work, half) for half in _split(work, segment))
            elif fault is not None:
                segment.error = fault
            else:
                _take_translation(segment, translation)
        todo = again
    for work in works:
        _leave_unreadable(work.segments)


def _leave_unreadable(segments: Sequence[SegmentWork]) -> None:
    unreadable = [segment for segment in segments if isinstance(segment.error, (EmptyText, TextTooLong))]
    if len(unreadable) < len(segments):
        for segment in unreadable:
            segment.error = None
            segment.source_text = ""


def _take_translation(segment: SegmentWork, translation: Translation) -> None:
    best = translation.hypotheses[0]
    segment.source_text = best.text
    segment.source_tokens = tokenize(best.text, ENGLISH)
    segment.translation_score = best.score
    segment.via = translation.via
    segment.translation_cached = translation.cached
    segment.attention = attention_of(translation, [token.text for token in segment.source_tokens], segment.tokens)


def _split(work: SentenceWork, segment: SegmentWork) -> list[SegmentWork]:
    prepared = work.prepared
    if prepared is None:  # A sentence without tokens has no segments.
        raise RuntimeError("a segment without its sentence")
    parts = [
        SegmentWork(prepared.tokens[half.start : half.end], half, prepared.segment_text(half))
        for half in halve(prepared.tokens, segment.place)
    ]
    index = work.segments.index(segment)
    work.segments[index : index + 1] = parts
    return parts


async def label_source(upstreams: Upstreams, segments: Sequence[SegmentWork], labels: AbstractSet[str]) -> None:
    """Have the English teacher label every English side that has no entities yet, and keep the wanted labels."""
    todo = [segment for segment in alive(segments) if segment.source_entities is None and segment.source_tokens]
    for segment in alive(segments):
        if not segment.source_tokens:  # The translation came out empty.
            segment.source_entities = []
    for part in _calls(upstreams, todo):
        items = [
            NerItem(tokens=[token.text for token in segment.source_tokens])
            if segment.source_given
            else NerItem(text=segment.source_text)
            for segment in part
        ]
        answer = await upstreams.ner_teacher.ner(NerRequest(sentences=items, lang=ENGLISH, labels=sorted(labels)))
        for segment, result in zip(part, answer.results, strict=True):
            if result.error is not None:
                segment.error = raised(result.error)
            else:
                segment.source_entities = _source_entities(segment, result.entities)
    for segment in alive(segments):
        segment.source_entities = [each for each in segment.source_entities or [] if each.label in labels]
        if len(segment.source_entities) > MAX_SOURCE_ENTITIES:
            segment.error = InvalidSource(
                f"source: there are {len(segment.source_entities):,} entities, at most {MAX_SOURCE_ENTITIES} can be "
                "projected; split the sentence"
            )


def _source_entities(segment: SegmentWork, entities: Sequence[NerEntity]) -> list[SourceEntity]:
    """Return the teacher's entities in source tokens; where its tokens are finer, ours that it touches count."""
    offsets = [token.span for token in segment.source_tokens]
    found: list[SourceEntity] = []
    for entity in entities:
        chars = Span(entity.start, entity.end)
        place = chars if segment.source_given else token_span(chars, offsets)
        if place is not None and not (found and place.start < found[-1].end):
            found.append(SourceEntity(start=place.start, end=place.end, label=entity.label, score=entity.score))
    return found


async def align(
    upstreams: Upstreams, segments: Sequence[SegmentWork], lang: str, options: LinkingOptions, *, every: bool
) -> None:
    """Align the segments with entities to project from the English side, or every one where links are to be shown.

    It may run beside `see_probabilities`: either adds its own errors alone.
    """
    todo = [s for s in alive(segments) if s.source_tokens and (every or s.needs_links)]
    if options.align_method is AlignMethod.ATTENTION:
        for segment in (each for each in todo if each.attention is None):
            segment.error = missing_attention(segment.via, given=segment.source_given)
        todo = alive(todo)
    for part in _calls(upstreams, todo):
        pairs = [
            TokenPair(
                source_tokens=[token.text for token in segment.source_tokens],
                target_tokens=segment.tokens,
                attention=None if segment.attention is None else segment.attention.tolist(),
            )
            for segment in part
        ]
        request = AlignRequest(
            pairs=pairs,
            source_lang=ENGLISH,
            target_lang=lang,
            method=options.align_method,
            options=align_options(options),
        )
        answer = await upstreams.alignment.align(request)
        for segment, alignment in zip(part, answer.alignments, strict=True):
            if alignment.error is not None:
                segment.error = raised(alignment.error)
            segment.links = alignment.links
            segment.alignment_cached = alignment.cached and segment.alignment_cached is not False
    for segment in segments:
        segment.attention = None  # It is the largest thing that a segment holds, and nothing reads it any more.


async def see_probabilities(upstreams: Upstreams, segments: Sequence[SegmentWork], lang: str) -> list[str]:
    """Have the multilingual teacher give its label probabilities for each target; return the columns' labels."""
    todo = [segment for segment in alive(segments) if segment.source_entities]
    labels: list[str] = []
    for part in _calls(upstreams, todo):
        items = [NerItem(tokens=segment.tokens) for segment in part]
        answer = await upstreams.ner_teacher.probabilities(ProbabilitiesRequest(sentences=items, lang=lang))
        for segment, result in zip(part, answer.results, strict=True):
            if result.error is not None:
                segment.error = raised(result.error)
            segment.probabilities = result.probabilities
        labels = answer.labels
    return labels


async def project(
    upstreams: Upstreams,
    segments: Sequence[SegmentWork],
    options: CandidatesMethodOptions | HeuristicMethodOptions,
    probability_labels: list[str],
    *,
    scores: bool,
) -> None:
    """Project the source entities of every segment that has some."""
    todo = [segment for segment in alive(segments) if segment.source_entities]
    for segment, result in zip(
        todo, await projections(upstreams, todo, options, probability_labels, scores=scores), strict=True
    ):
        segment.error = None if result.error is None else raised(result.error)
        segment.entities = result.entities


async def label_directly(
    upstreams: Upstreams,
    segments: Sequence[SegmentWork],
    lang: str,
    labels: AbstractSet[str],
    *,
    teacher: str | None = None,
    min_score: float = 0.0,
) -> None:
    """Have a teacher label the segments themselves, the one of the language unless another is named.

    Entities are left out that score below `min_score` or have none of the labels.
    """
    named = {} if teacher is None else {"teacher": teacher}
    for part in _calls(upstreams, alive(segments)):
        items = [NerItem(tokens=segment.tokens) for segment in part]
        answer = await upstreams.ner_teacher.ner(NerRequest(sentences=items, lang=lang, labels=sorted(labels), **named))
        for segment, result in zip(part, answer.results, strict=True):
            segment.error = None if result.error is None else raised(result.error)
            segment.entities = [
                ProjectedEntity(start=each.start, end=each.end, label=each.label, score=each.score, source=0)
                for each in result.entities
                if each.label in labels and each.score >= min_score
            ]
