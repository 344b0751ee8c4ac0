"""Links by the cross-attention of the translation model: no encoder is needed."""

from collections.abc import Sequence

import numpy as np

from spanbridge_alignment.core.agreement import best_matches
from spanbridge_alignment.core.vectors import FloatArray
from spanbridge_shared.errors import InvalidAttention


def read_attention(rows: Sequence[Sequence[float]], n_source: int, n_target: int) -> FloatArray:
    """Return a pair's attention as a matrix, (n_source, n_target) in [0, 1]; raises `InvalidAttention`.

    >>> read_attention([[0.5, 0.25]], 1, 2).tolist()
    [[0.5, 0.25]]
    """
    wanted = f"it must be {n_source} by {n_target}: a row for each source token, a number for each target token"
    if len(rows) != n_source:
        raise InvalidAttention(f"attention has {len(rows):,} rows; {wanted}")
    for place, row in enumerate(rows):
        if len(row) != n_target:
            raise InvalidAttention(f"row {place} of attention has {len(row):,} numbers; {wanted}")
    found = np.array(rows, dtype=np.float32)
    if not ((found >= 0) & (found <= 1)).all():
        raise InvalidAttention("attention has numbers outside 0 to 1; send the softmax's own weights")
    return found


def attention_weights(attention: FloatArray, threshold: float, one_sided_weight: float) -> FloatArray:
    """Return link weights (n_source, n_target), 0 for no link, from attention (n_source, n_target) in [0, 1].

    A row is what the model looked at while it wrote one source word. A link weighs 1 where its attention is the most
    of its row and of its column, `one_sided_weight` where of one of them; below `threshold` there is none, nor where
    there is no attention at all. The intersection of both directions is that of SimAlign's argmax (Jalili Sabet et al.
    2020), over attention as in Garg et al. (2019).

    >>> attention_weights(np.float32([[0.75, 0.25], [0.5, 0.0625], [0, 0]]), 0.125, 0.5).tolist()
    [[1.0, 0.5], [0.5, 0.0], [0.0, 0.0]]
    """
    forward, backward = best_matches(attention)
    seen = (attention >= threshold) & (attention > 0)
    agreed = np.where(forward & backward, 1, np.where(forward | backward, one_sided_weight, 0))
    return np.where(seen, agreed, 0).astype(np.float32)
