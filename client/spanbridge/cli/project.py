"""`spanbridge project`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from spanbridge import journal as journals
from spanbridge.cli.options import read_options
from spanbridge.cli.session import messages, opened, url_option
from spanbridge.corpus import STREAM, Corpus, label_corpus, open_corpus
from spanbridge.formats.docbin import build_docbin
from spanbridge.formats.records import CorpusError, InputFormat, OutputFormat, guess_input, guess_output
from spanbridge.journal import Journal, RunSettings
from spanbridge_shared.contracts.gateway import DEFAULT_LABELS, MAX_SENTENCES
from spanbridge_shared.errors import InvalidRequest, SpanbridgeError

_INTERRUPTED = 130
_INCLUDE = ("translation", "alignment", "tokens", "scores")


class _Rate(ProgressColumn):
    """Sentences per second."""

    def render(self, task: Task) -> Text:
        """Return the column's text."""
        return Text("…" if task.speed is None else f"{task.speed:.1f} sentences/s")


def _read_list(_: click.Context, __: click.Parameter, given: str | None) -> list[str]:
    return [each.strip() for each in (given or "").split(",") if each.strip()]


def _read_include(context: click.Context, parameter: click.Parameter, given: str | None) -> list[str]:
    found = _read_list(context, parameter, given)
    if wrong := [each for each in found if each not in _INCLUDE]:
        raise click.BadParameter(f"{wrong[0]!r} is none of {', '.join(_INCLUDE)}")
    return found


@click.command()
@click.argument(
    "source", metavar="INPUT", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option("--lang", required=True, help='FLORES code (swh_Latn), ISO 639 code (sw, swa), or "auto".')
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Where results go; - is stdout.",
)  # fmt: skip
@url_option
@click.option("--method", default="candidates", show_default=True, help="One of `spanbridge methods`.")
@click.option("--option", "options", multiple=True, callback=read_options, metavar="NAME=VALUE", help="Of the method.")
@click.option("--labels", default=",".join(DEFAULT_LABELS), show_default=True, callback=_read_list, metavar="LIST")
@click.option(
    "--format",
    "output_format",
    type=click.Choice([each.value for each in OutputFormat]),
    help="[default: by OUTPUT's name]",
)
@click.option(
    "--input-format", type=click.Choice([each.value for each in InputFormat]), help="[default: by INPUT's name]"
)
@click.option(
    "--batch", default=64, show_default=True, type=click.IntRange(1, MAX_SENTENCES), help="Sentences at once."
)
@click.option("--include", callback=_read_include, metavar="LIST", help=f"Any of {','.join(_INCLUDE)}.")
@click.option("--overwrite", is_flag=True, help="Replace OUTPUT, and forget an unfinished run into it.")
@click.option("--strict", is_flag=True, help="Exit with 1 where any sentence failed.")
def project(
    source: Path,
    lang: str,
    output: Path,
    url: str | None,
    method: str,
    options: dict[str, Any],
    labels: list[str],
    output_format: str | None,
    input_format: str | None,
    batch: int,
    include: list[str],
    *,
    overwrite: bool,
    strict: bool,
) -> None:
    """Label a file: a sentence a line, JSONL, or CoNLL; - is stdin.

    Results are JSONL, CoNLL (IOB2), or spaCy's DocBin. The same command continues an interrupted run.
    """
    settings = RunSettings(
        lang=lang, method=method, labels=labels, options=options, include=include,
        input_format=InputFormat(input_format) if input_format else guess_input(source),
        output_format=OutputFormat(output_format) if output_format else guess_output(output),
    )  # fmt: skip
    if not labels:
        raise InvalidRequest("--labels names none; leave it out for PER, ORG and LOC")
    if STREAM not in (source, output) and output.exists() and output.samefile(source):
        raise CorpusError(f"{output} is the input; name another output")
    with open_corpus(source, settings.input_format) as corpus:
        journal = _journal(corpus, output, settings, overwrite=overwrite)
        _label(corpus, journal, output, url, batch)
    failed = _report(journal, output)
    if failed and strict:
        raise SystemExit(1)


def _journal(corpus: Corpus, output: Path, settings: RunSettings, *, overwrite: bool) -> Journal:
    fresh = journals.Progress(input_sha256=corpus.sha256, settings=settings, total=corpus.total)
    if output == STREAM or (output.exists() and not output.is_file() and not output.is_dir()):
        if settings.output_format is OutputFormat.SPACY:
            raise CorpusError("a DocBin is built from a file of results: name a file as --output")
        stream: BinaryIO = click.open_file(str(output), "wb")  # type: ignore[assignment]
        return Journal.streaming(stream, fresh)
    return Journal.open(_results(output, settings), output, fresh, overwrite=overwrite)


def _results(output: Path, settings: RunSettings) -> Path:
    """Return where results are appended: a DocBin can't be, so that they are kept as JSONL beside it until the end."""
    return output.with_name(f"{output.name}.partial.jsonl") if settings.output_format is OutputFormat.SPACY else output


def _label(corpus: Corpus, journal: Journal, output: Path, url: str | None, batch: int) -> None:
    try:
        with opened(url) as client, _progress(journal) as seen:
            label_corpus(client, corpus, journal, batch, seen)
    except KeyboardInterrupt:
        journal.close()
        messages().print(f"\n{_kept(journal, output)}", style="yellow")
        raise SystemExit(_INTERRUPTED) from None
    except SpanbridgeError as fault:
        journal.close()
        if journal.can_continue:
            fault.detail = f"{fault.detail}\n{_kept(journal, output)}"
        raise
    if journal.progress.settings.output_format is OutputFormat.SPACY:
        _finish_docbin(output, _results(output, journal.progress.settings))
    journal.finish()


def _finish_docbin(output: Path, results: Path) -> None:
    draft = output.with_name(f"{output.name}.new")
    with results.open("rb") as lines:
        draft.write_bytes(build_docbin(lines))
    draft.replace(output)
    results.unlink()


def _kept(journal: Journal, output: Path) -> str:
    progress = journal.progress
    told = f"Stopped after {progress.done:,} of {progress.total:,} sentences."
    return f"{told} The same command continues into {output}." if journal.can_continue else told


@contextmanager
def _progress(journal: Journal) -> Iterator[Callable[[journals.Progress], None]]:
    console = messages()
    begun = journal.progress
    if begun.done:
        console.print(f"Continuing after {begun.done:,} of {begun.total:,} sentences.")
    columns = (TextColumn("Labelling"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
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


def _report(journal: Journal, output: Path) -> int:
    """Say what was made, and which sentences failed; return how many did."""
    console, progress = messages(), journal.progress
    where = "stdout" if output == STREAM else str(output)
    told = "" if progress.lang in (None, progress.settings.lang) else f", language {progress.lang}"
    console.print(f"{progress.entities:,} entities in {progress.done:,} sentences → {where}{told}", style="green")
    if progress.failed:
        left_out = "" if progress.settings.output_format is OutputFormat.JSONL else " and are left out"
        console.print(f"{progress.failed:,} sentences failed{left_out}:", style="yellow")
        for failure in progress.failures:
            console.print(f"  {failure.id}: {failure.error}: {failure.detail}", markup=False)
        if progress.failed > len(progress.failures):
            console.print(f"  and {progress.failed - len(progress.failures):,} more")
    return progress.failed
