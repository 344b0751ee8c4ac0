"""How alike words are spelled: against difflib-like counting by hand, and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_alignment.core.spelling import have_letters, name_similarity

WORDS = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5)


def common(one, other):
    """The length of the longest common subsequence, by the textbook's table."""
    table = np.zeros((len(one) + 1, len(other) + 1), int)
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            table[i + 1, j + 1] = table[i, j] + 1 if left == right else max(table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Nairobi", "Nairobi", 1),
        ("NAIROBI", "nairobi", 1),
        ("Yorùbá", "Yoruba", 1),
        ("Yoru\u0300ba\u0301", "Yorùbá", 1),
        ("Kenya", "Kenia", 8 / 10),
        ("Lagos", "Èkó", 2 / 8),
        ("abc", "xyz", 0),
        ("US", "US", 0),
        ("the", "US", 0),
        ("አዲስ", "አዲስ", 1),
        ("ﬁne", "fine", 1),
    ],
)
def test_similarity_of_two_words(one, other, expected):
    np.testing.assert_allclose(name_similarity([one], [other]), [[expected]], rtol=1e-6)


@given(st.lists(st.text("abcde", min_size=3, max_size=9), min_size=1, max_size=4), st.text("abcde", min_size=3))
def test_it_is_the_share_of_the_longest_common_subsequence(words, word):
    expected = [[2 * common(each, word) / (len(each) + len(word))] for each in words]
    np.testing.assert_allclose(name_similarity(words, [word]), expected, rtol=1e-6)


@given(WORDS, WORDS)
def test_it_is_symmetric_bounded_and_independent_of_the_company(source, target):
    found = name_similarity(source, target)
    assert found.shape == (len(source), len(target))
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.array_equal(found, name_similarity(target, source).T)
    alone = [[float(name_similarity([one], [other])[0, 0]) for other in target] for one in source]
    assert found.tolist() == alone


def test_very_long_words_are_compared_too():
    np.testing.assert_allclose(name_similarity(["x" * 6_000], ["x" * 3_000]), [[2 / 3]], rtol=1e-6)


def test_letters_and_digits_of_any_script_count():
    assert have_letters(["a", "7", "ዓ", "中", "-", "“", "...", "'s", "🙂"]).tolist() == [
        True, True, True, True, False, False, False, True, False,
    ]  # fmt: skip
