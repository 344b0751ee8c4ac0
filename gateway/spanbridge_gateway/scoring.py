"""The score stage: nmt scores of entities and candidate spans, no more of them than the projection depends on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spanbridge_gateway import stages
from spanbridge_gateway.core.nmt_scores import Booleans, Floats, Known, Question, ScoreTable
from spanbridge_gateway.core.score_search import align_shares, label_shares, rivals, successors
from spanbridge_gateway.core.work import SegmentWork, SentenceWork
from spanbridge_gateway.projecting import find_candidates, projections
from spanbridge_gateway.score_calls import ScoreCalls
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.contracts.options import CandidatesMethodOptions
from spanbridge_shared.contracts.projection import (
    ProjectedEntity,
    ProjectionCount,
    ProjectResult,
    Score,
)
from spanbridge_shared.errors import SpanbridgeError, TextTooLong
from spanbridge_shared.text.offsets import char_span
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import detokenize
from spanbridge_shared.text.trimming import trimmed

MAX_PAIRS = 200_000
"""Most pairs of entity and candidate in one segment: above it, bounds alone would take minutes."""
OUTSIDE = "O"
_FIRST_WIDTH = 4
"""Pairs of one entity that are asked for at first."""


@dataclass(slots=True, eq=False)
class _Case:
    """A segment with its candidates.

    `hints` (S, T) say what to ask for first, `rest` what the other parts of the scores come to, about.
    """

    segment: SegmentWork
    spans: list[tuple[int, int]]
    table: ScoreTable
    hints: Floats
    rest: Floats
    turns: int = 0

    @property
    def width(self) -> int:
        """Pairs of one entity that are asked for in this turn: twice as many every other, since a pair takes two."""
        return _FIRST_WIDTH << (self.turns // 2)

    def questions(self, pairs: Booleans) -> list[Question]:
        """Ask for pairs; the next turn begins."""
        self.turns += 1
        return list(self.table.questions(pairs))

    def show(self, keep: Booleans) -> None:
        """Give the segment the scores of the pairs to keep, or what they are at most."""
        scores = self.table.at_most()
        rows, columns = np.nonzero(keep & (scores > 0))
        triples = zip(rows.tolist(), columns.tolist(), scores[rows, columns].round(9).tolist(), strict=True)
        self.segment.nmt_scores = list(triples)

    def places(self, entities: Sequence[ProjectedEntity]) -> list[tuple[int, int]]:
        """Return projected entities as (entity, candidate)."""
        index = {span: place for place, span in enumerate(self.spans)}
        return [(each.source, index[each.start, each.end]) for each in entities]


async def score(
    upstreams: Upstreams,
    works: Sequence[SentenceWork],
    lang: str,
    options: CandidatesMethodOptions,
    probability_labels: list[str],
) -> None:
    """Give every segment with entities its candidates and the scores that decide the projection.

    A score that can't be had fails its sentence. Raises as the clients do where a service can't be asked.
    """
    search = _Search(upstreams, lang, options, probability_labels)
    cases = await search.open(works)
    unsure = cases
    while unsure:
        await search.settle(unsure)
        unsure = await search.unsure(unsure)
    for case in cases:
        case.show(case.table.exact())


class _Search:
    """One chunk's search for the pairs that decide."""

    def __init__(
        self, upstreams: Upstreams, lang: str, options: CandidatesMethodOptions, probability_labels: list[str]
    ) -> None:
        self._upstreams = upstreams
        self._options = options
        self._labels = probability_labels
        self._calls = ScoreCalls(upstreams, lang)
        fused = options.score is Score.FUSED
        self._weight = options.weight_nmt if fused else 1.0
        self._weights = (options.weight_align, options.weight_ner, options.weight_ner_spans) if fused else (0.0,) * 3
        # Where pairs of score 0 may be forced, what may be chosen depends on every score: all are asked for.
        self._all = options.n_proj_form is not ProjectionCount.AT_MOST

    async def open(self, works: Sequence[SentenceWork]) -> list[_Case]:
        """Return the segments that have entities and candidates, with first bounds of their scores."""
        todo = [(work, each) for work in works for each in stages.alive(work.segments) if each.source_entities]
        await find_candidates(self._upstreams, [segment for _, segment in todo], self._options, self._labels)
        for _, segment in todo:
            segment.nmt_scores = []
        built = await asyncio.to_thread(lambda: [self._case(*each) for each in todo if each[1].candidates])
        cases = [each for each in built if each is not None]
        asked = await asyncio.to_thread(lambda: [list(case.table.first_questions()) for case in cases])
        await self._ask(cases, asked)
        return cases

    async def settle(self, cases: Sequence[_Case]) -> None:
        """Ask until no entity has a pair whose bound is above its best scores: what two may want is left aside."""
        while cases:
            cases = [case for case in cases if case.segment.error is None]
            asked = await asyncio.to_thread(lambda part: [self._rivals(case) for case in part], cases)
            cases = [case for case, questions in zip(cases, asked, strict=True) if questions]
            await self._ask(cases, [questions for questions in asked if questions])

    async def unsure(self, cases: Sequence[_Case]) -> list[_Case]:
        """Return the segments whose projection by bounds has a pair that isn't exact, after asking for such pairs."""
        cases = [case for case in cases if case.segment.error is None]
        await asyncio.to_thread(_show_bounds, cases)
        results: list[ProjectResult] = []
        for run in _runs([case.segment for case in cases]):
            results += await projections(self._upstreams, run, self._options, self._labels, scores=False)
        asked = await asyncio.to_thread(lambda: list(map(self._doubts, cases, results)))
        unsure = [(case, questions) for case, questions in zip(cases, asked, strict=True) if questions]
        await self._ask([case for case, _ in unsure], [questions for _, questions in unsure])
        return [case for case, _ in unsure]

    async def _ask(self, cases: Sequence[_Case], asked: Sequence[list[Question]]) -> None:
        await self._calls.ask(question for questions in asked for question in questions)
        await asyncio.to_thread(self._learn, cases, asked)

    def _learn(self, cases: Sequence[_Case], asked: Sequence[list[Question]]) -> None:
        for case, questions in zip(cases, asked, strict=True):
            known: list[tuple[Question, Known]] = []
            for question in questions:
                answer = self._calls.answers[question]
                if isinstance(answer, SpanbridgeError):
                    case.segment.error = answer
                else:
                    known.append((question, answer))
            case.table.learn(known)

    def _rivals(self, case: _Case) -> list[Question]:
        exact, options = case.table.exact(), self._options
        if self._all:
            return case.questions(~exact)
        least, n_proj = options.min_score, options.n_proj
        totals = self._totals(case)
        return case.questions(rivals(totals, exact, case.hints, n_proj=n_proj, width=case.width, least=least))

    def _doubts(self, case: _Case, result: ProjectResult) -> list[Question]:
        exact = case.table.exact()
        if result.error is not None:  # What no solver could do with bounds it may yet do with scores.
            return case.questions(~exact)
        return case.questions(successors(self._totals(case), exact, case.places(result.entities), width=case.width))

    def _totals(self, case: _Case) -> Floats:
        totals: Floats = self._weight * case.table.at_most() + case.rest
        return totals

    def _case(self, work: SentenceWork, segment: SegmentWork) -> _Case | None:
        spans = [(start, end) for start, end in segment.candidates or ()]
        entities = _entity_texts(segment, trim=self._options.trim_source)
        if len(entities) * len(spans) > MAX_PAIRS:
            segment.error = TextTooLong(
                f"{len(entities):,} entities and {len(spans):,} candidate spans are more than {MAX_PAIRS:,} pairs to "
                'score; split the sentence, lower max_words, or take candidates "aligned"'
            )
            return None
        origin, links = segment.origin()
        shares = align_shares([(each.start, each.end) for each in origin], links, spans, len(segment.tokens))
        table = ScoreTable(
            entities,
            _candidate_texts(work, segment, spans),
            [start for start, _ in spans],
            threshold=self._options.nmt_threshold,
            min_self=self._options.nmt_min_self,
        )
        return _Case(segment, spans, table, shares, self._rest(segment, spans, shares))

    def _rest(self, segment: SegmentWork, spans: Sequence[tuple[int, int]], shares: Floats) -> Floats:
        """Return (S, T): about what the scores are but for nmt."""
        align, ner, ner_spans = self._weights
        rest = align * shares
        if segment.probabilities is not None and ner + ner_spans > 0:
            classes = sorted({label[2:] for label in self._labels if label != OUTSIDE})
            by_class = np.vstack(
                (label_shares(self._labels, segment.probabilities, classes, spans), np.zeros(len(spans)))
            )
            own = [classes.index(each.label) if each.label in classes else -1 for each in segment.source_entities or []]
            rest = rest + ner * by_class[own] + ner_spans * by_class.max(axis=0)
        return rest


def _show_bounds(cases: Sequence[_Case]) -> None:
    for case in cases:
        case.show(np.ones(case.table.shape, np.bool_))


def _runs(segments: Sequence[SegmentWork]) -> list[list[SegmentWork]]:
    """Cut segments into runs that have at most `MAX_PAIRS` scores in all, so that no call grows too large."""
    runs: list[list[SegmentWork]] = []
    size = 0
    for segment in segments:
        own = len(segment.nmt_scores or ())
        if not runs or size + own > MAX_PAIRS:
            runs.append([])
            size = 0
        runs[-1].append(segment)
        size += own
    return runs


def _entity_texts(segment: SegmentWork, *, trim: bool) -> list[str]:
    """Return the entities as running English: a sentence's own tokens are joined as a translation has them."""
    words = [token.text for token in segment.source_tokens]
    entities = [(Span(each.start, each.end), each.label) for each in segment.source_entities or []]
    spans = [trimmed(span, label, words) if trim else span for span, label in entities]
    if segment.source_given or segment.source_text is None:
        return [detokenize(words[span.start : span.end]) for span in spans]
    places = [char_span(span, [token.span for token in segment.source_tokens]) for span in spans]
    return [segment.source_text[place.start : place.end] for place in places]


def _candidate_texts(work: SentenceWork, segment: SegmentWork, spans: Sequence[tuple[int, int]]) -> list[str]:
    if work.prepared is None:
        raise RuntimeError("a segment without its sentence")
    first = segment.place.start
    return [work.prepared.segment_text(Span(start, end).shifted(first)) for start, end in spans]
