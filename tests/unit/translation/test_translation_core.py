"""Routes, limits, reading and answers: pure functions."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.errors import EmptyText, InvalidText, TextTooLong
from spanbridge_translation.backends.base import Decoded
from spanbridge_translation.core.answers import translation, unchanged
from spanbridge_translation.core.directions import Directions
from spanbridge_translation.core.limits import decoding_limit, length_class
from spanbridge_translation.core.reading import attempt, past_faults, read_text

LANGUAGES = ["bbj_Latn", "deu_Latn", "eng_Latn", "fra_Latn", "swh_Latn"]
PAIRS = st.frozensets(
    st.tuples(st.sampled_from(LANGUAGES), st.sampled_from(LANGUAGES)).filter(lambda pair: pair[0] != pair[1])
)


def directions(pairs: frozenset[tuple[str, str]]) -> Directions:
    return Directions(frozenset(LANGUAGES), pairs)


def test_a_trained_direction_is_one_hop() -> None:
    assert directions(frozenset({("swh_Latn", "eng_Latn")})).route("swh_Latn", "eng_Latn") == ("eng_Latn",)


def test_the_way_back_is_no_way() -> None:
    assert directions(frozenset({("swh_Latn", "eng_Latn")})).route("eng_Latn", "swh_Latn") is None


def test_without_pairs_every_direction_is_one_hop() -> None:
    every = Directions(frozenset(LANGUAGES))
    assert every.route("bbj_Latn", "swh_Latn") == ("swh_Latn",)
    assert every.route("bbj_Latn", "tam_Taml") is None
    assert every.route("eng_Latn", "eng_Latn") is None
    assert every.reached_from("eng_Latn") == ["bbj_Latn", "deu_Latn", "fra_Latn", "swh_Latn"]


@given(PAIRS)
def test_routes_are_shortest_walks_along_pairs(pairs: frozenset[tuple[str, str]]) -> None:
    served = directions(pairs)
    for source, target in itertools.permutations(LANGUAGES, 2):
        route = served.route(source, target)
        between = [each for each in LANGUAGES if each not in (source, target)]
        walks = [
            (*middle, target)
            for length in range(len(between) + 1)
            for middle in itertools.permutations(between, length)
            if set(itertools.pairwise((source, *middle, target))) <= pairs
        ]
        assert (route is None) == (not walks)
        if route is not None:
            assert set(itertools.pairwise((source, *route))) <= pairs
            assert len(route) == min(map(len, walks))


@given(st.integers(1, 2_000), st.integers(1, 500))
def test_limits_depend_on_the_class_and_leave_room(n_tokens: int, longest: int) -> None:
    assert length_class(n_tokens) >= n_tokens
    assert decoding_limit(n_tokens, longest) == decoding_limit(length_class(n_tokens), longest) <= longest
    assert decoding_limit(n_tokens, 10_000) >= 2 * n_tokens


def test_reading_names_both_numbers() -> None:
    with pytest.raises(TextTooLong, match=r"4 sub-words.*at most 3"):
        read_text("a b c d", str.split, longest=3)


def test_nothing_readable_is_empty() -> None:
    with pytest.raises(EmptyText):
        read_text("\u200b", lambda _: [], longest=3)


def test_attempt_and_past_faults_keep_places() -> None:
    found = attempt(lambda text: read_text(text, str.split, longest=9), ["a b", "", "\ud800", "c"])
    assert [type(each) for each in found] == [tuple, EmptyText, InvalidText, tuple]


async def test_past_faults_runs_what_is_fine_in_one_call() -> None:
    calls: list[list[int]] = []

    async def double(fine: list[int]) -> list[int]:
        calls.append(fine)
        return [2 * each for each in fine]

    fault = EmptyText("empty")
    assert await past_faults([1, fault, 3], double) == [2, fault, 6]
    assert await past_faults([fault], double) == [fault]
    assert calls == [[1, 3]]


def test_answers_hold_only_what_was_asked_for() -> None:
    decoded = Decoded(("▁a",), "a", -0.12345678, [[0.3333333]])
    bare = translation([decoded], ["▁b"], ["fra_Latn"], [])
    assert (bare.hypotheses[0].score, bare.hypotheses[0].tokens, bare.source_tokens) == (-0.123457, None, None)
    assert bare.via == ["fra_Latn"]
    full = translation([decoded], ["▁b"], [], ["tokens", "attention"])
    assert (full.hypotheses[0].tokens, full.hypotheses[0].attention) == (["▁a"], [[0.333333]])
    assert full.source_tokens == ["▁b"]


def test_an_unchanged_text_attends_to_itself() -> None:
    answer = unchanged("a  b", ["▁a", "▁b"], ["attention"])
    assert (answer.hypotheses[0].text, answer.hypotheses[0].score) == ("a  b", 0.0)
    assert answer.hypotheses[0].attention == [[1.0, 0.0], [0.0, 1.0]]
