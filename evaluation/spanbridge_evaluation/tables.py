"""Tables for the terminal."""

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from spanbridge_evaluation.cells import APART, SHOWN, best_published, empty_table, share
from spanbridge_evaluation.comparison import comparison
from spanbridge_evaluation.published import PublishedLine, published_lines
from spanbridge_evaluation.results import AlignmentRow, Caches, NerRow, Row, TranslationRow
from spanbridge_evaluation.running.comparisons import Preset

PIPE_WIDTH = 240


def print_tables(rows: Sequence[Row], *, compare: bool) -> None:
    """Print rows of one kind on stdout."""
    show_tables(console(), rows, compare=compare)


def show_tables(out: Console, rows: Sequence[Row], *, compare: bool) -> None:
    """Print rows of one kind, and what is to be known of the figures beside them."""
    out.print(comparison(rows) if compare else listing(rows))
    for note in notes(rows, compare=compare):
        out.print(note, markup=False, soft_wrap=True)


def print_presets(presets: Sequence[Preset], missing: Mapping[str, str]) -> None:
    """Print the presets on stdout, with what is missing for each by its name."""
    table = empty_table("preset", "what", "method", "missing here")
    for each in presets:
        options = " ".join(f"{name}={value}" for name, value in each.options.items())
        table.add_row(each.name, each.told, f"{each.method} {options}".rstrip(), missing[each.name])
    console().print(table)


def console() -> Console:
    """Return stdout; wide where no terminal limits it, so that no row is broken in a pipe."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def listing(rows: Sequence[Row]) -> Table:
    """Return a line per row, and the mean of several languages."""
    ner = [row for row in rows if isinstance(row, NerRow)]
    if ner:
        return _entities(ner)
    links = [row for row in rows if isinstance(row, AlignmentRow)]
    return _links(links) if links else _translations([row for row in rows if isinstance(row, TranslationRow)])


def _entities(rows: Sequence[NerRow]) -> Table:
    labels = list(dict.fromkeys(label for row in rows for label in row.labels))
    beside = ["published"] if any(row.published for row in rows) else []
    table = empty_table(
        "lang", "method", "sentences", "P", "R", "F1", "95%", *beside, *labels, "failed", "s", "sentences/s"
    )
    for row in rows:
        each = [share(row.per_label[label].f1) if label in row.per_label else "" for label in labels]
        between = [f"{share(row.ci95[0])}–{share(row.ci95[1])}", *[best_published(row) for _ in beside]]
        table.add_row(row.lang, row.name, f"{row.sentences:,}", *map(share, (row.precision, row.recall, row.f1)),
                      *between, *each, str(row.failed or ""), *_speed(row))  # fmt: skip
    if len(rows) > 1:
        table.add_section()
        for name, part in _parts(rows):
            means = [_mean([row.precision for row in part]), _mean([row.recall for row in part])]
            each = [_mean([r.per_label[label].f1 for r in part if label in r.per_label]) for label in labels]
            table.add_row(name, "", f"{sum(row.sentences for row in part):,}", *means, _mean([row.f1 for row in part]),
                          "", *[_best_mean(part) for _ in beside], *each, "",
                          f"{sum(row.seconds for row in part):.1f}", "")  # fmt: skip
    return table


def _parts(rows: Sequence[NerRow]) -> list[tuple[str, list[NerRow]]]:
    """Return what there is a mean of: all, all without the one that stands apart, and those with published figures."""
    parts = [(f"mean of {len(rows)}", list(rows))]
    apart = APART.get(rows[0].dataset)
    without = [row for row in rows if row.lang != apart]
    if 1 < len(without) < len(rows):
        parts.append((f"mean of {len(without)}, without {apart}", without))
    published = [row for row in rows if row.published]
    if 1 < len(published) < len(without):
        parts.append((f"mean of {len(published)} published", published))
    return parts


def _best_mean(rows: Sequence[Row]) -> str:
    """Return the best published mean of exactly these languages."""
    lines = [line for line in published_lines(rows) if len(line.figures) == len({row.lang for row in rows})]
    return share(lines[0].mean) if lines else ""


def _links(rows: Sequence[AlignmentRow]) -> Table:
    beside = ["published"] if any(row.published for row in rows) else []
    table = empty_table(
        "pair", "file", "method", "sentences", "P", "R", "F1", "AER", *beside, "failed", "s", "sentences/s"
    )
    for row in rows:
        scores = [*map(share, (row.precision, row.recall, row.f1, row.aer)), *[best_published(row) for _ in beside]]
        table.add_row(row.lang, row.split, row.name, f"{row.sentences:,}", *scores,
                      str(row.failed or ""), *_speed(row))  # fmt: skip
    return table


def _translations(rows: Sequence[TranslationRow]) -> Table:
    table = empty_table("lang", "file", "method", "sentences", "BLEU", "chrF", "failed", "s", "sentences/s")
    for row in rows:
        table.add_row(row.lang, row.split, row.name, f"{row.sentences:,}", f"{row.bleu:.1f}", f"{row.chrf:.1f}",
                      str(row.failed or ""), *_speed(row))  # fmt: skip
    if len(rows) > 1:
        table.add_section()
        means = [
            f"{sum(scores) / len(rows):.1f}" for scores in zip(*((row.bleu, row.chrf) for row in rows), strict=True)
        ]
        table.add_row(f"mean of {len(rows)}", "", "", f"{sum(row.sentences for row in rows):,}", *means, "",
                      f"{sum(row.seconds for row in rows):.1f}", "")  # fmt: skip
    return table


def notes(rows: Sequence[Row], *, compare: bool) -> list[str]:
    """Return what stands under a table: labels left out, where published figures are from, why seconds are missing."""
    lines = published_lines(rows)
    found = [left_out(rows)] if left_out(rows) else []
    if lines:
        found.append(f"published (split {_splits(lines)}; other models and machines), the best means:")
    found += [f"  {_told(line)}" for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        found.append(f"  and {len(lines) - SHOWN} more, all in the page that --report writes")
    if compare and any(row.caches is Caches.SHARED for row in rows):
        found.append("seconds are left out: with caches, a setting gains from those before it")
    return found


def left_out(rows: Sequence[Row]) -> str:
    """Return a line that names the labels that weren't counted though asked for; empty where there are none."""
    labels = {label for row in rows if isinstance(row, NerRow) for label in row.left_out}
    return f"left out of gold, because no teacher gives them: {', '.join(sorted(labels))}" if labels else ""


def _told(line: PublishedLine) -> str:
    return f"{share(line.mean)} (mean of {line.of}) {line.method}; {line.setup}. {line.source}"


def _splits(lines: Sequence[PublishedLine]) -> str:
    return " and ".join(sorted({line.split for line in lines}))


def _mean(values: Sequence[float]) -> str:
    return share(sum(values) / len(values)) if values else ""


def _speed(row: Row) -> tuple[str, str]:
    return f"{row.seconds:.1f}", f"{row.sentences_per_second:.1f}"
