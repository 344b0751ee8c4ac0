"""What counts of a sentence: trimmed entities, weights of words, and entities that share words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_projection.core.preparation import prepared, standing
from spanbridge_projection.core.projection import project
from spanbridge_projection.core.sentence import Entity, Sentence
from spanbridge_shared.contracts.projection import (
    CandidateOptions,
    CandidateSource,
    HeuristicOptions,
    ProjectionCount,
    Score,
    Solver,
)
from spanbridge_shared.errors import InvalidSource
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.trimming import trimmed

BOTH = [CandidateOptions(), CandidateOptions(solver=Solver.GREEDY), HeuristicOptions()]


def name(words: str, label: str = "ORG") -> str:
    tokens = words.split()
    start, end = trimmed(Span(0, len(tokens)), label, tokens)
    return " ".join(tokens[start:end])


@pytest.mark.parametrize(
    ("words", "label", "kept"),
    [
        ("the African Union", "ORG", "African Union"),
        ("The African Union 's", "ORG", "African Union"),
        ("South Africa ’s", "LOC", "South Africa"),
        ('the " Watford FC ," ,', "ORG", "Watford FC"),
        ("The Hague", "LOC", "The Hague"),
        ("the", "ORG", "the"),
        ("' s", "ORG", "s"),
        (". ,", "ORG", "."),
        ("Mr. Blair", "PER", "Blair"),
        ("the Rev. Dr Samia", "PER", "Samia"),
        ("President", "PER", "President"),
        ("Chief Directorate", "ORG", "Chief Directorate"),
        ("Bank of the South", "ORG", "Bank of the South"),
    ],
)
def test_names_lose_what_is_no_part_of_them(words: str, label: str, kept: str) -> None:
    assert name(words, label) == kept


@given(st.lists(st.sampled_from(["the", "'s", ",", "Dr", "Hague", "Samia"]), min_size=1, max_size=6), st.data())
def test_trimming_keeps_a_word_stays_inside_and_is_done_at_once(tokens: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(tokens) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(tokens))))
    found = trimmed(span, "PER", tokens)
    assert span.start <= found.start < found.end <= span.end
    assert trimmed(found, "PER", tokens) == found


def sentence(**fields: object) -> Sentence:
    """The English "the Allied Forces" on "ba Allied Forces": the article is linked with a word of the target."""
    return Sentence(  # type: ignore[arg-type]
        **{
            "entities": (Entity(Span(0, 3), "ORG"),),
            "links": [(0, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0)],
            "target": ("ba", "Allied", "Forces", "."),
            "source": ("the", "Allied", "Forces"),
        }
        | fields
    )


@pytest.mark.parametrize("options", BOTH)
def test_trimmed_entities_leave_words_of_articles_out(options: CandidateOptions | HeuristicOptions) -> None:
    assert [found.span for found in project(sentence(), options)] == [Span(0, 3)]
    trimming = options.model_copy(update={"trim_source": True})
    assert [found.span for found in project(sentence(), trimming)] == [Span(1, 3)]


def test_trimming_without_source_tokens_is_the_sentences_fault_if_there_is_anything_to_trim() -> None:
    options = CandidateOptions(trim_source=True)
    with pytest.raises(InvalidSource, match="source_tokens"):
        project(sentence(source=None), options)
    assert prepared(sentence(source=None, entities=()), options).entities == ()


@pytest.mark.parametrize("options", BOTH)
def test_links_to_punctuation_may_be_left_out(options: CandidateOptions | HeuristicOptions) -> None:
    aligned = sentence(links=[(1, 1, 1.0), (2, 2, 1.0), (2, 3, 1.0)], entities=(Entity(Span(1, 3), "ORG"),))
    assert [found.span for found in project(aligned, options)] == [Span(1, 4)]
    without = options.model_copy(update={"punctuation_links": False})
    assert [found.span for found in project(aligned, without)] == [Span(1, 3)]


def test_words_in_lower_case_may_count_less() -> None:
    aligned = sentence(links=[(1, 0, 1.0), (1, 1, 0.9)], entities=(Entity(Span(1, 2), "ORG"),))
    assert [found.span for found in project(aligned, CandidateOptions(max_words=1))] == [Span(0, 1)]
    options = CandidateOptions(max_words=1, lowercase_weight=0.5)
    (found,) = project(aligned, options)
    assert found.span == Span(1, 2)
    assert found.scores["align"] == pytest.approx(0.9)


@pytest.mark.parametrize("options", [CandidateOptions(), HeuristicOptions()])
def test_defaults_change_nothing(options: CandidateOptions | HeuristicOptions) -> None:
    assert prepared(sentence(), options) is not None
    assert prepared(sentence(), options) == sentence()


SIX = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4), st.sampled_from([0.5, 1.0])), max_size=6)


@given(SIX)
def test_standing_entities_are_disjoint_and_every_other_shares_a_word_with_a_longer_one(
    drawn: list[tuple[int, int, float]],
) -> None:
    entities = [Entity(Span(start, start + length), "PER", score) for start, length, score in drawn]
    stays = standing(entities).tolist()
    kept = [index for index, stay in enumerate(stays) if stay]

    def rank(index: int) -> tuple[int, float, int]:
        return -len(entities[index].span), -entities[index].score, index

    for index, entity in enumerate(entities):
        rivals = [other for other in kept if other != index and entities[other].span.overlaps(entity.span)]
        assert bool(rivals) != stays[index]
        assert stays[index] or min(map(rank, rivals)) < rank(index)


@pytest.mark.parametrize("options", BOTH)
def test_an_entity_given_twice_is_projected_once_and_whole(options: CandidateOptions | HeuristicOptions) -> None:
    """Both copies were projected, each onto one of the two words: that scores more than one on both."""
    samia = Entity(Span(1, 3), "ORG")
    (found,) = project(sentence(entities=(samia, samia)), options)
    assert (found.span, found.source) == (Span(1, 3), 0)
    (surer,) = project(sentence(entities=(samia._replace(score=0.5), samia)), options)
    assert (surer.span, surer.source) == (Span(1, 3), 1)


@pytest.mark.parametrize("options", BOTH)
def test_a_name_within_a_name_takes_no_words_from_it(options: CandidateOptions | HeuristicOptions) -> None:
    """The inner one took "Forces", and the outer one was cut to what was left."""
    nested = (Entity(Span(2, 3), "LOC"), Entity(Span(1, 3), "ORG"), Entity(Span(0, 1), "PER"))
    found = project(sentence(entities=nested), options)
    assert [(each.span, each.source) for each in found] == [(Span(0, 1), 2), (Span(1, 3), 1)]


def test_above_a_power_of_one_a_whole_match_beats_two_halves() -> None:
    """ "Sri Lankan" and "Sri Lanka", both linked with both words of "Sri Lanka": 1 is less than 2 · 2/3."""
    two = (Entity(Span(0, 2), "MISC"), Entity(Span(2, 4), "LOC"))
    links = [(0, 1, 1.0), (1, 2, 0.4), (2, 1, 1.0), (3, 2, 1.0)]
    halves = project(sentence(entities=two, links=links), CandidateOptions())
    assert [(each.span, each.source) for each in halves] == [(Span(1, 2), 0), (Span(2, 3), 1)]
    (whole,) = project(sentence(entities=two, links=links), CandidateOptions(score_power=2.0))
    assert (whole.span, whole.source, whole.scores["total"]) == (Span(1, 3), 1, 1.0)


@pytest.mark.parametrize("solver", Solver)
def test_min_score_is_compared_with_the_score_itself_whatever_the_power(solver: Solver) -> None:
    aligned = sentence(links=[(1, 1, 0.7)], entities=(Entity(Span(1, 2), "ORG"),))
    for least, expected in ((0.69, 1), (0.7, 0)):
        options = CandidateOptions(score_power=2.0, min_score=least, solver=solver)
        assert len(project(aligned, options)) == expected


def test_what_does_not_stand_is_not_forced_either() -> None:
    nested = (Entity(Span(2, 3), "LOC"), Entity(Span(1, 3), "ORG"))
    options = CandidateOptions(n_proj=2, n_proj_form=ProjectionCount.EXACTLY)
    assert {each.source for each in project(sentence(entities=nested), options)} == {1}


def test_candidates_and_nmt_scores_keep_their_places_whatever_stands() -> None:
    nested = (Entity(Span(2, 3), "LOC"), Entity(Span(1, 3), "ORG"))
    options = CandidateOptions(score=Score.NMT, candidates=CandidateSource.ALIGNED)
    found = project(
        sentence(entities=nested, nmt=[(0, 0, 0.9), (1, 1, 0.8)], given_spans=((2, 3), (1, 3))),
        options,
    )
    assert [(each.span, each.source, each.scores["nmt"]) for each in found] == [(Span(1, 3), 1, 0.8)]
    assert np.isfinite(found[0].scores["total"])
