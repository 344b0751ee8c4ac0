"""The page: a table, plots, confusion tables and examples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from spanbridge_evaluation.cells import column_of, main_score
from spanbridge_evaluation.published import published_lines
from spanbridge_evaluation.report.markup import text
from spanbridge_evaluation.report.plots import Dot, Plot, draw_plot, mark_best
from spanbridge_evaluation.results import AlignmentRow, NerRow, Row
from spanbridge_evaluation.tables import left_out
from spanbridge_shared.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Example:
    """One of the worst sentences: a drawing, an SVG element, or texts by name."""

    row: Row
    told: str
    drawing: str = ""
    texts: dict[str, str] = field(default_factory=dict)


def write_report(path: Path, rows: Sequence[Row], examples: Sequence[Example], lead: str = "") -> None:
    """Write the page; raises `ConfigurationError` where that isn't possible."""
    try:
        path.write_text(page(rows, examples, lead), encoding="utf-8")
    except OSError as fault:
        raise ConfigurationError(f"the report {path} can't be written: {fault.strerror}") from fault


def page(rows: Sequence[Row], examples: Sequence[Example], lead: str = "") -> str:
    """Return the page's HTML; `lead` are sections that stand first."""
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    datasets = ", ".join(dict.fromkeys(row.dataset for row in rows))
    versions = ", ".join(dict.fromkeys(row.model_version for row in rows))
    body = [
        f"<h1>Spanbridge on {text(datasets)}</h1>",
        f"<p>{sum(row.sentences for row in rows):,} sentences in all runs. Models: {text(versions)}</p>",
        *([f"<p>{text(left_out(rows))}.</p>"] if left_out(rows) else []),
        lead,
        _plots(rows),
        _table(rows),
        _published(rows),
        _confusions([row for row in rows if isinstance(row, NerRow)]),
        _examples(examples),
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>Spanbridge: {text(datasets)}</title><style>{style}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'


def _plots(rows: Sequence[Row]) -> str:
    name, score, better = main_score(rows[0])
    groups: dict[str, list[Dot]] = {}
    for row in rows:
        low, high = row.ci95 if isinstance(row, NerRow) else (None, None)
        groups.setdefault(column_of(row), []).append(Dot(row.name, score(row), low, high))
    marked = {group: mark_best(dots, more=better < 0) for group, dots in groups.items()}
    note = "; lines are 95% bootstrap intervals" if isinstance(rows[0], NerRow) else ""
    lower = ", lower is better" if better > 0 else ""
    title = f"{name} by language and method"
    plot = Plot(title, 100.0 if name == "BLEU" else 1.0, 1 if name == "BLEU" else 3, marked)
    return f'<section><h2>{title}</h2><p>{name}{lower}{note}.</p><div class="wide">{draw_plot(plot)}</div></section>'


def _table(rows: Sequence[Row]) -> str:
    return f'<section><h2>Results</h2><div class="wide">{html_table(*_cells(rows))}</div></section>'


def html_table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table of texts."""
    head = "".join(f"<th>{text(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{text(each)}</td>" for each in line) + "</tr>" for line in lines)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    labels = list(dict.fromkeys(label for row in rows if isinstance(row, NerRow) for label in row.labels))
    named = any(row.preset for row in rows)
    beside = any(row.published for row in rows)
    kinds = {NerRow: ["P", "R", "F1", "95%", *labels], AlignmentRow: ["P", "R", "F1", "AER"]}
    scores = kinds.get(type(rows[0]), ["BLEU", "chrF"])
    heads = ["language", "split", "method", *(["options"] if named else []), "sentences", *scores,
             *(["published"] if beside else []), "failed", "seconds", "sentences/s"]  # fmt: skip
    lines = [
        [row.lang, row.split, row.name, *([row.setting] if named else []), f"{row.sentences:,}", *_scores(row, labels),
         *([f"{row.published[0].value:.3f}" if row.published else ""] if beside else []), f"{row.failed:,}",
         f"{row.seconds:.1f}", f"{row.sentences_per_second:.1f}"]
        for row in rows
    ]  # fmt: skip
    return heads, lines


def _published(rows: Sequence[Row]) -> str:
    lines = published_lines(rows)
    if not lines:
        return ""
    langs = list(dict.fromkeys(row.lang for row in rows if row.published))
    heads = ["method", "models", "split", *langs, "mean", "languages", "source"]
    cells = [
        [line.method, line.setup, line.split,
         *(f"{line.figures[lang]:.3f}" if lang in line.figures else "" for lang in langs),
         f"{line.mean:.3f}", str(line.of), line.source]
        for line in lines
    ]  # fmt: skip
    note = "Other models and machines, and their own split; best mean first."
    return (
        f'<section><h2>Published figures</h2><p>{note}</p><div class="wide">{html_table(heads, cells)}</div></section>'
    )


def _scores(row: Row, labels: Sequence[str]) -> list[str]:
    if isinstance(row, NerRow):
        each = [f"{row.per_label[label].f1:.3f}" if label in row.per_label else "" for label in labels]
        between = f"{row.ci95[0]:.3f}–{row.ci95[1]:.3f}"
        return [f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", between, *each]
    if isinstance(row, AlignmentRow):
        return [f"{value:.3f}" for value in (row.precision, row.recall, row.f1, row.aer)]
    return [f"{row.bleu:.1f}", f"{row.chrf:.1f}"]


def _confusions(rows: Sequence[NerRow]) -> str:
    if not rows:
        return ""
    note = "Gold labels down, what was predicted for them across; the row none counts what overlaps no gold entity."
    best = max(rows, key=lambda row: row.f1)
    tables = "".join(_confusion(row, shown=row is best) for row in rows)
    return f"<section><h2>Confusion</h2><p>{note}</p>{tables}</section>"


def _confusion(row: NerRow, *, shown: bool) -> str:
    columns = list(row.confusion[row.labels[0]])
    head = "<th>gold</th>" + "".join(f"<th>{text(each)}</th>" for each in columns)
    body = ""
    for gold, counts in row.confusion.items():
        most = max(1, *counts.values())
        cells = "".join(_confusion_cell(counts.get(each), most, right=each == gold) for each in columns)
        body += f"<tr><th>{text(gold)}</th>{cells}</tr>"
    title = f"{row.lang}, {row.name}: F1 {row.f1:.3f}"
    state = " open" if shown else ""
    table = f"<table><tr>{head}</tr>{body}</table>"
    return f"<details{state}><summary>{text(title)}</summary>{table}</details>"


def _confusion_cell(count: int | None, most: int, *, right: bool) -> str:
    if count is None:
        return "<td></td>"
    share = round(100 * count / most)
    kind = "right" if right else "wrong"
    return f'<td class="{kind}" style="--share:{share}%">{count:,}</td>'


def _examples(examples: Sequence[Example]) -> str:
    if not examples:
        return ""
    parts = []
    last = ""
    for each in examples:
        title = f"{each.row.dataset}, {column_of(each.row)}, {each.row.name}"
        parts.append(f"<h3>{text(title)}</h3>" if title != last else "")
        last = title
        texts = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in each.texts.items())
        shown = f"<dl>{texts}</dl>" if texts else f'<div class="wide">{each.drawing}</div>'
        parts.append(f"<figure><figcaption>{text(each.told)}</figcaption>{shown}</figure>")
    legend = ""
    if isinstance(examples[0].row, AlignmentRow):
        legend = (
            '<p><span class="key right">right</span> <span class="key wrong">wrong</span> '
            '<span class="key missed">sure but missed</span></p>'
        )
    return f"<section><h2>Worst sentences</h2>{legend}{''.join(parts)}</section>"
