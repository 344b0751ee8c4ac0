"""Alignment error rate, precision, recall and F1 over a corpus. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from training.encoder.links import Link


@dataclass(frozen=True)
class AlignmentCounts:
    """Sizes summed over sentences: predicted A, sure S, possible P with S ⊆ P, A∩S and A∩P.

    One sentence with A = {0-0, 1-1, 2-2}, S = {0-0, 1-2}, P = S ∪ {1-1}: one link of A is sure, two possible.

    >>> counts = AlignmentCounts.of({(0, 0), (1, 1), (2, 2)}, {(0, 0), (1, 2)}, {(0, 0), (1, 2), (1, 1)})
    >>> round(counts.aer, 3), round(counts.precision, 3), counts.recall
    (0.4, 0.667, 0.5)
    """

    predicted: int = 0
    sure: int = 0
    possible: int = 0
    hits_sure: int = 0
    hits_possible: int = 0

    @classmethod
    def of(cls, predicted: set[Link], sure: set[Link], possible: set[Link]) -> Self:
        """Count one sentence; sure links are possible links even when the gold leaves them out."""
        possible = possible | sure
        return cls(len(predicted), len(sure), len(possible), len(predicted & sure), len(predicted & possible))

    @classmethod
    def total(cls, counts: Iterable[Self]) -> Self:
        """Sum sentences."""
        rows = [(c.predicted, c.sure, c.possible, c.hits_sure, c.hits_possible) for c in counts]
        return cls(*(sum(column) for column in zip(*rows, strict=True)))

    @property
    def aer(self) -> float:
        """AER = 1 − (|A∩S| + |A∩P|) / (|A| + |S|), Och and Ney 2003."""
        return 1 - _ratio(self.hits_sure + self.hits_possible, self.predicted + self.sure)

    @property
    def precision(self) -> float:
        """|A∩P| / |A|."""
        return _ratio(self.hits_possible, self.predicted)

    @property
    def recall(self) -> float:
        """|A∩S| / |S|."""
        return _ratio(self.hits_sure, self.sure)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
