"""The heuristic projection: runs of aligned words (García-Ferrero et al. 2022, extended by Politov et al. 2025)."""

from collections.abc import Sequence

import numpy as np

from spanbridge_projection.core.sentence import Booleans, Entity, link_weights
from spanbridge_shared.contracts.projection import HeuristicOptions
from spanbridge_shared.text.spans import Span, runs


def heuristic(
    entities: Sequence[Entity],
    links: Sequence[tuple[int, int, float]],
    n_target: int,
    options: HeuristicOptions,
) -> list[tuple[int, Span]]:
    """Return (entity index, target span) in order of the spans, none overlapping.

    Shorter entities take their turn first, of equal ones the earlier, as published. A target word is aligned where any
    link of weight above 0 reaches it. An entity's runs of aligned words merge from left to right over gaps of at most
    `max_gap` words, which then count as part of the run; with `only_i` none merges that starts at a word aligned with
    the entity's first word, for there another mention may begin. Runs must exceed `min_ratio`; of the others the
    `max_runs` longest stay, of equal ones the earliest. Those that overlap a label are skipped, so an entity whose
    longest run is taken has no label if `max_runs` is 1.

    >>> links = [(0, 0, 1.0), (1, 2, 1.0), (2, 4, 1.0)]
    >>> heuristic([Entity(Span(0, 2), "PER"), Entity(Span(2, 3), "LOC")], links, 5, HeuristicOptions())
    [(0, Span(start=0, end=3)), (1, Span(start=4, end=5))]
    """
    aligned = link_weights(entities, links, n_target) > 0
    firsts = [entity._replace(span=Span(entity.span.start, entity.span.start + 1)) for entity in entities]
    barred = link_weights(firsts, links, n_target) > 0 if options.only_i else np.zeros_like(aligned)
    taken = np.zeros(n_target, np.bool_)
    found: list[tuple[int, Span]] = []
    for index in sorted(range(len(entities)), key=lambda each: (len(entities[each].span), entities[each].span, each)):
        words = len(entities[index].span)
        kept = [
            run
            for run in _merged(runs(np.flatnonzero(aligned[index]).tolist()), barred[index], options.max_gap)
            if len(run) / words > options.min_ratio
        ]
        kept.sort(key=lambda run: (-len(run), run.start))
        for run in kept[: options.max_runs]:
            if taken[run.start : run.end].any():
                continue
            taken[run.start : run.end] = True
            found.append((index, run))
    return sorted(found, key=lambda each: each[1])


def _merged(found: Sequence[Span], barred: Booleans, max_gap: int) -> list[Span]:
    """Join runs over gaps; `barred` (n_target,) says at which words no run may start that joins the one before."""
    merged: list[Span] = []
    for run in found:
        if merged and run.start - merged[-1].end <= max_gap and not barred[run.start]:
            merged[-1] = Span(merged[-1].start, run.end)
        else:
            merged.append(run)
    return merged
