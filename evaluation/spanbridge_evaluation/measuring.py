"""From arguments to rows: which settings run over which data, and where the rows go."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from spanbridge_evaluation.arguments import Arguments
from spanbridge_evaluation.attempts import LACKING, UNSERVED, Data, Measured, measure_all
from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.data.pairs import AlignmentSet, TranslationSet
from spanbridge_evaluation.opening import caches_for, open_client, opened
from spanbridge_evaluation.report import worst
from spanbridge_evaluation.report.page import Example, write_report
from spanbridge_evaluation.results import Caches, Row
from spanbridge_evaluation.running.alignment import measure_alignment
from spanbridge_evaluation.running.comparisons import chosen_presets, lacking, preset_settings
from spanbridge_evaluation.running.entities import MeasuredEntities, measure_entities
from spanbridge_evaluation.running.labels import taught_labels
from spanbridge_evaluation.running.settings import Setting, alignment_settings, translation_settings
from spanbridge_evaluation.running.translation import measure_translation
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_evaluation.tables import print_presets, print_tables
from spanbridge_shared.contracts.gateway import DEFAULT_METHOD
from spanbridge_shared.errors import UnknownMethod, UnknownOption


@dataclass(frozen=True, slots=True)
class Results:
    """Rows, and the worst sentences where a report was asked for."""

    rows: list[Row]
    examples: list[Example]


def measure_ner(arguments: Arguments, sets: Sequence[NerSet], labels: Sequence[str]) -> None:
    """Measure entities, and tell."""
    with opened(arguments, caches_for(arguments)) as bench:
        _finish(bench, arguments, entity_results(bench, arguments, sets, labels))


def measure_alignments(arguments: Arguments, sets: Sequence[AlignmentSet]) -> None:
    """Measure word links, and tell."""
    _refuse_presets(arguments)
    with opened(arguments, caches_for(arguments)) as bench:
        _finish(bench, arguments, alignment_results(bench, arguments, sets))


def measure_translations(arguments: Arguments, sets: Sequence[TranslationSet]) -> None:
    """Measure translations, and tell."""
    _refuse_presets(arguments)
    if arguments.method not in (None, "translate"):
        raise UnknownMethod(f"no method of translation is called {arguments.method!r}; there is translate")
    if unknown := arguments.option.keys() - {"beam"}:
        raise UnknownOption(f"translate has no option {min(unknown)!r}; it has beam")
    with opened(arguments, caches_for(arguments)) as bench:
        _finish(bench, arguments, translation_results(bench, arguments, sets))


def entity_results(bench: Workbench, arguments: Arguments, sets: Sequence[NerSet], labels: Sequence[str]) -> Results:
    """Measure entities by an open client."""
    taught = taught_labels(bench.client)
    measured = _measure_all(
        bench,
        arguments,
        sets,
        _entity_settings(bench, arguments),
        lambda data, each: measure_entities(bench, data, each, labels, taught),
    )
    tell_labels(bench, measured)
    examples = worst.entity_examples(bench, measured, taught.together) if arguments.report else []
    return Results([each.row for each in measured], examples)


def alignment_results(bench: Workbench, arguments: Arguments, sets: Sequence[AlignmentSet]) -> Results:
    """Measure word links by an open client."""
    settings = alignment_settings(arguments.method, arguments.option, compare=arguments.compare)
    measured = _measure_all(bench, arguments, sets, settings, lambda data, each: measure_alignment(bench, data, each))
    examples = worst.alignment_examples(measured) if arguments.report else []
    return Results([each.row for each in measured], examples)


def translation_results(bench: Workbench, arguments: Arguments, sets: Sequence[TranslationSet]) -> Results:
    """Measure translations by an open client."""
    settings = translation_settings(arguments.option, compare=arguments.compare)
    measured = _measure_all(bench, arguments, sets, settings, lambda data, each: measure_translation(bench, data, each))
    examples = worst.translation_examples(measured) if arguments.report else []
    return Results([each.row for each in measured], examples)


def _refuse_presets(arguments: Arguments) -> None:
    if arguments.presets:
        raise click.BadParameter(
            "presets are of projection; here --compare alone runs all there is", param_hint="--presets"
        )


def _entity_settings(bench: Workbench, arguments: Arguments) -> list[Setting]:
    if not arguments.compares:
        return [Setting(arguments.method or DEFAULT_METHOD, arguments.option)]
    methods = bench.client.methods()
    presets = chosen_presets(arguments.presets, methods, arguments.method)
    settings, told = preset_settings(presets, methods, arguments.option)
    for line in told:
        bench.say(line)
    if not settings:
        raise UnknownMethod("the server has none of these presets")
    return settings


def _measure_all(
    bench: Workbench,
    arguments: Arguments,
    sets: Sequence[Data],
    settings: Sequence[Setting],
    measure: Callable[[Data, Setting], Measured],
) -> list[Measured]:
    """Measure every setting on every data set; raises where that leaves nothing.

    What can't be served is skipped and told where nobody named it: languages without --lang, settings with --compare.
    """
    passing = () if arguments.lang else UNSERVED
    found = measure_all(
        bench,
        [data.first(arguments.limit) for data in sets],
        settings,
        measure,
        passing=LACKING if arguments.compares else passing,
        compared=arguments.compares,
    )
    if not found.measured and found.skipped:
        raise found.skipped[-1].fault
    return found.measured


def tell_labels(bench: Workbench, measured: Sequence[MeasuredEntities]) -> None:
    """Say which labels of the gold data weren't counted, and why."""
    left_out = {label for each in measured for label in each.row.left_out}
    if left_out:
        bench.say(f"Left out of gold, because no teacher gives them: {', '.join(sorted(left_out))}")
    there = {tag.partition("-")[2] for each in measured for sentence in each.data.sentences for tag in sentence.tags}
    counted = {label for each in measured for label in each.row.labels}
    if other := there - counted - left_out - {""}:
        bench.say(f"In the gold data, but not asked for: {', '.join(sorted(other))} (--labels)")


def _finish(bench: Workbench, arguments: Arguments, results: Results) -> None:
    if arguments.report is not None:
        write_report(arguments.report, results.rows, results.examples)
        bench.say(f"report: {arguments.report}")
    bench.progress.stop()
    if arguments.as_json:
        click.echo(as_json(results.rows))
    else:
        print_tables(results.rows, compare=arguments.compares)
    bench.finish()


def list_presets(url: str | None) -> None:
    """Print the presets, and what the server lacks for them."""
    with open_client(url, Caches.FRESH) as client:
        methods = client.methods()
    presets = chosen_presets([], methods, None)
    print_presets(presets, {preset.name: lacking(preset, methods) for preset in presets})


def as_json(rows: Sequence[Row]) -> str:
    """Return the rows as `--json` prints them."""
    return json.dumps({"results": [row.model_dump(mode="json") for row in rows]}, ensure_ascii=False)
