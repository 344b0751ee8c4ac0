"""From data to a comparison: every method on every language, the ensemble last where it is to be cross-fitted."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from spanbridge_evaluation.arguments import Arguments
from spanbridge_evaluation.attempts import LACKING, Attempts, measure_all
from spanbridge_evaluation.calibrating import CrossFit, ballots_of, folds_of, serving
from spanbridge_evaluation.calibration.fitting import NothingToFit
from spanbridge_evaluation.calibration.folds import Folds
from spanbridge_evaluation.contest.contenders import MEMBERS, chosen_contenders
from spanbridge_evaluation.contest.summary import Contest, SkippedMethod, contest, skipped_methods
from spanbridge_evaluation.contest.tables import show_contest
from spanbridge_evaluation.contest.weights import local_weights, method_megabytes
from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.measuring import tell_labels
from spanbridge_evaluation.opening import caches_for, opened
from spanbridge_evaluation.report.contest import contest_section
from spanbridge_evaluation.report.page import write_report
from spanbridge_evaluation.results import Caches
from spanbridge_evaluation.running.comparisons import ENSEMBLE, Preset, lacking
from spanbridge_evaluation.running.entities import MeasuredEntities, measure_entities
from spanbridge_evaluation.running.labels import taught_labels
from spanbridge_evaluation.running.settings import Setting
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_evaluation.tables import console
from spanbridge_shared.contracts.gateway import MethodInfo
from spanbridge_shared.errors import UnknownMethod

_SHIPPED = "ensemble: merged by the server's own numbers; where they were fitted on this data, --cross-fit is fair"
_CROSSED = "ensemble: calibration cross-fitted over {}; no sentence was merged by numbers fitted on its own fold"
_OFF = "sentences/s: every method alone, without caches; weights: all files of the models that it works by"
_SHARED = "sentences/s is left out: caches may have answered what an earlier method asked for"


def compare_methods(
    arguments: Arguments, sets: Sequence[NerSet], labels: Sequence[str], names: Sequence[str], folds: int | None
) -> None:
    """Compare methods, and tell; `folds` to cross-fit the ensemble's calibration."""
    contenders = chosen_contenders(names)
    data = [each.first(arguments.limit) for each in sets]
    ask = _Ask(data, labels, None if folds is None else folds_of(data, folds))
    with opened(arguments, caches_for(arguments)) as bench:
        found = _contest(bench, arguments, ask, contenders)
        if arguments.report is not None:
            write_report(arguments.report, found.results, [], contest_section(found))
            bench.say(f"report: {arguments.report}")
        bench.progress.stop()
        if arguments.as_json:
            click.echo(found.model_dump_json())
        else:
            show_contest(console(), found)
        bench.finish()


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is to be measured: languages, the labels that count, and folds where the ensemble is cross-fitted."""

    sets: Sequence[NerSet]
    labels: Sequence[str]
    folds: Folds | None


def _contest(bench: Workbench, arguments: Arguments, ask: _Ask, contenders: Sequence[Preset]) -> Contest:
    methods = {method.name: method for method in bench.client.methods()}
    there, missing = _served(bench, contenders, list(methods.values()), [data.lang for data in ask.sets])
    notes = [_OFF if bench.caches is Caches.OFF else _SHARED]
    found, note = _measured(bench, ask, there)
    shown = {each.name for each in there}
    kept = [each for each in found.measured if each.row.name in shown]
    skipped = [each for each in found.skipped if each.name in shown]
    if not kept:
        raise skipped[-1].fault
    tell_labels(bench, kept)
    gone = [*missing, *skipped_methods(skipped)]
    rows = [each.row for each in kept]
    return contest(rows, there, _megabytes(arguments, there, methods), gone, [*notes, *note])


def _measured(bench: Workbench, ask: _Ask, there: Sequence[Preset]) -> tuple[Attempts[MeasuredEntities], list[str]]:
    """Measure every contender, and its ensemble's members where they teach it; with what is to be known of that."""
    taught = taught_labels(bench.client)
    merges = any(each.method == ENSEMBLE for each in there)
    crossed = merges and ask.folds is not None
    first = [each for each in there if not (crossed and each.method == ENSEMBLE)]
    found = measure_all(
        bench, ask.sets, [_setting(each) for each in (*first, *(_unasked_members(first) if crossed else ()))],
        lambda data, each: measure_entities(bench, data, each, ask.labels, taught), passing=LACKING, compared=True,
    )  # fmt: skip
    if not crossed or ask.folds is None:
        return found, [_SHIPPED] if merges else []
    votes = _votes(found.measured)
    fit = CrossFit(ballots_of(votes), ask.folds)
    ensemble = measure_all(
        bench, ask.sets, [Setting(ENSEMBLE, {}, ENSEMBLE)],
        lambda data, _: fit.measure(bench, data, serving(votes, data.lang), ask.labels, taught),
        passing=(*LACKING, NothingToFit), compared=True,
    )  # fmt: skip
    both = Attempts([*found.measured, *ensemble.measured], [*found.skipped, *ensemble.skipped])
    return both, [_CROSSED.format(fit.folds.told)]


def _served(
    bench: Workbench, contenders: Sequence[Preset], methods: Sequence[MethodInfo], langs: Sequence[str]
) -> tuple[list[Preset], list[SkippedMethod]]:
    """Part the contenders that the server knows from those that it doesn't, which are told."""
    there, missing = [], []
    for each in contenders:
        if lack := lacking(each, methods):
            reason = f"the server has no {lack}"
            bench.say(f"{each.name}: skipped: {reason}")
            missing.append(SkippedMethod(name=each.name, langs=list(langs), reason=reason))
        else:
            there.append(each)
    if not there:
        raise UnknownMethod("the server has none of these methods")
    return there, missing


def _setting(contender: Preset) -> Setting:
    return Setting(contender.method, contender.options, contender.name)


def _unasked_members(asked: Sequence[Preset]) -> list[Preset]:
    """Return the ensemble's members that aren't compared themselves, but whose answers it is calibrated by."""
    names = {each.name for each in asked}
    return chosen_contenders(wanted) if (wanted := [name for name in MEMBERS.values() if name not in names]) else []


def _votes(measured: Sequence[MeasuredEntities]) -> dict[str, dict[str, MeasuredEntities]]:
    """Return what each member of an ensemble found, by language."""
    return {
        member.value: {each.row.lang: each for each in measured if each.row.name == name}
        for member, name in MEMBERS.items()
    }


def _megabytes(
    arguments: Arguments, contenders: Sequence[Preset], methods: dict[str, MethodInfo]
) -> dict[str, float | None]:
    if arguments.url is not None:
        return dict.fromkeys(each.name for each in contenders)
    local = local_weights()
    return {each.name: method_megabytes(methods[each.method], _setting(each), local) for each in contenders}
