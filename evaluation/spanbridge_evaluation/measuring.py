"""From arguments to rows: which settings run over which data, and where the rows go."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from spanbridge_evaluation.arguments import Arguments
from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.data.pairs import AlignmentSet, TranslationSet
from spanbridge_evaluation.report import worst
from spanbridge_evaluation.report.page import Example, write_report
from spanbridge_evaluation.results import Row
from spanbridge_evaluation.running.alignment import MeasuredAlignment, measure_alignment
from spanbridge_evaluation.running.entities import MeasuredEntities, measure_entities
from spanbridge_evaluation.running.journal import default_folder
from spanbridge_evaluation.running.settings import (
    DEFAULT_METHOD,
    Setting,
    alignment_settings,
    projection_settings,
    translation_settings,
)
from spanbridge_evaluation.running.translation import MeasuredTranslation, measure_translation
from spanbridge_evaluation.running.workbench import Workbench, workbench
from spanbridge_evaluation.tables import main_score, print_tables
from spanbridge_shared.errors import (
    ConfigurationError,
    MissingTeacher,
    SpanbridgeError,
    UnknownMethod,
    UnknownOption,
    UnsupportedLanguage,
)

if TYPE_CHECKING:
    from spanbridge import Spanbridge

_INTERRUPTED = 130

Data = TypeVar("Data", NerSet, AlignmentSet, TranslationSet)
Measured = TypeVar("Measured", MeasuredEntities, MeasuredAlignment, MeasuredTranslation)


def measure_ner(arguments: Arguments, sets: Sequence[NerSet], labels: Sequence[str]) -> None:
    """Measure entities, and tell."""
    with _opened(arguments) as bench:
        taught = bench.client.labels()
        settings = _projection_settings(arguments, bench.client)
        measured = _measure_all(
            bench, arguments, sets, settings, lambda data, each: measure_entities(bench, data, each, labels, taught)
        )
        _tell_labels(bench, measured)
        examples = worst.entity_examples(bench, measured, taught) if arguments.report else []
        _finish(bench, arguments, [each.row for each in measured], examples)


def measure_alignments(arguments: Arguments, sets: Sequence[AlignmentSet]) -> None:
    """Measure word links, and tell."""
    with _opened(arguments) as bench:
        settings = alignment_settings(arguments.method, arguments.option, compare=arguments.compare)
        measured = _measure_all(
            bench, arguments, sets, settings, lambda data, each: measure_alignment(bench, data, each)
        )
        examples = worst.alignment_examples(measured) if arguments.report else []
        _finish(bench, arguments, [each.row for each in measured], examples)


def measure_translations(arguments: Arguments, sets: Sequence[TranslationSet]) -> None:
    """Measure translations, and tell."""
    if arguments.method not in (None, "translate"):
        raise UnknownMethod(f"no method of translation is called {arguments.method!r}; there is translate")
    if unknown := arguments.option.keys() - {"beam"}:
        raise UnknownOption(f"translate has no option {min(unknown)!r}; it has beam")
    with _opened(arguments) as bench:
        settings = translation_settings(arguments.option, compare=arguments.compare)
        measured = _measure_all(
            bench, arguments, sets, settings, lambda data, each: measure_translation(bench, data, each)
        )
        examples = worst.translation_examples(measured) if arguments.report else []
        _finish(bench, arguments, [each.row for each in measured], examples)


def _projection_settings(arguments: Arguments, client: "Spanbridge") -> list[Setting]:
    if not arguments.compare:
        return [Setting(arguments.method or DEFAULT_METHOD, arguments.option)]
    methods = [each for each in client.methods() if arguments.method in (None, each.name)]
    if not methods:
        raise UnknownMethod(f"no method is called {arguments.method!r}; `spanbridge methods` lists them")
    if unknown := arguments.option.keys() - {option.name for method in methods for option in method.options}:
        raise UnknownOption(f"no method has the option {min(unknown)!r}; `spanbridge methods` lists them")
    return projection_settings(methods, arguments.option)


def _measure_all(
    bench: Workbench,
    arguments: Arguments,
    sets: Sequence[Data],
    settings: Sequence[Setting],
    measure: Callable[[Data, Setting], Measured],
) -> list[Measured]:
    """Measure every setting on every data set.

    What can't be served is skipped and told where nobody named it: languages without --lang, methods with --compare.
    """
    measured: list[Measured] = []
    skipped: SpanbridgeError | None = None
    for data in sets:
        for setting in settings:
            try:
                found = measure(data.first(arguments.limit), setting)
            except (UnsupportedLanguage, MissingTeacher) as fault:
                if arguments.lang and not arguments.compare:
                    raise
                bench.say(f"{data.lang} {setting.method}: skipped: {fault.detail}")
                skipped = fault
            else:
                measured.append(found)
                _tell(bench, found.row)
    if not measured and skipped is not None:
        raise skipped
    return measured


def _tell(bench: Workbench, row: Row) -> None:
    name, score, _ = main_score(row)
    failed = "".join(f", {count:,} failed ({fault})" for fault, count in row.faults.items())
    bench.say(
        f"{row.dataset} {row.lang} {row.setting}: {name} {score(row):.3f}, {row.sentences:,} sentences"
        f"{failed}, {row.seconds:.1f} s"
    )


def _tell_labels(bench: Workbench, measured: Sequence[MeasuredEntities]) -> None:
    left_out = {label for each in measured for label in each.row.left_out}
    if left_out:
        bench.say(f"Left out of gold, because no teacher gives them: {', '.join(sorted(left_out))}")
    there = {tag.partition("-")[2] for each in measured for sentence in each.data.sentences for tag in sentence.tags}
    counted = {label for each in measured for label in each.row.labels}
    if other := there - counted - left_out - {""}:
        bench.say(f"In the gold data, but not asked for: {', '.join(sorted(other))} (--labels)")


def _finish(bench: Workbench, arguments: Arguments, rows: Sequence[Row], examples: Sequence[Example]) -> None:
    if arguments.report is not None:
        write_report(arguments.report, rows, examples)
        bench.say(f"report: {arguments.report}")
    bench.progress.stop()
    if arguments.as_json:
        click.echo(json.dumps({"results": [row.model_dump(mode="json") for row in rows]}, ensure_ascii=False))
    else:
        print_tables(rows, compare=arguments.compare)
    bench.finish()


@contextmanager
def _opened(arguments: Arguments) -> Iterator[Workbench]:
    """Give a workbench with an open client; what a stopped run has finished is kept, and said to be."""
    folder = arguments.resume_dir or default_folder()
    try:
        with (
            open_client(arguments.url) as client,
            workbench(client, folder, arguments.batch, fresh=arguments.fresh) as bench,
            _told_to_continue(bench),
        ):
            yield bench
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


@contextmanager
def _told_to_continue(bench: Workbench) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, SpanbridgeError):
        if any(journal.outcomes for journal in bench.journals):
            bench.say("Finished batches are kept; the same command continues.")
        raise


@contextmanager
def open_client(url: str | None) -> Iterator["Spanbridge"]:
    """Give an open client; raises `ConfigurationError` where the client isn't installed."""
    try:
        from spanbridge.cli.session import opened
    except ModuleNotFoundError as fault:
        raise ConfigurationError("evaluating needs the client; install spanbridge[evaluation]") from fault
    with opened(url) as client:
        yield client
