"""Methods and their options."""

from typing import Any

import pytest

from spanbridge_gateway.core.methods import (
    METHODS,
    Method,
    align_options,
    describe,
    find_method,
    for_given_entities,
    needs_nmt,
    needs_probabilities,
    projection_options,
    read_options,
    without_probabilities,
)
from spanbridge_shared.contracts.options import CandidatesMethodOptions, HeuristicMethodOptions, LinkingOptions
from spanbridge_shared.contracts.projection import CandidateOptions, HeuristicOptions, Score
from spanbridge_shared.errors import UnknownMethod, UnknownOption


def test_every_method_is_described_with_every_option() -> None:
    for method in Method:
        info = describe(METHODS[method])
        assert [option.name for option in info.options] == list(METHODS[method].options.model_fields)
        for option in info.options:
            assert option.description, f"{method}.{option.name} says nothing"
            assert option.name == option.name.lower()


def test_an_options_type_choices_and_bounds_are_shown() -> None:
    options = {option.name: option for option in describe(METHODS[Method.CANDIDATES]).options}
    assert options["solver"].choices == ["greedy", "exact"]
    assert (options["beam"].type, options["beam"].minimum, options["beam"].maximum) == ("integer", 1, 16)
    heuristic = {option.name: option for option in describe(METHODS[Method.HEURISTIC]).options}
    assert heuristic["max_runs"].type == "integer or null"


def test_unknown_method_lists_the_known_ones() -> None:
    with pytest.raises(UnknownMethod, match="candidates, heuristic, transfer"):
        find_method("magic")


@pytest.mark.parametrize(
    "options",
    [{"no_such": 1}, {"beam": "4"}, {"beam": 0}, {"beam": True}, {"solver": "fastest"}, {"weight_ner": float("nan")}],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UnknownOption, match=next(iter(options))):
        read_options(METHODS[Method.CANDIDATES], options)


def test_an_option_of_another_method_is_refused() -> None:
    with pytest.raises(UnknownOption, match="max_gap"):
        read_options(METHODS[Method.CANDIDATES], {"max_gap": 1})


def test_each_service_gets_its_own_options() -> None:
    options = read_options(METHODS[Method.CANDIDATES], {"max_words": 3, "itermax_rounds": 4})
    assert isinstance(options, CandidatesMethodOptions)
    assert align_options(options).itermax_rounds == 4
    assert CandidateOptions.model_validate(projection_options(options)).max_words == 3
    heuristic = read_options(METHODS[Method.HEURISTIC], {"max_gap": 2})
    assert isinstance(heuristic, HeuristicMethodOptions)
    assert HeuristicOptions.model_validate(projection_options(heuristic)).max_gap == 2


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        ({}, True),
        ({"score": "align"}, False),
        ({"weight_ner": 0.0}, False),
        ({"score": "ner"}, True),
        ({"score": "ner_spans"}, True),
        ({"candidates": "ner"}, True),
        ({"score": "fused", "weight_ner": 0}, False),
        ({"score": "fused", "weight_ner": 0.5}, True),
        ({"score": "fused", "weight_ner_spans": 0.5}, True),
    ],
)
def test_probabilities_are_asked_for_only_where_needed(options: dict[str, Any], *, needed: bool) -> None:
    read = read_options(METHODS[Method.CANDIDATES], options)
    assert isinstance(read, LinkingOptions)
    assert needs_probabilities(read) is needed


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        ({}, False),
        ({"score": "nmt"}, True),
        ({"score": "nmt", "candidates": "aligned"}, True),
        ({"score": "fused", "weight_nmt": 1.0}, True),
        ({"score": "fused"}, False),
        ({"weight_nmt": 1.0}, True),
        ({"score": "align", "weight_nmt": 1.0}, False),
    ],
)
def test_nmt_scores_are_asked_for_only_where_they_count(options: dict[str, Any], *, needed: bool) -> None:
    """Regression: `score: nmt` was once taken without any scores, and silently projected nothing."""
    assert needs_nmt(read_options(METHODS[Method.CANDIDATES], options)) is needed


def test_other_methods_need_no_nmt_scores() -> None:
    assert not needs_nmt(read_options(METHODS[Method.HEURISTIC], {}))
    assert not needs_nmt(read_options(METHODS[Method.TRANSFER], {}))


def test_the_projection_service_is_not_told_how_scores_are_divided() -> None:
    options = read_options(METHODS[Method.CANDIDATES], {"nmt_min_self": 0.5})
    assert isinstance(options, CandidatesMethodOptions)
    assert "nmt_min_self" not in projection_options(options)
    assert projection_options(options)["nmt_threshold"] == options.nmt_threshold


def test_nmt_scores_have_their_own_limit() -> None:
    def min_score(**options: Any) -> float:
        found: float = projection_options(read_options(METHODS[Method.CANDIDATES], options))["min_score"]
        return found

    assert min_score(score="nmt") == 0.0
    assert min_score(score="nmt", min_score=0.3) == 0.3
    assert min_score(score="fused", weight_nmt=1.0) == min_score() > 0


@pytest.mark.parametrize(
    ("options", "candidates"),
    [
        ({}, "ngram"),
        ({"score": "nmt"}, "aligned"),
        ({"weight_nmt": 0.5}, "aligned"),
        ({"score": "nmt", "candidates": "ngram"}, "ngram"),
        ({"score": "align", "weight_nmt": 0.5}, "ngram"),
    ],
)
def test_nmt_scores_are_for_aligned_candidates_unless_others_are_chosen(
    options: dict[str, Any], candidates: str
) -> None:
    read = read_options(METHODS[Method.CANDIDATES], options)
    assert isinstance(read, CandidatesMethodOptions)
    assert projection_options(read)["candidates"] == candidates


def test_without_a_teacher_the_default_ner_weight_goes_and_a_chosen_one_stays() -> None:
    """Regression: the default score once asked a pipeline without multilingual teacher for probabilities."""
    plain = without_probabilities(read_options(METHODS[Method.CANDIDATES], {"weight_nmt": 0.5}))
    assert isinstance(plain, CandidatesMethodOptions)
    assert (plain.weight_align, plain.weight_ner, plain.weight_nmt) == (1.0, 0.0, 0.5)
    assert not needs_probabilities(plain)
    chosen = read_options(METHODS[Method.CANDIDATES], {"weight_ner": 0.5})
    assert without_probabilities(chosen) is chosen
    heuristic = read_options(METHODS[Method.HEURISTIC], {})
    assert without_probabilities(heuristic) is heuristic


def test_given_entities_are_scored_by_align_unless_told_otherwise() -> None:
    """Regression: gold entities that the teacher saw otherwise once fell below `min_score`."""
    trusting = for_given_entities(read_options(METHODS[Method.CANDIDATES], {"min_score": 0.1}))
    assert isinstance(trusting, CandidatesMethodOptions)
    assert (trusting.score, trusting.min_score) == (Score.ALIGN, 0.1)
    chosen = read_options(METHODS[Method.CANDIDATES], {"score": "fused"})
    assert for_given_entities(chosen) is chosen
