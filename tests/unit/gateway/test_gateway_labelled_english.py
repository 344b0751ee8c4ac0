"""Translate-train: labelled English cut into segments, and their translations joined again."""

import doctest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_gateway.core import labelled_english
from spanbridge_gateway.core.labelled_english import (
    EnglishWork,
    PlacedEntity,
    assemble_translation,
    join_cut,
    take,
    without_shared_words,
)
from spanbridge_gateway.core.preparation import MAX_SEGMENT_TOKENS
from spanbridge_shared.contracts.translate_train import EnglishSentence
from spanbridge_shared.text.bio import spans_of
from spanbridge_shared.text.offsets import char_span
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import join_tokens, tokenize


def taken(entities: list[tuple[int, int, str]] | None = None, **fields: Any) -> EnglishWork:
    given_ = [{"start": start, "end": end, "label": label} for start, end, label in entities or []]
    return take(EnglishSentence.model_validate({**fields, "entities": given_}), 3)


def shown(work: EnglishWork) -> list[list[tuple[int, str, str]]]:
    assert work.error is None, work.error
    return [
        [(each.source, segment.text[slice(*each.chars)], each.label) for each in segment.entities]
        for segment in work.segments
    ]


def test_entities_of_a_text_count_characters() -> None:
    work = taken([(14, 21, "LOC"), (0, 5, "PER")], text="Samia visited Nairobi.")
    assert shown(work) == [[(1, "Samia", "PER"), (0, "Nairobi", "LOC")]]
    assert [each.words for each in work.segments[0].entities] == [Span(0, 1), Span(2, 3)]
    assert work.id == "3"


def test_entities_of_tokens_count_tokens() -> None:
    work = taken([(0, 2, "PER"), (4, 5, "LOC")], tokens=["Samia", "Suluhu", "left", "(", "Nairobi", ")", "."], id=7)
    assert work.segments[0].text == "Samia Suluhu left (Nairobi)."
    assert shown(work) == [[(0, "Samia Suluhu", "PER"), (1, "Nairobi", "LOC")]]
    assert work.id == 7


def test_white_space_around_an_entity_is_left_out() -> None:
    assert shown(taken([(5, 15, "LOC")], text="Samia  Nairobi  left"))[0] == [(0, "Nairobi", "LOC")]


def test_an_entity_may_end_inside_a_word() -> None:
    work = taken([(0, 5, "LOC"), (5, 7, "MISC")], text="Kenyans left")
    assert shown(work) == [[(0, "Kenya", "LOC"), (1, "ns", "MISC")]]
    assert [each.words for each in work.segments[0].entities] == [Span(0, 1), Span(0, 1)]


@pytest.mark.parametrize(
    ("fields", "entities", "error", "told"),
    [
        ({"text": ""}, [], "EmptyText", "empty"),
        ({}, [], "AmbiguousInput", "neither"),
        ({"text": "a", "tokens": ["a"]}, [], "AmbiguousInput", "both"),
        ({"tokens": ["a b"]}, [], "InvalidTokens", "white space"),
        ({"text": "a\ud800"}, [], "InvalidText", "surrogate"),
        ({"text": "Samia"}, [(0, 6, "PER")], "InvalidSource", r"entity 0 is \[0, 6\).*5 characters"),
        ({"tokens": ["Samia"]}, [(0, 2, "PER")], "InvalidSource", r"entity 0 is \[0, 2\).*1 tokens"),
        ({"text": "Samia"}, [(-1, 2, "PER")], "InvalidSource", "no span"),
        ({"text": "Samia"}, [(2, 2, "PER")], "InvalidSource", "no span"),
        ({"text": "Samia  left"}, [(5, 7, "PER")], "InvalidSource", "blank"),
        ({"text": "Samia left"}, [(6, 10, "X"), (0, 7, "PER")], "InvalidSource", "entities 1 and 0 overlap"),
        ({"tokens": ["a", "b"]}, [(0, 2, "X"), (0, 1, "X")], "InvalidSource", "overlap"),
    ],
)
def test_a_faulty_sentence_says_why(
    fields: dict[str, Any], entities: list[tuple[int, int, str]], error: str, told: str
) -> None:
    work = taken(entities, **fields)
    result = assemble_translation(work, "swh_Latn", "request-1")
    assert work.segments == []
    assert result.error is not None
    assert (result.error.error, result.error.request_id) == (error, "request-1")
    with pytest.raises(type(work.error), match=told):
        raise work.error
    result.model_dump_json()


def test_a_text_is_cut_into_sentences_but_never_inside_an_entity() -> None:
    text = "He left. The film Stop! Now is new. Samia saw it."
    assert [segment.text for segment in taken(text=text).segments] == [
        "He left.", "The film Stop!", "Now is new.", "Samia saw it.",
    ]  # fmt: skip
    work = taken([(18, 27, "MISC"), (36, 41, "PER")], text=text)
    assert [segment.text for segment in work.segments] == ["He left.", "The film Stop! Now is new.", "Samia saw it."]
    assert shown(work) == [[], [(0, "Stop! Now", "MISC")], [(1, "Samia", "PER")]]


def test_a_long_sentence_is_cut_around_its_entities() -> None:
    words = [f"w{n}" for n in range(3 * MAX_SEGMENT_TOKENS)]
    whole = taken([(0, len(words), "X")], tokens=words)
    assert len(whole.segments) == 1
    work = taken([(n, n + 2, "X") for n in range(0, len(words), 2)], tokens=words)
    assert len(work.segments) > 1
    assert [text for segment in shown(work) for _, text, _ in segment] == [
        " ".join(words[n : n + 2]) for n in range(0, len(words), 2)
    ]


words = st.sampled_from(["Samia", ".", "Nairobi", "(", ")", "é", "👩‍👩‍👧", "שלום", "n’t", "!", "a"])


@given(st.data())
def test_no_entity_is_lost_or_moved(data: st.DataObject) -> None:
    tokens = data.draw(st.lists(words, min_size=1, max_size=200))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(tokens)), max_size=12)))
    entities = [(start, end, "X") for start, end in zip(cuts[::2], cuts[1::2], strict=False) if start < end]
    work = taken(entities, tokens=tokens)
    texts = {source: text.split() for segment in shown(work) for source, text, _ in segment}
    assert {source: "".join(parts) for source, parts in texts.items()} == {
        source: "".join(tokens[start:end]) for source, (start, end, _) in enumerate(entities)
    }
    assert [token.text for segment in work.segments for token in segment.tokens] == tokens
    for segment in work.segments:
        for each in segment.entities:
            assert char_span(each.words, [token.span for token in segment.tokens]) == each.chars


def test_segments_are_joined_over_any_number_of_cuts() -> None:
    segments = [Span(0, 2), Span(2, 4), Span(4, 6), Span(6, 8)]
    assert join_cut(segments, [Span(1, 5)]) == [Span(0, 6), Span(6, 8)]
    assert join_cut(segments, [Span(0, 2), Span(2, 4)]) == segments
    assert join_cut([], []) == []


def translated(work: EnglishWork, texts: list[str], places: list[list[tuple[int, int]]]) -> EnglishWork:
    """Give each segment a translation, and its entities token spans in it, in order."""
    for segment, text, spans in zip(work.segments, texts, places, strict=True):
        segment.target_text, segment.target_tokens = text, tokenize(text, "swh_Latn")
        segment.translation_score = -0.5
        segment.placed = [
            PlacedEntity(entity, Span(*span), 0.75) for entity, span in zip(segment.entities, spans, strict=False)
        ]
    return work


def test_translations_are_joined_with_offsets_and_what_got_lost() -> None:
    work = taken([(0, 5, "PER"), (14, 21, "LOC"), (23, 27, "PER"), (33, 38, "LOC")],
                 text="Samia visited Nairobi. Ruto left Kenya.")  # fmt: skip
    translated(work, ["Samia alitembelea Nairobi.", "Ruto alitoka."], [[(0, 1), (2, 3)], [(0, 1)]])
    result = assemble_translation(work, "swh_Latn", None)
    assert result.text == "Samia alitembelea Nairobi. Ruto alitoka."
    assert [(each.text, each.label, each.source, each.score) for each in result.entities] == [
        ("Samia", "PER", 0, 0.75), ("Nairobi", "LOC", 1, 0.75), ("Ruto", "PER", 2, 0.75),
    ]  # fmt: skip
    assert all(result.text[each.start : each.end] == each.text for each in result.entities)
    assert result.tags == ["B-PER", "O", "B-LOC", "O", "B-PER", "O", "O"]
    assert [(each.source, each.text, each.label) for each in result.lost] == [(3, "Kenya", "LOC")]
    assert (result.translation_score, result.error) == (-0.5, None)


def test_an_untranslatable_segment_between_others_leaves_no_gap() -> None:
    work = taken([(9, 14, "PER")], text="He left. Samia left. She came.")
    translated(work, ["Alitoka.", "", "Alikuja."], [[], [], []])
    result = assemble_translation(work, "swh_Latn", None)
    assert result.text == "Alitoka. Alikuja."
    assert [each.text for each in result.lost] == ["Samia"]


def test_an_empty_translation_is_an_error() -> None:
    result = assemble_translation(translated(taken(text="Samia"), [""], [[]]), "swh_Latn", None)
    assert result.error is not None
    assert result.error.error == "EmptyText"
    assert result.source_text == "Samia"


def test_of_two_entities_in_one_word_the_better_stays_and_the_other_is_lost() -> None:
    work = taken([(0, 7, "LOC"), (8, 13, "LOC")], text="Nairobi-Kenya")
    (segment,) = translated(work, ["Nairobi-Kenya"], [[]]).segments
    first, second = segment.entities
    segment.placed = [PlacedEntity(first, Span(0, 1), 0.6), PlacedEntity(second, Span(0, 1), 0.9)]
    result = assemble_translation(work, "swh_Latn", None)
    assert [(each.source, each.text) for each in result.entities] == [(1, "Nairobi-Kenya")]
    assert [(each.source, each.text) for each in result.lost] == [(0, "Nairobi")]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4), st.floats(0, 1)), max_size=8))
def test_what_stays_never_overlaps_and_nothing_free_goes(places: list[tuple[int, int, float]]) -> None:
    entity = taken([(0, 5, "PER")], text="Samia").segments[0].entities[0]
    placed = [PlacedEntity(entity, Span(start, start + length), score) for start, length, score in places]
    kept = without_shared_words(placed)
    assert [each.words for each in kept] == sorted(each.words for each in kept)
    for each in placed:
        rivals = [other for other in kept if other.words.overlaps(each.words)]
        assert rivals == [each] if each in kept else max(other.score for other in rivals) >= each.score


@given(st.lists(st.sampled_from(["Samia", "na", "Ruto", ".", "wa", "👩‍👩‍👧"]), min_size=1, max_size=10), st.data())
def test_tags_and_offsets_agree(tokens: list[str], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(tokens)), max_size=6)))
    spans = [(start, end) for start, end in zip(cuts[::2], cuts[1::2], strict=False) if start < end]
    work = taken([(start, end, "X") for start, end in spans], tokens=tokens)
    (segment,) = work.segments
    text, _ = join_tokens(tokens)
    translated(work, [text], [[]])
    n_words = len(segment.target_tokens)
    segment.placed = [PlacedEntity(each, Span(*span), 1.0) for each, span in zip(segment.entities, spans, strict=True)
                      if span[1] <= n_words]  # fmt: skip
    result = assemble_translation(work, "swh_Latn", None)
    offsets = [token.span for token in segment.target_tokens]
    assert [char_span(each.span, offsets) for each in spans_of(result.tags)] == [
        Span(each.start, each.end) for each in result.entities
    ]


def test_the_examples_hold() -> None:
    assert doctest.testmod(labelled_english).failed == 0
