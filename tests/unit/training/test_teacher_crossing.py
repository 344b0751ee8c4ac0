"""Labels across sentence pairs: links, spans and what is left out of the loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.teacher.align import grown, read_links, with_equal_words
from training.teacher.crossing import agreed, crossed, found_spans
from training.teacher.english import TAGS
from training.teacher.recipe import LabelRecipe

RECIPE = LabelRecipe(sure=0.7, gap=1, growth=3, own_weight=0.5, plain_weight=0.5)
links_strategy = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


def rows(*tags: str, sure: float = 0.94) -> np.ndarray:
    made = np.full((len(tags), len(TAGS)), (1 - sure) / (len(TAGS) - 1), np.float32)
    for place, tag in enumerate(tags):
        made[place, TAGS.index(tag)] = sure
    return made


def tags_of(soft: np.ndarray) -> list[str]:
    return [TAGS[column] for column in soft.argmax(axis=1)]


def test_a_name_crosses_to_its_words_in_their_order() -> None:
    source = rows("B-PER", "I-PER", "O", "B-LOC")
    soft, weights = crossed(source, [(3, 0), (2, 1), (1, 2), (0, 3)], 4, RECIPE)
    assert tags_of(soft) == ["B-LOC", "O", "B-PER", "I-PER"]
    assert weights[[0, 2, 3]].tolist() == [1.0, 1.0, 1.0]
    assert weights[1] == pytest.approx(0.94)


def test_one_unlinked_word_inside_a_name_is_taken_along_and_two_are_not() -> None:
    source = rows("B-ORG", "I-ORG", "O")
    assert tags_of(crossed(source, [(0, 0), (1, 2)], 4, RECIPE)[0]) == ["B-ORG", "I-ORG", "I-ORG", "O"]
    soft, weights = crossed(source, [(0, 0), (1, 3)], 4, RECIPE)
    assert tags_of(soft) == ["O"] * 4
    assert weights.tolist() == [0.0] * 4


def test_a_name_without_links_takes_words_without_links_out_of_the_loss() -> None:
    _, weights = crossed(rows("B-LOC", "O"), [(1, 0)], 2, RECIPE)
    assert weights[0] == pytest.approx(0.94)
    assert weights[1] == 0.0


def test_a_title_that_has_a_word_of_its_own_is_no_part_of_the_name() -> None:
    soft, weights = crossed(rows("O", "B-PER"), [(0, 0), (1, 0), (1, 1)], 2, RECIPE)
    assert tags_of(soft) == ["O", "B-PER"]
    assert weights.tolist() == [0.0, 1.0]


def test_an_unsure_name_is_no_name_and_no_plain_word_either() -> None:
    soft, weights = crossed(rows("B-LOC", "O", sure=0.6), [(0, 0), (1, 1)], 3, RECIPE)
    assert tags_of(soft) == ["O"] * 3
    assert weights.tolist() == [0.0, pytest.approx(0.6), 0.0]


def test_two_names_on_the_same_words_leave_only_the_first() -> None:
    soft, _ = crossed(rows("B-PER", "B-LOC"), [(0, 0), (1, 0)], 1, RECIPE)
    assert tags_of(soft) == ["B-PER"]


@given(links_strategy, st.lists(st.sampled_from(TAGS), min_size=6, max_size=6))
def test_crossed_rows_are_distributions_and_weights_lie_between_0_and_1(
    links: set[tuple[int, int]], tags: list[str]
) -> None:
    soft, weights = crossed(rows(*tags), sorted(links), 6, RECIPE)
    np.testing.assert_allclose(soft.sum(axis=1), 1.0, atol=1e-5)
    assert ((weights >= 0) & (weights <= 1)).all()
    mixed, importance = agreed((soft, weights), rows(*tags), 0.5)
    np.testing.assert_allclose(mixed.sum(axis=1), 1.0, atol=1e-5)
    assert (importance > 0).all()


@given(st.lists(st.sampled_from(TAGS), min_size=1, max_size=8))
def test_found_spans_cover_exactly_the_words_that_are_not_o(tags: list[str]) -> None:
    spans = found_spans(rows(*tags))
    covered = [place for span in spans for place in range(span.start, span.end)]
    assert covered == [place for place, tag in enumerate(tags) if tag != "O"]
    for span in spans:
        assert {TAGS.index(tag) + 1 >> 1 for tag in tags[span.start : span.end]} == {span.label}
        assert all(tag.startswith("I-") for tag in tags[span.start + 1 : span.end])


@given(links_strategy, links_strategy)
def test_grown_links_lie_between_intersection_and_union(
    forward: set[tuple[int, int]], backward: set[tuple[int, int]]
) -> None:
    found = grown(forward, backward)
    assert forward & backward <= found <= forward | backward


def test_equal_words_are_linked_only_where_they_are_one_of_a_kind() -> None:
    assert with_equal_words(set(), ["Kano", "Kano"], ["Kano"]) == set()
    assert with_equal_words({(0, 1)}, ["Kano"], ["Kano", "na"]) == {(0, 1)}
    assert read_links("") == []
