"""Decoding probabilities, windows, and the scores of spaCy's moves."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_ner_teacher.core.decoding import best_tags, entities_of, rounded_rows, softmax
from spanbridge_ner_teacher.core.labels import tags_for
from spanbridge_ner_teacher.core.transitions import entity_scores
from spanbridge_ner_teacher.core.windows import plan_windows
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.spans import Span

MOVES = ["B-X", "I-X", "L-X", "U-X", "B-Y", "I-Y", "L-Y", "U-Y", "U-", "O"]


def random_rows(n_tokens: int, n_labels: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(2 * n_labels + 1), size=n_tokens)


def valid(path: tuple[int, ...]) -> bool:
    return all(
        column % 2 == 1 or column == 0 or (place > 0 and path[place - 1] in (column - 1, column))
        for place, column in enumerate(path)
    )


@given(st.integers(1, 4), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_decoding_finds_the_best_of_all_valid_sequences(n_tokens: int, n_labels: int, seed: int) -> None:
    rows = random_rows(n_tokens, n_labels, seed)
    paths = filter(valid, itertools.product(range(2 * n_labels + 1), repeat=n_tokens))
    best = max(paths, key=lambda path: np.log(rows[range(n_tokens), path]).sum())
    assert tuple(best_tags(rows).tolist()) == best


def test_an_entity_is_not_lost_where_greedy_decoding_would_lose_it() -> None:
    # Greedily, O comes first (.45), and then I-PER is out of reach.
    found = entities_of(np.array([[0.45, 0.40, 0.15], [0.1, 0.1, 0.8]]), tags_for(["PER"]))
    assert [(each.span, each.label) for each in found] == [(Span(0, 2), "PER")]
    assert found[0].score == pytest.approx((0.40 * 0.8) ** 0.5, abs=1e-6)


@given(st.integers(0, 30), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_entities_are_in_order_apart_and_scored_within_one(n_tokens: int, n_labels: int, seed: int) -> None:
    tags = tags_for([f"L{place}" for place in range(n_labels)])
    found = entities_of(random_rows(n_tokens, n_labels, seed), tags)
    assert all(before.span.end <= after.span.start for before, after in itertools.pairwise(found))
    assert all(0 <= each.span.start < each.span.end <= n_tokens and 0 <= each.score <= 1 for each in found)


@given(st.integers(1, 20), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_rounded_rows_still_sum_to_one(n_tokens: int, n_labels: int, seed: int) -> None:
    rows = random_rows(n_tokens, n_labels, seed)
    rounded = rounded_rows(rows)
    assert np.abs(np.sum(rounded, axis=1) - 1).max() < 1e-9
    assert np.abs(np.array(rounded) - rows).max() < 2e-5
    assert all(value == round(value, 6) for row in rounded for value in row)


def test_temperature_flattens() -> None:
    assert softmax(np.array([[0.0, 2.0]]))[0, 1] == pytest.approx(0.880797, abs=1e-6)
    assert softmax(np.array([[0.0, 2.0]]), 2.0)[0, 1] == pytest.approx(0.731059, abs=1e-6)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(9, 30), st.integers(0, 12))
def test_windows_keep_every_word_once_and_fit(sizes: list[int], budget: int, overlap: int) -> None:
    windows = plan_windows(sizes, budget, overlap)
    assert [word for each in windows for word in range(*each.kept)] == list(range(len(sizes)))
    for each in windows:
        assert sum(sizes[each.words.start : each.words.end]) <= budget
        assert each.words.start <= each.kept.start <= each.kept.end <= each.words.end


def test_windows_give_words_context_on_both_sides() -> None:
    windows = plan_windows([1] * 100, budget=20, overlap=8)
    for place, each in enumerate(windows):
        assert place == 0 or each.kept.start - each.words.start >= 4
        assert each is windows[-1] or each.words.end - each.kept.end >= 4


def test_a_word_above_the_budget_is_a_callers_fault() -> None:
    with pytest.raises(ValueError, match="5 sub-words"):
        plan_windows([5], budget=4, overlap=1)


def test_move_scores_worked_by_hand() -> None:
    # First token: B, U and O of any label compete: .2 / (.2 + .2 + .1 + .1 + .2) = .25; I, L and "U-" do not count.
    first = [0.2, 5.0, 5.0, 0.2, 0.1, 5.0, 5.0, 0.1, 9.0, 0.2]
    # Inside X only I-X and L-X compete: .3 / .4 = .75; at the last token L-X alone is left.
    middle = [9.0, 0.3, 0.1, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0]
    last = [9.0, 9.0, 0.1, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0]
    scores = np.log([first, middle, last])
    assert entity_scores(scores, MOVES, [LabelledSpan(Span(0, 3), "X")]) == pytest.approx([0.25 * 0.75])


def test_at_the_last_token_no_entity_can_begin_and_go_on() -> None:
    row = np.log([[9.0, 9.0, 9.0, 0.3, 9.0, 9.0, 9.0, 0.1, 9.0, 0.2]])
    assert entity_scores(row, MOVES, [LabelledSpan(Span(0, 1), "X")]) == pytest.approx([0.5])
