"""Word alignment scores: precision, recall, F1 and alignment error rate (Och and Ney 2003; METHODS "Aligners")."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

Link = tuple[int, int]


class LinkCounts(NamedTuple):
    """Sizes of predicted A, sure S, A∩S and A∩P."""

    predicted: int
    sure: int
    in_sure: int
    in_possible: int


@dataclass(frozen=True, slots=True)
class LinkScores:
    """All in [0, 1]; lower `aer` is better."""

    precision: float
    recall: float
    f1: float
    aer: float


def link_counts(predicted: AbstractSet[Link], sure: AbstractSet[Link], possible: AbstractSet[Link]) -> LinkCounts:
    """Return one pair's counts; `possible` contains `sure`."""
    return LinkCounts(len(predicted), len(sure), len(predicted & sure), len(predicted & possible))


def link_scores(counts: Iterable[LinkCounts]) -> LinkScores:
    """Return the scores of all pairs together: |A∩P|/|A|, |A∩S|/|S|, and 1 − (|A∩S| + |A∩P|)/(|A| + |S|).

    >>> link_scores([link_counts({(0, 0), (1, 2)}, {(0, 0), (1, 1)}, {(0, 0), (1, 1), (1, 2)})])
    LinkScores(precision=1.0, recall=0.5, f1=0.6666666666666666, aer=0.25)
    """
    listed = list(counts)
    sums = LinkCounts(*(sum(each[place] for each in listed) for place in range(len(LinkCounts._fields))))
    precision = sums.in_possible / sums.predicted if sums.predicted else 0.0
    recall = sums.in_sure / sums.sure if sums.sure else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    both = sums.predicted + sums.sure
    return LinkScores(precision, recall, f1, 1 - (sums.in_sure + sums.in_possible) / both if both else 0.0)
