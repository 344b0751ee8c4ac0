"""Markdown tables for the model card. Pure."""

from collections.abc import Mapping, Sequence

Row = Mapping[str, object]


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; every column but the first is right-aligned.

    >>> print(markdown(["file", "AER"], [["en-fr", 6.2]]), end="")
    | file | AER |
    |---|---:|
    | en-fr | 6.2 |
    """
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def alignment_table(scores: Sequence[Row]) -> str:
    """Tabulate scores: one row per file, for each model its AER, precision, recall, F1 and speed."""
    models = list(dict.fromkeys(str(row["model"]) for row in scores))
    cells = {(row["file"], row["model"]): row for row in scores}
    figures = ("aer", "precision", "recall", "f1", "pairs_per_second")
    header = ["file", "pairs"] + [f"{model} {name}" for model in models for name in ("AER", "P", "R", "F1", "pairs/s")]
    rows = []
    for file in dict.fromkeys(row["file"] for row in scores):
        found = [cells[file, model] for model in models]
        rows.append([file, found[0]["pairs"], *(row[figure] for row in found for figure in figures)])
    return markdown(header, rows)


def coverage_table(rows: Sequence[Row]) -> str:
    """Tabulate coverage: one row per language, for each tokenizer its `<unk>` share and tokens per word."""
    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    cells = {(row["language"], row["model"]): row for row in rows}
    header = ["language", "words"] + [f"{model} {name}" for model in models for name in ("unk %", "tokens/word")]
    table = []
    for language in dict.fromkeys(row["language"] for row in rows):
        found = [cells[language, model] for model in models]
        figures = (cell[figure] for cell in found for figure in ("unk_percent", "tokens_per_word"))
        table.append([language, found[0]["words"], *figures])
    return markdown(header, table)
