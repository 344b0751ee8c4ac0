"""The use case: sentences in, projected entities out. The only code that knows the order of the services."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from spanbridge_gateway import stages
from spanbridge_gateway.back_translation import back_translate
from spanbridge_gateway.core.methods import (
    AnyOptions,
    find_method,
    for_given_entities,
    needs_nmt,
    needs_probabilities,
    read_options,
    without_probabilities,
)
from spanbridge_gateway.core.preparation import Prepared, check_sentence, prepare
from spanbridge_gateway.core.work import SegmentWork, SentenceWork, add_timings, assemble
from spanbridge_gateway.detection import detect_language
from spanbridge_gateway.score_calls import check_directions
from spanbridge_gateway.scoring import score
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_gateway.upstreams import Infos, Upstreams
from spanbridge_shared.contracts.gateway import (
    UNDETERMINED,
    ProjectSentencesRequest,
    ProjectSentencesResponse,
    Sentence,
    SentenceResult,
    TransferMethodOptions,
)
from spanbridge_shared.contracts.projection import SourceEntity
from spanbridge_shared.errors import (
    ClientLeft,
    NotReady,
    SentenceError,
    SpanbridgeError,
    UnknownLabel,
    UnsupportedLanguage,
)
from spanbridge_shared.serving.telemetry import REQUEST_ID
from spanbridge_shared.text.languages import ENGLISH, resolve_language
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import Token, join_tokens

AUTO = "auto"
OUTSIDE = "O"


@dataclass(frozen=True, slots=True)
class Plan:
    """A request whose envelope has been checked."""

    lang: str
    options: AnyOptions
    labels: frozenset[str]
    include: frozenset[str]


class Pipeline:
    """Runs requests through the services, in chunks, so that a large batch costs bounded memory."""

    def __init__(self, upstreams: Upstreams, settings: GatewaySettings) -> None:
        self.upstreams = upstreams
        self._chunk = settings.chunk_sentences

    async def start(self) -> None:
        """Open the services."""
        await self.upstreams.start()

    async def stop(self) -> None:
        """Close the services."""
        await self.upstreams.stop()

    async def check(self) -> None:
        """Raise `NotReady`, naming the service, where one can't be reached."""
        try:
            await self.upstreams.infos()
        except SpanbridgeError as fault:
            raise NotReady(fault.detail) from fault

    async def project(
        self, request: ProjectSentencesRequest, has_left: Callable[[], Awaitable[bool]]
    ) -> ProjectSentencesResponse:
        """Label the sentences; raises for faults of the request as a whole, a sentence's own go into its result.

        `has_left` says whether the client has gone; then the rest is not computed, and `ClientLeft` raised.
        """
        infos = await self.upstreams.infos()
        lang = _language(request, infos)
        options = read_options(find_method(request.method), request.options)
        if not infos.gives_probabilities(lang):
            options = without_probabilities(options)
        plan = Plan(
            lang=lang,
            options=options,
            labels=_labels(request, infos),
            include=frozenset(request.include),
        )
        # In a thread: ten megabytes of text take seconds to cut, and other requests must not wait for that.
        works = await asyncio.to_thread(_take_all, request.sentences, lang)
        _check_served(plan, works, infos)
        if needs_nmt(plan.options) and any(work.segments and not _is_direct(plan, work) for work in works):
            check_directions(plan.lang, infos.translation)
        for chunk in _chunks(works, self._chunk):
            if await has_left():
                raise ClientLeft("the client left before the answer")
            await self._run(chunk, plan)
        results = await asyncio.to_thread(_assemble_all, works, plan)
        return ProjectSentencesResponse(model_version=infos.model_version, results=results)

    async def _run(self, works: Sequence[SentenceWork], plan: Plan) -> None:
        sound = [work for work in works if work.segments]
        direct = [work for work in sound if _is_direct(plan, work)]
        bridged = [work for work in sound if not _is_direct(plan, work)]
        given = [work for work in bridged if _brings_entities(work)]
        rest = [work for work in bridged if not _brings_entities(work)]
        trusting = replace(plan, options=for_given_entities(plan.options))
        for group, run, chosen in (
            (direct, self._label, plan),
            (given, self._bridge, trusting),
            (rest, self._bridge, plan),
        ):
            timings: dict[str, float] = {}
            if group:
                await run(group, chosen, timings)
            add_timings(group, timings)

    async def _label(self, works: Sequence[SentenceWork], plan: Plan, timings: dict[str, float]) -> None:
        segments = [segment for work in works for segment in work.segments]
        options = plan.options if isinstance(plan.options, TransferMethodOptions) else TransferMethodOptions()
        async with _timed(timings, "ner"):
            await stages.label_directly(self.upstreams, segments, plan.lang, sorted(plan.labels), options)

    async def _bridge(self, works: Sequence[SentenceWork], plan: Plan, timings: dict[str, float]) -> None:
        if isinstance(plan.options, TransferMethodOptions):
            raise TypeError("model transfer needs no bridge")
        async with _timed(timings, "translate"):
            await stages.translate(self.upstreams, works, plan.lang, plan.options)
        segments = [segment for work in works for segment in work.segments]
        async with _timed(timings, "ner"):
            await stages.label_source(self.upstreams, segments, sorted(plan.labels))
        if plan.options.back_translation:
            async with _timed(timings, "back_translate"):
                await back_translate(self.upstreams, segments, plan.lang, plan.options)
        async with _timed(timings, "align"):
            every = "alignment" in plan.include
            await stages.align(self.upstreams, segments, plan.lang, plan.options, every=every)
        labels: list[str] = []
        if needs_probabilities(plan.options):
            async with _timed(timings, "probabilities"):
                labels = await stages.see_probabilities(self.upstreams, segments, plan.lang)
        if needs_nmt(plan.options):
            async with _timed(timings, "score"):
                await score(self.upstreams, works, plan.lang, plan.options, labels)
        async with _timed(timings, "project"):
            scores = "scores" in plan.include
            await stages.project(self.upstreams, segments, plan.options, labels, scores=scores)


def _language(request: ProjectSentencesRequest, infos: Infos) -> str:
    if request.lang.lower() != AUTO:
        return resolve_language(request.lang)
    sound = [sentence for sentence in request.sentences if _is_sound(sentence)]
    texts = [_raw_text(sentence) for sentence in sound]
    # With nothing sound to detect a language in, each sentence's own error says more than a refused request.
    return detect_language(texts, sorted({*infos.translation.routes, ENGLISH})) if texts else UNDETERMINED


def _raw_text(sentence: Sentence) -> str:
    return sentence.text if sentence.text is not None else " ".join(sentence.tokens or [])


def _is_sound(sentence: Sentence) -> bool:
    try:
        check_sentence(sentence)
    except SentenceError:
        return False
    return True


def _is_direct(plan: Plan, work: SentenceWork) -> bool:
    if isinstance(plan.options, TransferMethodOptions):
        return True
    return plan.lang == ENGLISH and not any(segment.source_given for segment in work.segments)


def _brings_entities(work: SentenceWork) -> bool:
    return any(segment.source_given and segment.source_entities is not None for segment in work.segments)


def _assemble_all(works: Sequence[SentenceWork], plan: Plan) -> list[SentenceResult]:
    return [assemble(work, plan.lang, plan.include, REQUEST_ID.get()) for work in works]


def _take_all(sentences: Sequence[Sentence], lang: str) -> list[SentenceWork]:
    return [_take(sentence, place, lang) for place, sentence in enumerate(sentences)]


def _take(sentence: Sentence, place: int, lang: str) -> SentenceWork:
    work = SentenceWork(id=str(place) if sentence.id is None else sentence.id, raw_text=_raw_text(sentence))
    try:
        work.prepared = prepare(sentence, lang)
    except SentenceError as fault:
        work.error = fault
    else:
        work.segments = [_segment(work.prepared, place) for place in work.prepared.segments]
    return work


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


def _labels(request: ProjectSentencesRequest, infos: Infos) -> frozenset[str]:
    if "labels" not in request.model_fields_set:
        return frozenset(request.labels)  # What nobody asked for need not be given.
    known = {label for teacher in infos.ner_teacher.teachers for label in teacher.labels}
    given = {each.label for s in request.sentences if s.source is not None for each in s.source.entities or []}
    for label in request.labels:
        if label not in known | given or label == OUTSIDE:
            raise UnknownLabel(f"no teacher gives the label {label[:40]!r}; there are {', '.join(sorted(known))}")
    return frozenset(request.labels)


def _check_served(plan: Plan, works: Sequence[SentenceWork], infos: Infos) -> None:
    needs = any(segment.source_text is None for work in works for segment in work.segments)
    routes = infos.translation.routes
    if not needs or isinstance(plan.options, TransferMethodOptions) or plan.lang in (ENGLISH, *routes):
        return
    raise UnsupportedLanguage(
        f"the translation model doesn't serve {plan.lang}; it serves {', '.join(sorted(routes))}; "
        "or give each sentence its own English side as `source`"
    )


def _chunks(works: Sequence[SentenceWork], limit: int) -> list[list[SentenceWork]]:
    """Cut sentences into runs of at most `limit` segments; a sentence is never cut."""
    chunks: list[list[SentenceWork]] = []
    size = 0
    for work in works:
        if not chunks or size + len(work.segments) > limit:
            chunks.append([])
            size = 0
        chunks[-1].append(work)
        size += len(work.segments)
    return chunks


@asynccontextmanager
async def _timed(timings: dict[str, float], stage: str) -> AsyncIterator[None]:
    started = time.perf_counter()
    yield
    timings[stage] = 1000 * (time.perf_counter() - started)
