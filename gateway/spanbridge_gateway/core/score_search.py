"""Which scores to ask for next, so that few are asked for and the projection is the one that all of them would give.

The projection by what scores are *at most* is the one by the scores themselves as soon as all its pairs are exact. For
the exact solver: its total is the true one, and no other choice has a larger total even by its bounds. For the greedy
one: what it takes first is exact and no less than any bound, so no true score is larger; and so on for what is left.
Pairs that were never asked for may then count as zero: that changes no total but those of other choices, downwards.
All of this holds for whatever is added to the scores, but not where pairs of score 0 may be forced (n_proj_form exactly
and at_least): there every score says what may be chosen.

It does not say in which order to ask; that is what this module chooses. For that it guesses the other parts of a score.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


def rivals(at_most: Floats, exact: Booleans, hints: Floats, *, n_proj: int, width: int, least: float = 0.0) -> Booleans:
    """Return (S, T): of each entity's bounds above its `n_proj`-th best exact score and `least` the first `width`.

    Where no two entities want the same words, these are the pairs that could still be chosen. Highest sums of bound and
    hint come first: the sooner a good score is known, the fewer have to be.

    >>> bounds, exact = np.array([[0.9, 0.7, 0.4, 0.8]]), np.array([[False, True, True, False]])
    >>> rivals(bounds, exact, np.array([[0.0, 0.0, 0.0, 1.0]]), n_proj=1, width=1).tolist()
    [[False, False, False, True]]
    """
    known = np.sort(np.where(exact, at_most, 0.0), axis=1)
    reached = known[:, [-n_proj]] if n_proj <= known.shape[1] else np.zeros((len(known), 1))
    return _highest(np.where(~exact & (at_most > np.maximum(reached, least)), at_most + hints, -np.inf), width)


def successors(at_most: Floats, exact: Booleans, picks: Iterable[tuple[int, int]], *, width: int) -> Booleans:
    """Return (S, T): each pick that isn't exact, and what comes next for its entity by the bounds, `width` in all.

    >>> exact = np.array([[False, False, False, True]])
    >>> successors(np.array([[0.9, 0.7, 0.4, 0.6]]), exact, [(0, 1)], width=2).tolist()
    [[False, True, True, False]]
    """
    chosen = np.zeros(at_most.shape, np.bool_)
    for source, candidate in picks:
        if not exact[source, candidate]:
            row = np.where(~exact[source] & (at_most[source] <= at_most[source, candidate]), at_most[source], -np.inf)
            chosen[source] |= _highest(row[None], width)[0]
            chosen[source, candidate] = True
    return chosen


def _highest(values: Floats, width: int) -> Booleans:
    """Return which values of each row are among its `width` highest; of equal ones all, -inf never."""
    if width >= values.shape[1]:
        return values > -np.inf
    least = np.partition(values, -width, axis=1)[:, [-width]]
    found: Booleans = (values >= least) & (values > -np.inf)
    return found


def align_shares(
    entities: Sequence[tuple[int, int]],
    links: Sequence[tuple[int, int, float]],
    spans: Sequence[tuple[int, int]],
    n_target: int,
) -> Floats:
    """Return (S, T): 2·(weight of the links from s into t) / (|s| + |t|), for the order of asking alone.

    >>> align_shares([(0, 2)], [(0, 0, 1.0), (1, 1, 1.0)], [(0, 1), (0, 2)], 2).round(3).tolist()
    [[0.667, 1.0]]
    """
    weights = np.zeros((len(entities), n_target + 1))
    for source, target, weight in links:
        for row, (start, end) in enumerate(entities):
            if start <= source < end:
                weights[row, target + 1] += weight
    sums = np.cumsum(weights, axis=1)
    places = np.array(spans, np.int64).reshape(-1, 2)
    lengths = np.array([end - start for start, end in entities])[:, None] + (places[:, 1] - places[:, 0])
    shares: Floats = 2 * (sums[:, places[:, 1]] - sums[:, places[:, 0]]) / lengths
    return shares


def label_shares(
    labels: Sequence[str],
    probabilities: Sequence[Sequence[float]],
    classes: Sequence[str],
    spans: Sequence[tuple[int, int]],
) -> Floats:
    """Return (n_classes, T): the mean probability of B-l, I-l … I-l over a span's words, for the order of asking alone.

    `probabilities` (n_target, n_labels), `labels` its columns.

    >>> label_shares(["O", "B-PER", "I-PER"], [[0.1, 0.8, 0.1], [0.2, 0.2, 0.6]], ["PER"], [(0, 1), (0, 2)]).tolist()
    [[0.8, 0.7]]
    """
    columns = {label: place for place, label in enumerate(labels)}
    rows = np.array(probabilities, np.float64).reshape(-1, len(labels))
    padded = np.concatenate((rows, np.zeros((len(rows), 1))), axis=1)
    begin, inside = (padded[:, [columns.get(f"{tag}-{name}", -1) for name in classes]].T for tag in "BI")
    sums = np.cumsum(np.pad(inside, ((0, 0), (1, 0))), axis=1)
    starts, ends = np.array(spans, np.int64).reshape(-1, 2).T
    shares: Floats = (begin[:, starts] + sums[:, ends] - sums[:, starts + 1]) / (ends - starts)
    return shares
