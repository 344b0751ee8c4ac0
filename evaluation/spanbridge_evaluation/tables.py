"""Tables for the terminal."""

import sys
from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from spanbridge_evaluation.results import AlignmentRow, NerRow, Row, TranslationRow

_PIPE_WIDTH = 240


def print_tables(rows: Sequence[Row], *, compare: bool) -> None:
    """Print rows of one kind on stdout; wide where no terminal limits it, so that no row is broken in a pipe."""
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
    console.print(comparison(rows) if compare else listing(rows))


def listing(rows: Sequence[Row]) -> Table:
    """Return a line per row, and the mean of several languages."""
    ner = [row for row in rows if isinstance(row, NerRow)]
    if ner:
        return _entities(ner)
    links = [row for row in rows if isinstance(row, AlignmentRow)]
    return _links(links) if links else _translations([row for row in rows if isinstance(row, TranslationRow)])


def _entities(rows: Sequence[NerRow]) -> Table:
    labels = list(dict.fromkeys(label for row in rows for label in row.labels))
    table = _table("lang", "method", "sentences", "P", "R", "F1", "95%", *labels, "failed", "s", "sentences/s")
    for row in rows:
        each = [share(row.per_label[label].f1) if label in row.per_label else "" for label in labels]
        between = f"{share(row.ci95[0])}–{share(row.ci95[1])}"
        table.add_row(row.lang, row.setting, f"{row.sentences:,}", *map(share, (row.precision, row.recall, row.f1)),
                      between, *each, str(row.failed or ""), *_speed(row))  # fmt: skip
    if len(rows) > 1:
        means = [_mean([row.precision for row in rows]), _mean([row.recall for row in rows])]
        each = [_mean([r.per_label[label].f1 for r in rows if label in r.per_label]) for label in labels]
        table.add_section()
        table.add_row("mean", "", f"{sum(row.sentences for row in rows):,}", *means, _mean([row.f1 for row in rows]),
                      "", *each, "", f"{sum(row.seconds for row in rows):.1f}", "")  # fmt: skip
    return table


def _links(rows: Sequence[AlignmentRow]) -> Table:
    table = _table("pair", "file", "method", "sentences", "P", "R", "F1", "AER", "failed", "s", "sentences/s")
    for row in rows:
        scores = map(share, (row.precision, row.recall, row.f1, row.aer))
        table.add_row(row.lang, row.split, row.setting, f"{row.sentences:,}", *scores, str(row.failed or ""),
                      *_speed(row))  # fmt: skip
    return table


def _translations(rows: Sequence[TranslationRow]) -> Table:
    table = _table("lang", "file", "method", "sentences", "BLEU", "chrF", "failed", "s", "sentences/s")
    for row in rows:
        table.add_row(row.lang, row.split, row.setting, f"{row.sentences:,}", f"{row.bleu:.1f}", f"{row.chrf:.1f}",
                      str(row.failed or ""), *_speed(row))  # fmt: skip
    return table


def comparison(rows: Sequence[Row]) -> Table:
    """Return settings down and data sets across, with their main score and its mean, in the order of the mean.

    No seconds: what one setting translated and aligned, later ones find in the cache.
    """
    name, score, better = main_score(rows[0])
    columns = list(dict.fromkeys(column_of(row) for row in rows))
    cells = {(row.setting, column_of(row)): score(row) for row in rows}
    means = {
        setting: [cells[setting, column] for column in columns if (setting, column) in cells]
        for setting in dict.fromkeys(row.setting for row in rows)
    }
    table = _table("method", *columns, f"mean {name}")
    shown = share if name != "BLEU" else lambda value: f"{value:.1f}"
    for setting, values in sorted(means.items(), key=lambda each: better * sum(each[1]) / len(each[1])):
        own = [shown(cells[setting, column]) if (setting, column) in cells else "–" for column in columns]
        whole = shown(sum(values) / len(values)) if len(values) == len(columns) else "–"
        table.add_row(setting, *own, whole)
    return table


def column_of(row: Row) -> str:
    """Return what a row's data is called beside others: its language, with the file where a language has several."""
    return f"{row.lang} {row.split}" if isinstance(row, AlignmentRow) else row.lang


def main_score(row: Row) -> tuple[str, Callable[[Row], float], int]:
    """Return the main score of a kind of rows: its name, how to read it, and -1 where more is better."""
    if isinstance(row, NerRow):
        return "F1", lambda each: each.f1 if isinstance(each, NerRow) else 0.0, -1
    if isinstance(row, AlignmentRow):
        return "AER", lambda each: each.aer if isinstance(each, AlignmentRow) else 0.0, 1
    return "BLEU", lambda each: each.bleu if isinstance(each, TranslationRow) else 0.0, -1


def share(value: float) -> str:
    """Return a value in [0, 1] with three decimals.

    >>> share(0.91), share(1.0)
    ('.910', '1.000')
    """
    return f"{value:.3f}".removeprefix("0")


def _mean(values: Sequence[float]) -> str:
    return share(sum(values) / len(values)) if values else ""


def _speed(row: Row) -> tuple[str, str]:
    return f"{row.seconds:.1f}", f"{row.sentences_per_second:.1f}"


def _table(*headers: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold", justify="left" if header in _WORDS else "right")
    return table


_WORDS = frozenset({"lang", "pair", "file", "method"})
