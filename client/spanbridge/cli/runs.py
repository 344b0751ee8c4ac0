"""Runs over a file, shared by the commands that have one: opening and continuing, progress, and the last report."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from spanbridge import journal as journals
from spanbridge.cli.session import messages, opened
from spanbridge.client import Spanbridge
from spanbridge.corpus import STREAM, Corpus
from spanbridge.exporting import write_documents
from spanbridge.formats.records import CorpusError, OutputFormat
from spanbridge.formats.registry import Target
from spanbridge.formats.results import read_results
from spanbridge.formats.writers import ENCODERS
from spanbridge.journal import Journal, RunSettings
from spanbridge_shared.errors import SpanbridgeError

_INTERRUPTED = 130

Seen = Callable[[journals.Progress], None]


class _Rate(ProgressColumn):
    """Sentences per second."""

    def render(self, task: Task) -> Text:
        """Return the column's text."""
        return Text("…" if task.speed is None else f"{task.speed:.1f} sentences/s")


def check_output(source: Path, output: Path) -> None:
    """Raise `CorpusError` where the output would replace the input."""
    if STREAM not in (source, output) and output.exists() and output.samefile(source):
        raise CorpusError(f"{output} is the input; name another output")


def open_journal(corpus: Corpus, output: Path, settings: RunSettings, *, overwrite: bool) -> Journal:
    """Continue an interrupted run, or begin one; raises `CorpusError` as `Journal.open` does."""
    fresh = journals.Progress(input_sha256=corpus.sha256, settings=settings, total=corpus.total)
    if output == STREAM or (output.exists() and not output.is_file() and not output.is_dir()):
        if settings.output_format not in ENCODERS:
            raise CorpusError(f"{settings.output_format} is built from a file of results: name a file as --output")
        stream: BinaryIO = click.open_file(str(output), "wb")  # type: ignore[assignment]
        return Journal.streaming(stream, fresh)
    return Journal.open(_results(output, settings), output, fresh, overwrite=overwrite)


def _results(output: Path, settings: RunSettings) -> Path:
    """Return where results are appended; for a format that can't be, as JSONL beside the output until the end."""
    return output if settings.output_format in ENCODERS else output.with_name(f"{output.name}.partial.jsonl")


def finish_run(
    journal: Journal, output: Path, url: str | None, doing: str, work: Callable[[Spanbridge, Seen], None]
) -> None:
    """Do what is left of a run; where it is interrupted, say how it can be continued."""
    try:
        with opened(url) as client, _progress(journal, doing) as seen:
            work(client, seen)
    except KeyboardInterrupt:
        journal.close()
        messages().print(f"\n{_kept(journal, output)}", style="yellow")
        raise SystemExit(_INTERRUPTED) from None
    except SpanbridgeError as fault:
        journal.close()
        if journal.can_continue:
            fault.detail = f"{fault.detail}\n{_kept(journal, output)}"
        raise
    if journal.progress.settings.output_format not in ENCODERS:
        _build(journal, output)
    journal.finish()


def _build(journal: Journal, output: Path) -> None:
    progress = journal.progress
    results = _results(output, progress.settings)
    try:
        with results.open("rb") as lines:
            documents = read_results(lines, str(results))
            write_documents(documents, progress.settings.output_format, Target(output, progress.model_version or ""))
    except CorpusError as fault:
        journal.close()
        fault.detail = (
            f"{fault.detail}\nAll results are in {results}; `spanbridge export` writes them in another format."
        )
        raise
    results.unlink()


def _kept(journal: Journal, output: Path) -> str:
    progress = journal.progress
    told = f"Stopped after {progress.done:,} of {progress.total:,} sentences."
    return f"{told} The same command continues into {output}." if journal.can_continue else told


@contextmanager
def _progress(journal: Journal, doing: str) -> Iterator[Seen]:
    console = messages()
    begun = journal.progress
    if begun.done:
        console.print(f"Continuing after {begun.done:,} of {begun.total:,} sentences.")
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, speed_estimate_period=120) as bar:
        task = bar.add_task("", total=begun.total, completed=begun.done)
        started = time.perf_counter()
        yield lambda progress: bar.update(task, completed=progress.done)
    now = journal.progress.done
    seconds = time.perf_counter() - started
    if now > begun.done:
        console.print(
            f"{now - begun.done:,} sentences in {seconds:.1f} s ({(now - begun.done) / seconds:.1f} a second)"
        )


def report(journal: Journal, output: Path) -> int:
    """Say what was made, and which sentences failed; return how many did."""
    console, progress = messages(), journal.progress
    where = "stdout" if output == STREAM else str(output)
    told = "" if progress.lang in (None, progress.settings.lang) else f", language {progress.lang}"
    console.print(f"{progress.entities:,} entities in {progress.done:,} sentences → {where}{told}", style="green")
    if progress.lost:
        left_out = ", and are left out" if progress.settings.complete_only else ""
        console.print(
            f"{progress.lost:,} entities got lost; {progress.incomplete:,} sentences lack some{left_out}",
            style="yellow",
        )
    if progress.failed:
        left_out = "" if progress.settings.output_format is OutputFormat.JSONL else " and are left out"
        console.print(f"{progress.failed:,} sentences failed{left_out}:", style="yellow")
        for failure in progress.failures:
            console.print(f"  {failure.id}: {failure.error}: {failure.detail}", markup=False)
        if progress.failed > len(progress.failures):
            console.print(f"  and {progress.failed - len(progress.failures):,} more")
    return progress.failed
