"""The use case: read each sentence, compute in the worker thread, answer per sentence."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeVar

from spanbridge_projection.core.candidates import candidate_spans
from spanbridge_projection.core.highs import warm_up
from spanbridge_projection.core.merging import Merged, Weights, merge
from spanbridge_projection.core.preparation import prepared
from spanbridge_projection.core.projection import Projection, project
from spanbridge_projection.core.sentence import Entity, Sentence
from spanbridge_projection.intake import (
    check_labels,
    check_options,
    read_options,
    read_proposals,
    read_sentence,
    read_weights,
)
from spanbridge_projection.settings import ProjectionSettings
from spanbridge_shared.contracts.merging import MergedEntity, MergeItem, MergeRequest, MergeResult
from spanbridge_shared.contracts.projection import (
    CandidateOptions,
    CandidatesItem,
    CandidatesRequest,
    CandidatesResult,
    HeuristicOptions,
    ProjectedEntity,
    ProjectionInfo,
    ProjectRequest,
    ProjectResult,
)
from spanbridge_shared.errors import SentenceError
from spanbridge_shared.serving.batching import Batcher
from spanbridge_shared.serving.service_app import error_body

SERVICE = "projection"
_DECIMALS = 6
_Result = TypeVar("_Result", CandidatesResult, ProjectResult, MergeResult)
_Answer = CandidatesResult | ProjectResult | MergeResult | SentenceError


@dataclass(frozen=True, slots=True)
class _Job:
    """What all sentences of one turn share."""

    labels: tuple[str, ...] | None

    def run(self, item: CandidatesItem) -> "_Outcome":
        """Return one sentence's answer, or its fault."""
        try:
            return self.answer(read_sentence(item, self.labels))
        except SentenceError as fault:
            return fault

    def answer(self, sentence: Sentence) -> CandidatesResult | ProjectResult:
        """Return a sentence's answer; raises `SentenceError`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _Candidates(_Job):
    options: CandidateOptions

    def answer(self, sentence: Sentence) -> CandidatesResult:
        return CandidatesResult(candidates=candidate_spans(prepared(sentence, self.options), self.options).tolist())


@dataclass(frozen=True, slots=True)
class _Projections(_Job):
    options: CandidateOptions | HeuristicOptions
    with_scores: bool

    def answer(self, sentence: Sentence) -> ProjectResult:
        found = project(sentence, self.options)
        return ProjectResult(
            entities=[_entity(each, sentence.entities[each.source], with_scores=self.with_scores) for each in found]
        )


_Outcome = CandidatesResult | ProjectResult | SentenceError
_Merging = MergeResult | SentenceError


class ProjectionEngine:
    """Runs the pure core off the event loop, in batches, with a bounded queue."""

    def __init__(self, settings: ProjectionSettings) -> None:
        self._batcher: Batcher[CandidatesItem, _Outcome, _Job] = Batcher(
            lambda job, items: [job.run(item) for item in items],
            lambda item: len(item.target_tokens),
            service=SERVICE,
            max_batch_tokens=settings.max_batch_tokens,
            max_queue=settings.max_queue,
            wait_ms=settings.batch_wait_ms,
        )
        self._merging: Batcher[MergeItem, _Merging, Weights] = Batcher(
            lambda weights, items: [_merged(item, weights) for item in items],
            lambda item: len(item.proposals),
            service=SERVICE,
            max_batch_tokens=settings.max_batch_tokens,
            max_queue=settings.max_queue,
            wait_ms=settings.batch_wait_ms,
        )
        code = version("spanbridge-projection")
        self._info = ProjectionInfo(service=SERVICE, version=code, model_version=f"{SERVICE}-{code}")

    async def start(self) -> None:
        """Load what the exact solver needs, then serve."""
        await asyncio.to_thread(warm_up)
        self._batcher.start()
        self._merging.start()

    async def stop(self) -> None:
        """Finish what was accepted."""
        await asyncio.gather(self._batcher.stop(), self._merging.stop())

    def info(self) -> ProjectionInfo:
        """Return the methods and the code's version."""
        return self._info

    async def candidates(self, request: CandidatesRequest) -> list[CandidatesResult]:
        """Return each sentence's candidate spans; raises `RequestError` for a fault of the whole request."""
        check_options(request.options)
        check_labels(request.probability_labels, request.sentences)
        job = _Candidates(_frozen(request.probability_labels), request.options)
        return _answers(await self._batcher.submit(job, request.sentences), CandidatesResult)

    async def project(self, request: ProjectRequest) -> list[ProjectResult]:
        """Return each sentence's target entities; raises `RequestError` for a fault of the whole request."""
        options = read_options(request)
        check_labels(request.probability_labels, request.sentences)
        job = _Projections(_frozen(request.probability_labels), options, "scores" in request.include)
        return _answers(await self._batcher.submit(job, request.sentences), ProjectResult)

    async def merge(self, request: MergeRequest) -> list[MergeResult]:
        """Return each sentence's best set of proposals."""
        return _answers(await self._merging.submit(read_weights(request.parameters), request.sentences), MergeResult)


def _answers(outcomes: Sequence[_Answer], kind: type[_Result]) -> list[_Result]:
    # Faults become errors here, not in the worker: the request's id is known on this side only.
    answers: list[_Result] = []
    for outcome in outcomes:
        if isinstance(outcome, SentenceError):
            answers.append(kind(error=error_body(outcome)))
        elif isinstance(outcome, kind):
            answers.append(outcome)
    return answers


def _merged(item: MergeItem, weights: Weights) -> _Merging:
    try:
        proposals = read_proposals(item, [name for name, _ in weights.voices])
    except SentenceError as fault:
        return fault
    return MergeResult(entities=[_merged_entity(each) for each in merge(proposals, weights)])


def _merged_entity(found: Merged) -> MergedEntity:
    proposal = found.proposal
    return MergedEntity(
        start=proposal.span.start,
        end=proposal.span.end,
        label=proposal.label,
        score=round(found.probability, _DECIMALS),
        scores=dict(proposal.scores),
    )


def _frozen(labels: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if labels is None else tuple(labels)


def _entity(found: Projection, source: Entity, *, with_scores: bool) -> ProjectedEntity:
    return ProjectedEntity(
        start=found.span.start,
        end=found.span.end,
        label=source.label,
        score=round(source.score * min(1.0, found.scores["total"]), _DECIMALS),
        source=found.source,
        scores={name: round(score, _DECIMALS) for name, score in found.scores.items()} if with_scores else None,
    )
