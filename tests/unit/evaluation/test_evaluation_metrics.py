"""Formulas by worked examples, and equality with seqeval and a loop-by-loop bootstrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2

from spanbridge_evaluation.data.tagged import strict_spans
from spanbridge_evaluation.metrics.confusion import BOUNDARY, NOTHING, confusion_table
from spanbridge_evaluation.metrics.entities import (
    LabelledSentence,
    bootstrap_interval,
    entity_counts,
    entity_scores,
    scores_of,
)
from spanbridge_evaluation.metrics.links import LinkScores, link_counts, link_scores
from spanbridge_evaluation.metrics.translations import sentence_chrf, translation_scores
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.spans import Span

LABELS = ["PER", "ORG", "LOC"]
tags = st.lists(st.sampled_from(["O", "O", *(f"{p}-{each}" for p in "BI" for each in LABELS)]), min_size=1, max_size=9)
pairs = tags.flatmap(lambda gold: st.tuples(st.just(gold), st.permutations(gold)))


def labelled(gold: list[str], predicted: list[str]) -> LabelledSentence:
    return LabelledSentence(len(gold), tuple(strict_spans(gold)), tuple(strict_spans(predicted)))


@given(st.lists(pairs, min_size=1, max_size=6))
def test_scores_are_seqevals_strict_ones(sentences: list[tuple[list[str], list[str]]]) -> None:
    found = entity_scores([labelled(*each) for each in sentences], LABELS)
    sides = [gold for gold, _ in sentences], [predicted for _, predicted in sentences]
    micro = precision_recall_fscore_support(*sides, average="micro", scheme=IOB2, zero_division=0)
    overall = found.overall
    assert (overall.precision, overall.recall, overall.f1) == pytest.approx(micro[:3])
    counted = scores_of(np.array([overall.gold, overall.predicted, overall.correct]))
    assert (counted.precision, counted.recall, counted.f1) == pytest.approx(micro[:3])
    present = sorted(
        {each.label for gold, predicted in sentences for each in strict_spans(gold) + strict_spans(predicted)}
    )
    each = precision_recall_fscore_support(*sides, average=None, scheme=IOB2, zero_division=0)
    for place, label in enumerate(present):
        own = found.per_label[label]
        assert (own.precision, own.recall, own.f1, own.gold) == pytest.approx(tuple(values[place] for values in each))


def test_entities_by_hand() -> None:
    gold = ["B-PER", "I-PER", "O", "B-LOC", "O", "B-ORG"]
    predicted = ["B-PER", "I-PER", "O", "B-ORG", "B-LOC", "O"]
    found = entity_scores([labelled(gold, predicted)], LABELS)
    assert (found.overall.correct, found.overall.predicted, found.overall.gold) == (1, 3, 3)
    assert found.overall.f1 == pytest.approx(1 / 3)
    assert (found.per_label["PER"].f1, found.per_label["LOC"].f1, found.per_label["ORG"].f1) == (1, 0, 0)
    assert found.interval == pytest.approx((1 / 3, 1 / 3))


class TestBootstrap:
    counts = np.array([[2, 1, 1], [0, 1, 0], [3, 3, 2], [1, 0, 0], [2, 2, 2]] * 8)

    def test_it_is_repeatable_and_holds_the_score(self) -> None:
        low, high = bootstrap_interval(self.counts)
        assert (low, high) == bootstrap_interval(self.counts)
        assert low < scores_of(self.counts.sum(axis=0)).f1 < high

    def test_it_is_the_percentile_of_resamples(self) -> None:
        random = np.random.default_rng(1)
        drawn = [self.counts[random.integers(0, 40, 40)].sum(axis=0) for _ in range(4_000)]
        expected = np.percentile([scores_of(each).f1 for each in drawn], [2.5, 97.5])
        assert bootstrap_interval(self.counts, 4_000) == pytest.approx(tuple(expected), abs=0.015)

    def test_nothing_gives_nothing(self) -> None:
        assert bootstrap_interval(entity_counts([])) == (0, 0)
        assert bootstrap_interval(np.zeros((3, 3), dtype=np.int64)) == (0, 0)


@given(st.lists(pairs, min_size=1, max_size=6))
def test_confusion_counts_every_gold_entity_once(sentences: list[tuple[list[str], list[str]]]) -> None:
    listed = [labelled(*each) for each in sentences]
    table = confusion_table(listed, LABELS)
    scores = entity_scores(listed, LABELS)
    for label in LABELS:
        assert sum(table[label].values()) == scores.per_label[label].gold
        assert table[label][label] == scores.per_label[label].correct
    assert set(table["PER"]) == {*LABELS, BOUNDARY, NOTHING}


def test_confusion_by_hand() -> None:
    gold = [LabelledSpan(Span(0, 2), "PER"), LabelledSpan(Span(3, 4), "LOC"), LabelledSpan(Span(6, 7), "ORG")]
    found = [LabelledSpan(Span(1, 2), "PER"), LabelledSpan(Span(3, 4), "ORG"), LabelledSpan(Span(8, 9), "LOC")]
    table = confusion_table([LabelledSentence(9, tuple(gold), tuple(found))], LABELS)
    assert (table["PER"][BOUNDARY], table["LOC"]["ORG"], table["ORG"][NOTHING], table[NOTHING]["LOC"]) == (1, 1, 1, 1)
    assert sum(sum(row.values()) for row in table.values()) == 4


class TestLinks:
    def test_by_hand(self) -> None:
        # Och and Ney: |A| = 4, |S| = 3, |A∩S| = 2, |A∩P| = 3, over two pairs.
        first = link_counts({(0, 0), (1, 1)}, {(0, 0)}, {(0, 0), (1, 1)})
        second = link_counts({(0, 0), (2, 2)}, {(0, 0), (1, 1)}, {(0, 0), (1, 1)})
        found = link_scores([first, second])
        assert found == LinkScores(precision=3 / 4, recall=2 / 3, f1=pytest.approx(12 / 17), aer=pytest.approx(2 / 7))

    def test_nothing_found(self) -> None:
        assert link_scores([link_counts(set(), {(0, 0)}, {(0, 0)})]) == LinkScores(0, 0, 0, 1)
        assert link_scores([]) == LinkScores(0, 0, 0, 0)


def test_translations() -> None:
    texts = ["The president visited Nairobi yesterday .", "He spoke for an hour ."]
    same = translation_scores(texts, texts)
    assert (same.bleu, same.chrf) == pytest.approx((100, 100))
    assert "version:" in same.signatures["bleu"]
    assert "nc:6" in same.signatures["chrf"]
    other = translation_scores(["The president came to Nairobi .", ""], texts)
    assert 0 < other.bleu < 50
    assert 0 < other.chrf < 100
    assert sentence_chrf("", "abc") == 0
