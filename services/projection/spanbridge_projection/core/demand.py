"""How often each entity is to be projected: the forms ≤, = and ≥ of n_proj, all brought to the form ≤."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spanbridge_projection.core.sentence import Floats, Integers
from spanbridge_shared.contracts.projection import ProjectionCount


@dataclass(frozen=True, slots=True)
class Demand:
    """The scores that may count, and what a projection is worth until its entity has enough.

    `scores` (S, T), 0 where a pair is never chosen for its score. `gains` (S, T) is what a pair is worth as one of the
    first `n_proj` of its entity, 0 where it may not be taken: the score plus `step`. `step` is 0 for ≤ and else more
    than any total of scores, so that one more projection that is wanted outweighs them. `open_ended`: an entity may
    have more than `n_proj`, worth their scores alone (≥).
    """

    scores: Floats
    gains: Floats
    n_proj: int
    step: float = 0.0
    open_ended: bool = False

    def among(self, sources: list[int]) -> "Demand":
        """Return the demand of some entities, renumbered from 0."""
        return Demand(self.scores[sources], self.gains[sources], self.n_proj, self.step, self.open_ended)

    def worth(self, picks: Sequence[tuple[int, int]]) -> float:
        """Return step · Σ_s min(projections of s, n_proj), plus the total score."""
        total = sum(float(self.scores[pick]) for pick in picks)
        if self.step:
            uses = np.bincount([source for source, _ in picks], minlength=len(self.scores))
            total += self.step * int(np.minimum(uses, self.n_proj).sum())
        return total

    @property
    def bound(self) -> float:
        """What no choice is worth more than: each entity's n_proj best, overlapping or not; infinite if open-ended."""
        if self.open_ended:
            return float("inf")
        if self.n_proj == 1:
            return float(self.gains.max(axis=1).sum())
        kept = min(self.n_proj, self.gains.shape[1])
        return float(np.partition(self.gains, -kept, axis=1)[:, -kept:].sum())


def demand(
    scores: Floats, spans: Integers, n_proj: int, form: ProjectionCount, *, min_score: float = 0.0, power: float = 1.0
) -> Demand:
    """Return what each pair of a matrix (S, T) with its spans (T, 2) is worth.

    What adds up is each score to `power`. With 1, as published, two entities that share a good span between them score
    more than one that has it all (2 · 2/3 against 1); with 2 they don't. The order of single pairs stays, so that the
    greedy solver's answer does.

    at_most: the published programme with ≤; pairs at or below `min_score` or 0 are never taken.

    exactly, at_least: the programme with = or ≥. Where spans are too few for it, it has no solution; then the total
    shortfall, Σ_s max(0, n_proj − projections of s), is the least possible and, among such choices, the total score is
    the largest (for n_proj = 1: as many entities as possible are projected). Any pair may be taken to meet the demand,
    at a score of 0 too, as published, unless `min_score` is above 0; as published, entities and spans that score with
    nothing are left out. What an entity has beyond `n_proj` (at_least) must score above `min_score` and 0.

    >>> found = demand(np.array([[0.5, 0.0], [0.4, 0.0]]), np.array([[0, 1], [1, 2]]), 1, ProjectionCount.EXACTLY)
    >>> found.step, found.gains.tolist()
    (2.0, [[2.5, 0.0], [2.4, 0.0]])
    """
    wanted = np.where(scores > max(min_score, 0.0), scores, 0.0)
    if power != 1.0:
        wanted = wanted**power
    if form is ProjectionCount.AT_MOST:
        return Demand(wanted, wanted, n_proj)
    allowed = wanted > 0
    if min_score == 0:
        allowed = np.outer(allowed.any(axis=1), allowed.any(axis=0))
    open_ended = form is ProjectionCount.AT_LEAST
    most = len(np.unique(spans[:, 0]))
    if not open_ended:
        most = min(most, n_proj * len(scores))
    # A power of two above any total: adding it costs the scores few of their last digits.
    step = 2.0 ** np.ceil(np.log2(most * float(wanted.max(initial=0.0)) + 1))
    return Demand(wanted, np.where(allowed, wanted + step, 0.0), n_proj, float(step), open_ended)
