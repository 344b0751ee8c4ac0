"""What comes out of a comparison: a line a method, and the rows that it is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from spanbridge_evaluation.attempts import Skipped
from spanbridge_evaluation.cells import APART
from spanbridge_evaluation.results import Caches, NerRow
from spanbridge_evaluation.running.comparisons import Preset
from spanbridge_shared.contracts.base import WireModel


class MethodLine(WireModel):
    """One method over all languages.

    `mean_f1` is over the languages of `f1`, those that it could label; `mean_f1_without` the same without a language
    that stands apart. `sentences_per_second` is None where caches may have helped, `megabytes` where it isn't known.
    """

    name: str
    told: str
    method: str
    options: dict[str, Any]
    f1: dict[str, float]
    mean_f1: float
    mean_f1_without: dict[str, float]
    sentences: int
    failed: int
    seconds: float
    sentences_per_second: float | None
    megabytes: float | None


class SkippedMethod(WireModel):
    """A method that didn't run on these languages, and why."""

    name: str
    langs: list[str]
    reason: str


class Contest(WireModel):
    """Everything: methods with the best mean first, what is missing, what is to be known, and a row per language."""

    methods: list[MethodLine]
    skipped: list[SkippedMethod]
    notes: list[str]
    results: list[NerRow]

    @property
    def langs(self) -> list[str]:
        """The languages, in the order of the data."""
        return list(dict.fromkeys(row.lang for row in self.results))


def contest(
    rows: Sequence[NerRow],
    contenders: Sequence[Preset],
    megabytes: Mapping[str, float | None],
    skipped: Sequence[SkippedMethod],
    notes: Sequence[str],
) -> Contest:
    """Sum rows up by method; a method without rows has no line."""
    by_name: dict[str, list[NerRow]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    lines = [_line(each, by_name[each.name], megabytes.get(each.name)) for each in contenders if each.name in by_name]
    n_langs = len({row.lang for row in rows})
    # A method that left languages out has another mean, which says nothing beside those of all languages.
    lines.sort(key=lambda line: (len(line.f1) < n_langs, -line.mean_f1))
    return Contest(methods=lines, skipped=list(skipped), notes=list(notes), results=list(rows))


def skipped_methods(skipped: Sequence[Skipped]) -> list[SkippedMethod]:
    """Return each method and reason once, with the languages that it holds for."""
    langs: dict[tuple[str, str], list[str]] = {}
    for each in skipped:
        langs.setdefault((each.name, each.fault.detail), []).append(each.lang)
    return [SkippedMethod(name=name, langs=found, reason=reason) for (name, reason), found in langs.items()]


def _line(contender: Preset, rows: Sequence[NerRow], megabytes: float | None) -> MethodLine:
    f1 = {row.lang: row.f1 for row in rows}
    apart = APART.get(rows[0].dataset, "")
    others = [value for lang, value in f1.items() if lang != apart]
    seconds = sum(row.seconds for row in rows)
    sentences = sum(row.sentences for row in rows)
    timed = seconds > 0 and all(row.caches is Caches.OFF for row in rows)
    return MethodLine(
        name=contender.name,
        told=contender.told,
        method=contender.method,
        options=rows[0].options,
        f1=f1,
        mean_f1=_mean(list(f1.values())),
        mean_f1_without={apart: _mean(others)} if 0 < len(others) < len(f1) else {},
        sentences=sentences,
        failed=sum(row.failed for row in rows),
        seconds=round(seconds, 3),
        sentences_per_second=round(sentences / seconds, 1) if timed else None,
        megabytes=megabytes,
    )


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 6)
