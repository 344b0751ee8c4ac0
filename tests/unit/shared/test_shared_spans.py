import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.text.bio import LabelledSpan, spans_of, tags_of
from spanbridge_shared.text.offsets import char_span, token_span
from spanbridge_shared.text.spans import Span, runs, without_overlaps
from spanbridge_shared.text.tokenization import join_tokens

SPANS = st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda each: Span(each[0], each[0] + each[1]))
POSITIONS = st.lists(st.integers(0, 40))
TOKENS = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=12)


def members(span):
    return set(range(*span))


@given(SPANS, SPANS)
def test_overlap_is_a_shared_unit(first, second):
    assert first.overlaps(second) == second.overlaps(first) == bool(members(first) & members(second))


def test_length_and_shift():
    assert len(Span(2, 5)) == 3
    assert not Span(2, 2)
    assert Span(2, 5).shifted(-2) == Span(0, 3) == (0, 3)


@given(st.lists(SPANS))
def test_what_is_left_has_no_overlaps_and_prefers_the_first(spans):
    kept = without_overlaps(spans)
    assert sum(map(len, kept)) == len(set().union(*map(members, kept)))
    assert kept[:1] == spans[:1]
    assert all(any(span.overlaps(other) for other in kept) for span in spans)


@given(POSITIONS, st.integers(0, 3))
def test_runs_cover_the_positions_and_stand_further_apart_than_the_gap(positions, gap):
    found = runs(positions, gap=gap)
    assert set(positions) <= set().union(*map(members, found))
    assert all(second.start - first.end > gap for first, second in itertools.pairwise(found))
    if gap == 0:
        assert set(positions) == set().union(*map(members, found))


@given(TOKENS, st.data())
def test_token_spans_round_trip_through_characters(tokens, data):
    _, offsets = join_tokens(tokens)
    start = data.draw(st.integers(0, len(tokens) - 1))
    end = data.draw(st.integers(start + 1, len(tokens)))
    assert token_span(char_span(Span(start, end), offsets), offsets) == Span(start, end)


@given(TOKENS, SPANS)
def test_a_token_span_holds_exactly_the_tokens_touched(tokens, chars):
    _, offsets = join_tokens(tokens)
    touched = [place for place, offset in enumerate(offsets) if offset.overlaps(chars)]
    expected = Span(touched[0], touched[-1] + 1) if touched else None
    assert token_span(chars, offsets) == expected


def test_white_space_alone_touches_no_token():
    assert token_span(Span(4, 5), [Span(0, 4), Span(5, 10)]) is None
    assert token_span(Span(0, 1), []) is None


@given(st.lists(SPANS), st.lists(st.sampled_from(["PER", "LOC", "B-X", "É"]), min_size=1))
def test_spans_round_trip_through_tags(spans, labels):
    given_spans = [
        LabelledSpan(span, labels[i % len(labels)]) for i, span in enumerate(sorted(without_overlaps(spans)))
    ]
    assert spans_of(tags_of(given_spans, 40)) == given_spans


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])))
def test_reading_tags_and_writing_them_settles(tags):
    once = tags_of(spans_of(tags), len(tags))
    assert spans_of(once) == spans_of(tags)
    assert [tag == "O" for tag in once] == [tag == "O" for tag in tags]


def test_touching_entities_of_one_label_stay_apart():
    assert [each.span for each in spans_of(["B-PER", "B-PER", "I-PER", "I-LOC"])] == [(0, 1), (1, 3), (3, 4)]


@pytest.mark.parametrize("span", [Span(-1, 1), Span(0, 0), Span(2, 1), Span(0, 4)])
def test_spans_outside_are_refused(span):
    with pytest.raises(ValueError, match="outside the 3 tokens"):
        tags_of([LabelledSpan(span, "PER")], 3)


def test_overlapping_spans_are_refused():
    with pytest.raises(ValueError, match="overlaps"):
        tags_of([LabelledSpan(Span(0, 2), "PER"), LabelledSpan(Span(1, 3), "LOC")], 3)


@pytest.mark.parametrize("tag", ["", "B", "B-", "S-PER", "PER", "o", "-"])
def test_tags_of_another_scheme_are_refused(tag):
    with pytest.raises(ValueError, match="position 1"):
        spans_of(["O", tag])
