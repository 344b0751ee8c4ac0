"""The use case of translate-train: labelled English in, labelled sentences of another language out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from spanbridge_gateway import stages
from spanbridge_gateway.admission import admit
from spanbridge_gateway.core.labelled_english import (
    EnglishSegment,
    EnglishWork,
    PlacedEntity,
    assemble_translation,
    take,
)
from spanbridge_gateway.core.work import SegmentWork
from spanbridge_gateway.marked_translation import EnglishText, Marking, translate_english, translate_marked
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.clients.transport import raised
from spanbridge_shared.contracts.options import CandidatesMethodOptions
from spanbridge_shared.contracts.projection import Score, SourceEntity
from spanbridge_shared.contracts.translate_train import (
    EnglishSentence,
    TrainMethod,
    TranslatedSentence,
    TranslateTrainOptions,
    TranslateTrainRequest,
    TranslateTrainResponse,
)
from spanbridge_shared.contracts.translation import Translation
from spanbridge_shared.errors import ClientLeft, SpanbridgeError
from spanbridge_shared.serving.telemetry import REQUEST_ID
from spanbridge_shared.text.languages import resolve_language
from spanbridge_shared.text.offsets import token_span
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import tokenize


async def translate_train(
    upstreams: Upstreams, request: TranslateTrainRequest, has_left: Callable[[], Awaitable[bool]]
) -> TranslateTrainResponse:
    """Translate the sentences with their entities; raises for faults of the request as a whole, as the services do.

    `has_left` says whether the client has gone; then the rest is not computed, and `ClientLeft` raised.
    """
    infos = await upstreams.infos()
    lang = resolve_language(request.lang)
    await admit(len(request.sentences))
    run = _by_markers if request.method is TrainMethod.MARKER else _by_links
    works = await asyncio.to_thread(_take_all, request.sentences)
    for start in range(0, len(works), upstreams.call_limit):
        if await has_left():
            raise ClientLeft("the client left before the answer")
        chunk = works[start : start + upstreams.call_limit]
        segments = [segment for work in chunk if work.error is None for segment in work.segments]
        if segments:
            await run(upstreams, segments, lang, request.options)
    results = await asyncio.to_thread(_assemble_all, works, lang)
    return TranslateTrainResponse(model_version=infos.model_version, results=results)


def _take_all(sentences: Sequence[EnglishSentence]) -> list[EnglishWork]:
    return [take(sentence, place) for place, sentence in enumerate(sentences)]


def _assemble_all(works: Sequence[EnglishWork], lang: str) -> list[TranslatedSentence]:
    return [assemble_translation(work, lang, REQUEST_ID.get()) for work in works]


async def _by_markers(
    upstreams: Upstreams, segments: Sequence[EnglishSegment], lang: str, options: TranslateTrainOptions
) -> None:
    marking = Marking(options.beam, options.marker_style, by_order=options.match_by_order, as_written=True)
    sources = [EnglishText(segment.text, [entity.chars for entity in segment.entities]) for segment in segments]
    answers = await translate_marked(upstreams, sources, lang, marking)
    for segment, answer in zip(segments, answers, strict=True):
        if isinstance(answer, SpanbridgeError):
            segment.error = answer
            continue
        _take_translation(segment, answer.best, answer.text, lang)
        offsets = [token.span for token in segment.target_tokens]
        for entity, found in zip(segment.entities, answer.found, strict=True):
            words = None if found is None else token_span(found.span, offsets)
            if found is not None and words is not None:
                segment.placed.append(PlacedEntity(entity, words, found.similarity))


async def _by_links(
    upstreams: Upstreams, segments: Sequence[EnglishSegment], lang: str, options: TranslateTrainOptions
) -> None:
    texts = [segment.text for segment in segments]
    answers = await translate_english(upstreams, texts, lang, options.beam)
    for segment, answer in zip(segments, answers, strict=True):
        if answer.error is not None:
            segment.error = raised(answer.error)
        else:
            _take_translation(segment, answer, answer.hypotheses[0].text, lang)
    translated = [segment for segment in segments if segment.target_tokens]
    works = [_as_work(segment) for segment in translated]
    # The entities are given and right: a teacher's opinion of the translation would cost more than it gives.
    projection = CandidatesMethodOptions(score=Score.ALIGN)
    await stages.align(upstreams, works, lang, projection, every=False)
    await stages.project(upstreams, works, projection, [], scores=False)
    for segment, work in zip(translated, works, strict=True):
        segment.error = work.error
        segment.placed = [
            PlacedEntity(segment.entities[each.source], Span(each.start, each.end), each.score)
            for each in work.entities
        ]


def _take_translation(segment: EnglishSegment, translation: Translation, text: str, lang: str) -> None:
    segment.target_text = text
    segment.target_tokens = tokenize(text, lang)
    segment.translation_score = translation.hypotheses[0].score
    segment.via = translation.via


def _as_work(segment: EnglishSegment) -> SegmentWork:
    """Return the segment as one to be projected onto: its translation takes the place of the original."""
    tokens = [token.text for token in segment.target_tokens]
    return SegmentWork(
        tokens=tokens,
        place=Span(0, len(tokens)),
        text=segment.target_text,
        source_text=segment.text,
        source_tokens=segment.tokens,
        source_given=True,
        source_entities=[
            SourceEntity(start=each.words.start, end=each.words.end, label=each.label) for each in segment.entities
        ],
    )
