"""Fitting an ensemble's numbers: a worked example, agreement with the merge, folds that don't see their own gold."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest

from spanbridge_evaluation.calibration.crossing import calibrated, cross_fitted, member_sets
from spanbridge_evaluation.calibration.fitting import NothingToFit, design, fit, probabilities
from spanbridge_evaluation.calibration.folds import make_folds
from spanbridge_evaluation.calibration.thresholds import GRID, choose_threshold
from spanbridge_evaluation.calibration.votes import Ballot, Vote
from spanbridge_projection.core.merging import Proposed, log_odds, merge
from spanbridge_projection.intake import read_weights
from spanbridge_shared.contracts.merging import MemberParameters, MergeParameters
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.spans import Span

BOTH = frozenset({"a", "b"})


def vote(scores: dict[str, float], right: bool, start: int = 0, end: int = 1, label: str = "PER") -> Vote:
    return Vote(LabelledSpan(Span(start, end), label), scores, right)


def ballot(votes: Sequence[Vote], missed: int = 0, answered: frozenset[str] = BOTH) -> Ballot:
    return Ballot(tuple(votes), sum(each.right for each in votes) + missed, answered)


def odds(parameters: MergeParameters, scores: dict[str, float]) -> float:
    return log_odds(Proposed(Span(0, 1), "PER", scores), read_weights(parameters))


def test_a_worked_example() -> None:
    # Together they are right 9 times in 10, a alone once in 2, b alone once in 4; scores of a half say nothing.
    votes = [
        *[vote({"a": 0.5, "b": 0.5}, place < 9) for place in range(10)],
        *[vote({"a": 0.5}, place < 5) for place in range(10)],
        *[vote({"b": 0.5}, place < 3) for place in range(12)],
    ]
    found = fit([ballot([each]) for each in votes], ["a", "b"], ridge=1e-9)
    assert odds(found, {"a": 0.5, "b": 0.5}) == pytest.approx(math.log(9), abs=1e-4)
    assert odds(found, {"a": 0.5}) == pytest.approx(0.0, abs=1e-4)
    assert odds(found, {"b": 0.5}) == pytest.approx(math.log(1 / 3), abs=1e-4)
    assert found.threshold == 0.5


def test_scores_weigh_as_they_tell_right_from_wrong() -> None:
    # Right .8 of the time where the score is .8, and .2 where it is .2: calibrated, so that the weight is 1.
    votes = [vote({"a": 0.8}, place < 8) for place in range(10)] + [vote({"a": 0.2}, place < 2) for place in range(10)]
    found = fit([ballot([each]) for each in votes], ["a"], ridge=1e-9)
    assert found.members["a"].weight == pytest.approx(1.0, abs=1e-4)
    assert found.bias + found.members["a"].present == pytest.approx(0.0, abs=1e-4)


def ballots(seed: int, n: int = 200) -> list[Ballot]:
    draw = random.Random(seed)
    found = []
    for _ in range(n):
        votes = []
        for start in range(draw.randrange(4)):
            chosen = draw.choice([("a",), ("b",), ("a", "b")])
            scores = {name: draw.choice([0.0, 0.3, 0.7, 0.95, 1.0]) for name in chosen}
            sure = sum(scores.values()) / 2
            votes.append(vote(scores, draw.random() < sure, 2 * start, 2 * start + draw.choice([1, 2])))
        found.append(ballot(votes, missed=draw.randrange(2)))
    return found


def test_the_penalised_likelihood_is_flat_there() -> None:
    data = ballots(1)
    found = fit(data, ["a", "b"], ridge=1.0)
    rows, right = design(data, ["a", "b"])
    theta = np.array([found.bias, *(n for m in found.members.values() for n in (m.weight, m.present, m.absent))])
    slope = rows.T @ (right - 1 / (1 + np.exp(-rows @ theta))) - theta
    assert np.abs(slope).max() < 1e-3  # Numbers are rounded to six decimals.


def test_probabilities_are_those_of_the_merge() -> None:
    data = ballots(2)
    found = fit(data, ["a", "b"])
    votes = [each for one in data for each in one.votes]
    expected = [1 / (1 + math.exp(-odds(found, dict(each.scores)))) for each in votes]
    assert probabilities(data, found) == pytest.approx(expected)


def test_what_can_be_told_apart_stays_finite() -> None:
    data = [ballot([vote({"a": 0.99}, True), vote({"a": 0.01}, False, 1, 2)]) for _ in range(50)]
    found = fit(data, ["a"])
    assert odds(found, {"a": 0.99}) > 3
    assert odds(found, {"a": 0.01}) < -3
    assert abs(found.members["a"].weight) < 20


def test_sentences_in_which_a_member_failed_teach_nothing() -> None:
    sound = ballots(3)
    failed = [ballot([vote({"a": 0.9}, False)], answered=frozenset({"a"}))] * 100
    assert fit([*sound, *failed], ["a", "b"]) == fit(sound, ["a", "b"])
    with pytest.raises(NothingToFit, match="a, b proposed nothing"):
        fit(failed, ["a", "b"])


def test_a_member_that_is_left_out_takes_its_spans_along() -> None:
    whole = ballot([vote({"a": 0.9, "b": 0.8}, True), vote({"b": 0.7}, False, 1, 2)])
    part = whole.of(["a"])
    assert [dict(each.scores) for each in part.votes] == [{"a": 0.9}]
    assert (part.n_gold, part.answered) == (1, frozenset({"a"}))


class TestThreshold:
    sure = MergeParameters(bias=0.0, members={"a": MemberParameters(weight=1.0, present=0.0, absent=0.0)})

    def test_it_parts_right_from_wrong(self) -> None:
        data = [ballot([vote({"a": 0.7}, False), vote({"a": 0.8}, True, 1, 2)], answered=frozenset({"a"}))]
        # The nearest to a half of those that are best.
        assert choose_threshold({"swa": data}, self.sure) == 0.7

    def test_a_half_stays_where_nothing_is_better(self) -> None:
        data = [ballot([vote({"a": 0.3}, False), vote({"a": 0.8}, True, 1, 2)], answered=frozenset({"a"}))]
        assert choose_threshold({"swa": data}, self.sure) == 0.5
        assert choose_threshold({"swa": []}, self.sure) == 0.5

    def test_languages_count_alike(self) -> None:
        one = ballot([vote({"a": 0.4}, True)], answered=frozenset({"a"}))
        other = ballot([vote({"a": 0.4}, False), vote({"a": 0.9}, True, 1, 2)], answered=frozenset({"a"}))
        # By counts the many wrong ones at .4 would outweigh the language in which they are right.
        assert choose_threshold({"swa": [one], "yor": [other] * 50}, self.sure) < 0.4

    def test_its_f1_is_that_of_the_merge(self) -> None:
        data = ballots(4)
        found = calibrated({"swa": data}, ["a", "b"])
        scores = {threshold: _merged_f1(data, found, threshold) for threshold in GRID}
        assert scores[found.threshold] == pytest.approx(max(scores.values()))

    def test_overlapping_spans_are_kept_once(self) -> None:
        both = [vote({"a": 0.6}, False, 0, 2), vote({"a": 0.45}, True, 1, 3)]
        data = [ballot(both, answered=frozenset({"a"}))]
        # The wrong one is always kept for the right one, so that no threshold gains.
        assert choose_threshold({"swa": data}, self.sure) == 0.5


def _merged_f1(data: Sequence[Ballot], parameters: MergeParameters, threshold: float) -> float:
    weights = read_weights(parameters.model_copy(update={"threshold": threshold}))
    predicted = correct = 0
    for each in data:
        right = {vote.entity for vote in each.votes if vote.right}
        kept = merge([Proposed(vote.entity.span, vote.entity.label, vote.scores) for vote in each.votes], weights)
        predicted += len(kept)
        correct += sum(LabelledSpan(one.proposal.span, one.proposal.label) in right for one in kept)
    return 2 * correct / (predicted + sum(each.n_gold for each in data))


class TestFolds:
    def test_five_languages_are_folds_of_their_own(self) -> None:
        folds = make_folds(dict.fromkeys(["yor", "swa", "hau", "ibo", "wol", "zul"], 3), 5)
        assert (folds.whole, folds.number, folds.told) == (True, 5, "5 folds of languages")
        assert folds.places["hau"] == (0, 0, 0)
        assert folds.places["zul"] == (0, 0, 0)  # The sixth by name.
        assert {each[0] for each in folds.places.values()} == set(range(5))

    def test_fewer_are_cut_into_runs_of_sentences(self) -> None:
        folds = make_folds({"swa": 7, "yor": 3}, 3)
        assert folds.places == {"swa": (0, 0, 0, 1, 1, 2, 2), "yor": (0, 1, 2)}
        with pytest.raises(ConfigurationError, match="--folds takes fewer"):
            make_folds({"swa": 2}, 3)

    @pytest.mark.parametrize("langs", ["ab", "abcdef"])
    def test_no_fold_sees_its_own_gold(self, langs: str) -> None:
        data = {lang: ballots(place, 60) for place, lang in enumerate(langs)}
        folds = make_folds({lang: len(each) for lang, each in data.items()}, 3)
        before = cross_fitted(data, ["a", "b"], folds)
        for fold in range(folds.number):
            turned = {
                lang: [_turned(one) if own == fold else one for one, own in zip(each, folds.places[lang], strict=True)]
                for lang, each in data.items()
            }
            after = cross_fitted(turned, ["a", "b"], folds)
            assert after[fold] == before[fold]
            assert all(after[other] != before[other] for other in range(folds.number) if other != fold)


def _turned(one: Ballot) -> Ballot:
    return ballot([vote(dict(v.scores), not v.right, *v.entity.span) for v in one.votes])


def test_every_set_of_two_and_more() -> None:
    assert list(member_sets(["transfer", "candidates", "student"])) == [
        ("candidates", "student"), ("candidates", "transfer"), ("student", "transfer"),
        ("candidates", "student", "transfer"),
    ]  # fmt: skip
