"""A comparison in the terminal: a table, and a bar for each method."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from spanbridge_evaluation.cells import empty_table, share
from spanbridge_evaluation.comparison import comparison
from spanbridge_evaluation.contest.summary import Contest, MethodLine
from spanbridge_evaluation.tables import notes

_BAR = 40
_PARTS = " ▏▎▍▌▋▊▉"


def show_contest(out: Console, contest: Contest) -> None:
    """Print the table, the plot, what is missing and what is to be known."""
    out.print(comparison(contest.results, {line.name: _megabytes(line) for line in contest.methods}))
    out.print(_plot(contest))
    for note in _told(contest):
        out.print(note, markup=False, soft_wrap=True)


def bar(value: float, width: int = _BAR) -> str:
    """Return a bar for a value in [0, 1], in eighths of a character.

    >>> bar(0.5, 4), bar(0.53125, 4), bar(0.0, 4)
    ('██', '██▏', '')
    """
    eighths = round(8 * width * min(max(value, 0.0), 1.0))
    return "█" * (eighths // 8) + _PARTS[eighths % 8].strip()


def _plot(contest: Contest) -> Table:
    apart = sorted({lang for line in contest.methods for lang in line.mean_f1_without})
    table = empty_table("method", "mean F1", *(f"without {lang}" for lang in apart), "", "sentences/s", "MB")
    table.columns[2 + len(apart)].justify = "left"
    for line in contest.methods:
        of = "" if len(line.f1) == len(contest.langs) else f" of {len(line.f1)}"
        means = [share(line.mean_f1_without[lang]) if lang in line.mean_f1_without else "" for lang in apart]
        rate = "–" if line.sentences_per_second is None else f"{line.sentences_per_second:.1f}"
        table.add_row(line.name, share(line.mean_f1) + of, *means, bar(line.mean_f1), rate, _megabytes(line))
    return table


def _told(contest: Contest) -> Iterator[str]:
    yield from contest.notes
    for each in contest.skipped:
        part = "" if set(each.langs) == set(contest.langs) else f" for {', '.join(each.langs)}"
        yield f"{each.name}: skipped{part}: {each.reason}"
    yield from notes(contest.results, compare=False)  # Why seconds are missing is among the contest's.


def _megabytes(line: MethodLine) -> str:
    return "unknown" if line.megabytes is None else f"{line.megabytes:.1f}"
