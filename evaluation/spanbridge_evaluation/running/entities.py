"""Entities through the pipeline: from gold sentences to a row of scores."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.data.tagged import TaggedSentence, strict_spans
from spanbridge_evaluation.metrics.confusion import confusion_table
from spanbridge_evaluation.metrics.entities import LabelledSentence, Scores, entity_scores
from spanbridge_evaluation.published import published_figures
from spanbridge_evaluation.results import LabelRow, NerRow
from spanbridge_evaluation.running.batches import Run
from spanbridge_evaluation.running.journal import Outcome
from spanbridge_evaluation.running.labels import TaughtLabels, counted_labels, request_labels
from spanbridge_evaluation.running.settings import Setting
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_shared.contracts.gateway import GivenEntity, GivenSource, Sentence, SentenceResult
from spanbridge_shared.text.bio import LabelledSpan, spans_of
from spanbridge_shared.text.spans import Span

DECIMALS = 6


@dataclass(frozen=True, slots=True)
class MeasuredEntities:
    """A row with what it was counted from: `sentences` as sent and `labelled`, in the order of the data.

    `scores` are those of `labelled`'s predicted entities; None where the sentence failed.
    """

    row: NerRow
    data: NerSet
    setting: Setting
    sentences: list[Sentence]
    labelled: list[LabelledSentence]
    scores: list[tuple[float, ...] | None]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some sentences of a data set, by their places, and the setting that they are labelled by."""

    places: Sequence[int]
    setting: Setting


def measure_entities(
    bench: Workbench, data: NerSet, setting: Setting, asked: Sequence[str], taught: TaughtLabels
) -> MeasuredEntities:
    """Run a setting over a data set, and score it; raises as `Spanbridge.projection` does."""
    return measure_pieces(bench, data, setting, [Piece(range(len(data.sentences)), setting)], asked, taught)


def measure_pieces(
    bench: Workbench,
    data: NerSet,
    named: Setting,
    pieces: Sequence[Piece],
    asked: Sequence[str],
    taught: TaughtLabels,
) -> MeasuredEntities:
    """Run each piece of a data set by its own setting, and score all as one, by the name and options of `named`.

    Every sentence is in one piece. Raises as `Spanbridge.projection` does.
    """
    labels = counted_labels(data, named, asked, taught.of(named))
    sentences = as_sentences(data, labels)
    outcomes: dict[int, Outcome] = {}
    seconds = 0.0
    for piece in pieces:
        part = [sentences[place] for place in piece.places]
        run = _run(bench, data, piece.setting, part, labels, taught.together)
        outcomes |= zip(piece.places, run.outcomes, strict=True)
        seconds += run.seconds
    whole = Run([outcomes[place] for place in range(len(sentences))], seconds)
    pairs = zip(data.sentences, whole.outcomes, strict=True)
    labelled = [_labelled(sentence, outcome, labels) for sentence, outcome in pairs]
    left_out = [label for label in asked if label not in labels]
    row = _row(bench, data, named, labels, left_out, labelled, whole)
    scores = [_scores(outcome, labels) for outcome in whole.outcomes]
    return MeasuredEntities(row, data, named, sentences, labelled, scores)


def _run(
    bench: Workbench,
    data: NerSet,
    setting: Setting,
    sentences: Sequence[Sentence],
    labels: list[str],
    taught: Sequence[str],
) -> Run:
    def call(part: Sequence[Sentence]) -> list[Outcome]:
        answer = bench.client.projection(
            part,
            data.code,
            method=setting.method,
            labels=request_labels(part, labels, taught),
            options=setting.options,
            include=["tokens"],
        )
        bench.check_models(answer.model_version)
        return [_outcome(result) for result in answer.results]

    return bench.run(
        f"{data.dataset} {data.lang} {setting.name}",
        sentences,
        call,
        kind="scored entities",
        version=bench.version_of(setting),
        sentences=[each.model_dump(mode="json") for each in sentences],
        lang=data.code,
        method=setting.method,
        options=dict(setting.options),
        labels=labels,
    )


def as_sentences(data: NerSet, labels: Sequence[str]) -> list[Sentence]:
    """Return what is sent: tokens, and the gold English side where there is one."""
    sources: Sequence[TaggedSentence | None] = data.sources or [None] * len(data.sentences)
    return [
        Sentence(
            id=str(place),
            tokens=list(sentence.tokens),
            source=None if source is None else _given(source, labels),
        )
        for place, (sentence, source) in enumerate(zip(data.sentences, sources, strict=True))
    ]


def _given(source: TaggedSentence, labels: Sequence[str]) -> GivenSource:
    entities = [
        GivenEntity(start=each.span.start, end=each.span.end, label=each.label)
        for each in spans_of(source.tags)
        if each.label in labels
    ]
    return GivenSource(tokens=list(source.tokens), entities=entities)


def _outcome(result: SentenceResult) -> Outcome:
    if result.error is not None:
        return {"entities": [], "error": result.error.error}
    entities = sorted(result.entities, key=lambda each: each.start)  # None overlap, so that tags have the same order.
    scored = zip(spans_of(result.tags or []), entities, strict=True)
    return {"entities": [[*each.span, each.label, entity.score] for each, entity in scored], "error": None}


def _scores(outcome: Outcome, labels: Sequence[str]) -> tuple[float, ...] | None:
    if outcome["error"] is not None:
        return None
    return tuple(score for *_, label, score in outcome["entities"] if label in labels)


def _labelled(sentence: TaggedSentence, outcome: Outcome, labels: Sequence[str]) -> LabelledSentence:
    gold = tuple(each for each in strict_spans(sentence.tags) if each.label in labels)
    predicted = tuple(
        LabelledSpan(Span(start, end), label) for start, end, label, _ in outcome["entities"] if label in labels
    )
    return LabelledSentence(len(sentence.tokens), gold, predicted)


def _row(
    bench: Workbench,
    data: NerSet,
    setting: Setting,
    labels: list[str],
    left_out: list[str],
    labelled: Sequence[LabelledSentence],
    run: Run,
) -> NerRow:
    scores = entity_scores(labelled, labels)
    overall = _rounded(scores.overall)
    return NerRow(
        dataset=data.dataset,
        lang=data.lang,
        split=data.split,
        method=setting.method,
        options=dict(setting.options),
        sentences=len(labelled),
        precision=overall["precision"],
        recall=overall["recall"],
        f1=overall["f1"],
        ci95=(round(scores.interval[0], DECIMALS), round(scores.interval[1], DECIMALS)),
        per_label={label: LabelRow(**_rounded(each)) for label, each in scores.per_label.items()},
        confusion=confusion_table(labelled, labels),
        labels=labels,
        left_out=left_out,
        failed=sum(run.faults.values()),
        faults=run.faults,
        seconds=round(run.seconds, 3),
        sentences_per_second=round(run.rate, 3),
        model_version=bench.version_of(setting),
        preset=setting.preset,
        caches=bench.caches,
        published=published_figures(data.dataset, data.lang, labels=frozenset(labels)),
    )


def _rounded(scores: Scores) -> dict[str, Any]:
    return {name: round(value, DECIMALS) for name, value in asdict(scores).items()}
