"""The engine over the stub: what is computed, how often, and which way."""

import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from spanbridge_shared.contracts.translation import ScoreRequest, TranslateRequest
from spanbridge_shared.errors import InvalidRequest, NotReady, UnknownLanguage, UnsupportedLanguage
from spanbridge_translation.backends.base import Decoded, Decoding
from spanbridge_translation.backends.stub import StubBackend
from spanbridge_translation.core.directions import Directions
from spanbridge_translation.engine import TranslationEngine
from spanbridge_translation.settings import TranslationSettings

PAIRS = frozenset({("bbj_Latn", "fra_Latn"), ("fra_Latn", "eng_Latn"), ("swh_Latn", "eng_Latn")})
LANGUAGES = frozenset({"bbj_Latn", "fra_Latn", "swh_Latn", "eng_Latn"})


class Recorder(StubBackend):
    """The stub, telling what it was asked; a word in `lost` translates into nothing."""

    def __init__(self, *, max_tokens: int = 512, lost: str = "") -> None:
        super().__init__(Directions(LANGUAGES, PAIRS), max_tokens=max_tokens)
        self.asked: list[tuple[Decoding, list[tuple[str, ...]]]] = []
        self.lost = lost

    def translate(self, decoding: Decoding, sources: Sequence[Sequence[str]]) -> list[list[Decoded]]:
        self.asked.append((decoding, [tuple(source) for source in sources]))
        found = super().translate(decoding, sources)
        return [[Decoded((), "", -1.0)] if self.lost and each[0].text == self.lost else each for each in found]


@asynccontextmanager
async def started(model: StubBackend, **settings: object) -> AsyncIterator[TranslationEngine]:
    engine = TranslationEngine(TranslationSettings.model_validate(settings), lambda: model)
    await engine.start()
    model.calls = 0
    try:
        yield engine
    finally:
        await engine.stop()


def asking(texts: list[str], source: str = "swh_Latn", target: str = "eng_Latn", **more: object) -> TranslateRequest:
    return TranslateRequest.model_validate({"texts": texts, "source_lang": source, "target_lang": target} | more)


async def test_duplicates_are_computed_once_and_then_cached() -> None:
    model = Recorder()
    async with started(model) as engine:
        first = await engine.translate(asking(["Habari", "Nairobi", "Habari"]))
        assert model.asked[-1][1] == [("▁Habari",), ("▁Nairobi",)] or len(model.asked[-1][1]) == 2
        assert [each.cached for each in first.translations] == [False, False, False]
        calls = model.calls
        again = await engine.translate(asking(["Nairobi", "Habari"]))
        assert model.calls == calls
        assert [each.cached for each in again.translations] == [True, True]
        assert [each.hypotheses for each in again.translations] == [
            first.translations[1].hypotheses,
            first.translations[0].hypotheses,
        ]


async def test_texts_that_differ_in_normalisation_share_an_answer() -> None:
    model = Recorder()
    async with started(model) as engine:
        await engine.translate(asking(["caf\u00e9"]))
        assert (await engine.translate(asking(["cafe\u0301"]))).translations[0].cached


@pytest.mark.parametrize(
    "change",
    [{"beam": 2}, {"num_hypotheses": 2}, {"include": ["tokens"]}, {"source_lang": "fra_Latn"}],
)
async def test_another_option_is_another_answer(change: dict[str, object]) -> None:
    async with started(Recorder()) as engine:
        await engine.translate(asking(["Habari"]))
        assert not (await engine.translate(asking(["Habari"], **change))).translations[0].cached


async def test_the_order_of_include_does_not_matter() -> None:
    async with started(Recorder()) as engine:
        await engine.translate(asking(["Habari"], include=["tokens", "attention"]))
        assert (await engine.translate(asking(["Habari"], include=["attention", "tokens"]))).translations[0].cached


async def test_a_batch_of_64_like_sentences_is_one_call() -> None:
    model = Recorder()
    async with started(model, max_batch_tokens=4_096) as engine:
        await engine.translate(asking([f"sentence number {place}" for place in range(64)]))
        assert model.calls == 1


async def test_no_call_mixes_length_classes() -> None:
    model = Recorder()
    async with started(model, max_batch_tokens=100_000) as engine:
        answer = await engine.translate(asking(["a " * size for size in (1, 32, 33, 64, 100)]))
        assert model.calls == 3
        limits = {decoding.max_tokens: {len(each) for each in sources} for decoding, sources in model.asked[-3:]}
        assert limits == {64: {1, 32}, 128: {33, 64}, 256: {100}}
        assert [len(each.hypotheses[0].text.split()) for each in answer.translations] == [1, 32, 33, 64, 100]


async def test_batch_equals_single() -> None:
    texts = [f"word{place} " * (place + 1) for place in range(40)]
    async with started(Recorder(), cache_url="none://", max_batch_tokens=300) as engine:
        batch = await engine.translate(asking(texts, include=["tokens", "attention"]))
        single = [
            (await engine.translate(asking([text], include=["tokens", "attention"]))).translations[0] for text in texts
        ]
        assert batch.translations == single


async def test_a_pivot_is_found_named_and_passed() -> None:
    model = Recorder()
    async with started(model) as engine:
        answer = await engine.translate(asking(["Pʉə bɛ́"], "bbj", num_hypotheses=2, include=["tokens", "attention"]))
        hops = [
            (decoding.source, decoding.target, decoding.num_hypotheses, decoding.attention)
            for decoding, _ in model.asked[-2:]
        ]
        assert hops == [("bbj_Latn", "fra_Latn", 1, False), ("fra_Latn", "eng_Latn", 2, True)]
        (translation,) = answer.translations
        assert (translation.via, len(translation.hypotheses)) == (["fra_Latn"], 2)
        assert translation.source_tokens == ["▁Pʉə", "▁bɛ́"]
        assert engine.info().routes == {
            "bbj_Latn": ["fra_Latn", "eng_Latn"],
            "fra_Latn": ["eng_Latn"],
            "swh_Latn": ["eng_Latn"],
        }


async def test_a_text_lost_on_the_way_fails_alone() -> None:
    async with started(Recorder(lost="gone")) as engine:
        answer = await engine.translate(asking(["gone", "here"], "bbj_Latn"))
        assert answer.translations[0].error is not None
        assert answer.translations[0].error.error == "EmptyText"
        assert "fra_Latn" in answer.translations[0].error.detail
        assert answer.translations[1].hypotheses[0].text == "here"


async def test_bad_texts_fail_alone_and_are_not_cached() -> None:
    async with started(Recorder(max_tokens=3)) as engine:
        answer = await engine.translate(asking(["fine", "", "a b c d", "\ud800", "nul\0", "x" * 20_001]))
        kinds = [each.error.error if each.error else None for each in answer.translations]
        assert kinds == [None, "EmptyText", "TextTooLong", "InvalidText", "InvalidText", "TextTooLong"]
        assert "4" in answer.translations[2].error.detail  # type: ignore[union-attr]
        assert "3" in answer.translations[2].error.detail  # type: ignore[union-attr]
        assert all(not each.cached for each in (await engine.translate(asking([""]))).translations)


async def test_one_language_on_both_sides_comes_back_unchanged() -> None:
    model = Recorder(max_tokens=2)
    async with started(model) as engine:
        text = "  three   words here "
        answer = await engine.translate(asking([text, ""], "eng_Latn", "en"))
        assert answer.translations[0].hypotheses[0].text == text
        assert (answer.translations[0].hypotheses[0].score, answer.translations[0].via) == (0.0, [])
        assert answer.translations[1].error is not None
        assert (await engine.translate(asking(["வணக்கம்"], "tam", "tam"))).translations[0].hypotheses[0].text == "வணக்கம்"
        assert model.calls == 0


async def test_languages_and_counts_that_do_not_fit_are_refused() -> None:
    async with started(Recorder()) as engine:
        with pytest.raises(UnknownLanguage, match="swh_Latn"):
            await engine.translate(asking(["a"], "swahili_"))
        with pytest.raises(UnsupportedLanguage, match=r"tam_Taml.*bbj_Latn, eng_Latn, fra_Latn, swh_Latn"):
            await engine.translate(asking(["a"], "tam_Taml"))
        with pytest.raises(UnsupportedLanguage, match="no way leads from eng_Latn to swh_Latn"):
            await engine.translate(asking(["a"], "eng_Latn", "swh_Latn"))
        with pytest.raises(InvalidRequest, match="num_hypotheses"):
            await engine.translate(asking(["a"], beam=2, num_hypotheses=3))
        with pytest.raises(InvalidRequest, match="2 sources and 1 targets"):
            await engine.score(ScoreRequest(sources=["a", "b"], targets=["a"], source_lang="sw"))


async def test_scores_count_the_end_token_and_are_cached() -> None:
    async with started(Recorder()) as engine:
        request = ScoreRequest(sources=["a b", "a", "", "a"], targets=["a c", "", "a", "a"], source_lang="sw")
        answer = await engine.score(request)
        assert [each.score for each in answer.scores] == [-0.5, None, None, 0.0]
        assert [each.tokens for each in answer.scores] == [3, 0, 0, 2]
        assert [each.error.error if each.error else None for each in answer.scores] == [
            None,
            "EmptyText",
            "EmptyText",
            None,
        ]
        assert [each.cached for each in (await engine.score(request)).scores] == [True, False, False, True]


async def test_prefixes_are_bounded_by_the_same_call_and_cached() -> None:
    model = Recorder()
    async with started(model) as engine:
        asked = ScoreRequest(
            sources=["a b", "a b"],
            targets=["a c b", "a c"],
            prefixes=[["a", "a c", "a c b", "c", "", "\ud800", "a c b d"], []],
            source_lang="sw",
        )
        first, second = (await engine.score(asked)).scores
        assert model.calls == 1
        # a: 0 of 2 tokens; a c: -1 of 3; a c b: -1 of 4, its end left out.
        assert first.bounds == [0.0, -0.333333, -0.25, None, None, None, None]
        assert second.bounds == []
        for prefix, bound in zip(["a", "a c", "a c b"], first.bounds, strict=False):
            own = (await engine.score(ScoreRequest(sources=["a b"], targets=[prefix], source_lang="sw"))).scores[0]
            assert own.score is not None
            assert bound is not None
            assert own.score <= bound
        again = (await engine.score(asked)).scores[0]
        assert (again.cached, again.bounds) == (True, first.bounds)


async def test_prefixes_of_another_number_are_refused() -> None:
    async with started(Recorder()) as engine:
        with pytest.raises(InvalidRequest, match="prefixes of 2 targets and 1 targets"):
            await engine.score(ScoreRequest(sources=["a"], targets=["a"], prefixes=[[], []], source_lang="sw"))


async def test_scores_do_not_push_translations_out_of_the_cache() -> None:
    async with started(Recorder(), cache_items=10) as engine:
        await engine.translate(asking(["Habari"]))
        words = [f"word{number}" for number in range(50)]
        await engine.score(ScoreRequest(sources=words, targets=words, source_lang="sw"))
        assert (await engine.translate(asking(["Habari"]))).translations[0].cached


async def test_a_source_crosses_the_pivot_once_for_all_its_targets() -> None:
    model = Recorder()
    async with started(model) as engine:
        targets = [f"word{number}" for number in range(9)]
        await engine.score(ScoreRequest(sources=["a"] * 9, targets=targets, source_lang="bbj_Latn"))
        assert model.asked[-1][1] == [("▁a",)]


async def test_scoring_takes_the_pivot_and_one_language_on_both_sides() -> None:
    model = Recorder()
    async with started(model) as engine:
        await engine.score(ScoreRequest(sources=["a"], targets=["a"], source_lang="bbj_Latn"))
        assert (model.asked[-1][0].source, model.asked[-1][0].target, model.calls) == ("bbj_Latn", "fra_Latn", 2)
        itself = await engine.score(ScoreRequest(sources=["a"], targets=["a"], source_lang="sw", target_lang="swa"))
        assert (itself.scores[0].score, model.calls) == (0.0, 3)


async def test_before_start_and_after_stop_it_is_not_ready() -> None:
    engine = TranslationEngine(TranslationSettings(), StubBackend)
    with pytest.raises(NotReady):
        await engine.translate(asking(["a"]))
    await engine.start()
    await engine.stop()
    with pytest.raises(NotReady):
        engine.info()


async def test_the_stub_serves_every_language_directly() -> None:
    async with started(StubBackend()) as engine:
        info = engine.info()
        assert info.pairs == []
        assert len(info.languages) > 200
        assert info.routes["bbj_Latn"] == ["eng_Latn"]
        assert "eng_Latn" not in info.routes


async def test_an_unchanged_text_costs_no_square_of_its_length() -> None:
    words = " ".join(["neno"] * 4_000)  # 16 million numbers, were attention computed; a 20,000-letter word took 3 GB.
    async with started(Recorder(max_tokens=100)) as engine:
        tracemalloc.start()
        answer = await engine.translate(asking([words], source="eng_Latn"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert answer.translations[0].hypotheses[0].text == words
        assert peak < 20_000_000
        asked = await engine.translate(asking([words, "Habari"], source="eng_Latn", include=["attention"]))
        assert asked.translations[0].error is not None
        assert asked.translations[0].error.error == "TextTooLong"
        assert asked.translations[1].hypotheses[0].attention == [[1.0]]
