"""From two encoded sentences to link weights and links, by any of the methods."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spanbridge_alignment.core.agreement import argmax_weights, itermax_weights
from spanbridge_alignment.core.matching import match_weights
from spanbridge_alignment.core.softmax import softmax_weights
from spanbridge_alignment.core.vectors import FloatArray, IntArray, similarity, word_vectors
from spanbridge_shared.contracts.alignment import AlignMethod, AlignOptions

_DECIMALS = 6
OPTIONS_READ: dict[AlignMethod, frozenset[str]] = {
    AlignMethod.ARGMAX: frozenset({"one_sided_weight", "one_sided_similarity"}),
    AlignMethod.ITERMAX: frozenset({"itermax_rounds", "itermax_discount"}),
    AlignMethod.MATCH: frozenset(),
    AlignMethod.SOFTMAX: frozenset({"softmax_threshold"}),
}
"""The options that each method's links depend on."""


@dataclass(frozen=True, slots=True)
class EncodedSentence:
    """Sub-word vectors (n_sub, hidden) and the word of each sub-word (n_sub,): ascending from 0, none left out."""

    vectors: FloatArray
    words: IntArray


def word_similarity(source: EncodedSentence, target: EncodedSentence) -> FloatArray:
    """Return the similarity of each source word to each target word, (n_source, n_target), in [-1, 1]."""
    return similarity(word_vectors(source.vectors, source.words), word_vectors(target.vectors, target.words))


def link_weights(
    method: AlignMethod,
    options: AlignOptions,
    source: EncodedSentence,
    target: EncodedSentence,
    *,
    cosines: FloatArray,
    softmax_scale: float,
) -> FloatArray:
    """Return link weights (n_source, n_target) in [0, 1], 0 for no link; `cosines` is the pair's `word_similarity`."""
    match method:
        case AlignMethod.ARGMAX:
            return argmax_weights(cosines, options.one_sided_weight, options.one_sided_similarity)
        case AlignMethod.ITERMAX:
            return itermax_weights(cosines, options.itermax_rounds, options.itermax_discount)
        case AlignMethod.MATCH:
            return match_weights(cosines)
        case AlignMethod.SOFTMAX:
            scaled = source.vectors * np.float32(softmax_scale)
            return softmax_weights(scaled, target.vectors, source.words, target.words, options.softmax_threshold)


def links(weights: FloatArray) -> list[tuple[int, int, float]]:
    """Return (source, target, weight) of each link, sorted, weights rounded to 6 decimals; none that rounds to 0.

    >>> links(np.float32([[0, 0.4], [1, 1e-9]]))
    [(0, 1, 0.4), (1, 0, 1.0)]
    """
    rounded = rounded_rows(weights)
    rows, columns = np.nonzero(rounded)
    return list(zip(rows.tolist(), columns.tolist(), rounded[rows, columns].tolist(), strict=True))


def rounded_rows(matrix: FloatArray) -> npt.NDArray[np.float64]:
    """Return the matrix in float64, rounded to 6 decimals and without negative zeros."""
    rounded: npt.NDArray[np.float64] = matrix.astype(np.float64).round(_DECIMALS)
    return rounded + 0.0
