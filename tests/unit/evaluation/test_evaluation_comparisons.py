"""The presets: every method and choice of the gateway, each once, and none that it would refuse."""

import pytest

from spanbridge_evaluation.running.comparisons import PRESETS, chosen_presets, lacking, preset_settings
from spanbridge_gateway.core.methods import METHODS, describe, find_method, read_options
from spanbridge_shared.contracts.gateway import MethodInfo
from spanbridge_shared.errors import UnknownMethod, UnknownOption
from tests.unit.evaluation.evaluation_fakes import FakeClient

SERVED = [describe(spec) for spec in METHODS.values()]


def test_names_are_unique_and_told() -> None:
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)
    assert all(preset.told for preset in PRESETS)


def test_the_gateway_lacks_nothing_and_takes_every_preset() -> None:
    settings, told = preset_settings(PRESETS, SERVED, {})
    assert told == []
    for setting in settings:
        read_options(find_method(setting.method), dict(setting.options))


def test_every_method_and_every_choice_is_compared() -> None:
    assert {preset.method for preset in PRESETS} == {method.name for method in SERVED}
    (candidates,) = (method for method in SERVED if method.name == "candidates")
    choices = {option.name: option.choices for option in candidates.options if option.choices}
    for name in ("candidates", "score", "solver", "align_method", "n_proj_form"):
        named = {preset.options.get(name) for preset in PRESETS if preset.method == "candidates"}
        rest = set(choices[name]) - named
        assert rest <= {option.default for option in candidates.options if option.name == name}, name


def test_the_published_fusion() -> None:
    (fusion,) = (preset for preset in PRESETS if preset.name == "fused-all")
    assert {name: value for name, value in fusion.options.items() if name.startswith("weight")} == {
        "weight_align": 0.5, "weight_ner": 0.0, "weight_ner_spans": 0.5, "weight_nmt": 1.0
    }  # fmt: skip


def test_what_a_server_lacks_is_told_and_nothing_runs_twice() -> None:
    settings, told = preset_settings(PRESETS, FakeClient().methods(), {})
    # ngram-align-weighted-exact and heuristic-weighted come to the same as the defaults.
    assert [each.name for each in settings] == [
        "default", "our-heuristic", "heuristic", "heuristic-no-threshold", "ngram-align-greedy", "ngram-align-exact",
        "ngram-align-weighted-greedy", "transfer",
    ]  # fmt: skip
    assert "ngram-align-match: skipped: the server has no align_method=match of candidates" in told
    assert "ner-align-exact: skipped: the server has no candidates=ner of candidates" in told
    assert lacking(PRESETS[-1], []) == "method ensemble"


def test_given_options_hold_where_they_exist() -> None:
    settings, _ = preset_settings(PRESETS, FakeClient().methods(), {"solver": "greedy"})
    assert {each.options.get("solver") for each in settings if each.method == "candidates"} == {"greedy"}
    assert "transfer" in [each.name for each in settings]
    with pytest.raises(UnknownOption, match="no method has the option 'x'"):
        preset_settings(PRESETS, SERVED, {"x": 1})


class TestChoosing:
    def test_by_name_in_that_order(self) -> None:
        assert [each.name for each in chosen_presets(["transfer", "default"], SERVED, None)] == ["transfer", "default"]

    def test_by_method(self) -> None:
        assert {each.method for each in chosen_presets([], SERVED, "heuristic")} == {"heuristic"}

    def test_a_method_without_presets_is_added(self) -> None:
        new = MethodInfo(name="new", description="Something new.", options=[])
        (found,) = (each for each in chosen_presets([], [*SERVED, new], None) if each.method == "new")
        assert (found.name, found.told) == ("new", "Something new.")

    def test_unknown_ones_are_told(self) -> None:
        with pytest.raises(UnknownMethod, match=r"no preset is called 'x'; there are default, our-heuristic"):
            chosen_presets(["default", "x"], SERVED, None)
        with pytest.raises(UnknownMethod, match="no preset is of the method 'x'"):
            chosen_presets([], SERVED, "x")


def test_nmt_scores_are_compared_as_published() -> None:
    scored = [preset for preset in PRESETS if preset.options.get("score") == "nmt" or preset.options.get("weight_nmt")]
    assert len(scored) == 5
    for preset in scored:
        assert (preset.options["nmt_threshold"], preset.options["nmt_min_self"]) == (0.1, 0.0), preset.name
