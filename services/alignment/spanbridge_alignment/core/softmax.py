"""Links by probabilities over sub-words: AWESOME (Dou and Neubig 2021)."""

import numpy as np

from spanbridge_alignment.core.vectors import FloatArray, IntArray, word_starts


def softmax_weights(
    source: FloatArray, target: FloatArray, source_words: IntArray, target_words: IntArray, threshold: float
) -> FloatArray:
    """Return link weights (n_source, n_target) of words, 0 for no link, from sub-word vectors (n_sub, hidden).

    Dot products become probabilities by a softmax in each direction. Two sub-words are linked where both probabilities
    are at least `threshold`, two words where any of their sub-words are; the weight is the mean of both probabilities,
    at the words' best linked sub-words.

    >>> softmax_weights(np.float32([[2], [-2]]), np.float32([[2], [-2]]), np.array([0, 1]), np.array([0, 1]), 0.001)
    ... # doctest: +NORMALIZE_WHITESPACE
    array([[0.99966466, 0.        ],
           [0.        , 0.99966466]], dtype=float32)
    """
    products = source @ target.T
    forward, backward = _softmax(products, axis=1), _softmax(products, axis=0)
    kept = (forward >= threshold) & (backward >= threshold)
    pieces = np.where(kept, (forward + backward) / 2, 0)
    by_source = np.maximum.reduceat(pieces, word_starts(source_words), axis=0)
    weights: FloatArray = np.maximum.reduceat(by_source, word_starts(target_words), axis=1)
    return weights


def _softmax(products: FloatArray, *, axis: int) -> FloatArray:
    powers = np.exp(products - products.max(axis=axis, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=axis, keepdims=True)
    return shares
