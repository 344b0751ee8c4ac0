"""Strict entity scores: an entity counts where its span and its label are both right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spanbridge_shared.text.bio import LabelledSpan

IntArray = npt.NDArray[np.int64]
RESAMPLES = 1_000
_SEED = 20_250_118
_PART = 100
"""Resamples drawn at once, so that ten thousand sentences take 8 MB and not 80."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 in [0, 1], 0 where undefined, and the counts that they come from."""

    precision: float
    recall: float
    f1: float
    gold: int
    predicted: int
    correct: int


@dataclass(frozen=True, slots=True)
class EntityScores:
    """Scores of all entities, of each label, and the 95% bootstrap interval of the F1 of all."""

    overall: Scores
    per_label: dict[str, Scores]
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """Gold and predicted entities of one sentence, in tokens; neither overlap among themselves."""

    n_tokens: int
    gold: tuple[LabelledSpan, ...]
    predicted: tuple[LabelledSpan, ...]

    @property
    def n_wrong(self) -> int:
        """Gold entities missed plus entities that should not be there."""
        return len(set(self.gold) ^ set(self.predicted))


def entity_scores(sentences: Sequence[LabelledSentence], labels: Sequence[str]) -> EntityScores:
    """Return the strict scores, which are seqeval's (mode strict, IOB2), and the interval by resampling sentences."""
    counts = entity_counts(sentences)
    per_label = {
        label: scores_of(entity_counts([_only(each, label) for each in sentences]).sum(axis=0)) for label in labels
    }
    return EntityScores(scores_of(counts.sum(axis=0)), per_label, bootstrap_interval(counts))


def _only(sentence: LabelledSentence, label: str) -> LabelledSentence:
    kept = (tuple(each for each in side if each.label == label) for side in (sentence.gold, sentence.predicted))
    return LabelledSentence(sentence.n_tokens, *kept)


def entity_counts(sentences: Sequence[LabelledSentence]) -> IntArray:
    """Return gold, predicted and correct entities of each sentence, (n_sentences, 3)."""
    rows = [(len(each.gold), len(each.predicted), len({*each.gold} & {*each.predicted})) for each in sentences]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def scores_of(counts: IntArray) -> Scores:
    """Return the scores of gold, predicted and correct counts (3,).

    >>> scores_of(np.array([4, 2, 1]))
    Scores(precision=0.5, recall=0.25, f1=0.3333333333333333, gold=4, predicted=2, correct=1)
    """
    gold, predicted, correct = (int(each) for each in counts)
    return Scores(
        correct / predicted if predicted else 0.0,
        correct / gold if gold else 0.0,
        2 * correct / (gold + predicted) if gold + predicted else 0.0,
        gold,
        predicted,
        correct,
    )


def bootstrap_interval(counts: IntArray, resamples: int = RESAMPLES) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of F1 over resamples of the sentences.

    `counts` is what `entity_counts` gives; equal ones give equal intervals, no sentences (0, 0).
    """
    n = len(counts)
    if n == 0:
        return 0.0, 0.0
    random = np.random.default_rng(_SEED)
    found: list[npt.NDArray[np.float64]] = []
    for start in range(0, resamples, _PART):
        # How often each sentence is drawn says as much as which ones were, and multiplies as a matrix.
        times = random.multinomial(n, np.full(n, 1 / n), size=min(_PART, resamples - start))
        sums = times @ counts
        both = sums[:, 0] + sums[:, 1]
        found.append(np.divide(2 * sums[:, 2], both, out=np.zeros(len(sums)), where=both > 0))
    low, high = np.percentile(np.concatenate(found), [2.5, 97.5])
    return float(low), float(high)
