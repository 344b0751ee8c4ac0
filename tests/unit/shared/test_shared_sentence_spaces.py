"""White space of several bytes, on which the splitter behind `split_sentences` panics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.text.sentences import split_sentences

SPACES = ["\u00a0", "\u3000", "\u2028", "\u2029", "\x85", "\u2003", "\u1680"]
PIECES = ["Samia", "O", "É", "ሰ", "👩‍👩‍👧", " ", "\n", ".", "!", "…", "。", "(", "”", *SPACES]


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("lang", ["swh_Latn", "fra_Latn", "amh_Ethi"])
def test_a_wide_space_before_a_full_stop(space: str, lang: str) -> None:
    """Regression: a panic of Rust, which no `except Exception` catches, took the whole request along."""
    text = f"Samia yuko O{space}. Nairobi"
    assert "".join(text[a:b] for a, b in split_sentences(text, lang)).split() == text.split()


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_text_makes_the_splitter_panic(text: str) -> None:
    spans = split_sentences(text, "swh_Latn")
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
