"""Greedy and exact: worked examples, and optimality against enumeration and against HiGHS on the plain programme."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from spanbridge_projection.core import exact as exact_module
from spanbridge_projection.core.exact import exact
from spanbridge_projection.core.greedy import Pick, greedy
from spanbridge_projection.core.sentence import Floats, Integers
from spanbridge_shared.errors import TextTooLong
from spanbridge_shared.text.spans import Span


def worth(scores: Floats, picks: list[Pick]) -> float:
    return sum(float(scores[pick]) for pick in picks)


def best_by_enumeration(scores: Floats, spans: Integers, n_proj: int, min_score: float) -> float:
    """Try every set of disjoint spans, column by column."""

    def best(column: int, taken: tuple[Span, ...], uses: tuple[int, ...]) -> float:
        if column == len(spans):
            return 0.0
        value = best(column + 1, taken, uses)
        span = Span(*spans[column].tolist())
        if any(span.overlaps(other) for other in taken):
            return value
        for source, used in enumerate(uses):
            if used < n_proj and scores[source, column] > max(0.0, min_score):
                grown = (*uses[:source], used + 1, *uses[source + 1 :])
                value = max(value, float(scores[source, column]) + best(column + 1, (*taken, span), grown))
        return value

    return best(0, (), (0,) * len(scores))


def best_by_programme(scores: Floats, spans: Integers, n_proj: int) -> float:
    """Solve the programme of METHODS.md as it stands, less nothing: a row per entity and per covered word."""
    n_sources, n_spans = scores.shape
    rows, limits = [], []
    for source in range(n_sources):
        row = np.zeros((n_sources, n_spans))
        row[source] = 1
        rows.append(row.ravel())
        limits.append(n_proj)
    for word in range(int(spans.max())):
        row = np.zeros((n_sources, n_spans))
        row[:, (spans[:, 0] <= word) & (word < spans[:, 1])] = 1
        rows.append(row.ravel())
        limits.append(1)
    result = milp(
        -1e4 * scores.ravel(),
        constraints=LinearConstraint(np.array(rows), ub=np.array(limits)),
        integrality=np.ones(scores.size, np.int64),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    assert result.status == 0
    return float(scores.ravel()[result.x > 0.5].sum())


def assert_feasible(scores: Floats, spans: Integers, picks: list[Pick], n_proj: int, min_score: float = 0.0) -> None:
    chosen = [Span(*spans[pick.candidate].tolist()) for pick in picks]
    assert all(one.end <= other.start for one, other in itertools.pairwise(chosen)), "in order, none overlapping"
    assert all(scores[pick] > max(0.0, min_score) for pick in picks)
    sources = [pick.source for pick in picks]
    assert all(sources.count(source) <= n_proj for source in sources)


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
@given(instances(), st.integers(1, 3), st.sampled_from([0.0, 0.3, 0.5]), st.sampled_from([1, 512]), st.booleans())
def test_exact_is_optimal(
    instance: tuple[Floats, Integers], n_proj: int, min_score: float, width: int, with_prices: bool
) -> None:
    scores, spans = instance
    with pytest.MonkeyPatch.context() as patch:
        if with_prices:
            patch.setattr(exact_module, "_SMALL", 0)
        picks = exact(scores, spans, n_proj=n_proj, min_score=min_score, width=width)
    assert_feasible(scores, spans, picks, n_proj, min_score)
    assert worth(scores, picks) == pytest.approx(best_by_enumeration(scores, spans, n_proj, min_score), abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(instances(), st.integers(1, 3), st.sampled_from([0.0, 0.3, 0.5]))
def test_greedy_is_feasible_and_the_answer_of_exact_where_it_is_optimal(
    instance: tuple[Floats, Integers], n_proj: int, min_score: float
) -> None:
    scores, spans = instance
    picks = greedy(scores, spans, n_proj=n_proj, min_score=min_score)
    assert_feasible(scores, spans, picks, n_proj, min_score)
    best = exact(scores, spans, n_proj=n_proj, min_score=min_score)
    assert worth(scores, best) >= worth(scores, picks)
    assert best == picks or worth(scores, best) > worth(scores, picks)


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


@pytest.mark.parametrize("n_proj", [1, 2, 3])
@pytest.mark.parametrize("kind", ["dense", "ties", "equal rows", "nearly equal rows", "any spans", "links"])
def test_exact_equals_highs_on_large_cases(kind: str, n_proj: int) -> None:
    for seed in range(20 if kind == "links" else 2):
        scores, spans = large(kind, np.random.default_rng(seed))
        picks = exact(scores, spans, n_proj=n_proj)
        assert_feasible(scores, spans, picks, n_proj)
        assert worth(scores, picks) == pytest.approx(best_by_programme(scores, spans, n_proj), abs=1e-9)


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
