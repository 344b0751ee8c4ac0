"""What every table and plot is made of: names, main scores, and figures as they are written."""

from collections.abc import Callable

from rich import box
from rich.table import Table

from spanbridge_evaluation.results import AlignmentRow, NerRow, Row, TranslationRow

SHOWN = 5
"""Published methods named in the terminal; the report has all."""
APART = {"masakhaner2": "bbj"}
"""A language that means are also given without: it is translated through French, where every other goes directly."""


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


def best_published(row: Row) -> str:
    """Return the best published figure beside a row; empty where there is none."""
    return share(row.published[0].value) if row.published else ""


def empty_table(*headers: str) -> Table:
    """Return a table in the one style; words stand left, figures right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold", justify="left" if header in _WORDS else "right")
    return table


_WORDS = frozenset({"lang", "pair", "file", "method", "preset", "what", "missing here", "data"})
