"""Greedy and exact: worked examples, and optimality against enumeration and against HiGHS on the plain programme."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from spanbridge_projection.core import exact as exact_module
from spanbridge_projection.core.exact import exact
from spanbridge_projection.core.greedy import Pick, greedy
from spanbridge_projection.core.sentence import Booleans, Floats, Integers
from spanbridge_shared.contracts.projection import ProjectionCount
from spanbridge_shared.errors import TextTooLong
from spanbridge_shared.text.spans import Span

AT_MOST, EXACTLY, AT_LEAST = ProjectionCount
FORCED = [EXACTLY, AT_LEAST]
Value = tuple[int, float]
"""What a solution is compared by: projections that count for n_proj (none in the form ≤), then the total score."""


def value(scores: Floats, picks: list[Pick], n_proj: int = 1, form: ProjectionCount = AT_MOST) -> Value:
    sources = [pick.source for pick in picks]
    counted = 0 if form is AT_MOST else sum(min(n_proj, sources.count(source)) for source in set(sources))
    return counted, sum(max(0.0, float(scores[pick])) for pick in picks)


def assert_as_good(found: Value, best: Value) -> None:
    assert found[0] == best[0]
    assert found[1] == pytest.approx(best[1], abs=1e-9)


def worth(scores: Floats, picks: list[Pick]) -> float:
    return value(scores, picks)[1]


def allowed_pairs(scores: Floats, form: ProjectionCount, min_score: float) -> Booleans:
    """Say of each pair whether it may be taken, as the forms are documented."""
    good = scores > max(0.0, min_score)
    if form is AT_MOST or min_score > 0:
        return good
    return np.array([[row.any() and column.any() for column in good.T] for row in good])


def best_by_enumeration(
    scores: Floats, spans: Integers, n_proj: int, min_score: float, form: ProjectionCount = AT_MOST
) -> Value:
    """Try every set of disjoint spans, column by column."""
    allowed = allowed_pairs(scores, form, min_score)
    limit = len(spans) if form is AT_LEAST else n_proj

    def best(column: int, picks: list[Pick]) -> Value:
        if column == len(spans):
            return value(scores, picks, n_proj, form)
        found = best(column + 1, picks)
        span = Span(*spans[column].tolist())
        if any(span.overlaps(Span(*spans[pick.candidate].tolist())) for pick in picks):
            return found
        for source in range(len(scores)):
            if allowed[source, column] and sum(pick.source == source for pick in picks) < limit:
                found = max(found, best(column + 1, [*picks, Pick(source, column)]))
        return found

    return best(0, [])


def best_by_programme(scores: Floats, spans: Integers, n_proj: int, form: ProjectionCount = AT_MOST) -> Value:
    """Solve the programme of the literature as it stands: a row per entity and per covered word.

    In the forms = and ≥ a slack per entity, as few as there must be, makes every case feasible.
    """
    n_sources, n_spans = scores.shape
    slacks = 0 if form is AT_MOST else n_sources
    rows, lower, upper = [], [], []
    for source in range(n_sources):
        row = np.zeros((n_sources, n_spans))
        row[source] = 1
        slack = (np.arange(slacks) == source) * 1.0
        rows.append(np.concatenate((row.ravel(), slack)))
        lower.append(0 if form is AT_MOST else n_proj)
        upper.append(np.inf if form is AT_LEAST else n_proj)
    for word in range(int(spans.max())):
        row = np.zeros((n_sources, n_spans))
        row[:, (spans[:, 0] <= word) & (word < spans[:, 1])] = 1
        rows.append(np.concatenate((row.ravel(), np.zeros(slacks))))
        lower.append(0)
        upper.append(1)
    most = np.concatenate((allowed_pairs(scores, form, 0.0).ravel() * 1.0, np.full(slacks, float(n_proj))))
    is_slack = np.arange(len(most)) >= scores.size

    def solve(cost: Floats, short: float) -> Floats:
        result = milp(
            cost,
            constraints=LinearConstraint(
                np.vstack((*rows, is_slack * 1.0)), np.array([*lower, 0]), np.array([*upper, short])
            ),
            integrality=np.ones(len(most), np.int64),
            bounds=Bounds(0, most),
            options={"mip_rel_gap": 0.0},
        )
        assert result.status == 0
        return np.round(result.x)

    short = float(solve(is_slack * 1.0, np.inf)[is_slack].sum()) if slacks else 0.0
    taken = solve(-1e4 * np.concatenate((scores.ravel(), np.zeros(slacks))), short)[: scores.size] > 0.5
    counted = 0 if form is AT_MOST else n_proj * n_sources - round(short)
    return counted, float(scores.ravel()[taken].sum())


def assert_feasible(
    scores: Floats,
    spans: Integers,
    picks: list[Pick],
    n_proj: int,
    min_score: float = 0.0,
    form: ProjectionCount = AT_MOST,
) -> None:
    chosen = [Span(*spans[pick.candidate].tolist()) for pick in picks]
    assert all(one.end <= other.start for one, other in itertools.pairwise(chosen)), "in order, none overlapping"
    allowed = allowed_pairs(scores, form, min_score)
    assert all(allowed[pick] for pick in picks)
    sources = [pick.source for pick in picks]
    for source in sources:
        if form is AT_LEAST:
            forced = [pick for pick in picks if pick.source == source and scores[pick] <= 0]
            assert not forced or sources.count(source) <= n_proj, "what is beyond n_proj must score"
        else:
            assert sources.count(source) <= n_proj


@st.composite
def instances(draw: st.DrawFn) -> tuple[Floats, Integers]:
    """Few entities and spans, with ties, zeros, negative scores and equal spans."""
    n_sources = draw(st.integers(1, 4))
    spans = draw(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4)), min_size=1, max_size=7))
    levels = st.sampled_from([0.0, 0.0, -0.5, 0.25, 0.5, 0.5, 1.0, 4.5]) | st.floats(0, 1)
    scores = draw(st.lists(levels, min_size=n_sources * len(spans), max_size=n_sources * len(spans)))
    return (
        np.array(scores).reshape(n_sources, len(spans)),
        np.array([(start, start + length) for start, length in spans], np.int64),
    )


@settings(max_examples=200, deadline=None)
@given(
    instances(),
    st.integers(1, 3),
    st.sampled_from(ProjectionCount),
    st.sampled_from([0.0, 0.3, 0.5]),
    st.sampled_from([1, 512]),
    st.booleans(),
)
def test_exact_is_optimal(
    instance: tuple[Floats, Integers],
    n_proj: int,
    form: ProjectionCount,
    min_score: float,
    width: int,
    with_prices: bool,
) -> None:
    scores, spans = instance
    with pytest.MonkeyPatch.context() as patch:
        if with_prices:
            patch.setattr(exact_module, "_SMALL", 0)
        picks = exact(scores, spans, n_proj=n_proj, form=form, min_score=min_score, width=width)
    assert_feasible(scores, spans, picks, n_proj, min_score, form)
    assert_as_good(value(scores, picks, n_proj, form), best_by_enumeration(scores, spans, n_proj, min_score, form))


@settings(max_examples=200, deadline=None)
@given(instances(), st.integers(1, 3), st.sampled_from(ProjectionCount), st.sampled_from([0.0, 0.3, 0.5]))
def test_greedy_is_feasible_and_the_answer_of_exact_where_it_is_optimal(
    instance: tuple[Floats, Integers], n_proj: int, form: ProjectionCount, min_score: float
) -> None:
    scores, spans = instance
    picks = greedy(scores, spans, n_proj=n_proj, form=form, min_score=min_score)
    assert_feasible(scores, spans, picks, n_proj, min_score, form)
    best = exact(scores, spans, n_proj=n_proj, form=form, min_score=min_score)
    assert best == picks or value(scores, best, n_proj, form) > value(scores, picks, n_proj, form)


@settings(max_examples=100, deadline=None)
@given(instances(), st.sampled_from(ProjectionCount), st.sampled_from([1.5, 2.0]), st.sampled_from([0.0, 0.3]))
def test_a_power_holds_for_what_adds_up_and_for_nothing_else(
    instance: tuple[Floats, Integers], form: ProjectionCount, power: float, min_score: float
) -> None:
    # The power of a tiny number is 0.
    scores, spans = np.round(instance[0], 6), instance[1]
    raised = np.where(scores > min_score, scores, 0.0) ** power
    picks = exact(scores, spans, form=form, min_score=min_score, power=power)
    assert_feasible(scores, spans, picks, 1, min_score, form)
    plain = greedy(scores, spans, form=form, min_score=min_score)
    assert greedy(scores, spans, form=form, min_score=min_score, power=power) == plain
    if form is AT_MOST or min_score == 0:
        best = exact(raised, spans, form=form)
        assert value(raised, picks, 1, form) == pytest.approx(value(raised, best, 1, form), abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(instances(), st.integers(1, 3))
def test_greedy_takes_the_largest_pair_that_is_left(instance: tuple[Floats, Integers], n_proj: int) -> None:
    scores, spans = instance
    allowed = [
        (-float(scores[source, column]), *spans[column].tolist(), source, column)
        for source, column in np.ndindex(scores.shape)
        if scores[source, column] > 0
    ]
    expected: list[Pick] = []
    for _, start, end, source, column in sorted(allowed):
        free = all(not Span(start, end).overlaps(Span(*spans[pick.candidate].tolist())) for pick in expected)
        if free and sum(pick.source == source for pick in expected) < n_proj:
            expected.append(Pick(source, column))
    assert greedy(scores, spans, n_proj=n_proj) == sorted(expected, key=lambda pick: int(spans[pick.candidate, 0]))


def ngrams(n_tokens: int, longest: int) -> Integers:
    return np.array(
        [(start, end) for start in range(n_tokens) for end in range(start + 1, min(n_tokens, start + longest) + 1)]
    )


def large(kind: str, rng: np.random.Generator) -> tuple[Floats, Integers]:
    spans = ngrams(22, 8)
    if kind == "dense":
        return rng.random((9, len(spans))), spans
    if kind == "ties":
        return rng.choice([0.0, 0.25, 0.5, 1.0], (9, len(spans)), p=[0.5, 0.3, 0.18, 0.02]), spans
    if kind == "equal rows":
        return np.tile(rng.random(len(spans)), (9, 1)), spans
    if kind == "nearly equal rows":
        return rng.random(len(spans)) + 0.05 * rng.random((9, len(spans))), spans
    if kind == "links":
        weights = np.cumsum((rng.random((4, 23)) < 0.2) * rng.choice([0.4, 1.0], (4, 23)), axis=1)
        return 2 * (weights[:, spans[:, 1]] - weights[:, spans[:, 0]]) / (2 + spans[:, 1] - spans[:, 0]), spans
    starts = rng.integers(0, 40, 150)
    return rng.random((9, 150)), np.stack((starts, starts + rng.integers(1, 9, 150)), axis=1)


@pytest.mark.parametrize("form", ProjectionCount)
@pytest.mark.parametrize("n_proj", [1, 2, 3])
@pytest.mark.parametrize("kind", ["dense", "ties", "equal rows", "nearly equal rows", "any spans", "links"])
def test_exact_equals_highs_on_large_cases(kind: str, n_proj: int, form: ProjectionCount) -> None:
    seeds = 2 if kind != "links" else 20 if form is AT_MOST else 4
    for seed in range(seeds):
        scores, spans = large(kind, np.random.default_rng(seed))
        picks = exact(scores, spans, n_proj=n_proj, form=form)
        assert_feasible(scores, spans, picks, n_proj, form=form)
        assert_as_good(value(scores, picks, n_proj, form), best_by_programme(scores, spans, n_proj, form))


@pytest.mark.parametrize("width", [1, 4])
def test_a_narrow_programme_falls_back_on_highs_and_stays_optimal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    fallback = exact_module.solve_integer_programme
    monkeypatch.setattr(
        exact_module, "solve_integer_programme", lambda *args, **rest: calls.append(1) or fallback(*args, **rest)
    )
    scores, spans = large("ties", np.random.default_rng(5))
    assert worth(scores, exact(scores, spans, width=width)) == pytest.approx(
        worth(scores, exact(scores, spans)), abs=1e-9
    )
    assert calls


def test_no_proof_in_time_is_the_sentences_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_module, "_TIME_LIMIT_S", 0.0)
    scores, spans = large("ties", np.random.default_rng(5))
    with pytest.raises(TextTooLong, match="greedy"):
        exact(scores, spans, width=1)


def test_exact_beats_greedy_where_the_largest_pair_costs_two_others() -> None:
    scores = np.array([[0.6, 0.7, 0.0], [0.0, 0.0, 0.6]])
    spans = np.array([[0, 1], [0, 3], [2, 3]])
    assert greedy(scores, spans) == [Pick(0, 1)]
    assert exact(scores, spans) == [Pick(0, 0), Pick(1, 2)]


def test_ties_go_to_the_earlier_start_then_the_shorter_span_then_the_lower_source() -> None:
    scores = np.full((2, 4), 0.5)
    spans = np.array([[1, 2], [0, 2], [0, 1], [0, 1]])
    assert greedy(scores, spans) == [Pick(0, 2), Pick(1, 0)]
    assert exact(scores, spans) == [Pick(0, 2), Pick(1, 0)]


@pytest.mark.parametrize("solve", [greedy, exact])
def test_nothing_to_project(solve: object) -> None:
    assert callable(solve)
    assert solve(np.zeros((2, 0)), np.zeros((0, 2), np.int64)) == []
    assert solve(np.zeros((0, 1)), np.array([[0, 1]])) == []
    assert solve(np.zeros((2, 1)), np.array([[0, 1]])) == []
    assert solve(np.array([[0.5]]), np.array([[0, 1]]), min_score=0.5) == []


def test_n_proj_allows_an_entity_twice() -> None:
    scores, spans = np.array([[0.9, 0.8]]), np.array([[0, 1], [2, 3]])
    for solve in (greedy, exact):
        assert solve(scores, spans) == [Pick(0, 0)]
        assert solve(scores, spans, n_proj=2) == [Pick(0, 0), Pick(0, 1)]


def test_first_slots_that_lost_all_their_pairs_still_count_what_lies_ahead() -> None:
    """The bound was 0 where every pair of slot 0 is dominated, so that greedy's answer passed as optimal."""
    spans = np.array([[0, 3], [1, 3], [2, 3], [2, 5], [4, 5]])
    scores = np.array([[0.1, 0.1, 0.6, 0.7, 0.0], [0.1, 0.1, 0.1, 0.1, 0.6]])
    assert exact(scores, spans) == [Pick(0, 2), Pick(1, 4)]


def test_greedy_lets_the_source_decide_between_candidates_of_one_span() -> None:
    """A candidate given twice made the lower candidate index win over the lower source index."""
    scores = np.array([[0.0, 0.0, 0.25], [0.25, 0.0, 0.0]])
    assert greedy(scores, np.array([[0, 2], [0, 1], [0, 2]])) == [Pick(0, 2)]


SOLVERS = [greedy, exact]


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize("form", FORCED)
def test_demand_that_cannot_be_met_is_met_as_far_as_it_can_be(solve: Any, form: ProjectionCount) -> None:
    """The literature's programme has no solution here, and projects nothing at all."""
    scores, spans = np.array([[0.9], [0.8]]), np.array([[0, 1]])
    assert solve(scores, spans, form=form) == [Pick(0, 0)]
    assert solve(scores, spans, n_proj=3, form=form) == [Pick(0, 0)]


@pytest.mark.parametrize("form", FORCED)
def test_one_more_entity_projected_outweighs_any_score(form: ProjectionCount) -> None:
    scores = np.array([[0.9, 0.05, 0.0], [0.8, 0.0, 0.0]])
    spans = np.array([[0, 3], [0, 1], [1, 3]])
    assert exact(scores, spans) == [Pick(0, 0)]
    scores[1, 2] = 0.1
    assert exact(scores, spans, form=form) == [Pick(0, 1), Pick(1, 2)]
    assert greedy(scores, spans, form=form) == [Pick(0, 0)], "takes the largest, and nothing back"


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize("form", FORCED)
def test_pairs_are_forced_at_a_score_of_zero_unless_min_score_is_above_it(solve: Any, form: ProjectionCount) -> None:
    scores, spans = np.array([[0.9, 0.05], [0.7, 0.0]]), np.array([[0, 1], [2, 3]])
    assert solve(scores, spans, form=form) == [Pick(0, 0), Pick(1, 1)]
    assert solve(scores, spans, form=form, min_score=0.1) == [Pick(0, 0)]


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize("form", FORCED)
def test_entities_and_spans_that_score_with_nothing_are_never_forced(solve: Any, form: ProjectionCount) -> None:
    scores, spans = np.array([[0.9, 0.0], [0.0, 0.0]]), np.array([[0, 1], [2, 3]])
    assert solve(scores, spans, n_proj=2, form=form) == [Pick(0, 0)]
    assert solve(np.zeros((2, 2)), spans, form=form) == []


@pytest.mark.parametrize("solve", SOLVERS)
def test_at_least_takes_all_that_scores_and_exactly_does_not(solve: Any) -> None:
    scores, spans = np.array([[0.9, 0.8, 0.0]]), np.array([[0, 1], [2, 3], [4, 5]])
    assert solve(scores, spans, form=EXACTLY) == [Pick(0, 0)]
    assert solve(scores, spans, form=AT_LEAST) == [Pick(0, 0), Pick(0, 1)]
    assert solve(scores, spans, form=AT_LEAST, min_score=0.8) == [Pick(0, 0)]


@pytest.mark.parametrize("solve", SOLVERS)
def test_at_least_serves_entities_that_have_none_before_any_has_two(solve: Any) -> None:
    scores, spans = np.array([[0.9, 0.8], [0.0, 0.1]]), np.array([[0, 1], [2, 3]])
    assert solve(scores, spans, form=AT_LEAST) == [Pick(0, 0), Pick(1, 1)]


def test_beyond_its_number_a_span_goes_to_the_entity_that_scores_most() -> None:
    scores = np.array([[0.9, 0.4, 0.3], [0.4, 0.9, 0.8]])
    spans = np.array([[0, 2], [2, 4], [4, 6]])
    assert exact(scores, spans, form=AT_LEAST) == [Pick(0, 0), Pick(1, 1), Pick(1, 2)]
