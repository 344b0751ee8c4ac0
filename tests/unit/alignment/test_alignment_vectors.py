"""Word vectors, similarity and windows: worked examples and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_alignment.core.vectors import similarity, word_starts, word_vectors
from spanbridge_alignment.core.windows import join_windows, plan_windows


def test_word_vectors_are_means_of_their_sub_words():
    vectors = np.float32([[1, 0], [3, 2], [5, 5], [0, 1], [0, 3]])
    words = np.array([0, 0, 1, 2, 2])
    assert word_starts(words).tolist() == [0, 2, 3]
    assert word_vectors(vectors, words).tolist() == [[2, 1], [5, 5], [0, 2]]


def test_similarity_subtracts_the_mean_of_each_side():
    # Means (2, 0) and (0, 1): what is left points along (±1, 0) and (0, ±1), at right angles.
    found = similarity(np.float32([[1, 0], [3, 0]]), np.float32([[0, 0], [0, 2]]))
    assert found.tolist() == [[0, 0], [0, 0]]


def test_similarity_of_a_single_word_is_not_centred():
    found = similarity(np.float32([[1, 0]]), np.float32([[1, 1], [0, 1]]))
    np.testing.assert_allclose(found, [[2**-0.5, 0]], atol=1e-6)


def test_words_that_are_all_alike_are_similar_to_nothing():
    assert similarity(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)).tolist() == [[0, 0], [0, 0]]


@given(n=st.integers(1, 200), size=st.integers(1, 40), share=st.floats(0, 0.99))
def test_windows_keep_every_sub_word_once(n, size, share):
    plan = plan_windows(n, size, int(share * size))
    kept = [place for window in plan for place in range(window.keep_start, window.keep_end)]
    assert kept == list(range(n))
    assert all(window.start <= window.keep_start < window.keep_end <= window.end for window in plan)
    assert all(window.end - window.start == min(n, size) for window in plan)
    rows = np.arange(n, dtype=np.float32)[:, None]
    assert np.array_equal(join_windows(plan, [rows[each.start : each.end] for each in plan]), rows)


def test_kept_sub_words_have_context_at_inner_edges():
    plan = plan_windows(1000, size=100, overlap=20)
    inner = [window for window in plan if window.end < 1000]
    assert all(window.end - window.keep_end >= 10 for window in inner)
    assert all(window.keep_start - window.start >= 10 for window in plan[1:])


@pytest.mark.parametrize("overlap", [-1, 5, 6])
def test_an_overlap_that_cannot_be_is_refused(overlap):
    with pytest.raises(ValueError, match="overlap"):
        plan_windows(10, size=5, overlap=overlap)
