"""Links by attention: worked examples, properties, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spanbridge_alignment.core.agreement import argmax_weights
from spanbridge_alignment.core.attention import attention_weights, read_attention
from spanbridge_shared.errors import InvalidAttention

MATRICES = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.floats(0, 1, width=32)
)


def test_mutual_and_one_sided_links_by_their_least_attention():
    attention = np.float32([[0.75, 0.25, 0], [0.5, 0.125, 0.25], [0, 0, 0.0625]])
    # Column 0 takes row 0, column 1 row 0, column 2 row 1; rows take columns 0, 0, 2.
    assert attention_weights(attention, 0, 0.5).tolist() == [[1, 0.5, 0], [0.5, 0, 0.5], [0, 0, 0.5]]
    assert attention_weights(attention, 0.25, 0.5).tolist() == [[1, 0.5, 0], [0.5, 0, 0.5], [0, 0, 0]]
    assert attention_weights(attention, 0.5, 0.5).tolist() == [[1, 0, 0], [0.5, 0, 0], [0, 0, 0]]
    assert attention_weights(attention, 0.8, 0.5).tolist() == [[0, 0, 0]] * 3
    assert attention_weights(attention, 0, 0).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_words_without_attention_stay_unlinked_even_at_threshold_zero():
    assert attention_weights(np.zeros((2, 3), np.float32), 0, 1).tolist() == [[0, 0, 0], [0, 0, 0]]


@given(MATRICES, st.floats(0, 1), st.floats(0, 1))
def test_weights_are_three_values_and_never_below_the_threshold(attention, threshold, one_sided):
    weights = attention_weights(attention, threshold, one_sided)
    assert weights.dtype == np.float32
    assert set(weights.ravel().tolist()) <= {0.0, 1.0, float(np.float32(one_sided))}
    assert (attention[weights > 0] >= np.float32(threshold) - 1e-7).all()


@given(MATRICES, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_only_takes_links_away(attention, one, other):
    low, high = sorted((one, other))
    loose, strict = attention_weights(attention, low, 0.5), attention_weights(attention, high, 0.5)
    assert np.array_equal(strict[strict > 0], loose[strict > 0])


@given(MATRICES)
def test_without_a_threshold_the_mutual_links_are_those_of_argmax(attention):
    mutual = (argmax_weights(attention, 0, 1) > 0) & (attention > 0)
    assert np.array_equal(attention_weights(attention, 0, 0) > 0, mutual)


def test_a_matrix_is_read_as_it_is():
    found = read_attention([[0, 1], [0.5, 0.25], [0, 0]], 3, 2)
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 1], [0.5, 0.25], [0, 0]]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "0 rows; it must be 2 by 2"),
        ([[0.5, 0.5]], "1 rows; it must be 2 by 2"),
        ([[0.5, 0.5], [0.5]], "row 1 of attention has 1 numbers; it must be 2 by 2"),
        ([[0.5, 0.5, 0], [0.5, 0.5]], "row 0 of attention has 3"),
        ([[0.5, 0.5], [0.5, -0.01]], "outside 0 to 1"),
        ([[0.5, 0.5], [0.5, 1.01]], "outside 0 to 1"),
        ([[0.5, 0.5], [0.5, float("nan")]], "outside 0 to 1"),
    ],
)
def test_what_does_not_fit_the_pair_is_refused(rows, told):
    with pytest.raises(InvalidAttention, match=told):
        read_attention(rows, 2, 2)
