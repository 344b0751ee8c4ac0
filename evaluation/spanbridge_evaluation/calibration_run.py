"""`spanbridge evaluate calibrate`: members label, a table is fitted to all, and an ensemble is measured by folds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from spanbridge_evaluation.arguments import Arguments
from spanbridge_evaluation.attempts import LACKING, Attempts, measure_all
from spanbridge_evaluation.calibrating import CrossFit, ballots_of, folds_of, serving
from spanbridge_evaluation.calibration.crossing import MIN_MEMBERS, calibrated, member_sets
from spanbridge_evaluation.calibration.fitting import RIDGE, NothingToFit
from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.measuring import tell_labels
from spanbridge_evaluation.opening import caches_for, opened
from spanbridge_evaluation.results import NerRow
from spanbridge_evaluation.running.comparisons import ENSEMBLE
from spanbridge_evaluation.running.entities import MeasuredEntities, measure_entities
from spanbridge_evaluation.running.labels import taught_labels
from spanbridge_evaluation.running.settings import Setting
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_evaluation.tables import print_tables
from spanbridge_shared.contracts.merging import CalibratedSet, CalibrationTable, set_key
from spanbridge_shared.contracts.options import Member
from spanbridge_shared.errors import ConfigurationError, UnknownMethod

Votes = dict[str, dict[str, MeasuredEntities]]


def calibrate_members(
    arguments: Arguments, sets: Sequence[NerSet], labels: Sequence[str], named: Sequence[str], folds: int, out: Path
) -> None:
    """Fit an ensemble's calibration, write it, and tell what the ensemble reaches with numbers from other folds.

    Raises `UnknownMethod` for a member that there is none of, `ConfigurationError` where fewer than two serve.
    """
    if unknown := [name for name in named if name not in list(Member)]:
        raise UnknownMethod(f"no member is called {unknown[0][:40]!r}; there are {', '.join(Member)}")
    data = [each.first(arguments.limit) for each in sets]
    cut = folds_of(data, folds)
    with opened(arguments, caches_for(arguments)) as bench:
        taught = taught_labels(bench.client)
        found = measure_all(
            bench, data, [Setting(name) for name in named or [each.value for each in Member]],
            lambda each, setting: measure_entities(bench, each, setting, labels, taught),
            passing=LACKING, compared=True,
        )  # fmt: skip
        votes = _votes(found, named)
        fit = CrossFit(ballots_of(votes), cut)
        table = _table(bench, fit, votes, labels)
        _write(out, table)
        bench.say(f"calibration: {out}")
        ensemble = measure_all(
            bench, data, [Setting(ENSEMBLE)],
            lambda each, _: fit.measure(bench, each, serving(votes, each.lang), labels, taught),
            passing=(*LACKING, NothingToFit), compared=True,
        )  # fmt: skip
        tell_labels(bench, found.measured)
        bench.progress.stop()
        _show(arguments, [each.row for each in (*found.measured, *ensemble.measured)], table, fit)
        bench.finish()


def _votes(found: Attempts[MeasuredEntities], named: Sequence[str]) -> Votes:
    """Return what each member that serves found, by language; raises as `calibrate_members` says."""
    votes: Votes = {}
    for each in found.measured:
        votes.setdefault(each.setting.method, {})[each.row.lang] = each
    for fault in (each.fault for each in found.skipped if each.name in named and each.name not in votes):
        raise fault
    if len(votes) < MIN_MEMBERS:
        raise ConfigurationError(f"an ensemble needs two members, and only {', '.join(votes) or 'none'} served")
    return votes


def _table(bench: Workbench, fit: CrossFit, votes: Votes, labels: Sequence[str]) -> CalibrationTable:
    """Fit every set of members where all of them serve, on all sentences."""
    versions = _versions(bench, votes)
    found: dict[str, CalibratedSet] = {}
    for members in member_sets(votes):
        ballots = fit.served(members)
        if not ballots:
            continue
        parameters = calibrated(ballots, members)
        found[set_key(members)] = CalibratedSet(
            **parameters.model_dump(),
            fitted_on=_fitted_on(next(iter(votes[members[0]].values())).row, ballots, labels),
            model_versions={name: versions[name] for name in members},
        )
    return CalibrationTable(found)


def _fitted_on(row: NerRow, ballots: Mapping[str, Sequence[object]], labels: Sequence[str]) -> str:
    sentences = sum(map(len, ballots.values()))
    return (
        f"{row.dataset} {row.split}: {sentences:,} sentences of {len(ballots)} languages ({', '.join(ballots)}), "
        f"{', '.join(labels)}; logistic regression with a ridge of {RIDGE:g}, threshold by mean F1"
    )


def _versions(bench: Workbench, votes: Votes) -> dict[str, str]:
    """Return what each member's answers came from: its own models where the server tells them, else all."""
    models = {method.name: method.models for method in bench.client.methods()}
    return {name: ":".join(dict.fromkeys((models.get(name) or {"": bench.model_version}).values())) for name in votes}


def _write(out: Path, table: CalibrationTable) -> None:
    try:
        out.write_text(table.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as fault:
        raise ConfigurationError(f"{out} can't be written: {fault.strerror}; --out names another file") from fault


def _show(arguments: Arguments, rows: Sequence[NerRow], table: CalibrationTable, fit: CrossFit) -> None:
    if arguments.as_json:
        shown = {
            "results": [row.model_dump(mode="json") for row in rows],
            "calibration": table.model_dump(mode="json"),
            "folds": fit.folds.told,
        }
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    print_tables(rows, compare=True)
    click.echo(f"ensemble: numbers cross-fitted over {fit.folds.told}; the file's are fitted on all of them")
