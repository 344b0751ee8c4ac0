"""Calls to the projection service: the candidates of segments, and how their entities are projected."""

from collections.abc import Sequence
from typing import Any

from spanbridge_gateway.core.methods import projection_options
from spanbridge_gateway.core.work import SegmentWork
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.clients.transport import raised
from spanbridge_shared.contracts.options import CandidatesMethodOptions, HeuristicMethodOptions
from spanbridge_shared.contracts.projection import (
    CandidateOptions,
    CandidatesItem,
    CandidatesRequest,
    ProjectionMethod,
    ProjectItem,
    ProjectRequest,
    ProjectResult,
)


async def projections(
    upstreams: Upstreams,
    segments: Sequence[SegmentWork],
    options: CandidatesMethodOptions | HeuristicMethodOptions,
    probability_labels: list[str],
    *,
    scores: bool,
) -> list[ProjectResult]:
    """Return how each segment's entities are projected by what is known of it."""
    method = ProjectionMethod.HEURISTIC
    if isinstance(options, CandidatesMethodOptions):
        method = ProjectionMethod.CANDIDATES
    results: list[ProjectResult] = []
    for start in range(0, len(segments), upstreams.call_limit):
        part = segments[start : start + upstreams.call_limit]
        request = ProjectRequest(
            sentences=[
                ProjectItem(**_given(each), candidates=each.candidates, nmt_scores=each.nmt_scores) for each in part
            ],
            probability_labels=probability_labels or None,
            method=method,
            options=projection_options(options),
            include=["scores"] if scores else [],
        )
        results += (await upstreams.projection.project(request)).results
    return results


async def find_candidates(
    upstreams: Upstreams,
    segments: Sequence[SegmentWork],
    options: CandidatesMethodOptions,
    probability_labels: list[str],
) -> None:
    """Give each segment its candidate spans, or its error."""
    chosen = CandidateOptions.model_validate(projection_options(options))
    for start in range(0, len(segments), upstreams.call_limit):
        part = segments[start : start + upstreams.call_limit]
        request = CandidatesRequest(
            sentences=[CandidatesItem(**_given(each)) for each in part],
            probability_labels=probability_labels or None,
            options=chosen,
        )
        answer = await upstreams.projection.candidates(request)
        for segment, result in zip(part, answer.results, strict=True):
            segment.error = None if result.error is None else raised(result.error)
            segment.candidates = result.candidates


def _given(segment: SegmentWork) -> dict[str, Any]:
    """Return what the projection service reads of a segment, be it for candidates or for projections."""
    entities, links = segment.origin()
    return {
        "source_entities": entities,
        "links": links,
        "target_tokens": segment.tokens,
        "source_tokens": segment.origin_tokens(),
        "probabilities": segment.probabilities,
    }
