"""From sub-word vectors to word vectors and their similarity."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
_TINY = np.float32(1e-9)


def word_starts(words: IntArray) -> IntArray:
    """Return the position of each word's first sub-word, (n_words,).

    `words` (n_sub,) is the word of each sub-word: from 0, ascending, none left out.

    >>> word_starts(np.array([0, 0, 1, 2, 2])).tolist()
    [0, 2, 3]
    """
    return np.flatnonzero(np.diff(words, prepend=-1)).astype(np.int64)


def word_vectors(vectors: FloatArray, words: IntArray) -> FloatArray:
    """Return each word's mean over its sub-words, (n_words, hidden); `words` as in `word_starts`.

    >>> word_vectors(np.float32([[1], [3], [5]]), np.array([0, 0, 1])).tolist()
    [[2.0], [5.0]]
    """
    starts = word_starts(words)
    lengths = np.diff(starts, append=len(words)).astype(np.float32)
    sums: FloatArray = np.add.reduceat(vectors, starts, axis=0)
    return sums / lengths[:, None]


def similarity(source: FloatArray, target: FloatArray) -> FloatArray:
    """Return the cosines of the word vectors, each side less its own mean, (n_source, n_target).

    Without the mean, what all words of a sentence share no longer hides what sets them apart. A single word would be
    left with nothing, so a pair with one is compared as it is. A zero vector is similar to nothing: 0.

    >>> similarity(np.float32([[1, 0], [0, 1]]), np.float32([[2, 0], [0, 2]])).round(6).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    centred = min(len(source), len(target)) > 1
    left, right = (_unit(each - each.mean(axis=0) if centred else each) for each in (source, target))
    cosines: FloatArray = np.clip(left @ right.T, -1, 1)
    return cosines


def _unit(vectors: FloatArray) -> FloatArray:
    scaled: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _TINY)
    return scaled
