"""Corrections as gold sentences: nothing moves, and what doesn't fit words is counted, not bent."""

import doctest
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.contracts.corrections import CorrectedSpan, Correction
from spanbridge_shared.corrections import gold
from spanbridge_shared.corrections.gold import GoldSentence, gold_of, likeness, likenesses
from tests.support.scripts import SCRIPTS, labelled_texts

LANG = "swh_Latn"


def correction(text: str, *spans: tuple[int, int, str]) -> Correction:
    kept = [CorrectedSpan(start=start, end=end, label=label, tool_label=label) for start, end, label in spans]
    return Correction(tool="t", time=datetime(2026, 1, 1, tzinfo=UTC), text=text, spans=kept)


def words(sentence: GoldSentence) -> list[tuple[str, str]]:
    return [(" ".join(sentence.words[span.start : span.end]), label) for span, label in sentence.entities]


def test_the_examples() -> None:
    assert doctest.testmod(gold).failed == 0


def test_a_text_is_cut_into_sentences_and_words() -> None:
    text = "👩🏽‍🏫 Rais Samia alitembelea Nairobi. Dkt. Ruto hakuja!"
    found = gold_of(correction(text, (10, 15, "PER"), (28, 35, "LOC"), (37, 46, "PER")), LANG)
    assert [words(each) for each in found.sentences] == [
        [("Samia", "PER"), ("Nairobi", "LOC")],
        [("Dkt . Ruto", "PER")],
    ]
    assert (found.misfits, found.left_out) == ((), 0)


def test_a_text_without_entities_is_gold_too() -> None:
    found = gold_of(correction("Hakuna mtu hapa."), LANG)
    assert [(each.words, each.entities) for each in found.sentences] == [(("Hakuna", "mtu", "hapa", "."), ())]
    assert gold_of(correction(" \n"), LANG).sentences == ()


def test_white_space_at_an_entitys_ends_is_nobodys() -> None:
    (sentence,) = gold_of(correction("Rais  Samia  amefika.", (4, 13, "PER")), LANG).sentences
    assert words(sentence) == [("Samia", "PER")]


@pytest.mark.parametrize(
    ("span", "left", "out"),
    [
        ((5, 8), 1, 1),  # Half a word.
        ((11, 22), 0, 2),  # Over a sentence's end.
        ((4, 5), 2, 0),  # White space alone.
    ],
)
def test_what_is_not_whole_words_of_a_sentence_is_left_out_and_counted(
    span: tuple[int, int], left: int, out: int
) -> None:
    found = gold_of(correction("Rais Samia amefika. Karibu tena sana.", (*span, "PER")), LANG)
    assert (len(found.sentences), found.left_out) == (left, out)
    assert [(each.start, each.end) for each in found.misfits] == [span]


def test_a_combining_mark_stays_with_its_letter() -> None:
    text = unicodedata.normalize("NFD", "Ọ̀gbẹ́ni Adé dé.")
    start = text.index("A")
    whole = gold_of(correction(text, (start, start + 4, "PER")), "yor_Latn")
    assert words(whole.sentences[0]) == [(unicodedata.normalize("NFD", "Adé"), "PER")]
    assert len(gold_of(correction(text, (start, start + 3, "PER")), "yor_Latn").misfits) == 1


@given(labelled_texts(["PER", "LOC"]), st.sampled_from([LANG, "heb_Hebr", "amh_Ethi"]))
def test_every_entity_is_gold_at_its_place_or_counted(drawn: tuple[str, list[tuple[int, int, str]]], lang: str) -> None:
    text, spans = drawn
    found = gold_of(correction(text, *spans), lang)
    shown = sorted(("".join(each.split()), label) for one in found.sentences for each, label in words(one))
    lost = {(each.start, each.end) for each in found.misfits}
    fits = sorted(("".join(text[start:end].split()), label) for start, end, label in spans if (start, end) not in lost)
    # A sentence that one misfit touches takes its other entities along.
    assert shown == fits or (found.left_out and all(each in fits for each in shown))


@given(SCRIPTS)
def test_likeness_knows_no_white_space_case_or_spelling(text: str) -> None:
    assert likeness(text) == likeness(f" {text}\n") == likeness(unicodedata.normalize("NFC", text))
    assert "" not in likenesses(correction(text), LANG)


def test_each_sentence_of_a_correction_is_alike() -> None:
    found = likenesses(correction("Rais amefika. Karibu tena."), LANG)
    assert found == {likeness(each) for each in ("Rais amefika . Karibu tena .", "Rais amefika .", "karibu TENA.")}
