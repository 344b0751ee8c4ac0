"""The problem as a linear and as an integer programme, solved by HiGHS (scipy), for what is too large to enumerate.

A column per pair; a row per slot (one span at most covers it: the cliques of the interval graph) and one per entity.
"""

from typing import NamedTuple

import numpy as np

from spanbridge_projection.core.pairs import Pairs
from spanbridge_projection.core.sentence import Floats, Integers
from spanbridge_shared.errors import TextTooLong

_SCALE = 1e4
"""HiGHS stops within 1e-6 of the optimum, whatever it is asked; scaled, that is 1e-10 of a score."""


class LinearOptimum(NamedTuple):
    """Shares of the pairs (P,) in [0, 1], and the prices of the entity rows (S,)."""

    shares: Floats
    prices: Floats


def solve_linear_programme(pairs: Pairs, capacity: Integers, *, time_limit_s: float) -> LinearOptimum | None:
    """Return an optimal vertex and its prices; None where there is none in time, which costs speed and nothing else."""
    from scipy.optimize import linprog  # Slow to load.
    from scipy.sparse import csr_array

    cells, limits = _programme(pairs, capacity)
    matrix = csr_array(cells, shape=(len(limits), len(pairs)))
    # The stubs know no sparse A_ub.
    result = linprog(  # type: ignore[call-overload]
        -pairs.score, A_ub=matrix, b_ub=limits, method="highs-ds", options={"time_limit": time_limit_s}
    )
    if result.status != 0:
        return None
    return LinearOptimum(result.x, np.maximum(0.0, -result.ineqlin.marginals[pairs.n_slots :]))


def solve_integer_programme(pairs: Pairs, capacity: Integers, *, time_limit_s: float) -> list[int]:
    """Return the indices of an optimal set of pairs.

    Raises `TextTooLong`, a fault of the one sentence, where no proof is found in time.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # Slow to load.
    from scipy.sparse import csr_array

    cells, limits = _programme(pairs, capacity)
    matrix = csr_array(cells, shape=(len(limits), len(pairs)))
    result = milp(
        -_SCALE * pairs.score,
        constraints=LinearConstraint(matrix, ub=limits),
        integrality=np.ones(len(pairs), np.int64),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0, "time_limit": time_limit_s},
    )
    if result.status != 0:
        raise TextTooLong(
            f"no proof of the optimum in {time_limit_s:g} s for {len(pairs):,} pairs of entity and span; "
            'use solver "greedy", or split the sentence'
        )
    taken: list[int] = np.flatnonzero(result.x > 0.5).tolist()
    return taken


def warm_up() -> None:
    """Import what the solvers need: it takes as long as thousands of sentences."""
    import scipy.optimize
    import scipy.sparse  # noqa: F401


def _programme(pairs: Pairs, capacity: Integers) -> tuple[tuple[Floats, tuple[Integers, Integers]], Floats]:
    """Return the cells (value, (row, column)) of the constraints and the rows' upper limits."""
    columns = np.arange(len(pairs))
    widths = pairs.last - pairs.first
    steps = np.arange(widths.sum()) - np.repeat(np.cumsum(widths) - widths, widths)
    rows = np.concatenate((np.repeat(pairs.first, widths) + steps, pairs.n_slots + pairs.source))
    cells = (np.ones(len(rows)), (rows, np.concatenate((np.repeat(columns, widths), columns))))
    return cells, np.concatenate((np.ones(pairs.n_slots), capacity))
