"""Fused links: each signal by hand, and properties of the whole."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spanbridge_alignment.core.fused import (
    fused_scores,
    fused_weights,
    mutual_probability,
    neighbour_support,
    relative_distance,
)
from spanbridge_shared.contracts.alignment import AlignOptions

NOTHING = {"weight_attention": 0, "weight_names": 0, "weight_position": 0, "weight_neighbours": 0}
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)
COSINES = hnp.arrays(np.float32, SHAPES, elements=st.floats(-1, 1, width=32))
PROBABILITIES = hnp.arrays(np.float32, SHAPES, elements=st.floats(0, 1, width=32))
TEMPERATURES = st.floats(0.001, 10)
OPTIONS = st.builds(
    AlignOptions,
    weight_attention=st.floats(0, 10),
    weight_names=st.floats(0, 10),
    weight_position=st.floats(0, 10),
    weight_neighbours=st.floats(0, 10),
    fused_rounds=st.integers(0, 3),
    fused_temperature=TEMPERATURES,
    fused_threshold=st.floats(0, 1),
    fused_certain=st.floats(0.01, 1),
)


def words(cosines):
    """Words without a letter in common, as many as the matrix has on each side."""
    return ["abcdefg"[n] for n in range(cosines.shape[0])], ["tuvwxyz"[n] for n in range(cosines.shape[1])]


def fused(cosines, attention=None, **options):
    return fused_weights(cosines, *words(cosines), attention, AlignOptions(**options))


def test_mutual_probability_is_the_geometric_mean_of_both_softmaxes():
    found = mutual_probability(np.float32([[0.3, 0.1], [0.2, 0.4]]), 0.1)
    row = [math.exp(3) / (math.exp(3) + math.exp(1)), math.exp(2) / (math.exp(2) + math.exp(4))]
    column = [math.exp(3) / (math.exp(3) + math.exp(2)), math.exp(2) / (math.exp(3) + math.exp(2))]
    np.testing.assert_allclose(found[:, 0], [math.sqrt(row[0] * column[0]), math.sqrt(row[1] * column[1])], rtol=1e-5)


def test_relative_distance_compares_the_middles_of_equal_parts():
    np.testing.assert_allclose(relative_distance(1, 2), [[0.25, 0.25]])
    np.testing.assert_allclose(relative_distance(2, 3), [[1 / 12, 0.25, 7 / 12], [7 / 12, 0.25, 1 / 12]], rtol=1e-6)


def test_support_comes_from_the_diagonals_and_less_from_beside():
    mutual = np.float32([[0.5, 0, 0, 0], [0, 0, 0, 0], [0, 0.25, 0, 0]])
    expected = [
        [0, 0.3, 0, 0],  # Beside .5.
        [0.3, 0.25, 0.125, 0],  # .6·.5 above beats ½·.25 after; ½·.5 before beats .6·.25 below; ½·.25 after.
        [0.15, 0, 0.15, 0],  # Beside .25.
    ]
    np.testing.assert_allclose(neighbour_support(mutual), expected, atol=1e-6)


def test_both_neighbours_on_a_diagonal_add_up():
    assert neighbour_support(np.float32([[1, 0, 0], [0, 0, 0], [0, 0, 1]]))[1, 1] == 1
    crossed = neighbour_support(np.float32([[0, 0, 1], [0, 0, 0], [1, 0, 0]]))
    assert crossed[1, 1] == 1
    # Two links that come from the same side are one neighbour.
    assert neighbour_support(np.float32([[1, 0, 1], [0, 0, 0], [0, 0, 0]]))[1, 1] == 0.5


def test_the_scores_are_the_sum_of_the_signals():
    cosines = np.float32([[0.5, 0.25], [0.125, 0]])
    attention = np.float32([[0, 1], [0.5, 0]])
    options = AlignOptions(weight_attention=0.5, weight_names=0.4, weight_position=0.2)
    found = fused_scores(cosines, ["Lagos", "."], ["Légos", "Xyz"], attention, options)
    # Lagos and legos share l, g, o, s: .8; places differ by ½; the full stop has no letter, all others have.
    expected = [
        [0.5 + 0 + 0.4 * 0.3 - 0, 0.25 + 0.5 * 1 - 0.2 * 0.5],
        [0.125 + 0.5 * 0.5 - 0.2 * 0.5 - 0.1, 0 + 0 - 0 - 0.1],
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_each_weight_of_zero_leaves_its_signal_out():
    cosines = np.float32([[0.5, 0.25], [0.125, 0]])
    options = AlignOptions(**NOTHING)
    found = fused_scores(cosines, ["Lagos", "Kano"], ["Lagos", "Kano"], np.float32([[0, 1], [1, 0]]), options)
    np.testing.assert_array_equal(found, cosines)


def test_a_link_weighs_its_probability_over_the_certain_one():
    cosines = np.float32([[0.2, 0.1], [0.1, 0.2]])
    probability = 1 / (1 + math.exp(-1))
    plain = {**NOTHING, "fused_temperature": 0.1}
    half = fused(cosines, **plain, fused_certain=1, fused_threshold=0.5)
    np.testing.assert_allclose(half, [[probability, 0], [0, probability]], rtol=1e-5)
    most = fused(cosines, **plain, fused_certain=0.5, fused_threshold=0)
    np.testing.assert_allclose(most, [[1, 2 * (1 - probability)], [2 * (1 - probability), 1]], rtol=1e-5)
    assert not fused(cosines, **plain, fused_threshold=0.74).any()


def test_neighbours_decide_where_nothing_else_does():
    # The word in the middle is as similar to either; its neighbours stand on the diagonal.
    cosines = np.float32([[0.9, 0, 0, 0], [0, 0.5, 0, 0.5], [0, 0, 0.9, 0]])
    options = {**NOTHING, "fused_threshold": 0.2, "fused_certain": 1}
    alone = fused(cosines, **options)
    assert alone[1, 1] == alone[1, 3] > 0
    helped = fused(cosines, **{**options, "weight_neighbours": 0.2})
    assert helped[1, 1] > alone[1, 1]
    assert helped[1, 3] < alone[1, 3]


def test_rounds_go_on_from_the_links_before():
    cosines = np.float32([[0.5, 0.4, 0.1], [0.1, 0.2, 0.2], [0.1, 0.3, 0.4]])
    options = {**NOTHING, "fused_threshold": 0, "fused_certain": 1, "fused_temperature": 0.1}
    by_hand = mutual_probability(cosines, 0.1)
    for rounds in range(4):
        found = fused(cosines, **{**options, "weight_neighbours": 0.3}, fused_rounds=rounds)
        np.testing.assert_allclose(found, by_hand, rtol=1e-5)
        by_hand = mutual_probability(cosines + np.float32(0.3) * neighbour_support(by_hand), 0.1)


def test_names_spelled_alike_attract_each_other():
    cosines = np.zeros((2, 2), np.float32)
    plain = AlignOptions(**{**NOTHING, "weight_names": 1.0})
    found = fused_weights(cosines, ["Nairobi", "Nigeria"], ["Naijeria", "Nairobi"], None, plain)
    assert found[0, 1] == found[1, 0] == 1
    assert found[0, 0] == found[1, 1] == 0


@given(COSINES, OPTIONS, st.data())
def test_weights_lie_in_0_to_1_without_nan(cosines, options, data):
    attention = data.draw(st.none() | hnp.arrays(np.float32, cosines.shape, elements=st.floats(0, 1, width=32)))
    tokens = st.text(min_size=1, max_size=5)
    source = data.draw(st.lists(tokens, min_size=len(cosines), max_size=len(cosines)))
    target = data.draw(st.lists(tokens, min_size=cosines.shape[1], max_size=cosines.shape[1]))
    before = cosines.copy()
    with np.errstate(all="raise", under="ignore"):
        weights = fused_weights(cosines, source, target, attention, options)
    assert weights.shape == cosines.shape
    assert weights.dtype == np.float32
    assert np.isfinite(weights).all()
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert np.array_equal(cosines, before)


@given(COSINES, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_only_takes_links_away(cosines, one, other):
    low, high = sorted((one, other))
    loose, strict = fused(cosines, fused_threshold=low), fused(cosines, fused_threshold=high)
    assert np.array_equal(strict[strict > 0], loose[strict > 0])


@given(COSINES, TEMPERATURES, st.data())
def test_a_more_similar_pair_is_more_probable_and_its_rivals_are_less(cosines, temperature, data):
    place = tuple(data.draw(st.integers(0, size - 1)) for size in cosines.shape)
    raised = cosines.copy()
    raised[place] += np.float32(0.5)
    before, after = mutual_probability(cosines, temperature), mutual_probability(raised, temperature)
    rivals = np.zeros(cosines.shape, bool)
    rivals[place[0]] = rivals[:, place[1]] = True
    rivals[place] = False
    assert after[place] >= before[place] - 1e-6
    assert (after[rivals] <= before[rivals] + 1e-6).all()
    np.testing.assert_allclose(
        after[~rivals & ~(before == before[place])], before[~rivals & ~(before == before[place])]
    )


@given(COSINES, TEMPERATURES)
def test_probabilities_of_a_word_add_up_to_at_most_1(cosines, temperature):
    mutual = mutual_probability(cosines, temperature)
    # Of squares: √(a·b)² summed over a row is a sum of a·b with b ≤ 1.
    assert (np.square(mutual).sum(axis=1) <= 1 + 1e-5).all()
    assert (np.square(mutual).sum(axis=0) <= 1 + 1e-5).all()


@given(PROBABILITIES)
def test_support_is_bounded_and_grows_with_the_links(mutual):
    support = neighbour_support(mutual)
    assert support.min() >= 0
    assert support.max() <= mutual.max()
    assert (neighbour_support(np.minimum(mutual + np.float32(0.1), 1)) >= support).all()


@given(PROBABILITIES)
def test_a_word_is_its_own_neighbour_nowhere(mutual):
    for place in np.ndindex(mutual.shape):
        other = mutual.copy()
        other[place] = 0
        assert neighbour_support(other)[place] == neighbour_support(mutual)[place]


@given(COSINES, st.data())
def test_swapping_the_sides_transposes_the_links_without_neighbours(cosines, data):
    attention = data.draw(hnp.arrays(np.float32, cosines.shape, elements=st.floats(0, 1, width=32)))
    options = AlignOptions(weight_neighbours=0, fused_threshold=0)
    source, target = words(cosines)
    forth = fused_weights(cosines, source, target, attention, options)
    back = fused_weights(np.ascontiguousarray(cosines.T), target, source, np.ascontiguousarray(attention.T), options)
    np.testing.assert_allclose(forth, back.T, rtol=1e-4, atol=1e-6)


@given(COSINES)
def test_reading_both_sides_backwards_reverses_the_links(cosines):
    reversed_links = fused(np.ascontiguousarray(cosines[::-1, ::-1]), fused_threshold=0)
    np.testing.assert_allclose(fused(cosines, fused_threshold=0), reversed_links[::-1, ::-1], rtol=1e-4, atol=1e-6)


@given(COSINES, st.data())
def test_attention_draws_links_to_where_the_model_looked(cosines, data):
    place = tuple(data.draw(st.integers(0, size - 1)) for size in cosines.shape)
    attention = np.zeros_like(cosines)
    attention[place] = 1
    options = {"fused_threshold": 0, "fused_certain": 1, "weight_neighbours": 0, "weight_attention": 1}
    assert fused(cosines, attention, **options)[place] >= fused(cosines, **options)[place] - 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_a_single_word_is_linked_to_something_or_nothing(shape):
    cosines = np.linspace(-1, 1, 5, dtype=np.float32)[: max(shape)].reshape(shape)
    weights = fused(cosines)
    assert weights.shape == shape
    assert shape != (1, 1) or weights.tolist() == [[1.0]]
    assert weights.ravel()[-1] == 1


def test_the_pair_of_words_that_are_all_alike_is_not_sure_of_any():
    assert not fused(np.zeros((7, 7), np.float32), weight_position=0).any()
