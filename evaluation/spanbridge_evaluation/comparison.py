"""The table of `--compare`: settings beside data sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from spanbridge_evaluation.cells import SHOWN, best_published, column_of, empty_table, main_score, share
from spanbridge_evaluation.published import published_lines
from spanbridge_evaluation.results import Caches, Row


def comparison(rows: Sequence[Row], weights: Mapping[str, str] | None = None) -> Table:
    """Return settings down and data sets across, with their main score and its mean, in the order of the mean.

    Then what is published. Where there are many data sets and few settings, settings stand across. Seconds are there
    where no setting could gain from those before it. `weights` tell how many MB of models a setting works by.
    """
    columns = list(dict.fromkeys(column_of(row) for row in rows))
    turned = len(columns) > len({row.name for row in rows}) + 3
    return (_turned if turned else _upright)(rows, columns, weights or {})


def _upright(rows: Sequence[Row], columns: Sequence[str], weights: Mapping[str, str]) -> Table:
    settings = _compared(rows, columns)
    timed = ["s", "sentences/s"] if _timed(rows) else []
    weighed = ["MB"] if weights else []
    table = empty_table("method", *columns, f"mean {main_score(rows[0])[0]}", *timed, *weighed)
    for each in settings:
        speed = [each.seconds, each.rate] if timed else []
        table.add_row(each.name, *each.cells, each.mean, *speed, *[weights.get(each.name, "") for _ in weighed])
    lines = [line for line in published_lines(rows) if line.figures][:SHOWN]
    if lines:
        table.add_section()
    langs = {column_of(row): row.lang for row in rows if row.published}
    for line in lines:
        own = [share(line.figures[langs[column]]) if column in langs else "–" for column in columns]
        table.add_row(f"published: {line.method}", *own, share(line.mean) if line.of == len(columns) else "–")
    return table


def _turned(rows: Sequence[Row], columns: Sequence[str], weights: Mapping[str, str]) -> Table:
    settings = _compared(rows, columns)
    beside = ["published"] if any(row.published for row in rows) else []
    best = {column_of(row): best_published(row) for row in rows}
    table = empty_table("data", *(each.name for each in settings), *beside)
    for place, column in enumerate(columns):
        table.add_row(column, *(each.cells[place] for each in settings), *[best[column] for _ in beside])
    table.add_section()
    table.add_row(f"mean {main_score(rows[0])[0]}", *(each.mean for each in settings), *["" for _ in beside])
    if _timed(rows):
        table.add_row("s", *(each.seconds for each in settings))
        table.add_row("sentences/s", *(each.rate for each in settings))
    if weights:
        table.add_row("MB", *(weights.get(each.name, "") for each in settings))
    return table


@dataclass(frozen=True, slots=True)
class _Compared:
    """One setting as it is shown: a cell for each column, then the mean, the seconds of all and their speed."""

    name: str
    cells: list[str]
    mean: str
    seconds: str
    rate: str


def _compared(rows: Sequence[Row], columns: Sequence[str]) -> list[_Compared]:
    """Return the settings in the order of their mean over what each was measured on."""
    name, score, better = main_score(rows[0])
    by_name: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_name.setdefault(row.name, {})[column_of(row)] = row
    shown = share if name != "BLEU" else lambda value: f"{value:.1f}"

    def mean(found: dict[str, Row]) -> float:
        return sum(score(row) for row in found.values()) / len(found)

    compared = []
    for setting, found in sorted(by_name.items(), key=lambda each: better * mean(each[1])):
        cells = [shown(score(found[column])) if column in found else "–" for column in columns]
        seconds = sum(row.seconds for row in found.values())
        rate = sum(row.sentences for row in found.values()) / seconds if seconds else 0.0
        whole = shown(mean(found)) if len(found) == len(columns) else "–"
        compared.append(_Compared(setting, cells, whole, f"{seconds:.1f}", f"{rate:.1f}"))
    return compared


def _timed(rows: Sequence[Row]) -> bool:
    return all(row.caches is Caches.OFF for row in rows)
