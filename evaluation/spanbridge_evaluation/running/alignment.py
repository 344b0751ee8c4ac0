"""Word alignment: from gold links to a row of scores."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_evaluation.data.pairs import AlignedPair, AlignmentSet, Links
from spanbridge_evaluation.metrics.links import link_counts, link_scores
from spanbridge_evaluation.published import ALIGNMENT, published_figures
from spanbridge_evaluation.results import AlignmentRow
from spanbridge_evaluation.running.batches import Run
from spanbridge_evaluation.running.entities import DECIMALS
from spanbridge_evaluation.running.journal import Outcome
from spanbridge_evaluation.running.settings import Setting
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_shared.text.languages import ENGLISH


@dataclass(frozen=True, slots=True)
class MeasuredAlignment:
    """A row with the links that it was counted from, in the order of the data."""

    row: AlignmentRow
    data: AlignmentSet
    links: list[Links]


def measure_alignment(bench: Workbench, data: AlignmentSet, setting: Setting) -> MeasuredAlignment:
    """Align all pairs, and score the links; raises as `Spanbridge.align` does."""

    def call(part: Sequence[AlignedPair]) -> list[Outcome]:
        found = bench.client.align(
            [(pair.source, pair.target) for pair in part],
            source_lang=ENGLISH,
            target_lang=data.code,
            method=setting.method,
            options=setting.options,
        )
        return [
            {"links": [[s, t] for s, t, _ in each.links], "error": each.error.error if each.error else None}
            for each in found
        ]

    run = bench.run(
        f"alignment {data.lang} {setting.method}",
        data.pairs,
        call,
        kind="alignment",
        pairs=[(pair.source, pair.target) for pair in data.pairs],
        lang=data.code,
        method=setting.method,
        options=dict(setting.options),
    )
    links: list[Links] = [frozenset((s, t) for s, t in outcome["links"]) for outcome in run.outcomes]
    return MeasuredAlignment(_row(bench, data, setting, links, run), data, links)


def _row(bench: Workbench, data: AlignmentSet, setting: Setting, links: Sequence[Links], run: Run) -> AlignmentRow:
    counted = [link_counts(each, pair.sure, pair.possible) for each, pair in zip(links, data.pairs, strict=True)]
    scores = link_scores(counted)
    return AlignmentRow(
        dataset=ALIGNMENT,
        lang=data.lang,
        split=data.split,
        method=setting.method,
        options=dict(setting.options),
        sentences=len(data.pairs),
        precision=round(scores.precision, DECIMALS),
        recall=round(scores.recall, DECIMALS),
        f1=round(scores.f1, DECIMALS),
        aer=round(scores.aer, DECIMALS),
        failed=sum(run.faults.values()),
        faults=run.faults,
        seconds=round(run.seconds, 3),
        sentences_per_second=round(run.rate, 3),
        model_version=bench.model_version,
        preset=setting.preset,
        caches=bench.caches,
        published=published_figures(ALIGNMENT, data.lang, split=data.split),
    )
