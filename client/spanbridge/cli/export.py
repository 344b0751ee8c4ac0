"""`spanbridge export`."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from spanbridge.cli.runs import check_output
from spanbridge.cli.session import messages
from spanbridge.corpus import STREAM, open_input
from spanbridge.exporting import write_documents
from spanbridge.formats.documents import Document
from spanbridge.formats.records import CorpusError, InputFormat, OutputFormat, guess_input, guess_output
from spanbridge.formats.registry import BUILDERS, DOCUMENT_READERS, Target
from spanbridge.formats.results import read_results


class _Counted:
    """Counts the documents and marks that pass."""

    def __init__(self, documents: Iterator[Document]) -> None:
        self._documents = documents
        self.texts = 0
        self.entities = 0

    def __iter__(self) -> Iterator[Document]:
        for document in self._documents:
            self.texts += 1
            self.entities += len(document.marks)
            yield document


@click.command()
@click.argument("source", metavar="RESULTS", type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.option(
    "--to",
    "output_format",
    type=click.Choice([each.value for each in OutputFormat]),
    help="[default: by OUTPUT's name]",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(allow_dash=True, path_type=Path), help="- is stdout."
)  # fmt: skip
@click.option(
    "--input-format",
    type=click.Choice([each.value for each in InputFormat]),
    help="[default: by RESULTS's name, else jsonl, as `spanbridge project` writes it]",
)
@click.option("--model-version", default="spanbridge", show_default=True, help="For formats that name the model.")
@click.option("--overwrite", is_flag=True, help="Replace OUTPUT.")
def export(
    source: Path, output: Path, output_format: str | None, input_format: str | None, model_version: str, *,
    overwrite: bool,
) -> None:  # fmt: skip
    """Convert finished results into the format of an annotation tool; - is stdin.

    RESULTS is JSONL as `spanbridge project` and `translate-train` write it, or any labelled file. Sentences that failed
    are left out.
    """
    read_as = InputFormat(input_format) if input_format else _guess(source)
    write_as = OutputFormat(output_format) if output_format else guess_output(output)
    check_output(source, output)
    if output.is_dir():
        raise CorpusError(f"{output} is a folder; name a new one")
    if output != STREAM and output.exists() and not overwrite:
        raise CorpusError(f"{output} is there already; --overwrite replaces it")
    failed: list[str] = []
    with open_input(source, read_as) as file:
        if source == STREAM:
            shutil.copyfileobj(sys.stdin.buffer, file)
            file.seek(0)
        documents = _Counted(_read(file, "stdin" if source == STREAM else str(source), read_as, failed))
        to = Target(output, model_version)
        if output == STREAM:
            sys.stdout.buffer.writelines(BUILDERS[write_as](documents, to))
            sys.stdout.buffer.flush()
        else:
            write_documents(documents, write_as, to)
    _report(documents, failed, output)


def _guess(source: Path) -> InputFormat:
    """Return the format that a file's name stands for; text has no entities to export."""
    found = guess_input(source)
    return InputFormat.JSONL if found is InputFormat.TEXT else found


def _read(file: BinaryIO, name: str, format_: InputFormat, failed: list[str]) -> Iterator[Document]:
    return read_results(file, name, failed) if format_ is InputFormat.JSONL else DOCUMENT_READERS[format_](file, name)


def _report(documents: _Counted, failed: list[str], output: Path) -> None:
    console = messages()
    where = "stdout" if output == STREAM else str(output)
    console.print(f"{documents.entities:,} entities in {documents.texts:,} texts → {where}", style="green")
    if failed:
        shown = ", ".join(failed[:10]) + (" …" if len(failed) > 10 else "")
        console.print(f"{len(failed):,} sentences had failed and are left out: {shown}", style="yellow", markup=False)
