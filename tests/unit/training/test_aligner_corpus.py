"""Sentences as flat arrays: the same sub-words as the tokenizer gives, whatever the layout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("tokenizers", reason="the recipe needs the training extra")

from training.aligner.corpus import Ragged, WordNumbers, pieces_of, spelling_of
from training.encoder.tokenizer import SPECIALS, UNK_ID, build_tokenizer

PIECES = [(name, 0.0) for name in SPECIALS] + [("▁", -2.0), ("a", -3.0), ("b", -3.0), ("▁ab", -3.0), ("▁ba", -3.0)]
SENTENCES = st.lists(st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=6), min_size=1, max_size=5)
ROWS = st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=6)


@given(SENTENCES)
def test_words_spelled_alone_are_the_words_of_the_sentence(sentences: list[list[str]]) -> None:
    tokenizer = build_tokenizer(PIECES)
    numbers = WordNumbers()
    rows = Ragged.of([numbers(words) for words in sentences])
    pieces = pieces_of(rows, spelling_of(tokenizer, numbers.words))
    for place, words in enumerate(sentences):
        encoding = tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
        own = slice(pieces.offsets[place], pieces.offsets[place + 1])
        assert pieces.ids[own].tolist() == encoding.ids
        assert pieces.words[own].tolist() == encoding.word_ids


@given(ROWS, st.data())
def test_picked_rows_are_those_rows(rows: list[list[int]], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    picked = Ragged.of(rows).picked(np.array(chosen, np.int64))
    assert picked.values.tolist() == [value for row in chosen for value in rows[row]]
    assert picked.lengths.tolist() == [len(rows[row]) for row in chosen]


def test_a_word_without_sub_words_is_unknown() -> None:
    assert spelling_of(build_tokenizer(PIECES), ["\x01", "ab"]).values.tolist()[0] == UNK_ID
