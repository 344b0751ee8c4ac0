"""Scores: each formula of METHODS.md against its worked example and against a plain loop over words."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_projection.core.candidates import ngrams
from spanbridge_projection.core.scores import align_scores, ner_scores, nmt_matrix, score_parts
from spanbridge_projection.core.sentence import Entity, Probabilities, Sentence
from spanbridge_shared.contracts.projection import AlignCount, CandidateOptions, Score
from spanbridge_shared.errors import InvalidSource
from spanbridge_shared.text.spans import Span

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def test_align_worked_example() -> None:
    """The entity "President Samia" with 0/1 links to words 0 and 1: c = 2·|A∩(s×t)| / (|s| + |t|)."""
    entities = [Entity(Span(0, 2), "PER"), Entity(Span(3, 4), "LOC")]
    links = [(0, 0, 1.0), (1, 1, 1.0), (3, 3, 1.0), (2, 2, 1.0)]
    spans = np.array([[0, 1], [0, 2], [0, 4], [3, 4]])
    expected = [[2 / 3, 4 / 4, 4 / 6, 0.0], [0.0, 0.0, 2 / 5, 2 / 2]]
    np.testing.assert_allclose(align_scores(entities, links, 4, spans), expected, atol=1e-12)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([0.0, 0.4, 0.333333, 1.0])), max_size=20),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), min_size=1, max_size=3),
)
def test_align_equals_the_sum_over_links(links: list[tuple[int, int, float]], starts: list[tuple[int, int]]) -> None:
    entities = [Entity(Span(start, start + length), "PER") for start, length in starts]
    spans = ngrams(["a"] * 6, 6)
    scores = align_scores(entities, links, 6, spans)
    heaviest = {(s, t): max(w for i, j, w in links if (i, j) == (s, t)) for s, t, _ in links}
    for (row, entity), (column, span) in itertools.product(enumerate(entities), enumerate(spans.tolist())):
        inside = sum(
            weight
            for (s, t), weight in heaviest.items()
            if entity.span.start <= s < entity.span.end and span[0] <= t < span[1]
        )
        assert scores[row, column] == pytest.approx(2 * inside / (len(entity.span) + span[1] - span[0]), abs=1e-12)


def test_align_words_worked_example() -> None:
    """ "EU" linked to "Union" (1) and "die" (0.4), "Union" to "Union" again: each word counts once."""
    entities = [Entity(Span(0, 2), "ORG")]
    links = [(0, 1, 1.0), (0, 0, 0.4), (1, 1, 0.5)]
    spans = np.array([[0, 1], [1, 2], [0, 2]])
    found = align_scores(entities, links, 2, spans, count=AlignCount.WORDS)
    expected = [[(0.4 + 0.4) / 3, (1.0 + 0.5 + 1.0) / 3, (1.0 + 0.5 + 0.4 + 1.0) / 4]]
    np.testing.assert_allclose(found, expected, atol=1e-12)


LINKS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([0.0, 0.4, 0.7, 1.0])), max_size=20)
STARTS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), min_size=1, max_size=3)


@given(LINKS, STARTS, st.sampled_from(AlignCount), st.sampled_from([0.1, 0.5, 1.0]))
def test_align_variants_equal_the_loop_over_words(
    links: list[tuple[int, int, float]], starts: list[tuple[int, int]], count: AlignCount, unlinked_weight: float
) -> None:
    entities = [Entity(Span(start, start + length), "PER") for start, length in starts]
    spans = ngrams(["a"] * 6, 6)
    found = align_scores(entities, links, 6, spans, count=count, unlinked_weight=unlinked_weight)
    weight = np.zeros((9, 6))
    for s, t, given_weight in links:
        weight[s, t] = max(weight[s, t], given_weight)
    for (row, entity), (column, (start, end)) in itertools.product(enumerate(entities), enumerate(spans.tolist())):
        part = weight[entity.span.start : entity.span.end, start:end]
        reached = part.max(axis=0).sum() + part.max(axis=1).sum() if count is AlignCount.WORDS else 2 * part.sum()
        length = sum(1.0 if weight[:, word].any() else unlinked_weight for word in range(start, end))
        assert found[row, column] == pytest.approx(reached / (len(entity.span) + length), abs=1e-12)


@given(st.permutations(range(6)), st.lists(st.booleans(), min_size=6, max_size=6), STARTS)
def test_words_and_links_count_the_same_where_every_word_has_one_link(
    targets: list[int], there: list[bool], starts: list[tuple[int, int]]
) -> None:
    entities = [Entity(Span(start, start + length), "PER") for start, length in starts]
    links = [(source, target, 0.7) for source, target in enumerate(targets) if there[source]]
    spans = ngrams(["a"] * 6, 6)
    by_words = align_scores(entities, links, 6, spans, count=AlignCount.WORDS)
    np.testing.assert_array_equal(by_words, align_scores(entities, links, 6, spans))


def test_options_reach_the_align_score() -> None:
    bare = Sentence(
        entities=(Entity(Span(0, 1), "PER"),), links=[(0, 0, 1.0), (0, 2, 1.0), (1, 2, 1.0)], target=("a", "b", "c")
    )
    spans = np.array([[0, 3]])
    assert score_parts(bare, spans, CandidateOptions())["total"].tolist() == [[4 / 4]]
    words = CandidateOptions(align_count=AlignCount.WORDS)
    assert score_parts(bare, spans, words)["total"].tolist() == [[3 / 4]]
    light = CandidateOptions(unlinked_weight=0.5)
    assert score_parts(bare, spans, light)["total"].tolist() == [[4 / 3.5]]


def test_equal_align_scores_are_equal_floats() -> None:
    """0.4 + 0.4 + 0.4 over longer spans and other places of the sentence: sums must not depend on what lies before."""
    links = [(0, word, 0.4) for word in range(9)]
    scores = align_scores([Entity(Span(0, 1), "PER")], links, 9, np.array([[0, 3], [3, 6], [6, 9]]))
    assert len(set(scores[0].tolist())) == 1


def probabilities(*tags: str) -> Probabilities:
    rows = [[0.6 if label == tag else 0.1 for label in LABELS] for tag in tags]
    return Probabilities(LABELS, np.array(rows))


def test_ner_worked_example() -> None:
    known = probabilities("B-PER", "I-PER", "I-PER", "O")
    spans = np.array([[0, 1], [0, 2], [0, 3], [1, 3], [0, 4]])
    found = ner_scores(known, ["PER"], spans, alpha=1.15, threshold=0.05)
    expected = [0.6, 1.15 * 0.6, 1.15**2 * 0.6, (0.1 + 0.6) / 2, (0.6 + 0.6 + 0.6 + 0.1) / 4]
    np.testing.assert_allclose(found, [expected], atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 1.15]), st.sampled_from([0.05, 0.3]))
def test_ner_equals_the_loop_over_words(seed: int, alpha: float, threshold: float) -> None:
    rows = np.random.default_rng(seed).dirichlet(np.full(len(LABELS), 0.3), 6)
    known = Probabilities(LABELS, rows)
    best = known.best_labels()
    spans = ngrams(["a"] * 6, 6)
    found = ner_scores(known, ["LOC", "PER"], spans, alpha=alpha, threshold=threshold)
    for (row, name), (column, (start, end)) in itertools.product(enumerate(["LOC", "PER"]), enumerate(spans.tolist())):
        begin, inside = LABELS.index(f"B-{name}"), LABELS.index(f"I-{name}")
        score = (rows[start, begin] + rows[start + 1 : end, inside].sum()) / (end - start)
        if best[start:end] == [f"B-{name}"] + [f"I-{name}"] * (end - start - 1):
            score *= alpha ** (end - start - 1)
        assert found[row, column] == pytest.approx(score if score > threshold else 0.0, abs=1e-9)


def test_a_class_that_the_teacher_does_not_know_scores_zero() -> None:
    spans = np.array([[0, 1]])
    assert ner_scores(probabilities("B-PER"), ["DATE"], spans, alpha=1.15, threshold=0.05).tolist() == [[0.0]]


def test_scores_at_the_threshold_count_as_zero() -> None:
    known = Probabilities(LABELS, np.array([[0.9, 0.05, 0.05, 0.0, 0.0]]))
    assert ner_scores(known, ["PER"], np.array([[0, 1]]), alpha=1.15, threshold=0.05).tolist() == [[0.0]]
    assert nmt_matrix([(0, 0, 0.1), (0, 1, 0.2)], 1, 2, threshold=0.1).tolist() == [[0.0, 0.2]]


def sentence() -> Sentence:
    return Sentence(
        entities=(Entity(Span(0, 1), "PER"), Entity(Span(1, 2), "LOC")),
        links=[(0, 0, 1.0)],
        target=("a", "b"),
        probabilities=probabilities("B-LOC", "B-PER"),
        nmt=[(0, 1, 0.5), (1, 0, 0.05)],
    )


SPANS = np.array([[0, 1], [1, 2]])


def test_ner_takes_the_entitys_class_and_ner_spans_the_best_one() -> None:
    assert score_parts(sentence(), SPANS, CandidateOptions(score=Score.NER))["total"].tolist() == [
        [0.1, 0.6],
        [0.6, 0.1],
    ]
    best = score_parts(sentence(), SPANS, CandidateOptions(score=Score.NER_SPANS))["total"]
    assert best.tolist() == [[0.6, 0.6], [0.6, 0.6]]


def test_fused_adds_the_parts_by_weight() -> None:
    options = CandidateOptions(score=Score.FUSED, weight_align=0.5, weight_ner=0.25, weight_ner_spans=0.5, weight_nmt=2)
    parts = score_parts(sentence(), SPANS, options)
    assert list(parts) == ["align", "ner", "ner_spans", "nmt", "total"]
    expected = [[0.5 + 0.025 + 0.3, 0.15 + 0.3 + 1.0], [0.15 + 0.3, 0.025 + 0.3]]
    np.testing.assert_allclose(parts["total"], expected, atol=1e-12)


def test_the_ner_weight_of_an_unknown_label_goes_to_the_other_parts() -> None:
    """Regression: a gold MISC entity once scored low for want of a teacher who knows MISC."""
    rows = np.array([[0.2, 0.8, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]])
    entities = (Entity(Span(0, 1), "PER"), Entity(Span(1, 2), "MISC"))
    sentence = Sentence(entities, [(0, 0, 1.0), (1, 1, 1.0)], ("a", "b"), Probabilities(LABELS, rows))
    options = CandidateOptions(score=Score.FUSED, weight_align=0.4, weight_ner=0.6)
    parts = score_parts(sentence, np.array([[0, 1], [1, 2]]), options)
    np.testing.assert_allclose(parts["total"], [[0.4 + 0.6 * 0.8, 0.0], [0.0, 1.0]])


def test_a_single_weight_of_one_is_the_score_itself() -> None:
    alone = score_parts(sentence(), SPANS, CandidateOptions())
    assert alone["total"].tolist() == alone["align"].tolist() == [[1.0, 0.0], [0.0, 0.0]]
    doubled = score_parts(sentence(), SPANS, CandidateOptions(score=Score.FUSED, weight_align=2))
    assert doubled["total"].tolist() == [[2.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        (CandidateOptions(score=Score.NER), "probabilities"),
        (CandidateOptions(score=Score.NER_SPANS), "probabilities"),
        (CandidateOptions(score=Score.NMT), "nmt_scores"),
        (CandidateOptions(score=Score.FUSED, weight_nmt=1), "nmt_scores"),
    ],
)
def test_a_score_without_its_input_is_the_sentences_fault(options: CandidateOptions, needed: str) -> None:
    bare = Sentence(entities=sentence().entities, links=[], target=("a", "b"))
    with pytest.raises(InvalidSource, match=needed):
        score_parts(bare, SPANS, options)
