"""Which marked span is which entity: the best assignment, never the first that fits."""

import doctest
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_gateway.core import assignment, matching
from spanbridge_gateway.core.assignment import best_assignment
from spanbridge_gateway.core.matching import MIN_SIMILARITY, Match, match_entities, similarity

weights = st.integers(0, 5).flatmap(
    lambda columns: st.lists(
        st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.51, 1.0]) | st.floats(0, 1), min_size=columns, max_size=columns),
        max_size=5,
    )
)
names = st.lists(
    st.sampled_from(["Samia", "Ruto", "Umoja wa Mataifa", "Umoja wa Ulaya", "Kenya", "", "Ẹ̀kọ́"]), max_size=5
)


@given(table=weights)
def test_an_assignment_is_optimal_and_one_to_one(table: list[list[float]]) -> None:
    found = best_assignment(table)
    assert len({row for row, _ in found}) == len({column for _, column in found}) == len(found)
    assert found == sorted(found)
    assert all(table[row][column] > 0 for row, column in found)
    assert sum(table[row][column] for row, column in found) == pytest.approx(_greatest_sum(table))


def _greatest_sum(table: list[list[float]]) -> float:
    """By trying every way of giving rows columns, or none (places beyond the last column)."""
    rows, columns = len(table), len(table[0]) if table else 0
    ways = itertools.permutations(range(columns + rows), rows)
    return max(sum(table[row][place] for row, place in enumerate(way) if place < columns) for way in ways)


@given(table=weights)
def test_rows_and_columns_play_the_same_part(table: list[list[float]]) -> None:
    turned = [list(column) for column in zip(*table, strict=True)]
    assert sum(table[r][c] for r, c in best_assignment(table)) == pytest.approx(
        sum(turned[r][c] for r, c in best_assignment(turned))
    )


def test_the_best_match_counts_not_the_first() -> None:
    """Regression of the field's known bug: the first entity above the threshold took the span."""
    marked = ["Umoja wa Ulaya", "Umoja wa Mataifa"]
    assert similarity(marked[0], "Umoja wa Mataifa") > MIN_SIMILARITY
    found = match_entities(marked, [["Umoja wa Mataifa"], ["Umoja wa Ulaya"]], intact=True, by_order=False)
    assert found == [Match(1, 1.0), Match(0, 1.0)]


def test_the_greatest_sum_counts_not_the_greatest_match() -> None:
    # Taking the best pair (0, 1) would leave entity 1 without any: .75 + .6 is more than 1.
    marked = ["Kigali Ltd", "Kigali"]
    forms = [["Kigali"], ["Kigali-Musanze"]]
    assert [[similarity(span, form) for span in marked] for (form,) in forms] == [[0.75, 1.0], [0.0, 0.6]]
    found = match_entities(marked, forms, intact=True, by_order=False)
    assert [each and each.span for each in found] == [0, 1]


def test_any_form_of_an_entity_counts() -> None:
    (found,) = match_entities(["Germany"], [["Ujerumani", "Germany"]], intact=True, by_order=False)
    assert found == Match(0, 1.0)


def test_of_equal_names_the_order_decides() -> None:
    found = match_entities(["Samia", "Ruto", "Samia"], [["Samia"], ["Samia"], ["Ruto"]], intact=True, by_order=False)
    assert [each and each.span for each in found] == [0, 2, 1]


@pytest.mark.parametrize(
    ("marked", "forms", "intact", "expected"),
    [
        (["Xyz"], [["Samia"]], True, [0]),
        (["Xyz"], [["Samia"]], False, [None]),
        (["Xyz", "Abc"], [["Samia"]], True, [None]),
        (["Xyz"], [["Samia"], ["Ruto"]], True, [None, None]),
        (["Samia", "Xyz", "Ruto"], [["Samia"], ["Kenya"], ["Ruto"]], True, [0, 1, 2]),
        # What is matched has changed places, so that the order says nothing of the rest.
        (["Ruto", "Xyz", "Samia"], [["Samia"], ["Kenya"], ["Ruto"]], True, [2, None, 0]),
    ],
)
def test_the_order_decides_only_where_it_is_unambiguous(
    marked: list[str], forms: list[list[str]], *, intact: bool, expected: list[int | None]
) -> None:
    found = match_entities(marked, forms, intact=intact, by_order=True)
    assert [None if each is None else each.span for each in found] == expected
    assert [each and each.similarity for each in found] == [
        None if place is None else similarity(marked[place], form[0])
        for place, form in zip(expected, forms, strict=True)
    ]
    without = match_entities(marked, forms, intact=intact, by_order=False)
    assert all(each is None or each == ordered for each, ordered in zip(without, found, strict=True))


@given(marked=names, entities=names, intact=st.booleans(), by_order=st.booleans())
def test_every_span_stands_for_one_entity_at_most(
    marked: list[str], entities: list[str], *, intact: bool, by_order: bool
) -> None:
    found = match_entities(marked, [[each] for each in entities], intact=intact, by_order=by_order)
    assert len(found) == len(entities)
    spans = [each.span for each in found if each is not None]
    assert len(set(spans)) == len(spans)
    for each, entity in zip(found, entities, strict=True):
        if each is not None:
            assert 0 <= each.span < len(marked)
            assert each.similarity == similarity(marked[each.span], entity)
            assert each.similarity > MIN_SIMILARITY or (by_order and intact and len(marked) == len(entities))


def test_similarity_looks_past_case_and_composition() -> None:
    assert similarity("ẸKỌ́", "ẹkọ\u0301") == 1.0
    assert similarity("Ujerumani", "Marekani") == 0.0
    assert similarity("", "Samia") == 0.0


def test_the_examples_hold() -> None:
    assert doctest.testmod(matching).failed == 0
    assert doctest.testmod(assignment).failed == 0
