"""Links by several signals at once: similarity, attention, spelling, position, and the links of neighbouring words.

Its parts are known: probabilities by a softmax in each direction from AWESOME (Dou and Neubig 2021), the cost of
distance along the diagonal from SimAlign (Jalili Sabet et al. 2020), and support by neighbouring links in the spirit
of grow-diag (Koehn et al. 2003).
"""

from collections.abc import Sequence

import numpy as np

from spanbridge_alignment.core.spelling import have_letters, name_similarity
from spanbridge_alignment.core.vectors import FloatArray
from spanbridge_shared.contracts.alignment import AlignOptions

_ALIKE = np.float32(0.5)  # Half of the letters in common is what unrelated words may have.
_LETTERS_AGAINST_NONE = np.float32(0.1)  # What a link of a word to punctuation costs.
_BESIDE = np.float32(0.6)  # The support of a link in the same row or column, beside one further on the diagonal.


def fused_weights(
    cosines: FloatArray,
    source: Sequence[str],
    target: Sequence[str],
    attention: FloatArray | None,
    options: AlignOptions,
) -> FloatArray:
    """Return link weights (n_source, n_target) in [0, 1], 0 for no link; the weight is the confidence.

    Words are linked where their `mutual_probability` G, after `fused_rounds` of neighbours, is above
    `fused_threshold`; the weight is G / `fused_certain`, at most 1. `attention`, if there is any, is (n_source,
    n_target) in [0, 1].

    >>> options = AlignOptions(fused_rounds=0, weight_position=0, fused_temperature=0.1, fused_certain=1)
    >>> fused_weights(np.float32([[0.9, 0.8], [0, 0.9]]), ["a", "b"], ["c", "d"], None, options).round(3)
    array([[0.855, 0.   ],
           [0.   , 0.855]], dtype=float32)
    """
    scores = fused_scores(cosines, source, target, attention, options)
    mutual = mutual_probability(scores, options.fused_temperature)
    for _ in range(options.fused_rounds if options.weight_neighbours else 0):
        supported = scores + np.float32(options.weight_neighbours) * neighbour_support(mutual)
        mutual = mutual_probability(supported, options.fused_temperature)
    weights = np.minimum(mutual / np.float32(options.fused_certain), 1)
    return np.where(mutual > options.fused_threshold, weights, 0).astype(np.float32)


def fused_scores(
    cosines: FloatArray,
    source: Sequence[str],
    target: Sequence[str],
    attention: FloatArray | None,
    options: AlignOptions,
) -> FloatArray:
    """Return the sum of all signals but the neighbours, (n_source, n_target).

    cosine + w_attention·attention + w_names·max(0, name similarity − ½) − w_position·|difference of relative places|
    − 0.1 where one word has letters or digits and the other has none.

    >>> options = AlignOptions(weight_attention=0.5, weight_names=0.2, weight_position=0.4)
    >>> scores = fused_scores(np.float32([[0, 0]]), ["Nairobi"], ["Nairobi", "!"], np.float32([[1, 0]]), options)
    >>> scores.round(6)  # .5 + .2·½ − .4·¼, and −.4·¼ − .1
    array([[ 0.5, -0.2]], dtype=float32)
    """
    scores = cosines - np.float32(options.weight_position) * relative_distance(*cosines.shape)
    if attention is not None and options.weight_attention:
        scores += np.float32(options.weight_attention) * attention
    if options.weight_names:
        scores += np.float32(options.weight_names) * np.maximum(name_similarity(source, target) - _ALIKE, 0)
    scores -= _LETTERS_AGAINST_NONE * (have_letters(source)[:, None] != have_letters(target))
    return scores


def relative_distance(n_source: int, n_target: int) -> FloatArray:
    """Return how far apart words stand, (n_source, n_target) in [0, 1): the middles of equal parts of both sentences.

    >>> relative_distance(2, 1).tolist()
    [[0.25], [0.25]]
    """
    rows, columns = ((np.arange(n, dtype=np.float32) + np.float32(0.5)) / np.float32(n) for n in (n_source, n_target))
    return np.abs(rows[:, None] - columns)


def mutual_probability(scores: FloatArray, temperature: float) -> FloatArray:
    """Return √(P(target word | source word) · P(source word | target word)), (n_source, n_target) in [0, 1].

    Both are softmaxes of the scores over the temperature, along a row and along a column.

    >>> mutual_probability(np.float32([[0.5, 0.5], [0.5, 0.5]]), 0.1).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    scaled = scores / np.float32(temperature)
    powers = [np.exp(scaled - scaled.max(axis=axis, keepdims=True)) for axis in (0, 1)]
    shares = [each / each.sum(axis=axis, keepdims=True) for axis, each in enumerate(powers)]
    mutual: FloatArray = np.sqrt(shares[0] * shares[1])
    return mutual


def neighbour_support(mutual: FloatArray) -> FloatArray:
    """Return how well the links around each cell support it, (n_source, n_target) in [0, 1].

    Half of the better link of the source word before with a target word next to this one, and half of that of the
    source word after; or 0.6 of the best link right beside it, in its row or its column, where that is more.

    >>> neighbour_support(np.float32([[1, 0, 0], [0, 0, 0], [0, 0, 1]])).round(2)
    array([[0. , 0.6, 0. ],
           [0.6, 1. , 0.6],
           [0. , 0.6, 0. ]], dtype=float32)
    """
    padded = np.pad(mutual, 1)
    above, level, below = padded[:-2], padded[1:-1], padded[2:]
    before, after = (np.maximum(row[:, :-2], row[:, 2:]) for row in (above, below))
    row = np.maximum(level[:, :-2], level[:, 2:])
    column = np.maximum(above[:, 1:-1], below[:, 1:-1])
    support: FloatArray = np.maximum((before + after) / 2, _BESIDE * np.maximum(row, column))
    return support
