"""Published figures beside ours. `published.json` holds them, with the set-up and the source of each.

Other models, other machines, and mostly test sets where ours are dev: they say how far away we are, nothing finer.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from importlib import resources

from spanbridge_evaluation.results import AlignmentRow, NerRow, PublishedFigure, Row
from spanbridge_shared.errors import UnknownLanguage
from spanbridge_shared.text.languages import resolve_language

AER = "aer"
ALIGNMENT = "alignment"


@dataclass(frozen=True, slots=True)
class Table:
    """One method's figures by FLORES code, all in [0, 1]; `mean` is the published one, over `of` languages."""

    dataset: str
    score: str
    split: str
    labels: frozenset[str]
    method: str
    setup: str
    source: str
    url: str
    mean: float | None
    of: int
    figures: Mapping[str, float]

    @property
    def order(self) -> int:
        """1 where less is better, else -1."""
        return 1 if self.score == AER else -1


@dataclass(frozen=True, slots=True)
class PublishedLine:
    """One method beside our languages: its figures by the name that a language has here, and their mean.

    Where no figure by language is published, there are none, and `mean` is that of `of` languages, whichever ours are.
    """

    method: str
    setup: str
    source: str
    split: str
    figures: Mapping[str, float]
    mean: float
    of: int


@cache
def published_tables() -> tuple[Table, ...]:
    """Return everything that there is."""
    found = json.loads(resources.files(__package__).joinpath("published.json").read_text(encoding="utf-8"))
    return tuple(
        Table(
            each["dataset"], each["score"], each["split"], frozenset(each["labels"]), each["method"], each["setup"],
            found["sources"][each["source"]]["title"], found["sources"][each["source"]]["url"], each["mean"],
            each.get("of") or len(each["figures"]),
            {resolve_language(lang): value for lang, value in each["figures"].items()},
        )
        for each in found["tables"]
    )  # fmt: skip


def published_figures(
    dataset: str, lang: str, *, labels: AbstractSet[str] = frozenset(), split: str = ""
) -> list[PublishedFigure]:
    """Return what is published for a language, best first: figures of the very labels counted.

    `lang` is a language, or a pair such as en-fr; `split` matters for alignment alone, whose figures are of test sets.

    >>> published_figures("alignment", "en-fr", split="test")[0].value
    0.041
    """
    code = _code(lang)
    tables = [table for table in _fitting(dataset, labels, split) if code in table.figures]
    return [
        PublishedFigure(
            method=each.method, setup=each.setup, source=each.source, split=each.split, value=each.figures[code]
        )
        for each in sorted(tables, key=lambda each: each.order * each.figures[code])
    ]


def published_lines(rows: Sequence[Row]) -> list[PublishedLine]:
    """Return each published method beside the languages of the rows, best mean first.

    A method counts where it covers every one of our languages that any covers: means are of the same languages.
    """
    found: dict[tuple[str, str, str, str], dict[str, float]] = {}
    for row in rows:
        for each in row.published:
            found.setdefault((each.method, each.setup, each.source, each.split), {})[row.lang] = each.value
    most = max((len(figures) for figures in found.values()), default=0)
    lines = [
        PublishedLine(*told, figures, sum(figures.values()) / most, most)
        for told, figures in found.items()
        if len(figures) == most
    ]
    for row in rows[:1]:
        lines += [
            PublishedLine(each.method, each.setup, each.source, each.split, {}, each.mean, each.of)
            for each in _fitting(row.dataset, _labels(row), row.split)
            if not each.figures and each.mean is not None
        ]
    order = 1 if any(isinstance(row, AlignmentRow) for row in rows) else -1
    return sorted(lines, key=lambda line: order * line.mean)


def _fitting(dataset: str, labels: AbstractSet[str], split: str) -> Iterable[Table]:
    tests = dataset != ALIGNMENT or f".{split}".endswith(".test")
    return (each for each in published_tables() if each.dataset == dataset and each.labels == labels and tests)


def _labels(row: Row) -> frozenset[str]:
    return frozenset(row.labels) if isinstance(row, NerRow) else frozenset()


def _code(lang: str) -> str:
    try:
        return resolve_language(lang.removeprefix("en-"))
    except UnknownLanguage:
        return ""
