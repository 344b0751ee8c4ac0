"""A method with its options, and the settings that `--compare` runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from spanbridge_shared.contracts.alignment import AlignMethod
from spanbridge_shared.contracts.gateway import MethodInfo

DEFAULT_METHOD = "candidates"


@dataclass(frozen=True, slots=True)
class Setting:
    """A method and the options that differ from its defaults."""

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def with_options(self, options: Mapping[str, Any]) -> "Setting":
        """Return the setting with options added; those given here win."""
        return Setting(self.method, {**self.options, **options})


_ONE_SIDED = (0.0, 0.4)
_OTHER_ALIGNERS = tuple(each for each in AlignMethod if each is not AlignMethod.ARGMAX)


def projection_settings(methods: Sequence[MethodInfo], given: Mapping[str, Any]) -> list[Setting]:
    """Return the settings of every method that exists: its defaults, and a grid over the options that it has.

    Those that come to the same are listed once. `given` options hold for all settings of the methods that have them.
    """
    found: list[Setting] = []
    for method in methods:
        defaults = {option.name: option.default for option in method.options}
        fixed = {name: value for name, value in given.items() if name in defaults}
        seen: list[dict[str, Any]] = []
        for options in [{}, *_grid(method)]:
            setting = Setting(method.name, options).with_options(fixed)
            whole = {**defaults, **setting.options}
            if whole not in seen:
                seen.append(whole)
                found.append(setting)
    return found


def _grid(method: MethodInfo) -> Iterator[dict[str, Any]]:
    choices = {option.name: option.choices or [] for option in method.options}
    aligners = [each for each in choices.get("align_method", []) if each != AlignMethod.ARGMAX]
    weights = [{"one_sided_weight": weight} for weight in _ONE_SIDED if "one_sided_weight" in choices]
    solvers = [{"solver": solver} for solver in choices.get("solver", [])]
    yield from ({**solver, **weight} for solver, weight in product(solvers or [{}], weights or [{}]))
    if "min_ratio" in choices:
        yield {"min_ratio": 0.0}
    yield from ({"align_method": each} for each in aligners)


def alignment_settings(method: str | None, given: Mapping[str, Any], *, compare: bool) -> list[Setting]:
    """Return the aligners to measure.

    A link counts whatever its weight, so that argmax is measured without the one-sided links that it adds at a lower
    weight, unless an option asks for them.
    """
    plain = {"one_sided_weight": 0.0}
    if not compare:
        chosen = method or AlignMethod.ARGMAX
        return [Setting(chosen, plain if chosen == AlignMethod.ARGMAX else {}).with_options(given)]
    argmax = [Setting(AlignMethod.ARGMAX, plain), Setting(AlignMethod.ARGMAX, {"one_sided_weight": 0.4})]
    others = [Setting(each) for each in _OTHER_ALIGNERS]
    return list(_distinct(setting.with_options(given) for setting in [*argmax, *others]))


def translation_settings(given: Mapping[str, Any], *, compare: bool) -> list[Setting]:
    """Return the beams to measure."""
    beams: list[dict[str, Any]] = [{"beam": 1}, {"beam": 4}] if compare else [{}]
    return list(_distinct(Setting("translate", each).with_options(given) for each in beams))


def _distinct(settings: Iterator[Setting]) -> Iterator[Setting]:
    seen: list[Setting] = []
    for setting in settings:
        if setting not in seen:
            seen.append(setting)
            yield setting
