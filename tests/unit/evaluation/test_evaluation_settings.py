"""The aligners and beams that `--compare` runs."""

from spanbridge_evaluation.running.settings import Setting, alignment_settings, translation_settings


def test_aligners() -> None:
    assert alignment_settings(None, {}, compare=False) == [Setting("argmax", {"one_sided_weight": 0.0})]
    assert alignment_settings("match", {"x": 1}, compare=False) == [Setting("match", {"x": 1})]
    given = alignment_settings(None, {"one_sided_weight": 0.2}, compare=False)
    assert given == [Setting("argmax", {"one_sided_weight": 0.2})]
    assert [each.method for each in alignment_settings(None, {}, compare=True)][:5] == [
        "argmax", "argmax", "itermax", "match", "softmax"
    ]  # fmt: skip


def test_beams() -> None:
    assert translation_settings({"beam": 2}, compare=True) == [Setting("translate", {"beam": 2})]
    assert len(translation_settings({}, compare=True)) == 2


def test_a_setting_is_called_by_its_preset() -> None:
    assert Setting("candidates").name == "candidates"
    named = Setting("candidates", {"solver": "exact"}, "mine").with_options({"solver": "greedy"})
    assert (named.name, named.options) == ("mine", {"solver": "greedy"})
