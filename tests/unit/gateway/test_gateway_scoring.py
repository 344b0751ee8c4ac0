"""The score stage asks for few scores, and the projection is the one that all of them would give."""

import asyncio
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge_gateway import scoring, stages
from spanbridge_gateway.core.nmt_scores import Known, Part, Question
from spanbridge_gateway.core.preparation import prepare
from spanbridge_gateway.core.work import SegmentWork, SentenceWork
from spanbridge_gateway.score_calls import ScoreCalls, check_directions
from spanbridge_gateway.scoring import score
from spanbridge_projection.core.candidates import candidate_spans
from spanbridge_projection.core.projection import project
from spanbridge_projection.intake import read_options, read_sentence
from spanbridge_shared.contracts.base import MAX_ITEMS, ErrorBody
from spanbridge_shared.contracts.gateway import Sentence
from spanbridge_shared.contracts.options import CandidatesMethodOptions
from spanbridge_shared.contracts.projection import (
    CandidatesRequest,
    CandidatesResponse,
    CandidatesResult,
    ProjectedEntity,
    ProjectionCount,
    ProjectRequest,
    ProjectResponse,
    ProjectResult,
    SourceEntity,
)
from spanbridge_shared.contracts.translation import ScoreRequest, ScoreResponse, TargetScore, TranslationInfo
from spanbridge_shared.errors import SentenceError, TextTooLong, UnsupportedLanguage
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import Token, join_tokens
from spanbridge_shared.text.trimming import trimmed

LANG = "swh_Latn"
WORDS = ["Samia", "Nairobi", "na", "ya", ",", "!"]


def log_probs(source_lang: str, given: str, target_lang: str, wanted: str) -> list[float]:
    """A language model without a model: a word's log-probability hangs on what it is given and on the words before."""
    words = [*wanted.split(), "</s>"]
    found = []
    for place, word in enumerate(words):
        seen = "|".join((source_lang, given, target_lang, *words[: place + 1]))
        chance = hashlib.sha256(seen.encode()).digest()[0] / 256
        # Half of the ends are certain, so that the bounds of beginnings are reached.
        found.append(min(0.0, 2 - 4 * chance) if word == "</s>" else -0.5 * chance if word in given else -4 * chance)
    return found


def names_alone(source_lang: str, given: str, target_lang: str, wanted: str) -> list[float]:
    """A model that knows a word where it is given, and ends where nothing that is given is left to say."""
    words, known = wanted.split(), given.split()
    missing = sum(word not in words for word in known) / len(known)
    return [*(-0.01 if word in known else -6.0 for word in words), -6 * missing]


class Translation:
    """Scores as the service does; `asked` counts each pair, `failing` texts get an error."""

    def __init__(self, failing: str = "", model: Callable[[str, str, str, str], list[float]] = log_probs) -> None:
        self.model = model
        self.asked: Counter[tuple[str, str, str, str]] = Counter()
        self.sizes: list[int] = []
        self.failing = failing

    async def score(self, request: ScoreRequest) -> ScoreResponse:
        self.sizes.append(len(request.sources))
        assert request.prefixes is not None
        answers = [
            self._score(request.source_lang, given, request.target_lang, wanted, prefixes)
            for given, wanted, prefixes in zip(request.sources, request.targets, request.prefixes, strict=True)
        ]
        return ScoreResponse(model_version="fake", scores=answers)

    def _score(self, source: str, given: str, target: str, wanted: str, prefixes: Sequence[str]) -> TargetScore:
        self.asked[source, given, target, wanted] += 1
        if self.failing and self.failing in (given, wanted):
            return TargetScore(error=ErrorBody(error="TextTooLong", detail=f"{self.failing} is too long"))
        if not given.strip(",!") or not wanted.strip(",!"):
            return TargetScore(error=ErrorBody(error="EmptyText", detail="nothing to read"))
        logs = self.model(source, given, target, wanted)
        bounds = [
            sum(logs[: len(each)]) / (len(each) + 1) if wanted.split()[: len(each)] == each else None
            for each in (prefix.split() for prefix in prefixes)
        ]
        return TargetScore(score=sum(logs) / len(logs), tokens=len(logs), bounds=bounds)


class Projection:
    """The projection service's core, without its queue."""

    async def candidates(self, request: CandidatesRequest) -> CandidatesResponse:
        sentences = [read_sentence(item, None) for item in request.sentences]
        found = [candidate_spans(each, request.options).tolist() for each in sentences]
        return CandidatesResponse(results=[CandidatesResult(candidates=each) for each in found])

    async def project(self, request: ProjectRequest) -> ProjectResponse:
        options = read_options(request)
        results = []
        for item in request.sentences:
            try:
                found = project(read_sentence(item, None), options)
            except SentenceError as fault:
                results.append(ProjectResult(error=ErrorBody(error=type(fault).__name__, detail=fault.detail)))
                continue
            results.append(
                ProjectResult(
                    entities=[
                        ProjectedEntity(
                            start=each.span.start, end=each.span.end, label="PER", score=1, source=each.source,
                            scores=each.scores,
                        )
                        for each in found
                    ]
                )
            )  # fmt: skip
        return ProjectResponse(results=results)


def services(translation: Translation) -> Any:
    return SimpleNamespace(translation=translation, projection=Projection(), call_limit=2)


Given = tuple[list[str], list[tuple[int, int]], list[str], list[tuple[int, int, float]]]
"""Source tokens, entities, target tokens, links."""


def work_of(given: Given) -> SentenceWork:
    source, entities, target, links = given
    prepared = prepare(Sentence(tokens=target), LANG)
    text, offsets = join_tokens(source)
    (place,) = prepared.segments
    segment = SegmentWork(target, place, prepared.segment_text(place))
    segment.source_text, segment.source_given, segment.links = text, True, links
    segment.source_tokens = [Token(*each) for each in zip(source, offsets, strict=True)]
    segment.source_entities = [SourceEntity(start=start, end=end, label="PER") for start, end in entities]
    return SentenceWork(id="1", raw_text="", prepared=prepared, segments=[segment])


def run(given: Sequence[Given], options: CandidatesMethodOptions, translation: Translation) -> list[SentenceWork]:
    works = [work_of(each) for each in given]
    segments = [segment for work in works for segment in work.segments]

    async def both() -> None:
        await score(services(translation), works, LANG, options, [])
        await stages.project(services(translation), segments, options, [], scores=True)

    asyncio.run(both())
    return works


def every_score(given: Given, options: CandidatesMethodOptions, spans: list[tuple[int, int]]) -> np.ndarray[Any, Any]:
    """The formula, pair by pair, as METHODS has it."""
    source, entities, target, _ = given

    def p(wanted_lang: str, wanted: str, given_lang: str, known: str) -> float:
        logs = log_probs(given_lang, known, wanted_lang, wanted)
        return math.exp(sum(logs) / len(logs))

    def one(a: str, b: str) -> float:
        if not a.strip(",!") or not b.strip(",!"):
            return 0.0
        own = max(p("eng_Latn", a, "eng_Latn", a), options.nmt_min_self)
        other = max(p(LANG, b, LANG, b), options.nmt_min_self)
        c = (p("eng_Latn", a, LANG, b) / own + p(LANG, b, "eng_Latn", a) / other) / 2
        return c if c > options.nmt_threshold else 0.0

    prepared = prepare(Sentence(tokens=target), LANG)
    texts = [prepared.segment_text(type(prepared.segments[0])(*span)) for span in spans]
    if options.trim_source:
        entities = [tuple(trimmed(Span(*each), "PER", source)) for each in entities]
    names = [prepare(Sentence(tokens=source[a:b]), LANG) for a, b in entities]
    return np.array([[one(name.segment_text(name.segments[0]), text) for text in texts] for name in names])


@st.composite
def sentences(draw: st.DrawFn) -> Given:
    source = draw(st.lists(st.sampled_from(["Samia", "Nairobi", "and", "President"]), min_size=1, max_size=5))
    cuts = sorted(draw(st.sets(st.integers(0, len(source)), min_size=2, max_size=4)))
    entities = [(cuts[i], cuts[i + 1]) for i in range(0, len(cuts) - 1, draw(st.sampled_from([1, 2])))]
    target = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9))
    places = st.tuples(st.integers(0, len(source) - 1), st.integers(0, len(target) - 1), st.sampled_from([0.4, 1.0]))
    return source, entities, target, draw(st.lists(places, max_size=6))


SETTINGS = st.fixed_dictionaries(
    {
        "score": st.sampled_from(["nmt", "fused"]),
        "weight_ner": st.just(0.0),
        "weight_align": st.sampled_from([0.0, 0.5]),
        "weight_nmt": st.just(1.0),
        "candidates": st.sampled_from(["ngram", "ngram", "aligned"]),
        "solver": st.sampled_from(["greedy", "exact"]),
        "max_words": st.sampled_from([2, 10]),
        "n_proj": st.sampled_from([1, 1, 2]),
        "n_proj_form": st.sampled_from(["at_most", "at_most", "exactly", "at_least"]),
        "min_score": st.sampled_from([0.0, 0.3]),
        "score_power": st.sampled_from([1.0, 2.0]),
        "trim_source": st.booleans(),
        "nmt_threshold": st.sampled_from([0.0, 0.1, 0.5]),
        "nmt_min_self": st.sampled_from([0.0, 0.2, 1.0]),
    }
)


@given(st.lists(sentences(), min_size=1, max_size=3), SETTINGS, st.sampled_from([1, 8]))
@settings(max_examples=250)
def test_the_projection_is_the_one_of_all_scores(given: list[Given], chosen: dict[str, Any], width: int) -> None:
    """Greedy picks the same pairs; the exact solver's choice has the same total, in true scores."""
    options = CandidatesMethodOptions.model_validate(chosen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "_FIRST_WIDTH", width)
        works = run(given, options, Translation())
    for each, work in zip(given, works, strict=True):
        (segment,) = work.segments
        assert segment.error is None
        spans = [(start, end) for start, end in segment.candidates or []]
        full = work_of(each)
        full.segments[0].candidates = segment.candidates
        true = every_score(each, options, spans)
        full.segments[0].nmt_scores = [
            (row, column, float(true[row, column])) for row, column in np.ndindex(*true.shape)
        ]
        asyncio.run(stages.project(services(Translation()), full.segments, options, [], scores=True))
        wanted, found = full.segments[0].entities, segment.entities
        for entity in found:
            assert entity.scores is not None
            column = spans.index((entity.start, entity.end))
            assert entity.scores["nmt"] == pytest.approx(true[entity.source, column], abs=1e-6)
        if options.solver == "greedy":
            assert [(e.start, e.end, e.source) for e in found] == [(e.start, e.end, e.source) for e in wanted]
        assert len(found) == len(wanted) or options.n_proj_form is ProjectionCount.AT_MOST
        assert total(found) == pytest.approx(total(wanted), abs=1e-6)


def total(entities: Sequence[ProjectedEntity]) -> float:
    return sum(each.scores["total"] for each in entities if each.scores is not None)


NAMES = (["Samia", "in", "Nairobi"], [(0, 1), (2, 3)], "Rais Samia alifika mjini Nairobi jana jioni".split(), [])


def test_no_pair_is_asked_for_twice_and_most_not_at_all() -> None:
    translation = Translation(model=names_alone)
    options = CandidatesMethodOptions.model_validate({"score": "nmt"})
    first, second = run([NAMES, NAMES], options, translation)
    assert max(translation.asked.values()) == 1
    into_english = [asked for asked in translation.asked if asked[2] == "eng_Latn" and asked[0] == LANG]
    assert 2 <= len(into_english) < 28, "of 28 candidates for each of two entities, half at most"
    for work in (first, second):
        assert {(each.start, each.end) for each in work.segments[0].entities} == {(1, 2), (4, 5)}


async def test_answers_are_probabilities_and_bounds_of_beginnings() -> None:
    calls = ScoreCalls(services(Translation(failing="Nairobi")), LANG)
    both = Question(Part.CANDIDATE, "Samia", "Samia na Samia", ("Samia", "na"))
    unread, failed = Question(Part.ENTITY, ",", "Samia"), Question(Part.ENTITY, "Nairobi", "Samia")
    await calls.ask([both, unread, failed, both])
    logs = log_probs("eng_Latn", "Samia", LANG, "Samia na Samia")
    known = calls.answers[both]
    assert isinstance(known, Known)
    assert known.probability == pytest.approx(math.exp(sum(logs) / 4))
    assert known.bounds == pytest.approx((math.exp(logs[0] / 2), 1.0))
    assert calls.answers[unread] == Known(0.0)
    assert isinstance(calls.answers[failed], TextTooLong)


def test_many_pairs_go_in_full_calls() -> None:
    translation = Translation()
    target = [f"word{number}" for number in range(60)]
    options = CandidatesMethodOptions.model_validate({"score": "nmt", "n_proj_form": "exactly"})
    run([(["Samia", "in", "Nairobi"], [(0, 1), (2, 3)], target, [])], options, translation)
    pairs = 60 * 10 - 45
    into_english = sum(asked[2] == "eng_Latn" and asked[0] == LANG for asked in translation.asked)
    assert into_english == 2 * pairs
    assert max(translation.sizes) == MAX_ITEMS
    assert sum(size == MAX_ITEMS for size in translation.sizes) >= 1


def test_a_score_that_fails_fails_its_sentence_alone() -> None:
    translation = Translation(failing="mjini", model=names_alone)
    other = (["Samia"], [(0, 1)], ["Bi", "Samia", "alifika"], [])
    options = CandidatesMethodOptions.model_validate({"score": "nmt", "n_proj_form": "exactly"})
    first, second = run([NAMES, other], options, translation)
    assert first.fault is not None
    assert "mjini is too long" in first.fault.detail
    assert second.fault is None
    assert [(each.start, each.end) for each in second.segments[0].entities] == [(1, 2)]


def test_a_sentence_without_candidates_has_no_entities() -> None:
    options = CandidatesMethodOptions.model_validate({"score": "nmt"})
    (work,) = run([(["Samia"], [(0, 1)], ["!", "?"], [])], options, Translation())
    assert (work.fault, work.segments[0].entities) == (None, [])


def test_too_many_pairs_fail_their_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MAX_PAIRS", 40)
    options = CandidatesMethodOptions.model_validate({"score": "nmt"})
    small = (["Samia"], [(0, 1)], ["Samia"], [])
    first, second = run([NAMES, small], options, Translation(model=names_alone))
    assert first.fault is not None
    assert "28 candidate spans" in first.fault.detail
    assert [(each.start, each.end) for each in second.segments[0].entities] == [(0, 1)]


def info(pairs: list[tuple[str, str]], languages: list[str]) -> TranslationInfo:
    return TranslationInfo(
        service="translation", version="0", model_version="fake", languages=languages, pairs=pairs, routes={}
    )


@pytest.mark.parametrize(
    ("pairs", "languages"),
    [
        ([], ["swh_Latn", "eng_Latn"]),
        ([("swh_Latn", "eng_Latn"), ("eng_Latn", "swh_Latn")], ["swh_Latn", "eng_Latn"]),
        (
            [("swh_Latn", "fra_Latn"), ("fra_Latn", "eng_Latn"), ("eng_Latn", "swh_Latn")],
            ["swh_Latn", "eng_Latn", "fra_Latn"],
        ),
    ],
)
def test_languages_that_are_served_both_ways_are_taken(pairs: list[tuple[str, str]], languages: list[str]) -> None:
    check_directions("swh_Latn", info(pairs, languages))


@pytest.mark.parametrize("pairs", [[], [("swh_Latn", "eng_Latn")], [("eng_Latn", "swh_Latn")]])
def test_a_direction_that_is_missing_is_named(pairs: list[tuple[str, str]]) -> None:
    languages = ["eng_Latn", *(["swh_Latn"] if pairs else [])]
    with pytest.raises(UnsupportedLanguage, match="from swh_Latn to eng_Latn and back"):
        check_directions("swh_Latn", info(pairs, languages))
