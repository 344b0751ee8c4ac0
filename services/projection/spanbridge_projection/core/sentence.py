"""One sentence to project, as plain arrays, and the link weight that each entity has on each target word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spanbridge_shared.text.spans import Span

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

WEIGHT_STEPS = 1e9
"""Link weights are kept as whole numbers of 1e-9, so that sums are exact and equal scores are equal floats."""


class Entity(NamedTuple):
    """A source entity: `[start, end)` in source tokens."""

    span: Span
    label: str
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Probabilities:
    """A teacher's label probabilities per target word: `rows` (n_target, n_labels), `labels` IOB2 tags and `O`."""

    labels: tuple[str, ...]
    rows: Floats

    def best_labels(self) -> list[str]:
        """Return the likeliest label of each word; of equal ones the first."""
        return [self.labels[column] for column in self.rows.argmax(axis=1)]


@dataclass(frozen=True, slots=True)
class Sentence:
    """What projection reads; `given_spans` and `nmt` (entity, candidate, score) are None where the request has none."""

    entities: tuple[Entity, ...]
    links: Sequence[tuple[int, int, float]]
    target: tuple[str, ...]
    probabilities: Probabilities | None = None
    given_spans: tuple[tuple[int, int], ...] | None = None
    nmt: Sequence[tuple[int, int, float]] | None = None


def link_weights(entities: Sequence[Entity], links: Sequence[tuple[int, int, float]], n_target: int) -> Integers:
    """Return (n_entities, n_target): the summed weight, in 1e-9, of links from an entity's words to each target word.

    A link given twice counts once, with its larger weight; links of weight 0 are no links.

    >>> link_weights([Entity(Span(0, 2), "PER")], [(0, 1, 1.0), (1, 1, 0.5), (2, 0, 1.0)], 2) / WEIGHT_STEPS
    array([[0. , 1.5]])
    """
    weights = np.zeros((len(entities), n_target), np.int64)
    if not links or not entities:
        return weights
    table = np.asarray(links, np.float64)
    # Heaviest first within a pair of words, then one link per pair: what unique keeps is the first of each.
    table = table[np.lexsort((-table[:, 2], table[:, 1], table[:, 0]))]
    source, target = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    first = np.ones(len(table), np.bool_)
    first[1:] = (np.diff(source) != 0) | (np.diff(target) != 0)
    source, target = source[first], target[first]
    steps = np.rint(table[first, 2] * WEIGHT_STEPS)
    begins = np.searchsorted(source, [entity.span.start for entity in entities])
    ends = np.searchsorted(source, [entity.span.end for entity in entities])
    for row, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        weights[row] = np.bincount(target[begin:end], steps[begin:end], n_target)
    return weights
