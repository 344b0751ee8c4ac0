"""One method over sentences: the order of the services, and which sentences need which of them."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from spanbridge_gateway import stages
from spanbridge_gateway.back_translation import back_translate
from spanbridge_gateway.core.methods import (
    for_given_entities,
    needs_nmt,
    needs_probabilities,
)
from spanbridge_gateway.core.work import SegmentWork, SentenceWork, add_timings
from spanbridge_gateway.infos import STUDENT, Infos
from spanbridge_gateway.planning import Plan
from spanbridge_gateway.score_calls import check_directions
from spanbridge_gateway.scoring import score
from spanbridge_gateway.side_by_side import side_by_side
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.contracts.options import LinkingOptions, StudentMethodOptions, TransferMethodOptions
from spanbridge_shared.errors import UnsupportedLanguage
from spanbridge_shared.text.languages import ENGLISH


class MethodRun:
    """Labels the sentences of one request by one method that needs no other."""

    def __init__(self, upstreams: Upstreams, infos: Infos, plan: Plan) -> None:
        self._upstreams = upstreams
        self._infos = infos
        self._plan = plan

    def check(self, works: Sequence[SentenceWork]) -> None:
        """Raise `RequestError` where the method can't be had for the sentences' language."""
        plan, infos = self._plan, self._infos
        if isinstance(plan.options, StudentMethodOptions):
            infos.require_teacher(STUDENT, plan.lang)
        elif isinstance(plan.options, TransferMethodOptions):
            if plan.options.teacher is not None:
                infos.require_teacher(plan.options.teacher, plan.lang)
        else:
            self._check_translated(works)
            if needs_nmt(plan.options) and any(work.segments and not self._is_direct(work) for work in works):
                check_directions(plan.lang, infos.translation)

    async def run(self, works: Sequence[SentenceWork]) -> None:
        """Fill the work on the sentences, all of one call's size; a sentence's fault stays with it."""
        plan = self._plan
        sound = [work for work in works if work.segments]
        direct = [work for work in sound if self._is_direct(work)]
        bridged = [work for work in sound if not self._is_direct(work)]
        given = [work for work in bridged if brings_entities(work)]
        rest = [work for work in bridged if not brings_entities(work)]
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

    def _is_direct(self, work: SentenceWork) -> bool:
        return not isinstance(self._plan.options, LinkingOptions) or is_plain_english(work, self._plan.lang)

    def _check_translated(self, works: Sequence[SentenceWork]) -> None:
        lang, routes = self._plan.lang, self._infos.translation.routes
        needs = any(segment.source_text is None for work in works for segment in work.segments)
        if needs and lang not in (ENGLISH, *routes):
            raise UnsupportedLanguage(
                f"the translation model doesn't serve {lang}; it serves {', '.join(sorted(routes))}; "
                "or give each sentence its own English side as `source`"
            )

    async def _label(self, works: Sequence[SentenceWork], plan: Plan, timings: dict[str, float]) -> None:
        segments = [segment for work in works for segment in work.segments]
        teacher, least = None, 0.0
        if isinstance(plan.options, TransferMethodOptions):
            teacher, least = plan.options.teacher, plan.options.min_score
        elif isinstance(plan.options, StudentMethodOptions):
            teacher, least = STUDENT, plan.options.min_score
        async with timed(timings, "ner"):
            labels = plan.envelope.labels
            await stages.label_directly(self._upstreams, segments, plan.lang, labels, teacher=teacher, min_score=least)

    async def _bridge(self, works: Sequence[SentenceWork], plan: Plan, timings: dict[str, float]) -> None:
        upstreams, options, include = self._upstreams, plan.options, plan.envelope.include
        if isinstance(options, TransferMethodOptions | StudentMethodOptions):
            raise TypeError("a method that labels the sentence itself needs no bridge")
        async with timed(timings, "translate"):
            await stages.translate(upstreams, works, plan.lang, options)
        segments = [segment for work in works for segment in work.segments]
        async with timed(timings, "ner"):
            await stages.label_source(upstreams, segments, plan.envelope.labels)
        if options.back_translation:
            async with timed(timings, "back_translate"):
                await back_translate(upstreams, segments, plan.lang, options)
        # Neither reads what the other gives: services with cores of their own work at the same time.
        _, labels = await side_by_side([self._align(segments, options, timings), self._see(segments, options, timings)])
        if needs_nmt(options):
            async with timed(timings, "score"):
                await score(upstreams, works, plan.lang, options, labels)
        async with timed(timings, "project"):
            await stages.project(upstreams, segments, options, labels, scores="scores" in include)

    async def _align(
        self, segments: Sequence[SegmentWork], options: LinkingOptions, timings: dict[str, float]
    ) -> list[str]:
        every = "alignment" in self._plan.envelope.include
        async with timed(timings, "align"):
            await stages.align(self._upstreams, segments, self._plan.lang, options, every=every)
        return []

    async def _see(
        self, segments: Sequence[SegmentWork], options: LinkingOptions, timings: dict[str, float]
    ) -> list[str]:
        if not needs_probabilities(options):
            return []
        async with timed(timings, "probabilities"):
            return await stages.see_probabilities(self._upstreams, segments, self._plan.lang)


def is_plain_english(work: SentenceWork, lang: str) -> bool:
    """Say whether a sentence is English without an English side of its own: it is labelled as it is."""
    return lang == ENGLISH and not any(segment.source_given for segment in work.segments)


def brings_entities(work: SentenceWork) -> bool:
    """Say whether a sentence brings the entities of its English side."""
    return any(segment.source_given and segment.source_entities is not None for segment in work.segments)


@asynccontextmanager
async def timed(timings: dict[str, float], stage: str) -> AsyncIterator[None]:
    """Write down how many milliseconds a stage took."""
    started = time.perf_counter()
    yield
    timings[stage] = 1000 * (time.perf_counter() - started)
