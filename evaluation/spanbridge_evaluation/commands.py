"""`spanbridge evaluate`: a subcommand for each kind of data."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spanbridge_evaluation.arguments import Arguments, calibrating, contesting, measuring, sweeping
from spanbridge_shared.contracts.gateway import DEFAULT_LABELS
from spanbridge_shared.corrections.current import Annotations

if TYPE_CHECKING:
    from spanbridge_evaluation.data.layouts import NerSet


@click.group()
def evaluate() -> None:
    """Measure methods on gold data.

    Prints a table, or JSON rows; --report writes a page with plots. A stopped run continues with the same command.
    """


@evaluate.command("europarl-ner")
@measuring
def europarl_ner(arguments: Arguments) -> None:
    """Projection alone, from gold English entities.

    --data is the folder of Europarl-NER (en.txt, de.txt, es.txt, it.txt). --split is dev (the first 200 sentences, for
    tuning), test (the others) or all, the default.
    """
    from spanbridge_evaluation.data.layouts import EuroparlSplit, read_europarl
    from spanbridge_evaluation.measuring import measure_ner
    from spanbridge_evaluation.suite import EUROPARL_LABELS

    split = arguments.split or EuroparlSplit.ALL
    if split not in list(EuroparlSplit):
        raise click.BadParameter(f"Europarl-NER has the splits {', '.join(EuroparlSplit)}", param_hint="--split")
    labels = arguments.labels or list(EUROPARL_LABELS)
    measure_ner(
        arguments, read_europarl(arguments.data, arguments.lang, EuroparlSplit(split), frozenset(labels)), labels
    )


@evaluate.command()
@measuring
def masakhaner2(arguments: Arguments) -> None:
    """The whole pipeline on MasakhaNER 2.

    --data is its folder, with <lang>/dev.txt and <lang>/test.txt. --split is dev by default.
    """
    from spanbridge_evaluation.data.layouts import read_masakhaner
    from spanbridge_evaluation.measuring import measure_ner

    labels = arguments.labels or list(DEFAULT_LABELS)
    sets = read_masakhaner(arguments.data, arguments.lang, arguments.split or "dev", frozenset(labels))
    measure_ner(arguments, sets, labels)


@evaluate.command()
@measuring
def xtreme(arguments: Arguments) -> None:
    """The whole pipeline on PAN-X (WikiANN), the named entities of XTREME.

    --data is its folder, with <lang>/test as <lang>.tar.gz unpacks, or as JSON Lines or Parquet, for any of the 39
    codes. --split is test by default.
    """
    from spanbridge_evaluation.data.layouts import read_xtreme
    from spanbridge_evaluation.measuring import measure_ner

    labels = arguments.labels or list(DEFAULT_LABELS)
    sets = read_xtreme(arguments.data, arguments.lang, arguments.split or "test", frozenset(labels))
    measure_ner(arguments, sets, labels)


@evaluate.command()
@measuring
@click.option(
    "--parallel", type=click.Path(path_type=Path), metavar="ENGLISH_FILE",
    help="The same sentences in English, labelled: projection alone.",
)  # fmt: skip
def conll(arguments: Arguments, parallel: Path | None) -> None:
    """Any file of tokens and IOB2 tags in columns.

    The whole pipeline, or projection alone with --parallel. --lang names its one language.
    """
    from spanbridge_evaluation.data.layouts import read_conll
    from spanbridge_evaluation.measuring import measure_ner

    labels = arguments.labels or list(DEFAULT_LABELS)
    lang = _one_language(arguments)
    split = arguments.split or arguments.data.stem
    measure_ner(arguments, [read_conll(arguments.data, lang, parallel, split, frozenset(labels))], labels)


@evaluate.command()
@measuring
@click.option("--project", help="Only corrections of this project.")
@click.option(
    "--annotations", type=click.Choice([each.value for each in Annotations]), default=Annotations.LATEST.value,
    show_default=True, help="Of texts that several people annotated.",
)  # fmt: skip
def corrections(arguments: Arguments, project: str | None, annotations: str) -> None:
    """The whole pipeline on what annotators corrected.

    --data is a corrections store, as `spanbridge corrections` and the gateway keep it. Texts are cut into sentences and
    words as the pipeline cuts them; what can't be scored is counted and told.
    """
    from spanbridge_evaluation.data.corrections import read_corrections
    from spanbridge_evaluation.measuring import measure_ner

    found = read_corrections(arguments.data, arguments.lang, project, Annotations(annotations))
    _tell(found.told)
    measure_ner(arguments, found.sets, arguments.labels or list(DEFAULT_LABELS))


@evaluate.command()
@measuring
def alignment(arguments: Arguments) -> None:
    """Word alignment alone: precision, recall, F1 and alignment error rate.

    --data is a file of English tokens, other tokens, sure links, and sure and possible links, parted by tabs; or a
    folder of en-xx/*.tsv. --split is a file's name without .tsv, or the end of it, such as dev. Links count whatever
    their weight; argmax is measured without one-sided links unless --option one_sided_weight=… asks for them.
    """
    from spanbridge_evaluation.data.pairs import read_alignment_sets
    from spanbridge_evaluation.measuring import measure_alignments

    measure_alignments(arguments, read_alignment_sets(arguments.data, arguments.lang, arguments.split))


@evaluate.command()
@measuring
def translation(arguments: Arguments) -> None:
    """Translation into English alone: BLEU and chrF by sacrebleu.

    --data is a file of text and English, parted by tabs, without a header; or a folder of <lang>.tsv.
    --option beam=N sets the beam.
    """
    from spanbridge_evaluation.data.pairs import read_translation_sets
    from spanbridge_evaluation.measuring import measure_translations

    measure_translations(arguments, read_translation_sets(arguments.data, arguments.lang))


@evaluate.command("all")
@sweeping
def everything(arguments: Arguments, data: Path | None, out: Path, *, full: bool) -> None:
    """Every data set that a folder holds, in about ten minutes on two cores.

    --data is a folder with ner/europarl_ner, ner/masakhaner2, ner/conll2002, align, mt_dev and ner/xtreme, or some of
    them; what is missing is told, with where to get it. Tables, rows and pages go to --out. Measured without caches.
    """
    from spanbridge_evaluation.suite import measure_everything

    measure_everything(arguments, data, out, full=full)


@evaluate.command()
@calibrating
def calibrate(arguments: Arguments, out: Path, members: list[str], folds: int) -> None:
    """Fit the numbers by which an ensemble merges, and measure it fairly.

    --data is a folder as of MasakhaNER 2, with <lang>/dev.txt, a corrections store, or one file of a named --lang.
    --split is dev by default. The members label every sentence once; SPANBRIDGE_GATEWAY_CALIBRATION names what --out
    becomes. The table shows members beside an ensemble whose numbers were fitted on the other --folds.
    """
    from spanbridge_evaluation.calibration_run import calibrate_members

    labels = arguments.labels or list(DEFAULT_LABELS)
    calibrate_members(arguments, _gold(arguments, labels), labels, members, folds, out)


@click.command()
@contesting
def compare(arguments: Arguments, methods: list[str], folds: int | None) -> None:
    """Set methods beside each other on gold data.

    --data is a folder as of MasakhaNER 2, with <lang>/dev.txt, a corrections store, or one file of a named --lang.
    --split is dev by default. One table and plot of F1, sentences a second and megabytes of weights. A stopped run
    continues with the same command.
    """
    from spanbridge_evaluation.contest.running import compare_methods

    labels = arguments.labels or list(DEFAULT_LABELS)
    compare_methods(arguments, _gold(arguments, labels), labels, methods, folds)


@evaluate.command()
@click.option("--url", envvar="SPANBRIDGE_URL", help="A running server; else all runs in here.")
def presets(url: str | None) -> None:
    """List the presets that --compare runs, and what a server lacks for them."""
    from spanbridge_evaluation.measuring import list_presets

    list_presets(url)


def _gold(arguments: Arguments, labels: Sequence[str]) -> list["NerSet"]:
    """Read a folder as of MasakhaNER 2, a corrections store, or one file."""
    from spanbridge_evaluation.data.corrections import is_store, read_corrections
    from spanbridge_evaluation.data.layouts import read_conll, read_masakhaner
    from spanbridge_evaluation.data.lines import is_file

    if is_store(arguments.data):
        found = read_corrections(arguments.data, arguments.lang, None)
        _tell(found.told)
        return found.sets
    if is_file(arguments.data):
        split = arguments.split or arguments.data.stem
        return [read_conll(arguments.data, _one_language(arguments), None, split, frozenset(labels))]
    return read_masakhaner(arguments.data, arguments.lang, arguments.split or "dev", frozenset(labels))


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _one_language(arguments: Arguments) -> str:
    if len(arguments.lang) != 1:
        raise click.BadParameter("name the one language of the file", param_hint="--lang")
    return arguments.lang[0]
