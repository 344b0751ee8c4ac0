"""`spanbridge evaluate all`: every data set that a folder holds, in about ten minutes on two cores.

Each step reads one data set, measures it, and leaves a table, rows and a page in the output folder.
"""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console

from spanbridge_evaluation import sources
from spanbridge_evaluation.arguments import Arguments
from spanbridge_evaluation.data.layouts import EuroparlSplit, read_conll, read_europarl, read_masakhaner, read_xtreme
from spanbridge_evaluation.data.lines import DataError, is_folder
from spanbridge_evaluation.data.pairs import read_alignment_sets, read_translation_sets
from spanbridge_evaluation.measuring import (
    Results,
    alignment_results,
    as_json,
    entity_results,
    translation_results,
)
from spanbridge_evaluation.opening import opened
from spanbridge_evaluation.report.page import write_report
from spanbridge_evaluation.results import Caches, Row
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_evaluation.tables import PIPE_WIDTH, console, show_tables
from spanbridge_shared.contracts.gateway import DEFAULT_LABELS
from spanbridge_shared.errors import ConfigurationError, SpanbridgeError

EUROPARL_LABELS = ("PER", "ORG", "LOC", "MISC")


class NoData(ConfigurationError):
    """Nothing to measure; where to get it was said before."""


Measure = Callable[[Workbench, Arguments], Results]


@dataclass(frozen=True, slots=True)
class Step:
    """A data set, how many sentences of each language are measured, and how."""

    source: sources.Source
    limit: int | None
    measure: Measure
    compare: bool = False


def _europarl(bench: Workbench, arguments: Arguments) -> Results:
    sets = read_europarl(arguments.data, arguments.lang, EuroparlSplit.ALL)
    return entity_results(bench, arguments, sets, EUROPARL_LABELS)


def _masakhaner(bench: Workbench, arguments: Arguments) -> Results:
    return entity_results(bench, arguments, read_masakhaner(arguments.data, arguments.lang, "dev"), DEFAULT_LABELS)


def _conll(bench: Workbench, arguments: Arguments) -> Results:
    files = sorted(arguments.data.glob("*.dev.txt"))
    if not files:
        raise DataError(f"{arguments.data} has no <lang>.dev.txt")
    sets = [read_conll(path, path.name.partition(".")[0], None, "dev") for path in files]
    return entity_results(bench, arguments, sets, DEFAULT_LABELS)


def _xtreme(bench: Workbench, arguments: Arguments) -> Results:
    return entity_results(bench, arguments, read_xtreme(arguments.data, arguments.lang, "test"), DEFAULT_LABELS)


def _alignment(bench: Workbench, arguments: Arguments) -> Results:
    return alignment_results(bench, arguments, read_alignment_sets(arguments.data, arguments.lang, None))


def _translation(bench: Workbench, arguments: Arguments) -> Results:
    return translation_results(bench, arguments, read_translation_sets(arguments.data, arguments.lang))


STEPS = (
    Step(sources.EUROPARL, None, _europarl),
    Step(sources.MASAKHANER, 200, _masakhaner),
    Step(sources.CONLL, 200, _conll),
    Step(sources.ALIGNMENT, 500, _alignment, compare=True),
    Step(sources.TRANSLATION, 100, _translation),
    Step(sources.XTREME, 40, _xtreme),
)
"""The order in which figures matter, so that a run that is stopped early has the first ones."""


def measure_everything(arguments: Arguments, data: Path | None, out: Path, *, full: bool) -> None:
    """Measure what `data` holds and write it into `out`; raises `NoData` where that is nothing.

    A step that fails doesn't stop the others; the first failure is raised at the end.
    """
    found = _find(data)
    _make(out)
    measured: list[tuple[Step, Arguments, Sequence[Row]]] = []
    faults: list[SpanbridgeError] = []
    started = time.perf_counter()
    with opened(arguments, Caches.OFF if arguments.url is None else Caches.SHARED) as bench:
        for step, folder in found:
            own = _own_arguments(arguments, step, folder, out, full=full)
            try:
                results = step.measure(bench, own)
            except SpanbridgeError as fault:
                bench.say(f"{step.source.name}: failed: {fault.detail}")
                faults.append(fault)
                continue
            measured.append((step, own, results.rows))
            _write(out / f"{step.source.name}.json", as_json(results.rows) + "\n")
            write_report(out / f"{step.source.name}.html", results.rows, results.examples)
            _write(out / "results.json", _rows_of(measured) + "\n")
            _write(out / "tables.txt", _as_text(measured, PIPE_WIDTH))
            bench.say(f"{step.source.name}: done after {time.perf_counter() - started:,.0f} s")
        bench.progress.stop()
        click.echo(_rows_of(measured) if arguments.as_json else _as_text(measured, console().width))
        bench.say(f"tables, rows and pages are in {out}")
        if faults:
            raise faults[0]
        bench.finish()


def _find(data: Path | None) -> list[tuple[Step, Path]]:
    """Return the steps whose data is there, and say where to get the others."""
    if data is not None and not is_folder(data):
        raise DataError(f"{data} is no folder; it should hold {', '.join(step.source.places[0] for step in STEPS)}")
    places = [(step, None if data is None else step.source.find(data)) for step in STEPS]
    missing = [line for step, place in places if place is None for line in step.source.told()]
    if missing:
        click.echo("Public data sets, to be put below one folder:" if data is None else f"Not in {data}:", err=True)
        click.echo("\n".join(missing), err=True)
    found = [(step, place) for step, place in places if place is not None]
    if not found:
        told = "no data is named" if data is None else f"{data} holds none of these data sets"
        raise NoData(f"{told}; get them as said above, then make eval DATA=FOLDER, or evaluate all --data FOLDER")
    return found


def _own_arguments(arguments: Arguments, step: Step, folder: Path, out: Path, *, full: bool) -> Arguments:
    limit = None if full else arguments.limit or step.limit
    page = out / f"{step.source.name}.html"
    return replace(arguments, data=folder, limit=limit, report=page, compare=step.compare)


def _rows_of(measured: Sequence[tuple[Step, Arguments, Sequence[Row]]]) -> str:
    return as_json([row for _, _, rows in measured for row in rows])


def _as_text(measured: Sequence[tuple[Step, Arguments, Sequence[Row]]], width: int) -> str:
    text = io.StringIO()
    out = Console(file=text, width=width, highlight=False)
    for step, arguments, rows in measured:
        limit = f", the first {arguments.limit:,} of each" if arguments.limit else ""
        out.print(f"{step.source.name}: {step.source.title}{limit}", markup=False, soft_wrap=True)
        show_tables(out, rows, compare=step.compare)
        out.print()
    return text.getvalue()


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ConfigurationError(f"{out} can't be made: {fault.strerror}; --out names another folder") from fault


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as fault:
        raise ConfigurationError(f"{path} can't be written: {fault.strerror}; --out names another folder") from fault
