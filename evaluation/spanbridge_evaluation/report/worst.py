"""The sentences with the most errors, and what happened to them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from spanbridge_evaluation.metrics.links import link_counts, link_scores
from spanbridge_evaluation.metrics.translations import sentence_chrf
from spanbridge_evaluation.report.drawings import Drawing, DrawnLink, LinkKind, draw
from spanbridge_evaluation.report.page import Example
from spanbridge_evaluation.results import Row
from spanbridge_evaluation.running.alignment import MeasuredAlignment
from spanbridge_evaluation.running.comparisons import DIRECT
from spanbridge_evaluation.running.entities import MeasuredEntities
from spanbridge_evaluation.running.labels import request_labels
from spanbridge_evaluation.running.translation import MeasuredTranslation
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_shared.contracts.gateway import Sentence, SentenceResult
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.languages import ENGLISH
from spanbridge_shared.text.offsets import token_span
from spanbridge_shared.text.spans import Span

Measured = TypeVar("Measured")

SHOWN = 5
"""Sentences shown of each language, of its best setting."""


def entity_examples(bench: Workbench, measured: Sequence[MeasuredEntities], taught: Sequence[str]) -> list[Example]:
    """Return the worst sentences of each data set, asked again with all that the pipeline saw."""
    found: list[Example] = []
    for each in _best_of_each(measured, lambda each: each.row, lambda each: each.row.f1):
        wrong = [sentence.n_wrong for sentence in each.labelled]
        places = [place for place in _largest(wrong) if wrong[place] > 0]
        found.extend(_entity_examples(bench, each, places, taught))
    return found


def _entity_examples(
    bench: Workbench, measured: MeasuredEntities, places: Sequence[int], taught: Sequence[str]
) -> list[Example]:
    if not places:
        return []
    sentences = [measured.sentences[place] for place in places]
    answer = bench.client.projection(
        sentences,
        measured.data.code,
        method=measured.setting.method,
        labels=request_labels(sentences, measured.row.labels, taught),
        options=measured.setting.options,
        include=["translation", "alignment"],
    )
    taken = [_source_entities(bench, measured, *each) for each in zip(sentences, answer.results, strict=True)]
    examples = []
    for place, result, entities in zip(places, answer.results, taken, strict=True):
        labelled = measured.labelled[place]
        links = result.alignment.links if result.alignment else []
        drawing = Drawing(
            source=result.alignment.source_tokens if result.alignment else [],
            target=measured.sentences[place].tokens or [],
            links=[DrawnLink(s, t, _kind(s, entities), weight) for s, t, weight in links],
            source_entities=entities,
            gold=labelled.gold,
            predicted=labelled.predicted,
            labels=measured.row.labels,
        )
        line = measured.data.sentences[place].line
        told = f"sentence {place + 1} (line {line}), {labelled.n_wrong} wrong"
        if result.error is not None:
            told += f", failed: {result.error.error}: {result.error.detail}"
        examples.append(Example(measured.row, told, draw(drawing, "English", measured.row.lang)))
    return examples


def _kind(source: int, entities: Sequence[LabelledSpan]) -> LinkKind:
    inside = any(each.span.start <= source < each.span.end for each in entities)
    return LinkKind.ENTITY if inside else LinkKind.FOUND


def _source_entities(
    bench: Workbench, measured: MeasuredEntities, sentence: Sentence, result: SentenceResult
) -> list[LabelledSpan]:
    """Return the English entities that were projected, or should have been: gold ones, or the teacher's."""
    if sentence.source is not None:
        return [LabelledSpan(Span(each.start, each.end), each.label) for each in sentence.source.entities or []]
    if measured.setting.method in DIRECT or result.translation is None or result.alignment is None:
        return []
    text, offsets, place = result.translation.text, [], 0
    for token in result.alignment.source_tokens:
        place = text.index(token, place)
        offsets.append(Span(place, place + len(token)))
        place += len(token)
    if not text.strip():
        return []
    (answer,) = bench.client.ner([text], ENGLISH)
    spans = ((token_span(Span(each.start, each.end), offsets), each.label) for each in answer.entities)
    return [LabelledSpan(span, label) for span, label in spans if span is not None and label in measured.row.labels]


def alignment_examples(measured: Sequence[MeasuredAlignment]) -> list[Example]:
    """Return the pairs with the highest error rate of each file, longer ones first among equals."""
    found = []
    for each in _best_of_each(measured, lambda each: each.row, lambda each: -each.row.aer):
        scores = [
            link_scores([link_counts(links, pair.sure, pair.possible)]).aer
            for links, pair in zip(each.links, each.data.pairs, strict=True)
        ]
        for place in _largest([score * len(pair.source) for score, pair in zip(scores, each.data.pairs, strict=True)]):
            pair, links = each.data.pairs[place], each.links[place]
            drawn = [DrawnLink(*link, LinkKind.RIGHT) for link in sorted(links & pair.possible)]
            drawn += [DrawnLink(*link, LinkKind.WRONG) for link in sorted(links - pair.possible)]
            drawn += [DrawnLink(*link, LinkKind.MISSED) for link in sorted(pair.sure - links)]
            drawing = draw(Drawing(pair.source, pair.target, drawn), "English", each.row.lang)
            found.append(Example(each.row, f"pair {place + 1}, AER {scores[place]:.3f}", drawing))
    return found


def translation_examples(measured: Sequence[MeasuredTranslation]) -> list[Example]:
    """Return the translations with the lowest chrF of each file."""
    found = []
    for each in _best_of_each(measured, lambda each: each.row, lambda each: each.row.bleu):
        chrf = [sentence_chrf(*pair) for pair in zip(each.translations, each.data.english, strict=True)]
        for place in _largest([-score for score in chrf]):
            texts = {
                each.row.lang: each.data.texts[place],
                "translation": each.translations[place],
                "reference": each.data.english[place],
            }
            found.append(Example(each.row, f"text {place + 1}, chrF {chrf[place]:.1f}", texts=texts))
    return found


def _best_of_each(
    measured: Sequence[Measured], row: Callable[[Measured], Row], score: Callable[[Measured], float]
) -> list[Measured]:
    best: dict[tuple[str, str, str], Measured] = {}
    for each in measured:
        key = (row(each).dataset, row(each).lang, row(each).split)
        if key not in best or score(each) > score(best[key]):
            best[key] = each
    return list(best.values())


def _largest(values: Sequence[float]) -> list[int]:
    return sorted(range(len(values)), key=lambda place: (-values[place], place))[:SHOWN]
