"""The heuristic projection: runs of aligned words (García-Ferrero et al. 2022, extended by Politov et al. 2025)."""

from collections.abc import Sequence

import numpy as np

from spanbridge_projection.core.sentence import Entity, link_weights
from spanbridge_shared.contracts.projection import HeuristicOptions
from spanbridge_shared.text.spans import Span, runs


def heuristic(
    entities: Sequence[Entity],
    links: Sequence[tuple[int, int, float]],
    n_target: int,
    options: HeuristicOptions,
) -> list[tuple[int, Span]]:
    """Return (entity index, target span) in order of the spans, none overlapping.

    Entities take their turn by source start, shorter first; a target word is aligned where any link of weight above 0
    reaches it. The runs that remain go longest first, of equal ones the earliest first. `only_first` gives an entity
    one label, on its first run that is still free; `max_runs` = 1 gives it none where its longest run is taken. A run
    counts the words that its merged gaps hold.

    >>> links = [(0, 0, 1.0), (1, 2, 1.0), (2, 4, 1.0)]
    >>> heuristic([Entity(Span(0, 2), "PER"), Entity(Span(2, 3), "LOC")], links, 5, HeuristicOptions())
    [(0, Span(start=0, end=3)), (1, Span(start=4, end=5))]
    """
    aligned = link_weights(entities, links, n_target) > 0
    taken = np.zeros(n_target, np.bool_)
    found: list[tuple[int, Span]] = []
    for index in sorted(range(len(entities)), key=lambda each: (entities[each].span, each)):
        words = len(entities[index].span)
        kept = [
            run
            for run in runs(np.flatnonzero(aligned[index]).tolist(), gap=options.max_gap)
            if len(run) / words > options.min_ratio
        ]
        kept.sort(key=lambda run: (-len(run), run.start))
        for run in kept[: options.max_runs]:
            if taken[run.start : run.end].any():
                continue
            taken[run.start : run.end] = True
            found.append((index, run))
            if options.only_first:
                break
    return sorted(found, key=lambda each: each[1])
