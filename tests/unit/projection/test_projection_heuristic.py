"""The heuristic, option by option."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spanbridge_projection.core.heuristic import heuristic
from spanbridge_projection.core.sentence import Entity
from spanbridge_shared.contracts.projection import HeuristicOptions
from spanbridge_shared.text.spans import Span


def links(source: int, *targets: int, weight: float = 1.0) -> list[tuple[int, int, float]]:
    return [(source, target, weight) for target in targets]


ONE = [Entity(Span(0, 1), "PER")]


def spans(entities: list[Entity], aligned: list[tuple[int, int, float]], **options: object) -> list[tuple[int, Span]]:
    return heuristic(entities, aligned, 12, HeuristicOptions.model_validate(options))


def test_runs_merge_over_gaps_of_at_most_max_gap() -> None:
    aligned = links(0, 0, 2, 5)
    assert spans(ONE, aligned) == [(0, Span(0, 3)), (0, Span(5, 6))]
    assert spans(ONE, aligned, max_gap=0) == [(0, Span(0, 1)), (0, Span(2, 3)), (0, Span(5, 6))]
    assert spans(ONE, aligned, max_gap=2) == [(0, Span(0, 6))]


def test_a_run_must_exceed_min_ratio() -> None:
    five = [Entity(Span(0, 5), "ORG")]
    assert spans(five, links(0, 0, 1, 2, 3)) == [], "4 / 5 is not above 0.8"
    assert spans(five, links(0, 0, 1, 2, 3, 4)) == [(0, Span(0, 5))]
    assert spans(five, links(0, 0), min_ratio=0) == [(0, Span(0, 1))]


def test_max_runs_keeps_the_longest_not_the_shortest() -> None:
    """The published code sorted the wrong way."""
    aligned = links(0, 0, 4, 5, 6, 9, 10)
    assert spans(ONE, aligned, max_runs=1) == [(0, Span(4, 7))]
    assert spans(ONE, aligned, max_runs=2) == [(0, Span(4, 7)), (0, Span(9, 11))]
    assert spans(ONE, links(0, 3, 8), max_runs=1) == [(0, Span(3, 4))], "of equal runs the first"


def test_shorter_entities_come_first_and_runs_that_overlap_their_labels_are_skipped() -> None:
    """As published; the longer one had been first if it stood further left."""
    two = [Entity(Span(0, 2), "PER"), Entity(Span(2, 3), "LOC")]
    assert spans(two, links(0, 0, 1) + links(1, 4, 5) + links(2, 1)) == [(1, Span(1, 2)), (0, Span(4, 6))]


def test_equally_short_entities_take_turns_by_start_then_index() -> None:
    two = [Entity(Span(2, 3), "LOC"), Entity(Span(0, 1), "PER")]
    assert spans(two, links(0, 4) + links(2, 4)) == [(1, Span(4, 5))]
    twice = [Entity(Span(0, 1), "LOC"), Entity(Span(0, 1), "PER")]
    assert spans(twice, links(0, 4)) == [(0, Span(4, 5))]


def test_an_entity_whose_longest_run_is_taken_has_no_label_with_one_run() -> None:
    two = [Entity(Span(0, 1), "PER"), Entity(Span(1, 3), "LOC")]
    aligned = links(0, 0, 1) + links(1, 0, 1, 2) + links(2, 6, 7)
    assert spans(two, aligned, max_runs=1) == [(0, Span(0, 2))]
    assert spans(two, aligned, max_runs=2) == [(0, Span(0, 2)), (1, Span(6, 8))]


def test_only_i_keeps_runs_apart_that_start_at_a_word_of_the_first_source_word() -> None:
    """The published knob: where "Samia … Samia" stands twice, the second is a mention of its own.

    It had been read as "label only the first mention".
    """
    samia = [Entity(Span(0, 2), "PER")]
    twice = links(0, 0, 3) + links(1, 1, 4)
    assert spans(samia, twice) == [(0, Span(0, 5))]
    assert spans(samia, twice, only_i=True) == [(0, Span(0, 2)), (0, Span(3, 5))]
    one = links(0, 0) + links(1, 1, 3)
    assert spans(samia, one, only_i=True) == [(0, Span(0, 4))], "starts at a word of I- alone"


def test_only_i_splits_no_run_and_nothing_merges_without_gaps() -> None:
    samia = [Entity(Span(0, 2), "PER")]
    adjoining = links(0, 0, 2) + links(1, 1, 3)
    assert spans(samia, adjoining, only_i=True) == spans(samia, adjoining, max_gap=0) == [(0, Span(0, 4))]


def test_a_merged_run_counts_its_gaps() -> None:
    three = [Entity(Span(0, 3), "ORG")]
    assert spans(three, links(0, 0) + links(1, 2)) == [(0, Span(0, 3))], "2 of 3 words alone would not be above 0.8"


def test_links_of_weight_zero_are_no_links() -> None:
    assert spans(ONE, links(0, 3, weight=0.0)) == []
    assert spans(ONE, links(0, 3, weight=0.01)) == [(0, Span(3, 4))]


@st.composite
def sentences(draw: st.DrawFn) -> tuple[list[Entity], list[tuple[int, int, float]]]:
    starts = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), max_size=4))
    link = st.tuples(st.integers(0, 8), st.integers(0, 11), st.sampled_from([0.0, 0.4, 1.0]))
    return [Entity(Span(start, start + length), "PER") for start, length in starts], draw(st.lists(link, max_size=25))


KNOBS = st.fixed_dictionaries(
    {
        "max_gap": st.integers(0, 3),
        "max_runs": st.none() | st.integers(1, 3),
        "only_i": st.booleans(),
        "min_ratio": st.sampled_from([0.0, 0.5, 0.8, 1.0]),
    }
)


def by_the_book(
    entities: list[Entity],
    aligned: list[tuple[int, int, float]],
    *,
    max_gap: int,
    max_runs: int | None,
    only_i: bool,
    min_ratio: float,
) -> list[tuple[int, Span]]:
    """The published steps, one after the other, over sets of words."""
    labels: list[str] = ["O"] * 12
    found = []
    for index in sorted(range(len(entities)), key=lambda each: (len(entities[each].span), *entities[each].span, each)):
        source = entities[index].span
        words = {t for s, t, weight in aligned if weight > 0 and source.start <= s < source.end}
        begins = {t for s, t, weight in aligned if weight > 0 and s == source.start}
        pieces: list[list[int]] = []
        for word in sorted(words):
            if pieces and word == pieces[-1][-1] + 1:
                pieces[-1].append(word)
            else:
                pieces.append([word])
        merged = [pieces[0]] if pieces else []
        for piece in pieces[1:]:
            gap = piece[0] - merged[-1][-1] - 1
            if gap <= max_gap and not (only_i and piece[0] in begins):
                merged[-1] = list(range(merged[-1][0], piece[-1] + 1))
            else:
                merged.append(piece)
        long_enough = [piece for piece in merged if len(piece) / len(source) > min_ratio]
        # sorted() is stable: of equally long ones the earliest stays first.
        for piece in sorted(long_enough, key=len, reverse=True)[:max_runs]:
            if all(labels[word] == "O" for word in piece):
                for word in piece:
                    labels[word] = "PER"
                found.append((index, Span(piece[0], piece[-1] + 1)))
    return sorted(found, key=lambda each: each[1])


@given(sentences(), KNOBS)
def test_heuristic_is_the_published_one(
    sentence: tuple[list[Entity], list[tuple[int, int, float]]], knobs: dict[str, Any]
) -> None:
    assert spans(*sentence, **knobs) == by_the_book(*sentence, **knobs)


@given(sentences(), KNOBS)
def test_labels_never_overlap_and_begin_and_end_at_aligned_words(
    sentence: tuple[list[Entity], list[tuple[int, int, float]]], knobs: dict[str, Any]
) -> None:
    entities, aligned = sentence
    found = spans(entities, aligned, **knobs)
    words = [word for _, span in found for word in range(*span)]
    assert words == sorted(set(words))
    for index, span in found:
        reached = {t for s, t, weight in aligned if weight > 0 and s in range(*entities[index].span)}
        assert {span.start, span.end - 1} <= reached
        assert len(span) / len(entities[index].span) > knobs["min_ratio"]
        assert sum(each == index for each, _ in found) <= (knobs["max_runs"] or len(found))
