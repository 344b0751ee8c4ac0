"""Strict F1 of predicted spans on the check sets, while training and of finished folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.teacher.arrays import CHECK
from training.teacher.corpus import Corpus
from training.teacher.crossing import found_spans

# Ghomálá' is in no other table of this project: no model here translates it into English.
LEFT_OUT = "bbj_Latn"
ENGLISH_SETS = ("ewt", "wikigold")
MEAN = "masakhaner2"

Mention = tuple[int, int, int]


@dataclass(frozen=True)
class Counts:
    """Gold, predicted and correct mentions."""

    gold: int = 0
    predicted: int = 0
    correct: int = 0

    def plus(self, gold: Sequence[Mention], predicted: Sequence[Mention]) -> "Counts":
        """Count one sentence more."""
        both = len(set(gold) & set(predicted))
        return Counts(self.gold + len(gold), self.predicted + len(predicted), self.correct + both)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 0 where nothing is correct.

        >>> Counts(4, 2, 1).f1
        0.3333333333333333
        """
        return 2 * self.correct / (self.gold + self.predicted) if self.correct else 0.0


def gold_mentions(tags: NDArray[np.integer]) -> list[Mention]:
    """Return (start, end, label) of tag columns, the label counted from 1.

    >>> gold_mentions(np.array([0, 1, 2, 5]))
    [(1, 3, 1), (3, 4, 3)]
    """
    rows = np.eye(max(7, int(tags.max(initial=0)) + 1), dtype=np.float32)[tags]
    return [(span.start, span.end, span.label) for span in found_spans(rows)]


def check_rows(corpus: Corpus) -> NDArray[np.int64]:
    """The sentences of all check sets."""
    numbers = [number for number, name in enumerate(corpus.groups) if name.startswith(CHECK)]
    return np.flatnonzero(np.isin(corpus.group, numbers))


def check_scores(corpus: Corpus, said: NDArray[np.float16]) -> dict[str, float]:
    """Return F1 by check set, and the mean of MasakhaNER's."""
    totals: dict[str, Counts] = {}
    for row in check_rows(corpus):
        words = slice(int(corpus.words[row]), int(corpus.words[row + 1]))
        predicted = [(span.start, span.end, span.label) for span in found_spans(said[words].astype(np.float32))]
        name = corpus.groups[corpus.group[row]].removeprefix(CHECK)
        totals[name] = totals.get(name, Counts()).plus(gold_mentions(corpus.tags[words]), predicted)
    scores = {name: round(counts.f1, 4) for name, counts in totals.items()}
    return scores | {MEAN: round(mean_score(scores), 4)}


def mean_score(scores: Mapping[str, float]) -> float:
    """The mean over MasakhaNER's languages, Ghomálá' left out."""
    chosen = [score for name, score in scores.items() if name not in (*ENGLISH_SETS, MEAN) and name != LEFT_OUT[:3]]
    return sum(chosen) / len(chosen) if chosen else 0.0
