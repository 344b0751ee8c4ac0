"""The greedy solver: the best pair first, then the best of what is left."""

from typing import NamedTuple

import numpy as np

from spanbridge_projection.core.demand import Demand, demand
from spanbridge_projection.core.sentence import Floats, Integers
from spanbridge_shared.contracts.projection import ProjectionCount


class Pick(NamedTuple):
    """A projection: indices of the source entity (row) and of the candidate (column)."""

    source: int
    candidate: int


def greedy(
    scores: Floats,
    spans: Integers,
    *,
    n_proj: int = 1,
    form: ProjectionCount = ProjectionCount.AT_MOST,
    min_score: float = 0.0,
    power: float = 1.0,
) -> list[Pick]:
    """Take the pair that is worth most (`demand` says what each is worth), drop what it excludes, repeat.

    `scores` (S, T), `spans` (T, 2). A pick excludes its column and all that overlap it and, once an entity has `n_proj`
    picks, its row; with at_least the row stays, but entities that have fewer go first. With exactly and at_least an
    entity may end up with fewer than there is room for: nothing is taken back. Of pairs worth the same the earlier
    start wins, then the shorter span, the lower source index, the lower candidate index. Returns picks by start.
    O(picks · S·T).

    >>> greedy(np.array([[0.9, 0.5], [0.8, 0.0]]), np.array([[0, 2], [2, 3]]))
    [Pick(source=0, candidate=0)]
    """
    if not scores.size:
        return []
    return take(demand(scores, spans, n_proj, form, min_score=min_score, power=power), spans)


def take(wanted: Demand, spans: Integers) -> list[Pick]:
    """Return the greedy picks for a demand (S, T) and its spans (T, 2), by start."""
    order = np.lexsort((spans[:, 1], spans[:, 0]))
    starts, ends = spans[order, 0], spans[order, 1]
    # (T, S) in the order of the tie rule: the first of several maxima is then the one to take.
    left = wanted.gains.T[order]
    span_ranks = np.cumsum((np.diff(starts, prepend=-1) != 0) | (np.diff(ends, prepend=-1) != 0))
    uses = [0] * len(wanted.gains)
    picks: list[Pick] = []
    while True:
        column, source = divmod(int(left.argmax()), len(uses))
        if left[column, source] <= 0:
            return sorted(picks, key=lambda pick: int(spans[pick.candidate, 0]))
        twins = int(np.searchsorted(span_ranks, span_ranks[column], side="right"))
        if twins > column + 1:
            # Candidates may be the same span: among them the source decides before the candidate.
            rows, sources = np.nonzero(left[column:twins] == left[column, source])
            first = int(np.lexsort((rows, sources))[0])
            column, source = column + int(rows[first]), int(sources[first])
        picks.append(Pick(source, int(order[column])))
        uses[source] += 1
        left[(starts < ends[column]) & (ends > starts[column])] = 0.0
        if uses[source] == wanted.n_proj:
            left[:, source] = np.minimum(left[:, source], wanted.scores[source, order]) if wanted.open_ended else 0.0
