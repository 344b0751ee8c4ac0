"""The exact solver: a provably optimal projection, at the price of the greedy one wherever that is already optimal."""

import math

import numpy as np

from spanbridge_projection.core.demand import Demand, demand
from spanbridge_projection.core.greedy import Pick, take
from spanbridge_projection.core.highs import solve_integer_programme, solve_linear_programme
from spanbridge_projection.core.pairs import Pairs, components, pairs_of, undominated
from spanbridge_projection.core.relaxation import Relaxation, relax
from spanbridge_projection.core.sentence import Floats, Integers
from spanbridge_projection.core.states import search
from spanbridge_shared.contracts.projection import ProjectionCount

TOLERANCE = 1e-11
"""A solution counts as better only by more than this."""
_SMALL = 4096
"""States times pairs up to which the linear programme costs more time than it saves."""
_WIDTH = 512
"""States a slot that the dynamic programme may hold before HiGHS takes over."""
_GAPS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, math.inf)
"""How far below the bound, as a share of the best scores, the optimum is looked for, one after the other."""
_TIME_LIMIT_S = 10.0


def exact(
    scores: Floats,
    spans: Integers,
    *,
    n_proj: int = 1,
    form: ProjectionCount = ProjectionCount.AT_MOST,
    min_score: float = 0.0,
    power: float = 1.0,
    width: int = _WIDTH,
) -> list[Pick]:
    """Return picks of the largest total worth, no two spans overlapping; `demand` says what a pair is worth.

    `scores` (S, T), `spans` (T, 2). With at_most the total is the sum of scores, each to `power`, of at most `n_proj`
    picks an entity; with exactly and at_least the least shortfall of n_proj comes first. Where the greedy solution is
    optimal it is the answer, so both solvers break ties alike; otherwise the answer is deterministic. Returns picks by
    start. Raises `TextTooLong` in the extreme case that HiGHS finds no proof in time.

    1. Greedy, O(picks · S·T). Optimal, and done, where it meets Σ_s (what the n_proj best pairs of s are worth).
    2. Entities that can't compete for a word are solved apart; those with equal rows become one of larger capacity;
       pairs with a better span inside theirs go. at_least adds one row without limit for all that is beyond n_proj.
    3. The linear programme, unless the rest is small: often its optimum is whole, hence optimal. Its prices are the
       multipliers that bound what a pair or a partial solution can be part of.
    4. A dynamic programme over slots and uses of entities, O(T·S·(n_proj + 1)^S) without bounds in every form; here for
       an aim just below the bound, then lower, so that only states that may beat the aim live. The first aim that is
       beaten gives the optimum.
    5. HiGHS decides an aim for which a slot has more than `width` states.

    >>> exact(np.array([[0.9, 0.8], [0.8, 0.0]]), np.array([[0, 2], [2, 3]]))
    [Pick(source=1, candidate=0), Pick(source=0, candidate=1)]
    """
    if not scores.size:
        return []
    wanted = demand(scores, spans, n_proj, form, min_score=min_score, power=power)
    picks = take(wanted, spans)
    if not picks or wanted.worth(picks) >= wanted.bound - TOLERANCE:
        return picks
    answer: list[Pick] = []
    for group in components(pairs_of(wanted.gains, spans), len(scores)):
        mine = [Pick(group.index(pick.source), pick.candidate) for pick in picks if pick.source in group]
        solved = _solve(wanted.among(group), spans, mine, width)
        answer += [Pick(group[pick.source], pick.candidate) for pick in solved]
    return sorted(answer, key=lambda pick: int(spans[pick.candidate, 0]))


def _solve(wanted: Demand, spans: Integers, picks: list[Pick], width: int) -> list[Pick]:
    """Return the optimum of one component: `picks`, the greedy solution, or a better one."""
    worth = wanted.worth(picks)
    if worth >= wanted.bound - TOLERANCE:
        return picks
    rows, group, counts = np.unique(wanted.gains, axis=0, return_inverse=True, return_counts=True)
    capacity = wanted.n_proj * counts.astype(np.int64)
    if wanted.open_ended:
        # Beyond its n_proj nothing limits an entity, so one row stands for all: on a span, whoever scores most has it.
        rows, capacity = np.vstack((rows, wanted.scores.max(axis=0))), np.append(capacity, len(spans))
    pairs = undominated(pairs_of(rows, spans), len(rows))
    scale = float(wanted.scores.max(axis=1).sum())
    better = _better(pairs, np.minimum(capacity, pairs.n_slots), worth + TOLERANCE, scale, width)
    return picks if better is None else _share_out(better, group.ravel(), wanted)


def _better(pairs: Pairs, capacity: Integers, known: float, scale: float, width: int) -> Pairs | None:
    """Return the best set of pairs if it is worth more than `known`, else None; `scale` is what a gap is a share of."""
    best: Pairs | None = None
    multipliers = np.zeros(len(capacity))
    gaps: tuple[float, ...] = (math.inf,)
    # A row that may have every slot has no limit: nothing to count, nothing to pay.
    limited = capacity < pairs.n_slots
    if len(pairs) * math.prod((capacity[limited] + 1).tolist()) > _SMALL:
        gaps = _GAPS
        optimum = solve_linear_programme(pairs, capacity, time_limit_s=_TIME_LIMIT_S)
        if optimum is not None:
            multipliers = np.where(limited, optimum.prices, 0.0)
            best, known = _whole(pairs, optimum.shares, known)
    relaxation = relax(pairs, capacity, multipliers)
    for gap in gaps:
        aim = max(known, relaxation.bound - gap * scale)
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


def _share_out(pairs: Pairs, group: Integers, wanted: Demand) -> list[Pick]:
    """Give each row's spans to the entities that share it: the earlier the span, the lower the index.

    A row beyond theirs is the open-ended one.
    """
    free = {row: np.repeat(np.flatnonzero(group == row), wanted.n_proj).tolist() for row in range(group.max() + 1)}
    return [
        Pick(free[row].pop(0) if row in free else int(wanted.scores[:, column].argmax()), column)
        for row, column in zip(pairs.source.tolist(), pairs.candidate.tolist(), strict=True)
    ]
