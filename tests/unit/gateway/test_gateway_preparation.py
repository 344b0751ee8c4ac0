"""Cutting sentences into tokens and segments, and checking them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_gateway.core.preparation import MAX_SEGMENT_TOKENS, cut_long, halve, prepare
from spanbridge_shared.contracts.gateway import Sentence
from spanbridge_shared.errors import (
    AmbiguousInput,
    EmptyText,
    InvalidSource,
    InvalidText,
    InvalidTokens,
    SentenceError,
    TextTooLong,
)
from spanbridge_shared.text.checks import check_text
from spanbridge_shared.text.spans import Span


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ({}, AmbiguousInput),
        ({"text": "a", "tokens": ["a"]}, AmbiguousInput),
        ({"text": ""}, EmptyText),
        ({"text": " \n\t"}, EmptyText),
        ({"tokens": []}, EmptyText),
        ({"text": "a" * 20_001}, TextTooLong),
        ({"tokens": ["a" * 20_001]}, TextTooLong),
        ({"text": "a\ud800b"}, InvalidText),
        ({"tokens": ["a\udfff"]}, InvalidText),
        ({"text": "a\0b"}, InvalidText),
        ({"tokens": ["a", ""]}, InvalidTokens),
        ({"tokens": ["a b"]}, InvalidTokens),
        ({"tokens": ["a\u00a0b"]}, InvalidTokens),
        ({"text": "a", "source": {"tokens": []}}, InvalidSource),
        ({"text": "a", "source": {"tokens": ["b c"]}}, InvalidSource),
        (
            {"text": "a", "source": {"tokens": ["b"], "entities": [{"start": 0, "end": 2, "label": "PER"}]}},
            InvalidSource,
        ),
        (
            {"text": "a", "source": {"tokens": ["b"], "entities": [{"start": 0, "end": 0, "label": "PER"}]}},
            InvalidSource,
        ),
        (
            {"text": "a", "source": {"tokens": ["b"], "entities": [{"start": -1, "end": 1, "label": "P"}]}},
            InvalidSource,
        ),
    ],
)
def test_a_bad_sentence_names_its_fault(sentence: dict[str, object], fault: type[SentenceError]) -> None:
    with pytest.raises(fault):
        prepare(Sentence.model_validate(sentence), "swh_Latn")


def test_text_of_exactly_the_limit_is_taken() -> None:
    prepared = prepare(Sentence(text="neno " * 4_000), "swh_Latn")
    assert len(prepared.tokens) == 4_000
    assert all(len(segment) <= MAX_SEGMENT_TOKENS for segment in prepared.segments)


@given(st.text(max_size=200))
def test_tokens_slice_back_and_segments_cover_them(text: str) -> None:
    try:
        check_text(text)
    except SentenceError:
        return
    prepared = prepare(Sentence(text=text), "amh_Ethi")
    for token, span in zip(prepared.tokens, prepared.offsets, strict=True):
        assert text[span.start : span.end] == token
    covered = [place for segment in prepared.segments for place in range(segment.start, segment.end)]
    assert covered == list(range(len(prepared.tokens)))
    assert "".join(prepared.tokens) == "".join(text.split())


def test_several_sentences_become_several_segments() -> None:
    prepared = prepare(Sentence(text="Rais alifika. Watu walifurahi!\n\nMwisho"), "swh_Latn")
    assert [prepared.segment_text(each) for each in prepared.segments] == [
        "Rais alifika.",
        "Watu walifurahi!",
        "Mwisho",
    ]


def test_a_sentence_with_its_own_source_stays_whole() -> None:
    given_source = {"tokens": ["It", "is", "so", "."], "entities": []}
    prepared = prepare(Sentence.model_validate({"text": "Ndiyo. Hapana.", "source": given_source}), "swh_Latn")
    assert prepared.segments == [Span(0, 4)]


def test_token_input_keeps_its_tokens_and_is_translated_as_running_text() -> None:
    tokens = ["Alisema", ":", '"', "Karibu", '"', "."]
    prepared = prepare(Sentence(tokens=tokens), "swh_Latn")
    assert prepared.tokens == tokens
    assert prepared.text == 'Alisema : " Karibu " .'
    assert prepared.segment_text(prepared.segments[0]) == 'Alisema: "Karibu".'


@given(st.lists(st.sampled_from(["a", ",", ".", "b"]), min_size=2, max_size=400), st.integers(1, 20))
def test_cutting_keeps_order_and_limit(tokens: list[str], limit: int) -> None:
    parts = cut_long(tokens, Span(0, len(tokens)), limit)
    assert [place for part in parts for place in range(part.start, part.end)] == list(range(len(tokens)))
    assert all(1 <= len(part) <= limit for part in parts)


def test_halving_prefers_a_full_stop_to_a_comma_and_the_middle() -> None:
    tokens = ["a", "b", "c", ",", "d", ".", "e", "f", "g", "h"]
    assert halve(tokens, Span(0, 10)) == (Span(0, 6), Span(6, 10))
    assert halve(["a", "b", "c", "d"], Span(0, 4)) == (Span(0, 2), Span(2, 4))
