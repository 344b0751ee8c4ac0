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

    def classes(self) -> frozenset[str]:
        """Return the labels that these columns are tags of."""
        return frozenset(label.partition("-")[2] for label in self.labels if label != "O")

    def best_labels(self) -> list[str]:
        """Return the likeliest label of each word; of equal ones the first."""
        return [self.labels[column] for column in self.rows.argmax(axis=1)]


@dataclass(frozen=True, slots=True)
class Sentence:
    """What projection reads; what the request hasn't is None. `nmt` holds (entity, candidate, score)."""

    entities: tuple[Entity, ...]
    links: Sequence[tuple[int, int, float]]
    target: tuple[str, ...]
    probabilities: Probabilities | None = None
    given_spans: tuple[tuple[int, int], ...] | None = None
    nmt: Sequence[tuple[int, int, float]] | None = None
    source: tuple[str, ...] | None = None


class LinkTable(NamedTuple):
    """Links as parallel arrays sorted by source word, then target word; `steps` are their weights in 1e-9."""

    source: Integers
    target: Integers
    steps: Integers

    def of(self, span: Span) -> tuple[Integers, Integers]:
        """Return target words and steps of the links from a span of source words."""
        begin, end = np.searchsorted(self.source, span)
        return self.target[begin:end], self.steps[begin:end]


def link_table(links: Sequence[tuple[int, int, float]]) -> LinkTable:
    """Return the links as a table; one given twice counts once, with its larger weight.

    >>> link_table([(1, 0, 0.5), (0, 2, 1.0), (1, 0, 1.0)]).steps.tolist()
    [1000000000, 1000000000]
    """
    table = np.asarray(links, np.float64).reshape(-1, 3)
    # Heaviest first within a pair of words, then one link per pair: the first of each stays.
    table = table[np.lexsort((-table[:, 2], table[:, 1], table[:, 0]))]
    source, target = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    first = np.ones(len(table), np.bool_)
    first[1:] = (np.diff(source) != 0) | (np.diff(target) != 0)
    return LinkTable(source[first], target[first], np.rint(table[first, 2] * WEIGHT_STEPS).astype(np.int64))


def link_weights(entities: Sequence[Entity], links: Sequence[tuple[int, int, float]], n_target: int) -> Integers:
    """Return (n_entities, n_target): the summed weight, in 1e-9, of links from an entity's words to each target word.

    A link given twice counts once, with its larger weight; links of weight 0 are no links.

    >>> link_weights([Entity(Span(0, 2), "PER")], [(0, 1, 1.0), (1, 1, 0.5), (2, 0, 1.0)], 2) / WEIGHT_STEPS
    array([[0. , 1.5]])
    """
    weights = np.zeros((len(entities), n_target), np.int64)
    if not links or not entities:
        return weights
    table = link_table(links)
    for row, entity in enumerate(entities):
        targets, steps = table.of(entity.span)
        weights[row] = np.bincount(targets, steps, n_target)
    return weights
