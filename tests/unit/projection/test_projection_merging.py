"""Merging: the formula, and that the set found is the best one."""

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_projection.core.merging import Proposed, Voice, Weights, best_set, log_odds, logit, merge, sigmoid
from spanbridge_shared.text.spans import Span

CANDIDATES, STUDENT, TRANSFER = Voice(0.5, 0.2, -0.7), Voice(1.0, 0.1, -1.5), Voice(0.8, 0.0, -0.4)
WEIGHTS = Weights(-0.3, (("candidates", CANDIDATES), ("student", STUDENT), ("transfer", TRANSFER)), threshold=0.6)


def test_the_formula_worked_by_hand() -> None:
    proposal = Proposed(Span(0, 2), "PER", {"candidates": 0.8, "student": 0.9})
    x = -0.3 + (0.5 * math.log(4) + 0.2) + (1.0 * math.log(9) + 0.1) - 0.4
    assert log_odds(proposal, WEIGHTS) == pytest.approx(x)
    (kept,) = merge([proposal], WEIGHTS)
    assert kept.probability == pytest.approx(1 / (1 + math.exp(-x)))


def test_scores_of_one_and_zero_are_clipped() -> None:
    assert (logit(1.0), logit(0.0)) == (pytest.approx(math.log(999)), pytest.approx(-math.log(999)))


def test_the_threshold_is_a_probability_that_must_be_exceeded() -> None:
    alone = Weights(0.0, (("a", Voice(1.0, 0.0, 0.0)),), threshold=0.7)
    assert merge([Proposed(Span(0, 1), "PER", {"a": 0.7})], alone) == []
    assert len(merge([Proposed(Span(0, 1), "PER", {"a": 0.71})], alone)) == 1


def test_one_label_a_span_and_the_likelier_one() -> None:
    found = merge(
        [Proposed(Span(0, 1), "PER", {"student": 0.9}), Proposed(Span(0, 1), "LOC", {"student": 0.9, "transfer": 0.8})],
        WEIGHTS,
    )
    assert [each.proposal.label for each in found] == ["LOC"]


def test_two_sure_spans_win_over_the_surer_one_across_both() -> None:
    assert best_set([Span(0, 3), Span(0, 1), Span(2, 3)], [3.0, 2.0, 2.0], ["A"] * 3) == [1, 2]


def test_touching_spans_stay_both() -> None:
    assert best_set([Span(0, 2), Span(2, 3)], [1.0, 1.0], ["A", "A"]) == [0, 1]


def test_very_sure_and_very_unsure_do_not_overflow() -> None:
    assert sigmoid(20_000.0) == 1.0
    assert sigmoid(-20_000.0) == 0.0


SPANS = st.tuples(st.integers(0, 7), st.integers(1, 4)).map(lambda each: Span(each[0], each[0] + each[1]))
# Halves, so that sums are exact and ties happen.
WORTHS = st.integers(-4, 12).map(lambda each: each / 2)
PROPOSALS = st.lists(st.tuples(SPANS, st.sampled_from(["A", "B"]), WORTHS), max_size=9, unique_by=lambda each: each[:2])


@given(PROPOSALS)
def test_no_set_of_spans_that_do_not_overlap_is_worth_more(proposals: list[tuple[Span, str, float]]) -> None:
    spans, labels, worth = [each[0] for each in proposals], [each[1] for each in proposals], [e[2] for e in proposals]
    kept = best_set(spans, worth, labels)
    assert all(not spans[one].overlaps(spans[other]) for one, other in combinations(kept, 2))
    assert [spans[place].start for place in kept] == sorted(spans[place].start for place in kept)
    assert sum(worth[place] for place in kept) == _best_by_trying_all(spans, worth)


@given(PROPOSALS, st.randoms(use_true_random=False))
def test_the_order_of_proposals_does_not_matter(proposals: list[tuple[Span, str, float]], random: object) -> None:
    def solve(given: list[tuple[Span, str, float]]) -> list[tuple[Span, str]]:
        kept = best_set([each[0] for each in given], [each[2] for each in given], [each[1] for each in given])
        return [given[place][:2] for place in kept]

    shuffled = proposals[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert solve(shuffled) == solve(proposals)


def _best_by_trying_all(spans: list[Span], worth: list[float]) -> float:
    best = 0.0
    for size in range(len(spans) + 1):
        for places in combinations(range(len(spans)), size):
            if all(not spans[one].overlaps(spans[other]) for one, other in combinations(places, 2)):
                best = max(best, sum(max(0.0, worth[place]) for place in places))
    return best
