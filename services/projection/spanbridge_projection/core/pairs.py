"""Pairs of entity and span that may be part of an optimal projection, in coordinates that keep only what overlaps."""

from dataclasses import dataclass

import numpy as np

from spanbridge_projection.core.sentence import Booleans, Floats, Integers

_MAX_GRID = 4_000_000
"""Cells above which dominated pairs are left in: the table would cost more than it saves."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Parallel arrays (P,), sorted by `first`: entity row, candidate column, slots `[first, last)`, score above 0.

    Slot k begins where the k-th distinct start of any span does; a span's last slot ends at the first start that is not
    before its end. Spans overlap if and only if their slots do, and there are no more slots than starts.
    """

    source: Integers
    candidate: Integers
    first: Integers
    last: Integers
    score: Floats
    n_slots: int

    def __len__(self) -> int:
        return len(self.score)

    def where(self, keep: Booleans | Integers) -> "Pairs":
        """Return the pairs that an index or mask picks."""
        return Pairs(
            self.source[keep], self.candidate[keep], self.first[keep], self.last[keep], self.score[keep], self.n_slots
        )


def pairs_of(scores: Floats, spans: Integers) -> Pairs:
    """Return the pairs with a score above 0 of a matrix (S, T) and its spans (T, 2).

    >>> pairs_of(np.array([[0.5, 0.0, 0.7]]), np.array([[4, 6], [0, 9], [7, 8]])).last.tolist()
    [1, 2]
    """
    source, candidate = np.nonzero(scores)
    starts = spans[candidate, 0]
    slots = np.unique(starts)
    first, last = np.searchsorted(slots, starts), np.searchsorted(slots, spans[candidate, 1])
    found = Pairs(source, candidate, first, last, scores[source, candidate], len(slots))
    return found.where(np.lexsort((candidate, source, last, first)))


def components(pairs: Pairs, n_sources: int) -> list[list[int]]:
    """Group entities that may compete for a word; groups are independent problems. Entities without pairs are left out.

    >>> components(pairs_of(np.eye(3)[:2], np.array([[0, 2], [2, 3], [3, 4]])), 2)
    [[0], [1]]
    """
    covered = np.zeros((n_sources, pairs.n_slots + 1), np.int64)
    np.add.at(covered, (pairs.source, pairs.first), 1)
    np.add.at(covered, (pairs.source, pairs.last), -1)
    covers = (np.cumsum(covered, axis=1) > 0).astype(np.float32)
    neighbours = (covers @ covers.T) > 0
    left = set(np.unique(pairs.source).tolist())
    groups: list[list[int]] = []
    while left:
        group, edge = set(), {min(left)}
        while edge:
            group |= edge
            edge = set(np.flatnonzero(neighbours[list(edge)].any(axis=0)).tolist()) - group
        groups.append(sorted(group))
        left -= group
    return groups


def undominated(pairs: Pairs, n_sources: int) -> Pairs:
    """Drop each pair that has, for the same entity, a span inside its own that scores no less.

    The inner span overlaps only what the outer one does, so it may take its place in any solution. One table of the
    best score inside each range of slots decides: O(S · slots · longest span in slots).

    >>> undominated(pairs_of(np.array([[0.5, 0.6, 0.4]]), np.array([[0, 2], [0, 1], [1, 2]])), 1).candidate.tolist()
    [1, 2]
    """
    width = pairs.last - pairs.first
    longest = int(width.max())
    if (longest + 1) * n_sources * (pairs.n_slots + 1) > _MAX_GRID:
        return pairs
    best = np.zeros((longest + 1, n_sources, pairs.n_slots + 1))
    np.maximum.at(best, (width, pairs.source, pairs.first), pairs.score)
    inner = np.zeros_like(best)
    for each in range(2, longest + 1):
        np.maximum(best[each - 1, :, :-1], best[each - 1, :, 1:], out=inner[each, :, :-1])
        np.maximum(best[each], inner[each], out=best[each])
    place = (width, pairs.source, pairs.first)
    kept = pairs.where((pairs.score > inner[place]) & (pairs.score == best[place]))
    # Spans may share their slots: of equal pairs the first is as good as all.
    key = (kept.first * (pairs.n_slots + 1) + kept.last) * n_sources + kept.source
    _, once = np.unique(key, return_index=True)
    return kept.where(once)
