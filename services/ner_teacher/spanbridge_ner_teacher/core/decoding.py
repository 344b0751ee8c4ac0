"""From label probabilities to entities: the most probable valid IOB2 sequence, and a score for each of its spans."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spanbridge_ner_teacher.core.labels import FloatMatrix
from spanbridge_ner_teacher.core.sentences import Entity
from spanbridge_shared.text.bio import spans_of

_LEAST = 1e-12
_DECIMALS = 6


def softmax(logits: FloatMatrix, temperature: float = 1.0) -> FloatMatrix:
    """Return the softmax of each row; temperatures above 1 make it less sure."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    total: FloatMatrix = raised / raised.sum(axis=-1, keepdims=True)
    return total


def best_tags(probabilities: FloatMatrix) -> NDArray[np.intp]:
    """Return the most probable sequence of columns where an `I-X` only follows `B-X` or `I-X` (Viterbi, exact).

    Columns are those of `tags_for`: O, B-X, I-X, B-Y … Greedy decoding with the same rule can be led astray by its
    first choice; this can't, and costs O(n_tokens · n_tags). Of equals, the leftmost column wins.

    >>> best_tags(np.array([[0.45, 0.40, 0.15], [0.1, 0.1, 0.8]])).tolist()
    [1, 2]
    """
    n_tokens, n_tags = probabilities.shape
    if n_tokens == 0:
        return np.zeros(0, dtype=np.intp)
    logs = np.log(np.maximum(probabilities, _LEAST))
    inside = np.arange(2, n_tags, 2)
    came_from = np.zeros((n_tokens, n_tags), dtype=np.intp)
    reached = logs[0].copy()
    reached[inside] = -np.inf
    for place in range(1, n_tokens):
        came_from[place] = reached.argmax()
        came_from[place, inside] = np.where(reached[inside - 1] >= reached[inside], inside - 1, inside)
        reached = reached[came_from[place]] + logs[place]
    path = np.zeros(n_tokens, dtype=np.intp)
    path[-1] = reached.argmax()
    for place in range(n_tokens - 1, 0, -1):
        path[place - 1] = came_from[place, path[place]]
    return path


def entities_of(probabilities: FloatMatrix, tags: Sequence[str]) -> list[Entity]:
    """Return the entities of the best valid tag sequence, spans counting tokens.

    An entity's score is the geometric mean of its tokens' probabilities for the tags they got: a product would punish
    length, though the tags inside one name hang together and are far from independent.

    >>> entities_of(np.array([[0.0, 1.0, 0.0], [0.3, 0.06, 0.64]]), ["O", "B-PER", "I-PER"])
    [Entity(span=Span(start=0, end=2), label='PER', score=0.8)]
    """
    path = best_tags(probabilities)
    chosen = np.maximum(probabilities[np.arange(len(path)), path], _LEAST)
    found: list[Entity] = []
    for span, label in spans_of([tags[column] for column in path]):
        score = float(np.exp(np.log(chosen[span.start : span.end]).mean()))
        found.append(Entity(span, label, round(min(score, 1.0), _DECIMALS)))
    return found


def rounded_rows(probabilities: FloatMatrix) -> list[list[float]]:
    """Return rows of six decimals; what rounding took from a row's sum goes to its largest value.

    >>> rounded_rows(np.array([[2 / 3, 1 / 6, 1 / 6]]))
    [[0.666666, 0.166667, 0.166667]]
    """
    if probabilities.size == 0:
        return []
    rounded = probabilities.round(_DECIMALS)
    largest = rounded.argmax(axis=1)
    places = np.arange(len(rounded)), largest
    rounded[places] = (rounded[places] + 1.0 - rounded.sum(axis=1)).round(_DECIMALS)
    rows: list[list[float]] = rounded.tolist()
    return rows
