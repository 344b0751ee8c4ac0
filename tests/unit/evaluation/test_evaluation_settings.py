"""What `--compare` runs."""

from spanbridge_evaluation.running.settings import (
    Setting,
    alignment_settings,
    projection_settings,
    translation_settings,
)
from spanbridge_gateway.core.methods import METHODS, describe, find_method, read_options
from tests.unit.evaluation.evaluation_fakes import FakeClient


def test_every_method_and_no_setting_twice() -> None:
    found = [(each.method, dict(each.options)) for each in projection_settings(FakeClient().methods(), {})]
    assert found == [
        ("candidates", {}),
        ("candidates", {"solver": "greedy", "one_sided_weight": 0.0}),
        ("candidates", {"solver": "greedy", "one_sided_weight": 0.4}),
        ("candidates", {"solver": "exact", "one_sided_weight": 0.0}),
        ("heuristic", {}),
        ("heuristic", {"one_sided_weight": 0.0}),
        ("transfer", {}),
    ]


def test_given_options_hold_where_they_exist() -> None:
    found = projection_settings(FakeClient().methods(), {"solver": "greedy"})
    assert [dict(each.options) for each in found if each.method == "candidates"] == [
        {"solver": "greedy"}, {"solver": "greedy", "one_sided_weight": 0.0}
    ]  # fmt: skip
    assert Setting("transfer") in found


def test_the_gateway_takes_every_setting() -> None:
    settings = projection_settings([describe(spec) for spec in METHODS.values()], {})
    assert {each.method for each in settings} == {str(method) for method in METHODS}
    for setting in settings:
        read_options(find_method(setting.method), dict(setting.options))


def test_aligners() -> None:
    assert alignment_settings(None, {}, compare=False) == [Setting("argmax", {"one_sided_weight": 0.0})]
    assert alignment_settings("match", {"x": 1}, compare=False) == [Setting("match", {"x": 1})]
    given = alignment_settings(None, {"one_sided_weight": 0.2}, compare=False)
    assert given == [Setting("argmax", {"one_sided_weight": 0.2})]
    assert [each.method for each in alignment_settings(None, {}, compare=True)] == [
        "argmax", "argmax", "itermax", "match", "softmax"
    ]  # fmt: skip


def test_beams() -> None:
    assert translation_settings({"beam": 2}, compare=True) == [Setting("translate", {"beam": 2})]
    assert len(translation_settings({}, compare=True)) == 2
