import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.text.sentences import split_sentences, trim
from spanbridge_shared.text.spans import Span

PIECES = [
    "A.",
    "Dr. ",
    "Dkt.",
    " ",
    "\n",
    "\n\n",
    "\r\n",
    "።",
    "。",
    "؟ ",
    "! ",
    '"',
    "«",
    "»",
    "(",
    ")",
    "👨‍👩‍👧",
    "e\u0301",
    "שלום",
    "3.5",
    "abc",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
LANGUAGES = st.sampled_from(["eng_Latn", "swh_Latn", "amh_Ethi", "zho_Hans", "arb_Arab", "bbj_Latn"])


def sentences(text, lang="swh_Latn"):
    return [text[start:end] for start, end in split_sentences(text, lang)]


def check_cover(text, spans):
    ends = [0, *(span.end for span in spans)]
    assert all(end <= span.start < span.end for end, span in zip(ends, spans, strict=False))
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)
    outside = text[ends[-1] :] + "".join(text[end : span.start] for end, span in zip(ends, spans, strict=False))
    assert outside.strip() == ""


@given(TEXTS, LANGUAGES)
def test_every_character_but_white_space_is_in_one_sentence(text, lang):
    check_cover(text, split_sentences(text, lang))


@given(TEXTS.filter(str.strip), st.integers(1, 400), LANGUAGES)
def test_long_texts_are_covered_too(text, times, lang):
    long = (text * times)[:12_000]
    check_cover(long, split_sentences(long, lang))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Habari. Dkt. Ruto amefika!", ["Habari.", "Dkt. Ruto amefika!"]),
        ("Bw. J. K. Rowling alifika. Kisha akaondoka.", ["Bw. J. K. Rowling alifika.", "Kisha akaondoka."]),
        ("Mr.  ", ["Mr."]),
        ("Alifika Dkt.\n\nRuto.", ["Alifika Dkt.", "Ruto."]),
        ("Dkt.\n\nRuto alifika.", ["Dkt.", "Ruto alifika."]),
        ("Hi 👨‍👩‍👧. Karibu 🇰🇪 tena.", ["Hi 👨‍👩‍👧.", "Karibu 🇰🇪 tena."]),
        ("Kichwa\n\nMwili wa habari.", ["Kichwa", "Mwili wa habari."]),
        ("", []),
        ("  \n\n ", []),
    ],
)
def test_worked_examples(text, expected):
    assert sentences(text) == expected


def test_ethiopic_and_arabic_ends():
    assert sentences("ሰላም ነው። እንዴት ነህ?", "amh_Ethi") == ["ሰላም ነው።", "እንዴት ነህ?"]
    assert sentences("من أنت؟ أنا هنا.", "arb_Arab") == ["من أنت؟", "أنا هنا."]


@pytest.mark.parametrize("lang", ["eng_Latn", "swh_Latn", "amh_Ethi"])
@pytest.mark.parametrize(
    "piece", ["a.", "A.", "A. ", "'", ".", "«", '"', "\u0301", "中。", "ሀ።", "1. ", "(", "?!", "\n", "a.\n\n"]
)
def test_repetitive_texts_are_covered(piece, lang):
    """Regression: sentencex alone is quadratic on these; seen through a window they stay linear."""
    text = piece * (20_000 // len(piece))
    check_cover(text, split_sentences(text, lang))


def test_a_window_changes_nothing_in_ordinary_text():
    """Sentences of a long text are those of its parts: the window's edge cuts none of them."""
    part = "Rais Samia alitembelea Nairobi jana. Je, alifika? Ndiyo, alifika saa 10.30 asubuhi!"
    assert sentences(" ".join([part] * 200)) == sentences(part) * 200


def test_a_sentence_without_end_is_cut_at_white_space():
    text = "neno " * 4_000
    found = sentences(text)
    assert " ".join(found) == text.strip()
    assert max(map(len, found)) <= 4_000


@given(st.text())
def test_trim_leaves_no_white_space(text):
    start, end = trim(text, Span(0, len(text)))
    assert text[start:end] == text.strip()
