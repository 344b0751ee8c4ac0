"""Texts that offsets go wrong in: emoji, combining marks, right to left, and their spans; for property tests."""

from collections.abc import Sequence

from hypothesis import strategies as st

SCRIPTS = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        st.sampled_from("👩‍👧🏽️é́ọ̀ẹ́አዲስשלוםمرحبا東京กรุง\u200f\u202e .,!?'’-"),
    ),
    max_size=60,
)


@st.composite
def labelled_texts(draw: st.DrawFn, labels: Sequence[str]) -> tuple[str, list[tuple[int, int, str]]]:
    """Draw a text, which may be empty, and spans in order that don't overlap: (start, end, label)."""
    text = draw(SCRIPTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return text, [(start, end, draw(st.sampled_from(labels))) for start, end in pairs]
