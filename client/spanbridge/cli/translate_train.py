"""`spanbridge translate-train`."""

from pathlib import Path

import click

from spanbridge.cli.runs import Seen, check_output, finish_run, open_journal, report
from spanbridge.cli.session import url_option
from spanbridge.client import Spanbridge
from spanbridge.corpus import open_corpus, translate_corpus
from spanbridge.formats.labelled import LABELLED_READERS
from spanbridge.formats.records import InputFormat, OutputFormat, guess_input, guess_output
from spanbridge.journal import RunSettings
from spanbridge_shared.contracts.gateway import MAX_SENTENCES
from spanbridge_shared.contracts.options import MarkerStyle
from spanbridge_shared.contracts.translate_train import TrainMethod, TranslateTrainOptions

_PATH = click.Path(dir_okay=False, allow_dash=True, path_type=Path)


@click.command("translate-train")
@click.option("--lang", required=True, help="Target language: FLORES code (swh_Latn) or ISO 639 code (sw, swa).")
@click.option(
    "-i", "--input", "source", required=True, help="Labelled English; - is stdin.",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)  # fmt: skip
@click.option("-o", "--output", required=True, type=_PATH, help="Where results go; - is stdout.")
@url_option
@click.option(
    "--method",
    default=TrainMethod.MARKER.value,
    show_default=True,
    type=click.Choice([each.value for each in TrainMethod]),
    help="Translate with entities marked, or plainly and align.",
)
@click.option("--beam", default=4, show_default=True, type=click.IntRange(1, 16), help="Of the translation.")
@click.option(
    "--marker-style",
    default=MarkerStyle.QUOTES.value,
    show_default=True,
    type=click.Choice([each.value for each in MarkerStyle]),
    help="What marks an entity.",
)
@click.option(
    "--match-by-order/--no-match-by-order",
    default=True,
    show_default=True,
    help="Where names don't tell which entity is which, and all markers came back, their order does.",
)
@click.option("--complete-only", is_flag=True, help="Leave out sentences that lost an entity.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice([each.value for each in OutputFormat]),
    help="[default: by OUTPUT's name]",
)
@click.option(
    "--input-format",
    type=click.Choice([each.value for each in LABELLED_READERS]),
    help="[default: by INPUT's name, else conll]",
)
@click.option(
    "--batch", default=64, show_default=True, type=click.IntRange(1, MAX_SENTENCES), help="Sentences at once."
)
@click.option("--overwrite", is_flag=True, help="Replace OUTPUT, and forget an unfinished run into it.")
@click.option("--strict", is_flag=True, help="Exit with 1 where any sentence failed.")
def translate_train(
    lang: str,
    source: Path,
    output: Path,
    url: str | None,
    method: str,
    beam: int,
    marker_style: str,
    output_format: str | None,
    input_format: str | None,
    batch: int,
    *,
    match_by_order: bool,
    complete_only: bool,
    overwrite: bool,
    strict: bool,
) -> None:
    """Make training data: translate labelled English, with its entities.

    INPUT is CoNLL (a token and its tag a line) or JSONL (text or tokens, and entities). Results are CoNLL (IOB2),
    JSONL, or spaCy's DocBin. The same command continues an interrupted run.
    """
    options = TranslateTrainOptions(beam=beam, marker_style=MarkerStyle(marker_style), match_by_order=match_by_order)
    settings = RunSettings(
        lang=lang, method=method, labels=[], options=options.model_dump(mode="json"), include=[],
        input_format=InputFormat(input_format) if input_format else _guess(source),
        output_format=OutputFormat(output_format) if output_format else guess_output(output),
        complete_only=complete_only,
    )  # fmt: skip
    check_output(source, output)
    with open_corpus(source, settings.input_format, LABELLED_READERS) as corpus:
        journal = open_journal(corpus, output, settings, overwrite=overwrite)

        def work(client: Spanbridge, seen: Seen) -> None:
            translate_corpus(client, corpus, journal, batch, seen)

        finish_run(journal, output, url, "Translating", work)
    if report(journal, output) and strict:
        raise SystemExit(1)


def _guess(source: Path) -> InputFormat:
    """Return the format that a file's name stands for; text can't be labelled, and .txt is often CoNLL."""
    found = guess_input(source)
    return found if found in LABELLED_READERS else InputFormat.CONLL
