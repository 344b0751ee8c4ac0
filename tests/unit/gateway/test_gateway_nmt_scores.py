"""The nmt score's formula, its bounds, and what is asked for in which order."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_gateway.core.nmt_scores import Known, Part, Question, ScoreTable, nmt_scores
from spanbridge_gateway.core.score_search import align_shares, label_shares, rivals, successors
from spanbridge_projection.core.scores import align_scores, ner_scores
from spanbridge_projection.core.sentence import Entity, Probabilities
from spanbridge_shared.text.spans import Span

PROBABILITY = st.floats(0.001, 1.0)


def test_the_score_is_the_mean_of_both_directions_each_over_the_texts_own() -> None:
    """Worked by hand: P(A|B) = .4·.9 → √.36 = .6 over .8; P(B|A) = .25·1 → √.25 = .5 over .4."""
    entity, candidate = math.sqrt(0.4 * 0.9), math.sqrt(0.25 * 1.0)
    found = nmt_scores(*(np.array([each]) for each in (entity, candidate, 0.8, 0.4)))
    np.testing.assert_allclose(found, [(0.75 + 1.25) / 2])


def test_a_text_that_cannot_be_read_scores_nothing_even_over_nothing() -> None:
    found = nmt_scores(np.array([0.0]), np.array([0.0]), np.array([0.0]), np.array([0.0]))
    assert found.tolist() == [0.0]


def table(**more: float) -> ScoreTable:
    given = {"threshold": 0.1, "min_self": 0.2} | more
    return ScoreTable(["Rome", "Paris", "Rome"], ["Roma", "Roma e", "e", "Roma"], [0, 0, 1, 5], **given)


def test_each_text_is_asked_for_once_and_beginnings_with_their_longest() -> None:
    questions = list(table().first_questions())
    assert questions == [
        Question(Part.ENTITY_ITSELF, "Rome", "Rome"),
        Question(Part.CANDIDATE, "Rome", "Roma e", ("Roma",)),
        Question(Part.CANDIDATE, "Rome", "e"),
        Question(Part.CANDIDATE, "Rome", "Roma"),
        Question(Part.ENTITY_ITSELF, "Paris", "Paris"),
        Question(Part.CANDIDATE, "Paris", "Roma e", ("Roma",)),
        Question(Part.CANDIDATE, "Paris", "e"),
        Question(Part.CANDIDATE, "Paris", "Roma"),
    ]
    assert {each.wanted for each in table(min_self=0.0).first_questions() if each.part is Part.CANDIDATE_ITSELF} == {
        "Roma",
        "Roma e",
        "e",
    }


def test_a_pair_is_asked_for_in_two_steps_and_then_known() -> None:
    scores = table()
    scores.learn((each, Known(0.8, (0.9,) * len(each.prefixes))) for each in scores.first_questions())
    pair = np.zeros(scores.shape, np.bool_)
    pair[0, 1] = pair[2, 1] = True
    (first,) = scores.questions(pair)
    assert first == Question(Part.ENTITY, "Roma e", "Rome")
    # P(A|B) unknown: at most 1, over .8; P(B|A) is known, over at least .2.
    assert scores.at_most()[0, 1] == pytest.approx((1 / 0.8 + 0.8 / 0.2) / 2)
    scores.learn([(first, Known(0.4))])
    assert not scores.exact()[0, 1]
    second = list(scores.questions(pair))
    assert second == [Question(Part.CANDIDATE_ITSELF, "Roma e", "Roma e")]
    scores.learn([(second[0], Known(0.5))])
    assert scores.exact()[[0, 2], 1].all()
    assert scores.exact().sum() == 2
    assert scores.at_most()[0, 1] == pytest.approx((0.4 / 0.8 + 0.8 / 0.5) / 2)
    assert list(scores.questions(scores.exact())) == []


def test_what_cannot_pass_the_threshold_is_known_to_be_nothing() -> None:
    scores = ScoreTable(["Rome"], ["e", "Roma"], [0, 1], threshold=0.1, min_self=0.5)
    scores.learn([(Question(Part.ENTITY_ITSELF, "Rome", "Rome"), Known(0.9))])
    scores.learn(
        [(Question(Part.ENTITY, "e", "Rome"), Known(0.01)), (Question(Part.CANDIDATE, "Rome", "e"), Known(0.05))]
    )
    assert scores.exact().tolist() == [[True, False]]
    assert scores.at_most()[0, 0] == 0


@given(st.data())
def test_bounds_hold_whatever_is_known(data: st.DataObject) -> None:
    """Every answer that comes in lowers the bounds towards the scores, never below them."""
    n_entities, n_candidates = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    entities = [f"entity {number}" for number in range(n_entities)]
    candidates = [" ".join("abcd"[: number + 1]) for number in range(n_candidates)]
    min_self, threshold = data.draw(st.sampled_from([0.0, 0.2])), data.draw(st.sampled_from([0.0, 0.3]))
    true: dict[Question, float] = {}

    def probability(question: Question) -> float:
        plain = question._replace(prefixes=())
        return true.setdefault(plain, data.draw(PROBABILITY))

    def answer(question: Question) -> Known:
        own = [probability(question._replace(wanted=each)) for each in question.prefixes]
        return Known(probability(question), tuple(min(1.0, each * data.draw(st.floats(1, 3))) for each in own))

    def score(entity: str, candidate: str) -> float:
        parts = {
            Part.ENTITY: (candidate, entity),
            Part.CANDIDATE: (entity, candidate),
            Part.ENTITY_ITSELF: (entity, entity),
            Part.CANDIDATE_ITSELF: (candidate, candidate),
        }
        p = {part: probability(Question(part, *texts)) for part, texts in parts.items()}
        found = (
            p[Part.ENTITY] / max(p[Part.ENTITY_ITSELF], min_self)
            + p[Part.CANDIDATE] / max(p[Part.CANDIDATE_ITSELF], min_self)
        ) / 2
        return found if found > threshold else 0.0

    scores = ScoreTable(entities, candidates, [0] * n_candidates, threshold=threshold, min_self=min_self)
    wanted = np.array([[score(a, b) for b in candidates] for a in entities])
    asked = list(scores.first_questions())
    while asked:
        scores.learn([(each, answer(each)) for each in asked])
        assert (scores.at_most() >= wanted - 1e-9).all()
        np.testing.assert_allclose(scores.at_most()[scores.exact()], wanted[scores.exact()])
        asked = list(scores.questions(~scores.exact()))
    assert scores.exact().all()


def test_rivals_are_what_is_above_the_best_that_is_known() -> None:
    bounds = np.array([[0.9, 0.7, 0.4, 0.8], [0.3, 0.2, 0.9, 0.1]])
    exact = np.array([[False, True, True, False], [False, False, False, False]])

    def found(rows: slice = slice(None), **more: float) -> list[list[int]]:
        given: dict[str, Any] = {"n_proj": 1, "width": 9} | more
        return np.argwhere(rivals(bounds[rows], exact[rows], np.zeros((2, 4))[rows], **given)).tolist()

    assert found() == [[0, 0], [0, 3], [1, 0], [1, 1], [1, 2], [1, 3]]
    assert found(width=1) == [[0, 0], [1, 2]]
    assert found(least=0.85) == [[0, 0], [1, 2]]
    # With two projections the second best counts; with more than there are candidates nothing is good enough.
    assert found(slice(1), n_proj=2) == [[0, 0], [0, 3]]
    assert found(slice(1), n_proj=9) == [[0, 0], [0, 3]]


def test_hints_decide_what_comes_first_but_not_what_is_a_rival() -> None:
    bounds, exact = np.array([[0.9, 0.7, 0.4, 0.8]]), np.array([[False, True, False, False]])
    hints = np.array([[0.0, 0.0, 5.0, 1.0]])
    assert rivals(bounds, exact, hints, n_proj=1, width=1).tolist() == [[False, False, False, True]]
    assert rivals(bounds, exact, hints, n_proj=1, width=9).tolist() == [[True, False, False, True]]


def test_exact_picks_have_no_successors() -> None:
    bounds, exact = np.array([[0.9, 0.7, 0.4]]), np.array([[True, False, False]])
    assert not successors(bounds, exact, [(0, 0)], width=2).any()
    assert successors(bounds, exact, [(0, 1)], width=1).tolist() == [[False, True, False]]
    assert successors(bounds, exact, [(0, 1)], width=9).tolist() == [[False, True, True]]


def test_the_share_of_links_is_the_projection_services_align_score() -> None:
    rng = np.random.default_rng(0)
    links = [(s, t, float(rng.random())) for s in range(4) for t in range(6) if rng.random() < 0.4]
    spans = [(start, end) for start in range(6) for end in range(start + 1, 7)]
    entities = [Entity(Span(0, 2), "PER"), Entity(Span(3, 4), "LOC")]
    ours = align_shares([(0, 2), (3, 4)], links, spans, 6)
    np.testing.assert_allclose(ours, align_scores(entities, links, 6, np.array(spans)), atol=1e-9)


def test_the_share_of_labels_is_the_projection_services_ner_score_but_for_its_bonus() -> None:
    labels = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    rows = np.random.default_rng(0).dirichlet(np.ones(5), 6)
    spans = [(start, end) for start in range(6) for end in range(start + 1, 7)]
    classes = ["LOC", "PER", "ORG"]
    theirs = ner_scores(Probabilities(labels, rows), classes, np.array(spans), alpha=1.0, threshold=0.0)
    np.testing.assert_allclose(label_shares(labels, rows.tolist(), classes, spans), theirs, atol=1e-9)
