"""Combining soft labels: worked examples of the formula and of every choice."""

import numpy as np
import pytest

from spanbridge_distillation.combine import combine
from spanbridge_distillation.faults import DataFault
from spanbridge_distillation.recipe import Consistency, Recipe, changed

# Two teachers, two sentences of two words and one; columns O, B-PER, I-PER.
SOFT = np.array(
    [
        [[0.2, 0.8, 0.0], [0.9, 0.1, 0.0], [0.5, 0.4, 0.1]],
        [[0.6, 0.4, 0.0], [0.7, 0.2, 0.1], [0.1, 0.9, 0.0]],
    ]
)
STARTS = np.array([0, 2, 3])
SOUND = np.ones((2, 2), bool)
ALPHAS = np.array([[0.75, 0.5], [0.25, 0.5]])


def test_labels_are_the_weighted_sum_by_sentence() -> None:
    found = combine(SOFT, SOUND, STARTS, ALPHAS, Recipe())
    # .75·(.2, .8, 0) + .25·(.6, .4, 0); .75·(.9, .1, 0) + .25·(.7, .2, .1); ½·(.5, .4, .1) + ½·(.1, .9, 0)
    assert np.allclose(found.soft, [[0.3, 0.7, 0.0], [0.85, 0.125, 0.025], [0.3, 0.65, 0.05]])
    assert found.weights.tolist() == [1.0, 1.0, 1.0]
    assert found.usable.tolist() == [True, True]


def test_a_teacher_that_failed_leaves_its_weight_to_the_others() -> None:
    sound = np.array([[True, False], [True, False]])
    sound[1, 0] = False
    found = combine(SOFT, sound, STARTS, ALPHAS, Recipe())
    assert np.allclose(found.soft[:2], SOFT[0, :2])
    assert found.usable.tolist() == [True, False]
    assert found.weights.tolist() == [1.0, 1.0, 0.0]


def test_hard_labels_are_the_best_tags() -> None:
    found = combine(SOFT, SOUND, STARTS, ALPHAS, Recipe(hard=True))
    assert found.soft.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0]]


def test_words_and_sentences_below_a_confidence_leave_the_loss() -> None:
    by_word = combine(SOFT, SOUND, STARTS, ALPHAS, Recipe(min_confidence=0.69))
    assert by_word.weights.tolist() == [1.0, 1.0, 0.0]
    # Sentence means: (.7 + .85) / 2 = .775 and .65.
    by_sentence = combine(SOFT, SOUND, STARTS, ALPHAS, Recipe(min_mean=0.7))
    assert by_sentence.weights.tolist() == [1.0, 1.0, 0.0]
    assert by_sentence.usable.tolist() == [True, False]


def test_words_on_which_teachers_disagree_are_dropped_or_averaged() -> None:
    dropped = combine(SOFT, SOUND, STARTS, ALPHAS, Recipe(consistency=Consistency.DROP))
    assert dropped.weights.tolist() == [0.0, 1.0, 0.0]
    averaged = combine(SOFT, SOUND, STARTS, ALPHAS, Recipe(consistency=Consistency.AVERAGE))
    assert np.allclose(averaged.soft[0], [0.4, 0.6, 0.0])
    assert np.allclose(averaged.soft[1], [0.85, 0.125, 0.025])


def test_agreement_counts_named_words_alone() -> None:
    found = combine(SOFT, SOUND, STARTS, ALPHAS, Recipe())
    assert found.agreement.tolist() == [0.0, 0.0]
    same = combine(np.stack([SOFT[0], SOFT[0]]), SOUND, STARTS, ALPHAS, Recipe())
    assert same.agreement.tolist() == [1.0, 1.0]


def test_sharpening_and_names_that_count_more() -> None:
    found = combine(SOFT, SOUND, STARTS, np.array([[1.0, 1.0], [0.0, 0.0]]), Recipe(sharpen=2.0, entity_weight=3.0))
    assert np.allclose(found.soft[0], np.array([0.04, 0.64, 0.0]) / 0.68)
    assert found.weights.tolist() == [3.0, 1.0, 1.0]


def test_choices_are_checked() -> None:
    assert changed(Recipe(), {"widths": [8, 16], "alpha": "domain"}).widths == (8, 16)
    several = (
        {"los": "kl"},
        {"loss": "l2"},
        {"steps": 1.5},
        {"steps": 0},
        {"hard": 1},
        {"min_mean": 2},
        {"widths": []},
    )
    for wrong in several:
        with pytest.raises(DataFault):
            changed(Recipe(), wrong)
