"""From two encoded sentences to link weights and links, by any of the methods."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spanbridge_alignment.core.agreement import argmax_weights, itermax_weights
from spanbridge_alignment.core.attention import attention_weights
from spanbridge_alignment.core.fused import fused_weights
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
    AlignMethod.ATTENTION: frozenset({"attention_threshold", "one_sided_weight"}),
    AlignMethod.FUSED: frozenset(
        {
            "weight_attention", "weight_names", "weight_position", "weight_neighbours",
            "fused_rounds", "fused_temperature", "fused_threshold", "fused_certain",
        }
    ),
}  # fmt: skip
"""The options that each method's links depend on."""


@dataclass(frozen=True, slots=True)
class EncodedSentence:
    """Sub-word vectors (n_sub, hidden) and the word of each sub-word (n_sub,): ascending from 0, none left out."""

    vectors: FloatArray
    words: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class WordPair:
    """The words of both sides, and attention (n_source, n_target) where the method reads it and there is some."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    attention: FloatArray | None = None

    @property
    def cells(self) -> int:
        """The size of the pair's matrix of words."""
        return len(self.source) * len(self.target)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPair:
    """Both sides' vectors, and `cosines`, their `word_similarity`."""

    source: EncodedSentence
    target: EncodedSentence
    cosines: FloatArray


def reads_attention(method: AlignMethod, options: AlignOptions) -> bool:
    """Say whether links depend on a pair's attention, if it has some."""
    return method is AlignMethod.ATTENTION or (method is AlignMethod.FUSED and options.weight_attention > 0)


def encoded_pair(source: EncodedSentence, target: EncodedSentence) -> EncodedPair:
    """Return the pair with its words' similarity."""
    return EncodedPair(source, target, word_similarity(source, target))


def word_similarity(source: EncodedSentence, target: EncodedSentence) -> FloatArray:
    """Return the similarity of each source word to each target word, (n_source, n_target), in [-1, 1]."""
    return similarity(word_vectors(source.vectors, source.words), word_vectors(target.vectors, target.words))


def link_weights(
    method: AlignMethod, options: AlignOptions, words: WordPair, encoded: EncodedPair | None, *, softmax_scale: float
) -> FloatArray:
    """Return link weights (n_source, n_target) in [0, 1], 0 for no link; `AlignMethod` says what they mean.

    Raises `ValueError` where a method other than attention has no vectors, or attention no matrix.
    """
    if method is AlignMethod.ATTENTION:
        if words.attention is None:
            raise ValueError("links by attention need a matrix of it")
        return attention_weights(words.attention, options.attention_threshold, options.one_sided_weight)
    if encoded is None:
        raise ValueError(f"links by {method} need both sides' vectors")
    match method:
        case AlignMethod.ARGMAX:
            return argmax_weights(encoded.cosines, options.one_sided_weight, options.one_sided_similarity)
        case AlignMethod.ITERMAX:
            return itermax_weights(encoded.cosines, options.itermax_rounds, options.itermax_discount)
        case AlignMethod.MATCH:
            return match_weights(encoded.cosines)
        case AlignMethod.FUSED:
            return fused_weights(encoded.cosines, words.source, words.target, words.attention, options)
        case AlignMethod.SOFTMAX:
            source, target = encoded.source, encoded.target
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
