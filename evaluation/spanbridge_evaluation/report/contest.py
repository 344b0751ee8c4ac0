"""The section of a comparison's page that sets methods beside each other."""

from spanbridge_evaluation.contest.summary import Contest, MethodLine
from spanbridge_evaluation.report.markup import text
from spanbridge_evaluation.report.page import html_table
from spanbridge_evaluation.report.scatter import Mark, draw_scatter

UNKNOWN = "unknown"


def contest_section(contest: Contest) -> str:
    """Return the table and the plot of all methods, what is missing, and what is to be known."""
    apart = sorted({lang for line in contest.methods for lang in line.mean_f1_without})
    heads = ["method", "what", "options", *contest.langs, "mean F1", *(f"without {lang}" for lang in apart),
             "sentences/s", "MB of weights"]  # fmt: skip
    lines = [_cells(line, contest.langs, apart) for line in contest.methods]
    notes = "".join(f"<p>{text(each)}</p>" for each in contest.notes)
    missing = "".join(
        f"<p>{text(each.name)} was skipped for {text(', '.join(each.langs))}: {text(each.reason)}</p>"
        for each in contest.skipped
    )
    table = f'<div class="wide">{html_table(heads, lines)}</div>'
    return f"<section><h2>Methods compared</h2>{table}{notes}{missing}{_plot(contest)}</section>"


def _cells(line: MethodLine, langs: list[str], apart: list[str]) -> list[str]:
    rate = line.sentences_per_second
    return [
        line.name,
        line.told,
        " ".join(f"{name}={value}" for name, value in line.options.items()),
        *(f"{line.f1[lang]:.3f}" if lang in line.f1 else "–" for lang in langs),
        f"{line.mean_f1:.3f}",
        *(f"{line.mean_f1_without[lang]:.3f}" if lang in line.mean_f1_without else "–" for lang in apart),
        "–" if rate is None else f"{rate:.1f}",
        UNKNOWN if line.megabytes is None else f"{line.megabytes:.1f}",
    ]


def _plot(contest: Contest) -> str:
    marks = [
        Mark(line.name, line.sentences_per_second, line.mean_f1, line.megabytes)
        for line in contest.methods
        if line.sentences_per_second
    ]
    if not marks:
        return ""
    title = "Mean F1 by speed; an area says how many MB of weights"
    return f'<h3>{text(title)}</h3><div class="wide">{draw_scatter(title, marks)}</div>'
