"""The heuristic, option by option."""

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


def test_runs_that_overlap_an_earlier_label_are_skipped() -> None:
    two = [Entity(Span(2, 3), "LOC"), Entity(Span(0, 2), "PER")]
    assert spans(two, links(0, 0, 1) + links(2, 1, 5)) == [(1, Span(0, 2)), (0, Span(5, 6))]


def test_only_first_labels_once_and_falls_back_where_the_longest_run_is_taken() -> None:
    two = [Entity(Span(0, 2), "PER"), Entity(Span(2, 3), "LOC")]
    aligned = links(0, 0, 1) + links(2, 0, 1, 5, 9)
    assert spans(two, aligned, only_first=True) == [(0, Span(0, 2)), (1, Span(5, 6))]
    assert spans(two, aligned, max_runs=1) == [(0, Span(0, 2))]


def test_links_of_weight_zero_are_no_links() -> None:
    assert spans(ONE, links(0, 3, weight=0.0)) == []
    assert spans(ONE, links(0, 3, weight=0.01)) == [(0, Span(3, 4))]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 2)), max_size=4),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 11), st.sampled_from([0.0, 0.4, 1.0])), max_size=25),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.8, 1.0]),
)
def test_labels_never_overlap_and_begin_and_end_at_aligned_words(
    starts: list[tuple[int, int]], aligned: list[tuple[int, int, float]], gap: int, ratio: float
) -> None:
    entities = [Entity(Span(start, start + length), "PER") for start, length in starts]
    found = spans(entities, aligned, max_gap=gap, min_ratio=ratio)
    words = [word for _, span in found for word in range(*span)]
    assert words == sorted(set(words))
    for index, span in found:
        reached = {t for s, t, weight in aligned if weight > 0 and s in range(*entities[index].span)}
        assert {span.start, span.end - 1} <= reached
