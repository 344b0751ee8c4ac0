"""Every setting on every data set; what can't be served is skipped, and told."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Generic, TypeVar

from spanbridge_evaluation.cells import main_score
from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.data.pairs import AlignmentSet, TranslationSet
from spanbridge_evaluation.results import NerRow, Row
from spanbridge_evaluation.running.alignment import MeasuredAlignment
from spanbridge_evaluation.running.entities import MeasuredEntities
from spanbridge_evaluation.running.settings import Setting
from spanbridge_evaluation.running.translation import MeasuredTranslation
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_shared.errors import MissingTeacher, SpanbridgeError, UnknownMethod, UnknownOption, UnsupportedLanguage

Data = TypeVar("Data", NerSet, AlignmentSet, TranslationSet)
Measured = TypeVar("Measured", MeasuredEntities, MeasuredAlignment, MeasuredTranslation)


class NothingMeasured(SpanbridgeError):
    """A setting can't run on the data."""


UNSERVED: tuple[type[SpanbridgeError], ...] = (UnsupportedLanguage, MissingTeacher)
"""Faults that say that a language isn't served."""
LACKING = (*UNSERVED, UnknownOption, UnknownMethod, NothingMeasured)
"""Faults that say that a server, or the data, lacks what a setting needs."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A setting that didn't run on a language, and why."""

    name: str
    lang: str
    fault: SpanbridgeError


@dataclass(frozen=True, slots=True)
class Attempts(Generic[Measured]):
    """What was measured, data set by data set, and what was skipped."""

    measured: list[Measured] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def measure_all(
    bench: Workbench,
    sets: Sequence[Data],
    settings: Sequence[Setting],
    measure: Callable[[Data, Setting], Measured],
    *,
    passing: tuple[type[SpanbridgeError], ...],
    compared: bool,
) -> Attempts[Measured]:
    """Measure every setting on every data set. Faults that are `passing` end one setting on one data set.

    Where settings are `compared`, one that finds nothing because sentences failed is such a fault too, and a setting
    that is skipped is told the first time only, then how often it was skipped again.
    """
    found: Attempts[Measured] = Attempts()
    for data, setting in product(sets, settings):
        try:
            measured = measure(data, setting)
            if compared:
                _refuse_failures(measured.row)
        except passing as fault:
            if not compared or setting.name not in {each.name for each in found.skipped}:
                bench.say(f"{data.lang} {setting.name}: skipped: {fault.detail}")
            found.skipped.append(Skipped(setting.name, data.lang, fault))
        else:
            found.measured.append(measured)
            tell(bench, measured.row)
    for line in _skipped_more(found.skipped) if compared else ():
        bench.say(line)
    return found


def _refuse_failures(row: Row) -> None:
    """Raise `NothingMeasured` where sentences failed and none gave anything: the data lacks what the setting needs.

    A sentence without entities doesn't fail, as nothing is asked for it.
    """
    silent = isinstance(row, NerRow) and not any(label.predicted for label in row.per_label.values())
    if row.failed and (silent or row.failed == row.sentences):
        raise NothingMeasured(f"nothing found, {row.failed:,} of {row.sentences:,} failed ({', '.join(row.faults)})")


def _skipped_more(skipped: Sequence[Skipped]) -> Iterator[str]:
    """Say how often a setting was skipped after the first time, which was told as it happened."""
    for name, count in Counter(each.name for each in skipped).items():
        if count > 1:
            yield f"{name}: skipped for {count - 1} more"


def tell(bench: Workbench, row: Row) -> None:
    """Say what came out of a setting on a data set."""
    name, score, _ = main_score(row)
    failed = "".join(f", {count:,} failed ({fault})" for fault, count in row.faults.items())
    bench.say(
        f"{row.dataset} {row.lang} {row.name}: {name} {score(row):.3f}, {row.sentences:,} sentences"
        f"{failed}, {row.seconds:.1f} s"
    )
