"""Word links from sub-word vectors: mean pooling, centring, cosine, argmax intersection. Pure."""

from collections.abc import Sequence

import numpy as np

from training.encoder.wheel import FloatArray

Link = tuple[int, int]


def word_vectors(hidden: FloatArray, word_ids: Sequence[int | None], n_words: int) -> FloatArray:
    """Return `(n_words, size)`: each word's mean over its sub-word rows of `hidden`.

    `word_ids[i]` is the word of row `i`, None for special tokens. A word without sub-words gets NaN.

    >>> word_vectors(np.float32([[9], [1], [3], [5]]), [None, 0, 0, 1], 2).tolist()
    [[2.0], [5.0]]
    """
    rows = [i for i, word in enumerate(word_ids) if word is not None]
    words = np.array([word for word in word_ids if word is not None], dtype=np.intp)
    sums = np.zeros((n_words, hidden.shape[1]), dtype=np.float32)
    np.add.at(sums, words, hidden[rows])
    lengths = np.bincount(words, minlength=n_words).astype(np.float32)
    lengths[lengths == 0] = np.nan
    return np.asarray(sums / lengths[:, None], dtype=np.float32)


def similarity(source: FloatArray, target: FloatArray) -> FloatArray:
    """Return the `(n_src, n_tgt)` cosines of the centred word vectors; NaN where a word has no vector.

    Each side loses its own mean, unless either side is a single word, whose centred vector would be zero.
    """
    centre = min(len(source), len(target)) > 1
    sides = []
    for vectors in (source, target):
        shifted = vectors - np.nanmean(vectors, axis=0) if centre else vectors
        sides.append(shifted / np.maximum(np.linalg.norm(shifted, axis=1, keepdims=True), 1e-9))
    return np.asarray(sides[0] @ sides[1].T, dtype=np.float32)


def argmax_intersection(matrix: FloatArray) -> set[Link]:
    """Return the pairs that are each other's best match, NaN entries never.

    >>> sorted(argmax_intersection(np.float32([[0.9, 0.1], [0.8, 0.2]])))
    [(0, 0)]
    """
    scores = np.where(np.isnan(matrix), -np.inf, matrix)
    forward, backward = scores.argmax(axis=1), scores.argmax(axis=0)
    return {(i, int(j)) for i, j in enumerate(forward) if backward[j] == i and np.isfinite(scores[i, j])}
