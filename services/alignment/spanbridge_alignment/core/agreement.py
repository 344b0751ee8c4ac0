"""Links that rest on each word's best match: `argmax`, and `itermax` of SimAlign (Jalili Sabet et al. 2020)."""

import numpy as np

from spanbridge_alignment.core.vectors import BoolArray, FloatArray

_MIN_WORDS = 3  # SimAlign runs further rounds only where both sides have more than two words.


def best_matches(similarity: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Say which links (n_source, n_target) each source word proposes, and which each target word; ties go to the first.

    >>> forward, backward = best_matches(np.float32([[0.9, 0.1], [0.8, 0.2]]))
    >>> forward.tolist(), backward.tolist()
    ([[True, False], [True, False]], [[True, False], [False, True]])
    """
    n_source, n_target = similarity.shape
    forward = np.zeros((n_source, n_target), dtype=np.bool_)
    backward = np.zeros((n_source, n_target), dtype=np.bool_)
    forward[np.arange(n_source), similarity.argmax(axis=1)] = True
    backward[similarity.argmax(axis=0), np.arange(n_target)] = True
    return forward, backward


def argmax_weights(similarity: FloatArray, one_sided_weight: float, one_sided_similarity: float) -> FloatArray:
    """Return link weights (n_source, n_target), 0 for no link.

    A link that both words propose weighs 1. One that a single word proposes weighs `one_sided_weight` where its
    similarity is at least `one_sided_similarity`.

    >>> argmax_weights(np.float32([[0.9, 0.1, 0.2], [0.8, 0.6, 0.1]]), 0.5, 0.35).tolist()
    [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
    """
    forward, backward = best_matches(similarity)
    one_sided = (forward ^ backward) & (similarity >= one_sided_similarity)
    weights: FloatArray = np.where(forward & backward, 1, np.where(one_sided, one_sided_weight, 0)).astype(np.float32)
    return weights


def itermax_weights(similarity: FloatArray, rounds: int, discount: float) -> FloatArray:
    """Return link weights (n_source, n_target), 0 for no link.

    The first round is the intersection of both directions, weight 1. Each further round takes it again where a word is
    still unlinked, with similarities, mapped to [0, 1], times `discount` where the other word is linked already
    (min(1, 2·discount) where neither is), and with weight discount^(round − 1): the later, the less sure.

    >>> itermax_weights(np.float32([[0.9, 0.8, 0], [0, 0.1, 0.7], [0, 0, 0.6]]), 2, 0.5).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.5, 0.0]]
    """
    forward, backward = best_matches(similarity)
    linked = forward & backward
    weights = linked.astype(np.float32)
    if min(similarity.shape) < _MIN_WORDS:
        return weights
    positive: FloatArray = (similarity + 1) / np.float32(2)
    for past in range(1, rounds):
        new = _further_links(positive, linked, discount)
        if not new.any():
            break
        weights[new] = discount**past
        linked |= new
    return weights


def _further_links(positive: FloatArray, linked: BoolArray, discount: float) -> BoolArray:
    free_source, free_target = ~linked.any(axis=1, keepdims=True), ~linked.any(axis=0, keepdims=True)
    either = free_source | free_target
    # SimAlign stops once one side is used up, though words of the other may still be free.
    if discount == 0 or not free_source.any() or not free_target.any():
        return np.zeros_like(linked)
    factors = np.where(free_source & free_target, min(1.0, 2 * discount), np.where(either, discount, 0))
    forward, backward = best_matches((positive * factors).astype(np.float32))
    return forward & backward & either
