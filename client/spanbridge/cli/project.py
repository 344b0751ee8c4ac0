"""`spanbridge project`."""

from pathlib import Path
from typing import Any

import click

from spanbridge.cli.options import read_options
from spanbridge.cli.runs import Seen, check_output, finish_run, open_journal, report
from spanbridge.cli.session import url_option
from spanbridge.client import Spanbridge
from spanbridge.corpus import label_corpus, open_corpus
from spanbridge.formats.records import InputFormat, OutputFormat, guess_input, guess_output
from spanbridge.formats.registry import RECORD_READERS
from spanbridge.journal import RunSettings
from spanbridge_shared.contracts.gateway import DEFAULT_LABELS, DEFAULT_METHOD, MAX_SENTENCES
from spanbridge_shared.errors import InvalidRequest

_INCLUDE = ("translation", "alignment", "tokens", "scores")


def _read_list(_: click.Context, __: click.Parameter, given: str | None) -> list[str]:
    return [each.strip() for each in (given or "").split(",") if each.strip()]


def _read_include(context: click.Context, parameter: click.Parameter, given: str | None) -> list[str]:
    found = _read_list(context, parameter, given)
    if wrong := [each for each in found if each not in _INCLUDE]:
        raise click.BadParameter(f"{wrong[0]!r} is none of {', '.join(_INCLUDE)}")
    return found


@click.command()
@click.argument("source", metavar="INPUT", type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.option("--lang", required=True, help='FLORES code (swh_Latn), ISO 639 code (sw, swa), or "auto".')
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Where results go; - is stdout.",
)  # fmt: skip
@url_option
@click.option("--method", default=DEFAULT_METHOD, show_default=True, help="One of `spanbridge methods`.")
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
    """Label a file: a sentence a line, JSONL, CoNLL, or the file of an annotation tool; - is stdin.

    Formats go by the names of INPUT and OUTPUT: .txt, .jsonl, .conll, .conllu, .spacy, .xmi, .zip (brat), and
    NAME.FORMAT.json or .jsonl for the others, such as tasks.label-studio.json. The same command continues an
    interrupted run.
    """
    settings = RunSettings(
        lang=lang, method=method, labels=labels, options=options, include=include,
        input_format=InputFormat(input_format) if input_format else guess_input(source),
        output_format=OutputFormat(output_format) if output_format else guess_output(output),
    )  # fmt: skip
    if not labels:
        raise InvalidRequest("--labels names none; leave it out for PER, ORG and LOC")
    check_output(source, output)
    with open_corpus(source, settings.input_format, RECORD_READERS) as corpus:
        journal = open_journal(corpus, output, settings, overwrite=overwrite)

        def work(client: Spanbridge, seen: Seen) -> None:
            label_corpus(client, corpus, journal, batch, seen)

        finish_run(journal, output, url, "Labelling", work)
    if report(journal, output) and strict:
        raise SystemExit(1)
