"""Markers: put in and read back exactly, whatever the text holds; robust against what a model does to them."""

import doctest
import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_gateway.core import markers
from spanbridge_gateway.core.markers import (
    MARKERS,
    Reading,
    insert_markers,
    place_tokens,
    read_markers,
    without_own_markers,
)
from spanbridge_shared.contracts.options import MarkerStyle
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import detokenize

STYLES = list(MarkerStyle)
# Emoji with joiners and flags, combining marks, right-to-left, unspaced scripts, odd white space, and markers.
PIECES = [
    "Samia",
    "👩‍👩‍👧",
    "🇰🇪",
    "é",
    "Ẹ̀kọ́",
    "שלום",
    "مرحبا",
    "\u200f",
    "ሰላም",
    "東京",
    "n’umwanya",
    ".",
    "\u0301",
    "𐍈",
]
PIECES += [" ", "  ", "\t", "\u00a0", "\u3000", "\u2028"]
PIECES += ["[", "]", "(", ")", '"', "“", "”", "«", "\uff3b", "\uff09", "\u2474"]
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    """A text, and spans in order that neither begin nor end with white space, as entities are."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    spans = [Span(*pair) for pair in zip(cuts[::2], cuts[1::2], strict=False)]
    return text, [span for span in spans if (inside := text[span.start : span.end]) and inside == inside.strip()]


@pytest.mark.parametrize("style", STYLES)
@given(case=texts_with_spans())
def test_what_is_put_in_is_read_back_exactly(style: MarkerStyle, case: tuple[str, list[Span]]) -> None:
    text, spans = case
    reading = read_markers(insert_markers(text, spans, style), style)
    assert reading == Reading(without_own_markers(text, style), spans)


@pytest.mark.parametrize("style", STYLES)
@given(text=texts)
def test_a_texts_own_markers_are_replaced_one_by_one(style: MarkerStyle, text: str) -> None:
    clean = without_own_markers(text, style)
    used = MARKERS[style]
    assert len(clean) == len(text)
    assert not {used.opening, used.closing} & set(unicodedata.normalize("NFKC", clean))
    assert without_own_markers(clean, style) == clean
    assert all(
        a == b for a, b in zip(text, clean, strict=True) if a.isalnum() and unicodedata.normalize("NFKC", a) == a
    )


@pytest.mark.parametrize("style", STYLES)
@given(text=texts)
def test_any_answer_of_a_model_can_be_read(style: MarkerStyle, text: str) -> None:
    reading = read_markers(text, style)
    used = MARKERS[style]
    marking = {used.opening, used.closing, *used.other_openings, *used.other_closings}
    assert not marking & set(reading.text)
    assert [each for each in reading.text if not each.isspace()] == [
        each for each in text if each not in marking and not each.isspace()
    ]
    n_markers = sum(each in marking for each in text)
    assert n_markers == 2 * (len(reading.spans) + reading.empty) + reading.unpaired
    for before, after in itertools.pairwise(reading.spans):
        assert before.end <= after.start
    for start, end in reading.spans:
        inside = reading.text[start:end]
        assert inside
        assert inside == inside.strip()


@pytest.mark.parametrize(
    ("marked", "text", "spans", "unpaired", "empty"),
    [
        ("", "", [], 0, 0),
        ("[", "", [], 1, 0),
        ("[Samia]", "Samia", [(0, 5)], 0, 0),
        ("[Samia] alifika [Nairobi].", "Samia alifika Nairobi.", [(0, 5), (14, 21)], 0, 0),
        ("[ Samia ] alifika", "Samia alifika", [(0, 5)], 0, 0),
        ("katika[ Samia ]", "katika Samia", [(7, 12)], 0, 0),
        ("alifika [ Nairobi ] .", "alifika Nairobi .", [(8, 15)], 0, 0),
        ("[Nairobi]ni", "Nairobini", [(0, 7)], 0, 0),
        ("Samia] alifika [Nairobi]", "Samia alifika Nairobi", [(14, 21)], 1, 0),
        ("[Samia alifika [Nairobi]", "Samia alifika Nairobi", [(14, 21)], 1, 0),
        ("[Umoja wa [Mataifa]]", "Umoja wa Mataifa", [(9, 16)], 2, 0),
        ("[[Samia]]", "Samia", [(0, 5)], 2, 0),
        ("a [] b [ ] c", "a b c", [], 0, 2),
        ("] [", "", [], 2, 0),
        ("[👩‍👩‍👧] na [Ẹ̀kọ́]", "👩‍👩‍👧 na Ẹ̀kọ́", [(0, 5), (9, 14)], 0, 0),
        ("[שלום] עולם", "שלום עולם", [(0, 4)], 0, 0),
        ("\uff3bSamia]", "\uff3bSamia", [], 1, 0),
    ],
)
def test_brackets(marked: str, text: str, spans: list[tuple[int, int]], unpaired: int, empty: int) -> None:
    assert read_markers(marked) == Reading(text, [Span(*each) for each in spans], unpaired, empty)


@pytest.mark.parametrize(
    ("marked", "text", "spans", "unpaired"),
    [
        ('"Samia" yuko "Nairobi"', "Samia yuko Nairobi", [(0, 5), (11, 18)], 0),
        ("„Samia“ ist in “Nairobi”", "Samia ist in Nairobi", [(0, 5), (13, 20)], 0),
        ("«Samia» est à «Nairobi", "Samia est à Nairobi", [(0, 5)], 1),
        ('"Samia', "Samia", [], 1),
        ("Samia's", "Samia's", [], 0),
    ],
)
def test_quotes_of_any_language_are_read(marked: str, text: str, spans: list[tuple[int, int]], unpaired: int) -> None:
    assert read_markers(marked, MarkerStyle.QUOTES) == Reading(text, [Span(*each) for each in spans], unpaired)


def test_a_texts_own_brackets_are_no_entities() -> None:
    marked = insert_markers("He [the president] left Nairobi [sic].", [Span(24, 31)])
    assert marked == "He (the president) left [Nairobi] (sic)."


def test_adjacent_entities_stay_apart() -> None:
    assert insert_markers("NairobiKenya", [Span(0, 7), Span(7, 12)]) == "[Nairobi][Kenya]"


@pytest.mark.parametrize("spans", [[(1, 1)], [(0, 4)], [(-1, 2)], [(0, 2), (1, 3)], [(2, 3), (0, 1)]])
def test_spans_that_cannot_be_marked_are_refused(spans: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="overlaps the one before it"):
        insert_markers("abc", [Span(*each) for each in spans])


TOKENS = ["Samia", "[", "]", "(", ")", '"', "'s", "n’t", ",", ".", "“", "”", "👩‍👩‍👧", "é", "a", "aa", "שלום", "\u0301"]


@given(st.lists(st.sampled_from(TOKENS), max_size=12))
def test_tokens_keep_their_places_in_running_text(tokens: list[str]) -> None:
    text, spans = place_tokens(tokens)
    assert text == detokenize(tokens)
    assert [text[start:end] for start, end in spans] == tokens
    gaps = [text[a.end : b.start] for a, b in itertools.pairwise(spans)]
    assert set(gaps) <= {"", " "}


def test_the_examples_hold() -> None:
    assert doctest.testmod(markers).failed == 0
