"""A method with its options, and the aligners and beams that `--compare` runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from spanbridge_shared.contracts.alignment import AlignMethod


@dataclass(frozen=True, slots=True)
class Setting:
    """A method and the options named for it, the others being its defaults; `preset` is its name, if it has one."""

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """What it is called beside others."""
        return self.preset or self.method

    def with_options(self, options: Mapping[str, Any]) -> "Setting":
        """Return the setting with options added; those given here win."""
        return Setting(self.method, {**self.options, **options}, self.preset)


_OTHER_ALIGNERS = tuple(each for each in AlignMethod if each is not AlignMethod.ARGMAX)


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
