"""Links as a matching: each word has at most one, and the sum of their similarities is the largest possible."""

import lap
import numpy as np

from spanbridge_alignment.core.agreement import best_matches
from spanbridge_alignment.core.vectors import FloatArray


def match_weights(similarity: FloatArray) -> FloatArray:
    """Return link weights (n_source, n_target), 0 for no link.

    A maximum weight bipartite matching: pairs of negative similarity would only lower its weight, so they stay
    unlinked. A link that both words would propose themselves weighs 1, any other its similarity.

    >>> match_weights(np.float32([[0.75, 0.5], [0.5, 0.125]])).tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """
    gains = np.maximum(similarity, 0)
    _, columns, _ = lap.lapjv(-gains.astype(np.float64), extend_cost=True)
    rows = np.flatnonzero(columns >= 0)
    chosen = rows, columns[rows]
    forward, backward = best_matches(similarity)
    sure = (forward & backward)[chosen] & (gains[chosen] > 0)
    weights = np.zeros_like(similarity)
    weights[chosen] = np.where(sure, 1, gains[chosen])
    return weights
