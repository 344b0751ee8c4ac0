"""Upper bounds: the problem without its limit on each entity's uses, which multipliers then pay for.

Without that limit the best set of disjoint spans is found by a dynamic programme over slots. A multiplier u[s] ≥ 0 is
what a use of entity s costs, and Σ capacity[s]·u[s] is paid back: the relaxed optimum is an upper bound for every u.
The best u are the linear programme's prices of the entity rows (Lagrangian duality; interval matrices are totally
unimodular), and since the bound is computed here from u, it holds whatever the precision of those prices.
"""

from dataclasses import dataclass

import numpy as np

from spanbridge_projection.core.pairs import Pairs
from spanbridge_projection.core.sentence import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Multipliers u (S,), relaxed optima (n_slots + 1,) of what lies before and after each slot, and Σ capacity·u."""

    multipliers: Floats
    behind: Floats
    ahead: Floats
    refund: float

    @property
    def bound(self) -> float:
        """What no solution is worth more than."""
        return float(self.ahead[0]) + self.refund

    def hopeful(self, pairs: Pairs, known: float) -> Booleans:
        """Say of each pair whether a solution that holds it may be worth more than `known` (P,)."""
        reduced = pairs.score - self.multipliers[pairs.source]
        through: Booleans = self.behind[pairs.first] + reduced + self.ahead[pairs.last] + self.refund > known
        return through


def relax(pairs: Pairs, capacity: Integers, multipliers: Floats) -> Relaxation:
    """Return the relaxed optima under multipliers (S,); O(P). `capacity` (S,) is how often an entity may be used.

    >>> from spanbridge_projection.core.pairs import pairs_of
    >>> pairs = pairs_of(np.array([[0.9, 0.8]]), np.array([[0, 1], [1, 2]]))
    >>> relaxed = relax(pairs, np.array([1]), np.array([0.8]))
    >>> round(relaxed.bound, 6)
    0.9
    """
    changed = np.ones(len(pairs), np.bool_)
    changed[1:] = (np.diff(pairs.first) != 0) | (np.diff(pairs.last) != 0)
    begins = np.flatnonzero(changed)
    worth = np.maximum.reduceat(pairs.score - multipliers[pairs.source], begins).tolist()
    spans = list(zip(pairs.first[begins].tolist(), pairs.last[begins].tolist(), worth, strict=True))
    return Relaxation(
        multipliers,
        np.array(_behind(spans, pairs.n_slots)),
        np.array(_ahead(spans, pairs.n_slots)),
        float(capacity @ multipliers),
    )


def _ahead(spans: list[tuple[int, int, float]], n_slots: int) -> list[float]:
    best = [0.0] * (n_slots + 1)
    slot = n_slots
    for first, last, worth in reversed(spans):
        while slot > first:
            slot -= 1
            best[slot] = best[slot + 1]
        best[first] = max(best[first], worth + best[last])
    # Pairs that went may have been the only ones of the first slots.
    best[:slot] = [best[slot]] * slot
    return best


def _behind(spans: list[tuple[int, int, float]], n_slots: int) -> list[float]:
    best = [0.0] * (n_slots + 1)
    slot = 0
    for first, last, worth in spans:
        while slot < first:
            slot += 1
            best[slot] = max(best[slot], best[slot - 1])
        best[last] = max(best[last], best[first] + worth)
    while slot < n_slots:
        slot += 1
        best[slot] = max(best[slot], best[slot - 1])
    return best
