"""The engine: what is computed, how often, and that no answer depends on its company."""

import asyncio
import threading

import numpy as np
import pytest

from spanbridge_alignment.backends.stub import StubEncoder
from spanbridge_alignment.core.methods import OPTIONS_READ
from spanbridge_alignment.engine import AlignmentEngine
from spanbridge_alignment.settings import AlignmentSettings, BackendKind
from spanbridge_shared.contracts.alignment import AlignMethod, AlignOptions, AlignRequest
from spanbridge_shared.errors import ConfigurationError, NotReady, Overloaded, PayloadTooLarge, UnknownLanguage
from spanbridge_shared.serving.cache import MemoryCache

PAIRS = [
    {"source_tokens": ["President", "Samia", "visited", "Nairobi"], "target_tokens": ["Rais", "Samia", "Nairobi"]},
    {"source_tokens": ["Nairobi"], "target_tokens": ["mjini", "Nairobi"]},
    {"source_tokens": ["word"] * 90 + ["Kampala"], "target_tokens": ["Kampala"] + ["neno"] * 100},
]
ATTENTIONS = [[[0.5, 0.25, 0.25], [0, 0.75, 0], [0.5, 0, 0.25], [0, 0.25, 0.5]], [[0.25, 0.75]], [[0.5] * 101] * 91]
ATTENDED = [{**pair, "attention": seen} for pair, seen in zip(PAIRS, ATTENTIONS, strict=True)]
OTHER_OPTIONS = {
    "one_sided_weight": 0.1, "one_sided_similarity": 0.9, "itermax_rounds": 3, "itermax_discount": 0.2,
    "softmax_threshold": 0.9, "attention_threshold": 0.3, "weight_attention": 0.5, "weight_names": 0.5,
    "weight_position": 0.5, "weight_neighbours": 0.5, "fused_rounds": 2, "fused_temperature": 0.5,
    "fused_threshold": 0.9, "fused_certain": 0.9,
}  # fmt: skip


class CountingStub(StubEncoder):
    def __init__(self):
        self.encoded = []

    def encode(self, windows):
        self.encoded += [each.tobytes() for each in windows]
        assert len({len(each) for each in windows}) == 1
        return super().encode(windows)


class HeldStub(StubEncoder):
    """Says that it was called, and waits for its gate once `held`."""

    held = False

    def __init__(self):
        super().__init__()
        self.entered, self.gate = threading.Event(), threading.Event()

    def encode(self, windows):
        if self.held:
            self.entered.set()
            self.gate.wait(10)
        return super().encode(windows)


def make(backend=None, **settings):
    settings = AlignmentSettings(backend=BackendKind.STUB, **settings)
    cache = MemoryCache(99, 10**7)
    return AlignmentEngine(settings, lambda: backend or StubEncoder(), cache)


@pytest.fixture
async def engine():
    backend = CountingStub()
    made = make(backend)
    await made.start()
    backend.encoded.clear()
    yield made, backend
    await made.stop()


def request(pairs, **fields):
    return AlignRequest.model_validate({"pairs": pairs, **fields})


@pytest.mark.parametrize("method", list(AlignMethod))
async def test_batch_equals_single(method):
    batch, single = make(max_batch_tokens=64), make()
    await batch.start()
    await single.start()
    include = ["similarity"]
    together = await batch.align(request(ATTENDED, method=method, include=include))
    alone = [await single.align(request([pair], method=method, include=include)) for pair in ATTENDED]
    assert together.alignments == [each.alignments[0] for each in alone]
    assert all(each.links for each in together.alignments)
    await batch.stop()
    await single.stop()


async def test_duplicates_are_computed_once(engine):
    made, backend = engine
    pairs = [PAIRS[0], PAIRS[0], {**PAIRS[0], "target_tokens": ["Samia"]}]
    answer = await made.align(request(pairs))
    assert answer.alignments[0] == answer.alignments[1]
    assert len(backend.encoded) == len(set(backend.encoded)) == 3


async def test_a_second_request_is_answered_from_the_cache(engine):
    made, backend = engine
    first = await made.align(request(PAIRS[:2]))
    backend.encoded.clear()
    second = await made.align(request(PAIRS[:2]))
    assert not backend.encoded
    assert [each.cached for each in first.alignments] == [False, False]
    assert [each.cached for each in second.alignments] == [True, True]
    assert [each.links for each in first.alignments] == [each.links for each in second.alignments]


@pytest.mark.parametrize("method", list(AlignMethod))
async def test_only_options_that_the_method_reads_make_another_cache_entry(engine, method):
    made, _ = engine
    pairs = ATTENDED[:1]
    await made.align(request(pairs, method=method))
    assert OTHER_OPTIONS.keys() == AlignOptions.model_fields.keys()
    for option, value in OTHER_OPTIONS.items():
        answer = await made.align(request(pairs, method=method, options={option: value}))
        assert answer.alignments[0].cached is (option not in OPTIONS_READ[method]), option


def test_every_option_is_read_by_a_method():
    assert set().union(*OPTIONS_READ.values()) == set(AlignOptions.model_fields)


@pytest.mark.parametrize("method", list(AlignMethod))
async def test_only_attention_that_the_method_reads_makes_another_cache_entry(engine, method):
    made, _ = engine
    options = {"weight_attention": 5}
    first = await made.align(request(ATTENDED[:1], method=method, options=options))
    other = {**PAIRS[0], "attention": ATTENTIONS[0][::-1]}
    second = await made.align(request([other], method=method, options=options))
    read = method in (AlignMethod.ATTENTION, AlignMethod.FUSED)
    assert second.alignments[0].cached is not read
    assert (first.alignments[0].links == second.alignments[0].links) is not read
    assert (await made.align(request(ATTENDED[:1], method=method, options=options))).alignments[0].cached


async def test_attention_without_weight_is_neither_read_nor_part_of_the_key(engine):
    made, _ = engine
    bad = {**PAIRS[0], "attention": [[2.0]]}
    options = {"weight_attention": 0}
    first = await made.align(request(PAIRS[:1], method="fused", options=options))
    second = await made.align(request([bad], method="fused", options=options))
    assert second.alignments[0].cached
    assert first.alignments[0].links == second.alignments[0].links


async def test_links_by_attention_need_no_encoder(engine):
    made, backend = engine
    answer = await made.align(request(ATTENDED[:1], method="attention"))
    assert not backend.encoded
    assert answer.alignments[0].links == [(0, 0, 1.0), (1, 1, 1.0), (2, 0, 0.4), (3, 2, 1.0)]
    assert answer.alignments[0].similarity is None
    shown = await made.align(request(ATTENDED[:1], method="attention", include=["similarity"]))
    assert backend.encoded
    assert shown.alignments[0].links == answer.alignments[0].links
    assert np.array(shown.alignments[0].similarity).shape == (4, 3)


@pytest.mark.parametrize("method", ["attention", "fused"])
async def test_a_pair_whose_attention_does_not_fit_fails_alone(engine, method):
    made, _ = engine
    short = {**PAIRS[0], "attention": ATTENTIONS[0][:3]}
    large = {**PAIRS[1], "attention": [[0.5, 1.5]]}
    first, *bad, last = (await made.align(request([ATTENDED[0], short, large, ATTENDED[1]], method=method))).alignments
    assert [each.error.error for each in bad] == ["InvalidAttention"] * 2
    assert [each.links for each in bad] == [[], []]
    assert first.links
    assert last.links


async def test_a_pair_without_attention_fails_alone_where_the_method_needs_it(engine):
    made, _ = engine
    good, bad = (await made.align(request([ATTENDED[0], PAIRS[0]], method="attention"))).alignments
    assert good.links
    assert (bad.error.error, bad.links) == ("InvalidAttention", [])
    assert "no attention" in bad.error.detail
    both = (await made.align(request([ATTENDED[0], PAIRS[0]], method="fused"))).alignments
    assert all(each.links for each in both)


async def test_canonically_equal_text_gives_the_same_links_with_and_without_the_cache(engine):
    made, _ = engine
    composed = {
        "source_tokens": ["caf\u00e9", "b"],
        "target_tokens": ["cafe", "b"],
    }
    decomposed = {"source_tokens": ["cafe\u0301", "b"], "target_tokens": ["cafe", "b"]}
    fresh = make()
    await fresh.start()
    first = await made.align(request([composed], include=["similarity"]))
    other = await fresh.align(request([decomposed], include=["similarity"]))
    assert first.alignments == other.alignments
    await fresh.stop()


async def test_similarity_has_a_row_per_source_token(engine):
    made, _ = engine
    answer = await made.align(request(PAIRS[:1], include=["similarity"]))
    matrix = np.array(answer.alignments[0].similarity)
    assert matrix.shape == (4, 3)
    assert np.array_equal(matrix, matrix.round(6))
    assert (await made.align(request(PAIRS[:1]))).alignments[0].similarity is None


async def test_large_requests_are_encoded_in_parts(engine, monkeypatch):
    made, _ = engine
    whole = await made.align(request(PAIRS))
    monkeypatch.setattr("spanbridge_alignment.engine._PART_PIECES", 40)
    parts = make()
    await parts.start()
    assert (await parts.align(request(PAIRS))).alignments == whole.alignments
    await parts.stop()


async def test_a_pair_with_too_many_cells_fails_alone():
    made = make(max_cells=30)
    await made.start()
    answer = await made.align(request([PAIRS[2], PAIRS[1]]))
    assert answer.alignments[0].error.error == "TextTooLong"
    assert answer.alignments[1].links
    # Few words, many sub-words: only softmax makes a matrix of them.
    long = {"source_tokens": ["internationalisation"], "target_tokens": ["internationalisation"]}
    assert (await made.align(request([long], method="argmax"))).alignments[0].links
    assert (await made.align(request([long], method="softmax"))).alignments[0].error.error == "TextTooLong"
    await made.stop()


async def test_matrices_that_would_not_fit_an_answer_are_refused():
    made = make(max_cells=20)
    await made.start()
    with pytest.raises(PayloadTooLarge, match="24 numbers"):
        await made.align(request([PAIRS[0], {**PAIRS[0], "target_tokens": ["a", "b", "c"]}], include=["similarity"]))
    await made.stop()


async def test_a_full_queue_refuses_and_the_next_request_succeeds():
    backend = HeldStub()
    made = make(backend, max_queue=3)
    await made.start()
    backend.held = True
    first = asyncio.create_task(made.align(request(PAIRS[2:3])))
    await asyncio.to_thread(backend.entered.wait, 10)
    with pytest.raises(Overloaded):
        await made.align(request(PAIRS[:2]))
    backend.gate.set()
    assert (await first).alignments[0].links
    answer = await made.align(request(PAIRS[1:2]))
    assert answer.alignments[0].links
    await made.stop()


async def test_unknown_languages_are_refused_and_any_flores_code_is_taken(engine):
    made, _ = engine
    with pytest.raises(UnknownLanguage):
        await made.align(request(PAIRS[:1], target_lang="klingon"))
    answer = await made.align(request(PAIRS[:1], source_lang="eng_Latn", target_lang="ewe_Latn"))
    assert answer.alignments[0].error is None


async def test_nothing_is_served_before_start_and_after_stop():
    made = make()
    for _ in range(2):
        with pytest.raises(NotReady):
            await made.align(request(PAIRS[:1]))
        with pytest.raises(NotReady):
            made.info()
        await made.start()
        assert made.info().model_version == "stub-1"
        await made.stop()


async def test_concurrent_requests_get_their_own_answers(engine):
    made, _ = engine
    alone = [(await make_and_align(pair)) for pair in PAIRS]
    together = await asyncio.gather(*(made.align(request([pair])) for pair in PAIRS))
    assert [each.alignments[0].links for each in together] == alone


async def make_and_align(pair):
    made = make()
    await made.start()
    answer = await made.align(request([pair]))
    await made.stop()
    return answer.alignments[0].links


def test_a_wrong_setting_is_named(monkeypatch):
    from spanbridge_alignment.app import create_app

    monkeypatch.setenv("SPANBRIDGE_ALIGNMENT_BACKEND", "magic")
    with pytest.raises(ConfigurationError, match="SPANBRIDGE_ALIGNMENT_BACKEND"):
        create_app()
