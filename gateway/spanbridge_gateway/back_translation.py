"""Back-translation refinement: project from the English side translated back, in the sentence's own language.

METHODS.md "Back-translation". Entities whose markers got lost are projected from the English side, as without it.
"""

from collections.abc import Sequence

from spanbridge_gateway.core.markers import place_tokens
from spanbridge_gateway.core.methods import align_options
from spanbridge_gateway.core.work import BackTranslation, SegmentWork
from spanbridge_gateway.marked_translation import EnglishText, Found, MarkedTranslation, Marking, translate_marked
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.contracts.alignment import AlignRequest, TokenPair
from spanbridge_shared.contracts.options import LinkingOptions
from spanbridge_shared.errors import SpanbridgeError
from spanbridge_shared.text.offsets import char_span, token_span
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import Token, tokenize


async def back_translate(
    upstreams: Upstreams, segments: Sequence[SegmentWork], lang: str, options: LinkingOptions
) -> None:
    """Give every segment with entities its back-translation, aligned with the segment itself.

    Raises as the services do, also where no way leads from English to the language. What can't be translated back,
    because markers make it too long for the model, has lost all its markers.
    """
    todo = [segment for segment in segments if segment.error is None and segment.source_entities]
    if not todo:
        return
    chosen = [_without_overlaps(segment) for segment in todo]
    sources = [_english(segment, places) for segment, places in zip(todo, chosen, strict=True)]
    # Matching more entities, by order or as written, made the results worse on Europarl-NER's first 200 sentences.
    answers = await translate_marked(upstreams, sources, lang, Marking(options.beam, options.marker_style))
    for segment, places, answer in zip(todo, chosen, answers, strict=True):
        segment.back = _take(segment, places, answer, lang)
    await _align(upstreams, [each for each in todo if each.back is not None and any(each.back.places)], lang, options)


def _without_overlaps(segment: SegmentWork) -> list[int]:
    """Return which entities can be marked: given ones may overlap, and markers can't."""
    kept: list[int] = []
    for place, entity in enumerate(segment.source_entities or []):
        if not kept or entity.start >= (segment.source_entities or [])[kept[-1]].end:
            kept.append(place)
    return kept


def _english(segment: SegmentWork, places: Sequence[int]) -> EnglishText:
    entities = segment.source_entities or []
    text, offsets = segment.source_text or "", [token.span for token in segment.source_tokens]
    if segment.source_given:
        text, offsets = place_tokens([token.text for token in segment.source_tokens])
    return EnglishText(text, [char_span(Span(entities[n].start, entities[n].end), offsets) for n in places])


def _take(
    segment: SegmentWork, places: Sequence[int], answer: MarkedTranslation | SpanbridgeError, lang: str
) -> BackTranslation:
    n_entities = len(segment.source_entities or [])
    if isinstance(answer, SpanbridgeError):
        return BackTranslation("", [], [None] * n_entities, [0.0] * n_entities)
    segment.translation_cached = segment.translation_cached and answer.best.cached
    tokens = tokenize(answer.text, lang)
    found: dict[int, Found | None] = dict(zip(places, answer.found, strict=True))
    spans = [_tokens_of(found.get(place), tokens) for place in range(n_entities)]
    similarities = [each.similarity if (each := found.get(place)) else 0.0 for place in range(n_entities)]
    return BackTranslation(answer.text, [token.text for token in tokens], spans, similarities)


def _tokens_of(found: Found | None, tokens: Sequence[Token]) -> Span | None:
    return None if found is None else token_span(found.span, [token.span for token in tokens])


async def _align(upstreams: Upstreams, segments: Sequence[SegmentWork], lang: str, options: LinkingOptions) -> None:
    backs = [(segment, segment.back) for segment in segments if segment.back is not None]
    for start in range(0, len(backs), upstreams.call_limit):
        part = backs[start : start + upstreams.call_limit]
        request = AlignRequest(
            pairs=[TokenPair(source_tokens=back.tokens, target_tokens=segment.tokens) for segment, back in part],
            source_lang=lang,
            target_lang=lang,
            method=options.align_method,
            options=align_options(options),
        )
        answer = await upstreams.alignment.align(request)
        for (segment, back), alignment in zip(part, answer.alignments, strict=True):
            if alignment.error is not None:
                back.places, back.similarities = [None] * len(back.places), [0.0] * len(back.places)
            back.links = alignment.links
            segment.alignment_cached = alignment.cached
