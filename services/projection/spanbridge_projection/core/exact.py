"""The exact solver: a provably optimal projection, at the price of the greedy one wherever that is already optimal."""

import math

import numpy as np

from spanbridge_projection.core.greedy import Pick, greedy
from spanbridge_projection.core.highs import solve_integer_programme, solve_linear_programme
from spanbridge_projection.core.pairs import Pairs, components, pairs_of, undominated
from spanbridge_projection.core.relaxation import Relaxation, relax
from spanbridge_projection.core.sentence import Floats, Integers
from spanbridge_projection.core.states import search

TOLERANCE = 1e-11
"""A solution counts as better only by more than this."""
_SMALL = 4096
"""States times pairs up to which the linear programme costs more time than it saves."""
_WIDTH = 512
"""States a slot that the dynamic programme may hold before HiGHS takes over."""
_GAPS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 1.0)
"""How far below the bound, as a share of it, the optimum is looked for, one after the other."""
_TIME_LIMIT_S = 10.0


def exact(
    scores: Floats,
    spans: Integers,
    *,
    n_proj: int = 1,
    min_score: float = 0.0,
    width: int = _WIDTH,
) -> list[Pick]:
    """Return picks of the largest total score: each entity at most `n_proj` times, no two spans overlapping.

    `scores` (S, T), `spans` (T, 2); pairs at or below `min_score` or 0 are never taken. Where the greedy solution is
    optimal it is the answer, so both solvers break ties alike; otherwise the answer is deterministic. Returns picks by
    start. Raises `TextTooLong` in the extreme case that HiGHS finds no proof in time.

    1. Greedy, O(picks · S·T). Optimal, and done, where it meets Σ_s (the n_proj best scores of s).
    2. Entities that can't compete for a word are solved apart; those with equal rows become one of larger capacity;
       pairs with a better span inside theirs go.
    3. The linear programme, unless the rest is small: often its optimum is whole, hence optimal. Its prices are the
       multipliers that bound what a pair or a partial solution can be part of.
    4. A dynamic programme over slots and uses of entities, O(T·S·(n_proj + 1)^S) without bounds; here for an aim just
       below the bound, then lower, so that only states that may beat the aim live. The first aim that is beaten gives
       the optimum.
    5. HiGHS decides an aim for which a slot has more than `width` states.

    >>> exact(np.array([[0.9, 0.8], [0.8, 0.0]]), np.array([[0, 2], [2, 3]]))
    [Pick(source=1, candidate=0), Pick(source=0, candidate=1)]
    """
    picks = greedy(scores, spans, n_proj=n_proj, min_score=min_score)
    if not picks:
        return []
    positive = np.where(scores > max(min_score, 0.0), scores, 0.0)
    if _worth(positive, picks) >= _row_bound(positive, n_proj) - TOLERANCE:
        return picks
    answer: list[Pick] = []
    for group in components(pairs_of(positive, spans), len(positive)):
        mine = [Pick(group.index(pick.source), pick.candidate) for pick in picks if pick.source in group]
        solved = _solve(positive[group], spans, n_proj, mine, width)
        answer += [Pick(group[pick.source], pick.candidate) for pick in solved]
    return sorted(answer, key=lambda pick: int(spans[pick.candidate, 0]))


def _worth(scores: Floats, picks: list[Pick]) -> float:
    return sum(float(scores[pick]) for pick in picks)


def _row_bound(scores: Floats, n_proj: int) -> float:
    if n_proj == 1:
        return float(scores.max(axis=1).sum())
    kept = min(n_proj, scores.shape[1])
    return float(np.partition(scores, -kept, axis=1)[:, -kept:].sum())


def _solve(scores: Floats, spans: Integers, n_proj: int, picks: list[Pick], width: int) -> list[Pick]:
    """Return the optimum of one component: `picks`, the greedy solution, or a better one."""
    worth = _worth(scores, picks)
    if worth >= _row_bound(scores, n_proj) - TOLERANCE:
        return picks
    rows, group, counts = np.unique(scores, axis=0, return_inverse=True, return_counts=True)
    capacity = n_proj * counts.astype(np.int64)
    pairs = undominated(pairs_of(rows, spans), len(rows))
    better = _better(pairs, capacity, worth + TOLERANCE, width)
    return picks if better is None else _share_out(better, group.ravel(), n_proj)


def _better(pairs: Pairs, capacity: Integers, known: float, width: int) -> Pairs | None:
    """Return the best set of pairs if it is worth more than `known`, else None."""
    best: Pairs | None = None
    multipliers = np.zeros(len(capacity))
    gaps: tuple[float, ...] = (1.0,)
    if len(pairs) * math.prod((capacity + 1).tolist()) > _SMALL:
        gaps = _GAPS
        optimum = solve_linear_programme(pairs, capacity, time_limit_s=_TIME_LIMIT_S)
        if optimum is not None:
            multipliers = optimum.prices
            best, known = _whole(pairs, optimum.shares, known)
    relaxation = relax(pairs, capacity, multipliers)
    for gap in gaps:
        aim = max(known, relaxation.bound * (1 - gap))
        found = _above(pairs.where(relaxation.hopeful(pairs, aim)), capacity, relaxation, aim, width)
        if found is not None or aim == known:
            return best if found is None else found
    return best


def _above(pairs: Pairs, capacity: Integers, relaxation: Relaxation, aim: float, width: int) -> Pairs | None:
    """Return the best set of pairs if it is worth more than `aim`, else None."""
    best: Pairs | None = None
    for _ in range(2):
        outcome = search(pairs, capacity, relaxation, aim, width=width)
        if outcome.pairs is not None:
            best, aim = pairs.where(np.array(outcome.pairs)), outcome.value + TOLERANCE
        if outcome.proved:
            return best
        if outcome.pairs is None:
            break
        pairs = pairs.where(relaxation.hopeful(pairs, aim))
    if not len(pairs):
        return best
    last = pairs.where(np.array(solve_integer_programme(pairs, capacity, time_limit_s=_TIME_LIMIT_S), np.int64))
    return last if float(last.score.sum()) > aim else best


def _whole(pairs: Pairs, shares: Floats, known: float) -> tuple[Pairs | None, float]:
    """Return the pairs whose share is 1, which are a solution, and its worth, where it is more than `known`."""
    taken = pairs.where(shares > 1 - 1e-6)
    worth = float(taken.score.sum())
    return (taken, worth + TOLERANCE) if worth > known else (None, known)


def _share_out(pairs: Pairs, group: Integers, n_proj: int) -> list[Pick]:
    """Give each row's spans to the entities that share it: the earlier the span, the lower the index."""
    free = {int(row): np.repeat(np.flatnonzero(group == row), n_proj).tolist() for row in np.unique(pairs.source)}
    return [
        Pick(free[row].pop(0), column)
        for row, column in zip(pairs.source.tolist(), pairs.candidate.tolist(), strict=True)
    ]
