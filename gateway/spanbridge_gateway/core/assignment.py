"""Linear assignment of small matrices, in plain Python: the gateway needs it for a few names at a time."""

from collections.abc import Sequence

_INFINITY = float("inf")


def best_assignment(weights: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Return the (row, column) pairs, in order of the rows, whose weights have the greatest sum.

    Every row and column is used at most once, and pairs of weight 0 are left out; weights are not negative. The
    Hungarian method with potentials (Kuhn 1955, Munkres 1957): O(rows²·columns) time.

    >>> best_assignment([[0.9, 0.8], [0.8, 0.0]])
    [(0, 1), (1, 0)]
    """
    if not weights or not weights[0]:
        return []
    if len(weights) > len(weights[0]):
        turned = best_assignment(list(zip(*weights, strict=True)))
        return sorted((row, column) for column, row in turned)
    columns = _Columns(weights)
    for row in range(len(weights)):
        columns.add(row)
    found = [(row, column) for column, row in enumerate(columns.rows) if row is not None]
    return sorted((row, column) for row, column in found if weights[row][column] > 0)


class _Columns:
    """The columns of an assignment that grows by a row at a time; `rows` holds each column's row, or None."""

    def __init__(self, weights: Sequence[Sequence[float]]) -> None:
        self._weights = weights
        self._n = len(weights[0])
        self._of_rows = [0.0] * len(weights)
        self._of_columns = [0.0] * self._n
        self.rows: list[int | None] = [None] * self._n

    def add(self, row: int) -> None:
        """Give a row a column, by the cheapest path of exchanges (cost is minus weight)."""
        slack = [_INFINITY] * self._n
        before: list[int | None] = [None] * self._n
        seen: list[int] = []
        open_ = set(range(self._n))
        here: int | None = None
        at: int | None = row
        while at is not None:
            if here is not None:
                open_.discard(here)
                seen.append(here)
            for column in open_:
                reduced = -self._weights[at][column] - self._of_rows[at] - self._of_columns[column]
                if reduced < slack[column]:
                    slack[column], before[column] = reduced, here
            nearest = min(open_, key=lambda column: (slack[column], column))
            self._shift(row, seen, open_, slack, slack[nearest])
            here, at = nearest, self.rows[nearest]
        self._exchange(row, here, before)

    def _shift(self, row: int, seen: Sequence[int], open_: set[int], slack: list[float], by: float) -> None:
        self._of_rows[row] += by
        for column in seen:
            taken = self.rows[column]
            if taken is not None:
                self._of_rows[taken] += by
            self._of_columns[column] -= by
        for column in open_:
            slack[column] -= by

    def _exchange(self, row: int, column: int | None, before: Sequence[int | None]) -> None:
        while column is not None:
            previous = before[column]
            self.rows[column] = row if previous is None else self.rows[previous]
            column = previous
