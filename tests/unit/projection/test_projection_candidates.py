"""Candidates: what they are, and that shrinking them changes no optimum."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge_projection.core.candidates import aligned_ngrams, candidate_spans, ngrams, teacher_spans
from spanbridge_projection.core.exact import exact
from spanbridge_projection.core.greedy import Pick, greedy
from spanbridge_projection.core.scores import align_scores
from spanbridge_projection.core.sentence import Entity, Integers, Probabilities, Sentence, link_weights
from spanbridge_shared.contracts.projection import (
    AlignCount,
    CandidateOptions,
    CandidateSource,
    ProjectionCount,
    Score,
    Solver,
)
from spanbridge_shared.errors import InvalidSource
from spanbridge_shared.text.spans import Span


@given(st.lists(st.sampled_from(["a", "!", "?", "?!", "Yahoo!", "¿"]), min_size=1, max_size=12), st.integers(1, 12))
def test_ngrams_are_all_short_spans_without_marks_in_order(tokens: list[str], longest: int) -> None:
    n = len(tokens)
    expected = [
        [start, end]
        for start in range(n)
        for end in range(start + 1, n + 1)
        if end - start <= longest and not {"!", "?", "?!"} & set(tokens[start:end])
    ]
    assert ngrams(tokens, longest).tolist() == expected


@st.composite
def aligned(draw: st.DrawFn) -> tuple[tuple[Entity, ...], list[tuple[int, int, float]], list[str]]:
    tokens = draw(st.lists(st.sampled_from(["a", "a", "a", "!"]), min_size=1, max_size=9))
    starts = draw(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3)), min_size=1, max_size=3))
    link = st.tuples(st.integers(0, 8), st.integers(0, len(tokens) - 1), st.sampled_from([0.0, 0.4, 1.0]))
    entities = tuple(Entity(Span(start, start + length), "PER") for start, length in starts)
    return entities, draw(st.lists(link, max_size=14)), tokens


@settings(max_examples=200, deadline=None)
@given(
    aligned(),
    st.integers(1, 3),
    st.sampled_from(ProjectionCount),
    st.integers(1, 10),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from(AlignCount),
    st.sampled_from([0.1, 0.5, 1.0]),
)
def test_shrinking_changes_no_optimum_and_no_greedy_answer(
    instance: tuple[tuple[Entity, ...], list[tuple[int, int, float]], list[str]],
    n_proj: int,
    form: ProjectionCount,
    longest: int,
    min_score: float,
    count: AlignCount,
    unlinked_weight: float,
) -> None:
    entities, links, tokens = instance
    every = ngrams(tokens, longest)
    few = aligned_ngrams(tokens, longest, link_weights(entities, links, len(tokens)) > 0)
    assert {tuple(span) for span in few.tolist()} <= {tuple(span) for span in every.tolist()}

    def solved(
        solve: Callable[..., list[Pick]], spans: Integers
    ) -> tuple[int, float, list[tuple[int, list[int], float]]]:
        scores = align_scores(entities, links, len(tokens), spans, count=count, unlinked_weight=unlinked_weight)
        picks = solve(scores, spans, n_proj=n_proj, form=form, min_score=min_score)
        sources = [pick.source for pick in picks]
        met = sum(min(n_proj, sources.count(source)) for source in set(sources))
        found = [(pick.source, spans[pick.candidate].tolist(), float(scores[pick])) for pick in picks]
        return met, sum(score for _, _, score in found), found

    if form is ProjectionCount.AT_MOST:
        assert solved(exact, few)[1] == pytest.approx(solved(exact, every)[1], abs=1e-9)
        assert solved(greedy, few)[2] == solved(greedy, every)[2]
    else:
        assert solved(exact, few)[:2] == (solved(exact, every)[0], pytest.approx(solved(exact, every)[1], abs=1e-9))


def sentence(**fields: object) -> Sentence:
    return Sentence(  # type: ignore[arg-type]
        **{
            "entities": (Entity(Span(0, 1), "PER"),),
            "links": [(0, 1, 1.0), (0, 3, 1.0)],
            "target": ("a", "b", "c", "d"),
        }
        | fields
    )


def test_align_alone_shrinks_and_other_scores_do_not() -> None:
    few = [[1, 2], [1, 4], [3, 4]]
    assert candidate_spans(sentence(), CandidateOptions()).tolist() == few
    assert candidate_spans(sentence(), CandidateOptions(score=Score.FUSED)).tolist() == few
    every = ngrams(["a"] * 4, 10).tolist()
    assert candidate_spans(sentence(), CandidateOptions(score=Score.NMT)).tolist() == every
    assert candidate_spans(sentence(), CandidateOptions(score=Score.FUSED, weight_nmt=1)).tolist() == every


def test_greedy_never_shrinks_where_it_may_have_to_force_pairs() -> None:
    every = ngrams(["a"] * 4, 10).tolist()
    for form in (ProjectionCount.EXACTLY, ProjectionCount.AT_LEAST):
        assert candidate_spans(sentence(), CandidateOptions(n_proj_form=form)).tolist() == [[1, 2], [1, 4], [3, 4]]
        options = CandidateOptions(n_proj_form=form, solver=Solver.GREEDY)
        assert candidate_spans(sentence(), options).tolist() == every


@pytest.mark.parametrize("score", Score)
def test_aligned_candidates_may_be_chosen_for_every_score(score: Score) -> None:
    options = CandidateOptions(candidates=CandidateSource.ALIGNED, score=score, weight_nmt=1)
    assert candidate_spans(sentence(), options).tolist() == [[1, 2], [1, 4], [3, 4]]
    short = options.model_copy(update={"max_words": 2})
    assert candidate_spans(sentence(), short).tolist() == [[1, 2], [3, 4]]


def test_aligned_candidates_lie_between_words_of_one_entity() -> None:
    two = sentence(entities=(Entity(Span(0, 1), "PER"), Entity(Span(1, 2), "LOC")), links=[(0, 0, 1.0), (1, 3, 1.0)])
    options = CandidateOptions(candidates=CandidateSource.ALIGNED)
    assert candidate_spans(two, options).tolist() == [[0, 1], [3, 4]]
    assert candidate_spans(sentence(links=[]), options).tolist() == []


def test_given_spans_come_back_as_they_were() -> None:
    given = ((2, 4), (0, 1), (2, 4))
    assert candidate_spans(sentence(given_spans=given), CandidateOptions()).tolist() == [list(span) for span in given]


def test_a_sentence_without_entities_has_no_candidates() -> None:
    for options in (CandidateOptions(), CandidateOptions(candidates=CandidateSource.NER)):
        assert candidate_spans(sentence(entities=()), options).tolist() == []


def test_teacher_spans_are_read_as_iob2() -> None:
    labels = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    tags = ["I-PER", "I-PER", "B-PER", "I-LOC", "O", "B-LOC", "I-LOC"]
    rows = np.array([[0.8 if label == tag else 0.05 for label in labels] for tag in tags])
    assert teacher_spans(Probabilities(labels, rows)).tolist() == [[0, 2], [2, 3], [3, 4], [5, 7]]


def test_ner_candidates_without_probabilities_are_the_sentences_fault() -> None:
    with pytest.raises(InvalidSource, match="probabilities"):
        candidate_spans(sentence(), CandidateOptions(candidates=CandidateSource.NER))
