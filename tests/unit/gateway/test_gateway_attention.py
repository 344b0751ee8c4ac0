"""Attention from sub-words to words: worked examples, strange texts, and properties."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spanbridge_gateway.core.attention import (
    Side,
    attention_of,
    missing_attention,
    needs_attention,
    word_attention,
    word_shares,
)
from spanbridge_shared.contracts.alignment import AlignMethod
from spanbridge_shared.contracts.options import CandidatesMethodOptions
from spanbridge_shared.contracts.translation import Hypothesis, Translation

WORDS = st.lists(st.text("abcdé.,ẹ中½ﬁ", min_size=1, max_size=6), min_size=1, max_size=6)
PIECES = st.lists(st.text("▁abcdé.,e1⁄2fi中", min_size=1, max_size=5) | st.just("<unk>"), min_size=1, max_size=12)


@st.composite
def sides(draw: st.DrawFn) -> Side:
    """Sub-words that hold the words' own characters, or anything else."""
    words = draw(WORDS)
    if draw(st.booleans()):
        return Side(draw(PIECES), words)
    text = "▁" + "▁".join(words)
    cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=len(text) - 1)) | {0, len(text)})
    return Side([text[start:end] for start, end in itertools.pairwise(cuts)], words)


def owners(pieces: list[str], words: list[str]) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in word_shares(Side(pieces, words))]


def test_columns_are_summed_and_rows_averaged() -> None:
    rows = [[0.5, 0.25, 0.125, 0.0], [0.25, 0.25, 0.25, 0.25], [0.0, 0.0, 0.5, 0.5]]
    source = Side(["▁Nai", "robi", "▁today"], ["Nairobi", "today"])
    target = Side(["▁le", "o", "▁Nairobi", "."], ["leo", "Nairobi", "."])
    expected = [[(0.75 + 0.5) / 2, (0.125 + 0.25) / 2, 0.125], [0, 0.5, 0.5]]
    assert word_attention(rows, source, target).tolist() == expected


def test_a_sub_word_of_two_words_is_shared_by_its_letters() -> None:
    rows = [[0.5, 0.5]]
    source = Side(["▁it's"], ["it", "'s"])
    target = Side(["▁a,", "b"], ["a", ",", "b"])
    # Both words of the one written piece looked at the same; what was read is cut in proportion.
    assert word_attention(rows, source, target).tolist() == [[0.25, 0.25, 0.5], [0.25, 0.25, 0.5]]


@pytest.mark.parametrize(
    ("pieces", "words", "expected"),
    [
        (["▁Rais", "▁Sam", "ia", "."], ["Rais", "Samia", "."], [[0], [1], [1], [2]]),
        (["▁", "87,", "▁", "000", "▁", "x"], ["87", ",", "000", "x"], [[0], [0, 1], [2], [2], [3], [3]]),
        (["▁ẹ̀", "kọ́", "▁yìí"], ["ẹ̀kọ́", "yìí"], [[0], [0], [1]]),
        (["▁e\u0301", "kó"], ["éko\u0301"], [[0], [0]]),
        (["▁<unk>", "▁a"], ["🙂", "a"], [[0], [1]]),
        (["▁", "<unk>", "▁a"], ["🙂", "a"], [[0], [0], [1]]),
        (["▁a", "▁", "<unk>"], ["a", "🙂"], [[0], [1], [1]]),
        (
            ["▁a", "▁", "<unk>", "▁b", "▁", "<unk>", "▁c"],
            ["a", "🙂", "b", "🙃", "c"],
            [[0], [1], [1], [2], [3], [3], [4]],
        ),
        (["▁1", "<unk>", "2", "▁..", ".", "▁fi", "ne"], ["½", "…", "ﬁne"], [[0], [0], [0], [1], [1], [2], [2]]),
        (["▁a", "b"], ["a\u200b", "b"], [[0], [1]]),
        (["▁a", "▁b"], ["a", "\u200b", "b"], [[0], [2]]),
        (["▁a", "▁extra", "▁b"], ["a", "b"], [[0], [1], [1]]),
        (["▁a", "▁b", "▁"], ["a", "b"], [[0], [1], [1]]),
        (["▁", "<unk>"], ["\u2581"], [[0], [0]]),
        (["▁x", "▁y"], ["▁"], [[0], [0]]),
    ],
)
def test_which_words_a_sub_word_lies_in(pieces: list[str], words: list[str], expected: list[list[int]]) -> None:
    assert owners(pieces, words) == expected


def test_an_unknown_character_moves_nothing_else() -> None:
    words = ["neno"] * 30 + ["ꙮ"] + ["neno"] * 30
    pieces = ["▁ne", "no"] * 30 + ["▁", "<unk>"] + ["▁ne", "no"] * 30
    found = [each[0] for each in owners(pieces, words)]
    assert found == [n // 2 for n in range(60)] + [30, 30] + [31 + n // 2 for n in range(60)]


def test_what_is_too_long_to_compare_is_matched_in_proportion() -> None:
    words = ["ab" * 400, "ba" * 400]
    pieces = ["▁x", *["ab" * 10] * 40, "▁y", *["ba" * 10] * 40, "z"]
    found = [each[0] for each in owners(pieces, words)]
    assert found == sorted(found)
    assert 38 <= found.count(0) <= 44


@given(sides())
def test_every_sub_word_lands_on_words_in_order(side: Side) -> None:
    shares = word_shares(side)
    assert shares.shape == (len(side.pieces), len(side.words))
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    first = [np.flatnonzero(row)[0] for row in shares]
    last = [np.flatnonzero(row)[-1] for row in shares]
    assert all(before <= after for before, after in zip(last, first[1:], strict=False))


@given(st.lists(st.text("abcdé.,ẹ中", min_size=1, max_size=6), min_size=1, max_size=6), st.data())
def test_pieces_cut_from_the_words_lie_where_they_were_cut(words: list[str], data: st.DataObject) -> None:
    pieces, expected = [], []
    for place, word in enumerate(words):
        cut = data.draw(st.integers(1, len(word)))
        parts = [part for part in ("▁" + word[:cut], word[cut:]) if part]
        pieces += parts
        expected += [[place]] * len(parts)
    assert owners(pieces, words) == expected


@given(sides(), sides(), st.data())
def test_rows_sum_to_at_most_what_the_sub_words_did(source: Side, target: Side, data: st.DataObject) -> None:
    shape = (len(source.pieces), len(target.pieces))
    raw = data.draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1)))
    rows = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1)
    found = word_attention(rows.tolist(), source, target)
    assert found.shape == (len(source.words), len(target.words))
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.sum(axis=1).max() <= 1 + 1e-9
    np.testing.assert_array_equal(found, np.floor(found * 10_000 + 0.5) / 10_000)


def test_rows_of_certain_attention_keep_all_of_it() -> None:
    side = Side(["▁a", "b", "▁c"], ["ab", "c"])
    assert word_attention(np.eye(3).tolist(), side, side).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("rows", [[], [[1.0]], [[0.5, 0.5], [1.0]], [[1.0, 0, 0], [1.0, 0, 0]]])
def test_rows_that_do_not_fit_the_sub_words_are_a_fault(rows: list[list[float]]) -> None:
    side = Side(["▁a", "▁b"], ["a", "b"])
    with pytest.raises(ValueError, match="2 by 2"):
        word_attention(rows, side, side)


def test_a_translation_without_sub_words_gives_zeros() -> None:
    assert word_attention([], Side([], ["a"]), Side(["▁b"], ["b"])).tolist() == [[0]]


def translation(**fields: object) -> Translation:
    best = Hypothesis(text="a", score=-1, tokens=["▁a"], attention=[[0.5, 0.25]])
    return Translation.model_validate({"hypotheses": [best], "source_tokens": ["▁b", "▁c"]} | fields)


def test_attention_of_a_translation() -> None:
    found = attention_of(translation(), ["a"], ["b", "c"])
    assert found is not None
    assert found.tolist() == [[0.5, 0.25]]


def test_where_nothing_looked_at_the_text_there_is_no_attention() -> None:
    unasked = translation(hypotheses=[Hypothesis(text="a", score=-1)], source_tokens=None)
    assert attention_of(unasked, ["a"], ["b", "c"]) is None
    assert attention_of(translation(via=["fra_Latn"]), ["a"], ["b", "c"]) is None
    assert attention_of(translation(), [], ["b", "c"]) is None


@pytest.mark.parametrize("method", list(AlignMethod))
def test_attention_is_asked_for_only_where_it_is_read(method: AlignMethod) -> None:
    read = method in (AlignMethod.ATTENTION, AlignMethod.FUSED)
    assert needs_attention(CandidatesMethodOptions(align_method=method)) is read
    unweighted = CandidatesMethodOptions(align_method=method, weight_attention=0)
    assert needs_attention(unweighted) is (method is AlignMethod.ATTENTION)


def test_the_error_says_why_there_is_none_and_what_to_do() -> None:
    assert "fra_Latn" in missing_attention(["fra_Latn"], given=False).detail
    assert "English side" in missing_attention([], given=True).detail
    assert "align_method" in missing_attention([], given=True).detail
