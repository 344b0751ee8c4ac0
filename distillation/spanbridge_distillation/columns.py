"""The columns of soft labels: `O`, then `B-` and `I-` of each label, and rows of that shape."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating]
OUTSIDE = 0
"""The column of `O`."""


class ScoredSpan(NamedTuple):
    """An entity `[start, end)` in tokens, with its probability."""

    start: int
    end: int
    label: str
    score: float


def columns_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns for labels.

    >>> columns_of(["PER", "LOC"])
    ('O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC')
    """
    return ("O", *(f"{prefix}-{label}" for label in labels for prefix in "BI"))


def folded(rows: Rows, own: Sequence[str], tags: Sequence[str]) -> Rows:
    """Turn a teacher's rows (n_words, n_own) into (n_words, n_tags); what `tags` doesn't name counts as `O`.

    >>> folded(np.array([[0.5, 0.25, 0.25]]), ["B-PER", "B-DATE", "O"], ["O", "B-PER", "I-PER"]).tolist()
    [[0.5, 0.5, 0.0]]
    """
    matrix = np.zeros((len(own), len(tags)))
    for place, tag in enumerate(own):
        matrix[place, tags.index(tag) if tag in tags else OUTSIDE] = 1.0
    return np.asarray(rows, np.float64).reshape(-1, len(own)) @ matrix


def rows_of_spans(spans: Iterable[ScoredSpan], n_words: int, tags: Sequence[str]) -> Rows:
    """Return soft rows (n_words, n_tags) of entities: the score on the span's tags, what is left of it on `O`.

    Spans must not overlap; those of labels that `tags` doesn't name are left out.

    >>> rows_of_spans([ScoredSpan(1, 3, "PER", 0.75)], 3, ("O", "B-PER", "I-PER")).tolist()
    [[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.25, 0.0, 0.75]]

    Raises `ValueError` where a span leaves the sentence.
    """
    rows = np.zeros((n_words, len(tags)))
    rows[:, OUTSIDE] = 1.0
    for start, end, label, score in spans:
        if not 0 <= start < end <= n_words:
            raise ValueError(f"span [{start}, {end}) is outside the {n_words} words")
        if f"B-{label}" not in tags:
            continue
        rows[start:end] = 0.0
        rows[start:end, OUTSIDE] = 1.0 - score
        rows[start, tags.index(f"B-{label}")] = score
        rows[start + 1 : end, tags.index(f"I-{label}")] = score
    return rows
