"""AER against a worked example, and the links it is computed on; needs numpy alone."""

import numpy as np
import pytest

from training.encoder.links import argmax_intersection, similarity, word_vectors
from training.encoder.metrics import AlignmentCounts

SURE = {(0, 0), (1, 2)}
POSSIBLE = SURE | {(1, 1)}


def test_aer_worked_example() -> None:
    counts = AlignmentCounts.of({(0, 0), (1, 1), (2, 2)}, SURE, POSSIBLE)
    assert counts.aer == pytest.approx(1 - (1 + 2) / (3 + 2))
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.recall == pytest.approx(1 / 2)
    assert counts.f1 == pytest.approx(4 / 7)


def test_perfect_and_empty_predictions() -> None:
    assert AlignmentCounts.of(SURE, SURE, POSSIBLE).aer == 0
    assert AlignmentCounts.of(set(), SURE, POSSIBLE).aer == 1


def test_sure_links_count_as_possible_when_the_gold_omits_them() -> None:
    assert AlignmentCounts.of({(0, 0)}, {(0, 0)}, set()).aer == 0


def test_totals_sum_links_not_ratios() -> None:
    rows = [AlignmentCounts.of(SURE, SURE, SURE), AlignmentCounts.of({(5, 5)}, {(0, 0)}, {(0, 0)})]
    assert AlignmentCounts.total(rows).aer == pytest.approx(1 - (2 + 2) / (3 + 3))


def test_a_word_without_subwords_gets_no_link() -> None:
    hidden = np.array([[1, 0], [0, 1]], dtype=np.float32)
    vectors = word_vectors(hidden, [0, 2], 3)
    assert np.isnan(vectors[1]).all()
    assert argmax_intersection(similarity(vectors, vectors)) == {(0, 0), (2, 2)}


def test_a_single_word_is_not_centred_away() -> None:
    word = np.array([[1, 0]], dtype=np.float32)
    sentence = np.array([[0, 1], [1, 0.1], [-1, 0]], dtype=np.float32)
    assert argmax_intersection(similarity(word, sentence)) == {(0, 1)}
