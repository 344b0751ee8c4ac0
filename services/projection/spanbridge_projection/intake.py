"""From the wire to the core: what a request and each of its sentences must be, checked before anything is computed."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from pydantic import ValidationError

from spanbridge_projection.core.merging import Proposed, Voice, Weights
from spanbridge_projection.core.scores import part_weights
from spanbridge_projection.core.sentence import Entity, Probabilities, Sentence
from spanbridge_shared.contracts.merging import MergeItem, MergeParameters
from spanbridge_shared.contracts.projection import (
    CandidateOptions,
    CandidatesItem,
    HeuristicOptions,
    ProjectionMethod,
    ProjectItem,
    ProjectRequest,
    Score,
)
from spanbridge_shared.errors import InvalidRequest, InvalidSource, UnknownOption
from spanbridge_shared.text.bio import spans_of
from spanbridge_shared.text.checks import MAX_TOKENS, check_tokens
from spanbridge_shared.text.spans import Span

MAX_END = 10_000_000
"""Largest offset of a proposal: as many characters as a request can hold."""
_OPTIONS: dict[ProjectionMethod, type[CandidateOptions] | type[HeuristicOptions]] = {
    ProjectionMethod.CANDIDATES: CandidateOptions,
    ProjectionMethod.HEURISTIC: HeuristicOptions,
}


def read_options(request: ProjectRequest) -> CandidateOptions | HeuristicOptions:
    """Return the method's options; raises `UnknownOption` for a name the method hasn't or a value that doesn't fit."""
    kind = _OPTIONS[request.method]
    unknown = [name for name in request.options if name not in kind.model_fields]
    if unknown:
        raise UnknownOption(
            f"method {request.method.value!r} has no option {unknown[0][:60]!r}; it has {', '.join(kind.model_fields)}"
        )
    try:
        options = kind.model_validate(request.options)
    except ValidationError as fault:
        first = fault.errors()[0]
        raise UnknownOption(f"option {first['loc'][0]!r} of method {request.method.value!r}: {first['msg']}") from fault
    check_options(options)
    return options


def check_options(options: CandidateOptions | HeuristicOptions) -> None:
    """Raise `UnknownOption` where single options fit but not together."""
    if isinstance(options, CandidateOptions) and not part_weights(options):
        weights = [name for name in CandidateOptions.model_fields if name.startswith("weight_")]
        raise UnknownOption(f"score {Score.FUSED.value!r} needs a weight above 0: one of {', '.join(weights)}")


def check_labels(labels: Sequence[str] | None, items: Sequence[CandidatesItem]) -> None:
    """Raise `InvalidRequest` where probabilities have no labels, or the labels aren't distinct IOB2 tags."""
    if labels is None:
        if any(item.probabilities is not None for item in items):
            raise InvalidRequest('sentences have probabilities; send "probability_labels", one label per column')
        return
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice or not labels:
        raise InvalidRequest(f"probability_labels: {f'{twice[0]!r} is there twice' if twice else 'the list is empty'}")
    try:
        spans_of(labels)
    except ValueError as fault:
        raise InvalidRequest(f"probability_labels: {fault}") from fault


def read_sentence(item: CandidatesItem, labels: Sequence[str] | None) -> Sentence:
    """Return the sentence; raises `SentenceError`: the one sentence's fault."""
    check_tokens(item.target_tokens)
    n_target = len(item.target_tokens)
    entities = tuple(
        Entity(Span(entity.start, entity.end), entity.label, entity.score) for entity in item.source_entities
    )
    _check_entities(entities)
    _check_links(item.links, n_target)
    given = item.candidates if isinstance(item, ProjectItem) else None
    _check_spans(given or (), n_target)
    return Sentence(
        entities=entities,
        links=item.links,
        target=tuple(item.target_tokens),
        probabilities=_probabilities(item.probabilities, labels, n_target),
        given_spans=None if given is None else tuple(given),
        nmt=item.nmt_scores if isinstance(item, ProjectItem) else None,
        source=_source(item),
    )


def _source(item: CandidatesItem) -> tuple[str, ...] | None:
    """Return the source tokens if there are any, and as many as entities and links need."""
    if item.source_tokens is None:
        return None
    needed = max(
        [entity.end for entity in item.source_entities] + [source + 1 for source, _, _ in item.links], default=0
    )
    if len(item.source_tokens) < needed:
        raise InvalidSource(
            f"source_tokens has {len(item.source_tokens):,} tokens; its entities and links go up to token {needed - 1}"
        )
    return tuple(item.source_tokens)


def _check_entities(entities: Sequence[Entity]) -> None:
    for position, entity in enumerate(entities):
        start, end = entity.span
        if not start < end <= MAX_TOKENS:
            raise InvalidSource(
                f"source entity {position} is [{_told(start)}, {_told(end)}); its end must be above its start and at "
                f"most {MAX_TOKENS:,}"
            )


def _check_links(links: Sequence[tuple[int, int, float]], n_target: int) -> None:
    for position, (source, target, weight) in enumerate(links):
        if target >= n_target or source >= MAX_TOKENS:
            raise InvalidSource(
                f"link {position} joins source token {_told(source)} with target token {_told(target)}; there are "
                f"{n_target} target tokens, counted from 0, and at most {MAX_TOKENS:,} source tokens"
            )
        if weight > 1:
            raise InvalidSource(f"link {position} has the weight {weight:g}; weights lie in [0, 1]")


def _check_spans(spans: Sequence[tuple[int, int]], n_target: int) -> None:
    for position, (start, end) in enumerate(spans):
        if not start < end <= n_target:
            raise InvalidSource(
                f"candidate {position} is [{_told(start)}, {_told(end)}); its end must be above its start and at most "
                f"{n_target}, the number of target tokens"
            )


def _probabilities(
    rows: Sequence[Sequence[float]] | None, labels: Sequence[str] | None, n_target: int
) -> Probabilities | None:
    if rows is None or labels is None:
        return None
    widths = {len(row) for row in rows}
    if len(rows) != n_target or widths != {len(labels)}:
        raise InvalidSource(
            f"probabilities have {len(rows)} rows of {', '.join(map(str, sorted(widths))) or 'no'} columns; "
            f"{n_target} rows (target tokens) of {len(labels)} columns (probability_labels) are needed"
        )
    table = np.array(rows, np.float64)
    if table.min() < 0 or table.max() > 1:
        raise InvalidSource("probabilities must lie in [0, 1]")
    return Probabilities(tuple(labels), table)


def read_weights(parameters: MergeParameters) -> Weights:
    """Return the model that proposals are merged by."""
    voices = {name: Voice(each.weight, each.present, each.absent) for name, each in parameters.members.items()}
    return Weights(parameters.bias, tuple(voices.items()), parameters.threshold)


def read_proposals(item: MergeItem, members: Collection[str]) -> list[Proposed]:
    """Return a sentence's proposals; raises `InvalidSource`: the one sentence's fault."""
    found: dict[tuple[int, int, str], Proposed] = {}
    for position, each in enumerate(item.proposals):
        place = each.start, each.end, each.label
        if not each.start < each.end <= MAX_END:
            raise InvalidSource(
                f"proposal {position} is [{_told(each.start)}, {_told(each.end)}); its end must be above its start and "
                f"at most {MAX_END:,}"
            )
        if place in found:
            raise InvalidSource(f"proposal {position} is there twice; send it once, with all its members' scores")
        if strange := [name for name in each.scores if name not in members]:
            raise InvalidSource(
                f"proposal {position} has a score of {strange[0]!r}, which is no member; they are {', '.join(members)}"
            )
        found[place] = Proposed(Span(each.start, each.end), each.label, each.scores)
    return list(found.values())


def _told(number: int) -> str:
    """Return a number for a message; an integer may be thousands of digits long."""
    return str(number) if number < 10**9 else "over 999,999,999"
