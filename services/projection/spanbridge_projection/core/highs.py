"""The problem as a linear and as an integer programme, solved by HiGHS, for what is too large to enumerate.

A column per pair; a row per slot (one span at most covers it: the cliques of the interval graph) and one per entity.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spanbridge_projection.core.pairs import Pairs
from spanbridge_projection.core.sentence import Floats, Integers
from spanbridge_shared.errors import TextTooLong

if TYPE_CHECKING:
    import highspy

_SCALE = 1e4
"""HiGHS stops within 1e-6 of the optimum, whatever it is asked; scaled, that is 1e-10 of a score."""


class LinearOptimum(NamedTuple):
    """Shares of the pairs (P,) in [0, 1], and the prices of the entity rows (S,)."""

    shares: Floats
    prices: Floats


def solve_linear_programme(pairs: Pairs, capacity: Integers, *, time_limit_s: float) -> LinearOptimum | None:
    """Return an optimal vertex and its prices; None where there is none in time, which costs speed and nothing else."""
    solution = _solve(pairs, capacity, -pairs.score, integral=False, time_limit_s=time_limit_s)
    if solution is None:
        return None
    shares, duals = solution
    return LinearOptimum(shares, np.maximum(0.0, -duals[pairs.n_slots :]))


def solve_integer_programme(pairs: Pairs, capacity: Integers, *, time_limit_s: float) -> list[int]:
    """Return the indices of an optimal set of pairs.

    Raises `TextTooLong`, a fault of the one sentence, where no proof is found in time.
    """
    solution = _solve(pairs, capacity, -_SCALE * pairs.score, integral=True, time_limit_s=time_limit_s)
    if solution is None:
        raise TextTooLong(
            f"no proof of the optimum in {time_limit_s:g} s for {len(pairs):,} pairs of entity and span; "
            'use solver "greedy", or split the sentence'
        )
    taken: list[int] = np.flatnonzero(solution[0] > 0.5).tolist()
    return taken


def warm_up() -> None:
    """Import what the solvers need: it takes as long as thousands of sentences."""
    import highspy  # noqa: F401


def _solve(
    pairs: Pairs, capacity: Integers, cost: Floats, *, integral: bool, time_limit_s: float
) -> tuple[Floats, Floats] | None:
    """Return the columns' values and the rows' duals at the least cost; None where it isn't found in time."""
    import highspy  # Slow to load.

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("time_limit", time_limit_s)
    solver.passModel(_programme(pairs, capacity, cost, integral=integral))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution = solver.getSolution()
    return np.array(solution.col_value), np.array(solution.row_dual)


def _programme(pairs: Pairs, capacity: Integers, cost: Floats, *, integral: bool) -> "highspy.HighsLp":
    """Return the constraints column by column: each pair takes part in its slots' rows and in its entity's."""
    import highspy

    widths = pairs.last - pairs.first
    ends = np.cumsum(widths + 1)
    starts = np.concatenate(([0], ends))
    rows = np.empty(starts[-1], np.int64)
    rows[ends - 1] = pairs.n_slots + pairs.source
    within = np.ones(starts[-1], bool)
    within[ends - 1] = False
    rows[within] = (
        np.repeat(pairs.first, widths) + np.arange(widths.sum()) - np.repeat(np.cumsum(widths) - widths, widths)
    )
    limits = np.concatenate((np.ones(pairs.n_slots), capacity.astype(np.float64)))
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(pairs), len(limits)
    model.col_cost_ = cost.tolist()
    model.col_lower_, model.col_upper_ = np.zeros(len(pairs)), np.ones(len(pairs))
    model.row_lower_, model.row_upper_ = np.full(len(limits), -highspy.kHighsInf), limits
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = starts, rows
    model.a_matrix_.value_ = np.ones(len(rows))
    if integral:
        model.integrality_ = [highspy.HighsVarType.kInteger] * len(pairs)
    return model
