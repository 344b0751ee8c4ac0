import asyncio
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from pydantic import BaseModel
from pydantic_settings import SettingsConfigDict

from spanbridge_shared.errors import ClientLeft, ConfigurationError, DeadlineExceeded, EmptyText, Overloaded
from spanbridge_shared.serving.cache import MemoryCache, NoCache, ResultCache, cache_key, open_cache
from spanbridge_shared.serving.config import ServiceSettings


class Value(BaseModel):
    """What the tests keep."""

    text: str


class Model:
    """Counts what it is asked for, and answers when let."""

    def __init__(self, keys, *, held=False):
        self.keys = keys
        self.calls: list[list[str]] = []
        self.go = asyncio.Event()
        if not held:
            self.go.set()

    async def __call__(self, indices):
        asked = [self.keys[index] for index in indices]
        self.calls.append(asked)
        await self.go.wait()
        return [EmptyText(f"{key} is empty") if key.startswith("bad") else Value(text=key) for key in asked]


@pytest.fixture
def cache():
    return ResultCache(MemoryCache(100, 10_000), Value, service="cache-test")


class _Settings(ServiceSettings):
    """Settings of a service of this name."""

    model_config = SettingsConfigDict(env_prefix="SPANBRIDGE_TEST_")


def settings(cache_url, **fields):
    return _Settings(cache_url=cache_url, **fields)


def reads(outcome):
    return (
        REGISTRY.get_sample_value("spanbridge_cache_reads_total", {"service": "cache-test", "outcome": outcome}) or 0.0
    )


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_longest_unused_entry_makes_room():
    backend = MemoryCache(max_items=2, max_bytes=1_000)
    await backend.set_many({"a": b"1", "b": b"2"})
    await backend.get_many(["a"])
    await backend.set_many({"c": b"3"})
    assert await backend.get_many(["a", "b", "c"]) == [b"1", None, b"3"]


async def test_bytes_are_bounded_and_counted_once():
    backend = MemoryCache(max_items=100, max_bytes=10)
    for _ in range(5):
        await backend.set_many({"a": b"12345"})
    await backend.set_many({"b": b"12345"})
    assert await backend.get_many(["a", "b"]) == [b"12345", b"12345"]
    await backend.set_many({"c": b"1"})
    assert await backend.get_many(["a", "b", "c"]) == [None, b"12345", b"1"]


async def test_a_value_above_the_limit_pushes_nothing_out():
    """Regression: it emptied the whole cache before it was dropped itself."""
    backend = MemoryCache(max_items=100, max_bytes=10)
    await backend.set_many({"a": b"1", "b": b"2"})
    await backend.set_many({"b": b"x" * 11, "c": b"x" * 11})
    assert await backend.get_many(["a", "b", "c"]) == [b"1", None, None]


async def test_urls_name_backends():
    assert isinstance(open_cache(settings("memory://"), service="test"), MemoryCache)
    nothing = open_cache(settings("none://"), service="test")
    assert isinstance(nothing, NoCache)
    await nothing.set_many({"a": b"1"})
    assert await nothing.get_many(["a", "b"]) == [None, None]
    with pytest.raises(ConfigurationError, match=r"SPANBRIDGE_TEST_CACHE_URL: .*'memcached'"):
        open_cache(settings("memcached://x"), service="test")


async def test_only_what_is_missing_is_computed_and_order_is_kept(cache):
    first = Model(["a", "c"])
    await cache.get_or_compute(first.keys, first)
    hits, misses = reads("hit"), reads("miss")
    second = Model(["b", "a", "d", "c"])
    answers = await cache.get_or_compute(second.keys, second)
    assert second.calls == [["b", "d"]]
    assert [answer.value.text for answer in answers] == second.keys
    assert [answer.cached for answer in answers] == [False, True, False, True]
    assert (reads("hit") - hits, reads("miss") - misses) == (2, 2)


async def test_duplicates_of_a_batch_are_computed_once(cache):
    model = Model(["a", "b", "a", "a"])
    answers = await cache.get_or_compute(model.keys, model)
    assert model.calls == [["a", "b"]]
    assert [answer.value.text for answer in answers] == model.keys


async def test_errors_are_given_but_never_kept(cache):
    for _ in range(2):
        model = Model(["bad", "a"])
        answers = await cache.get_or_compute(model.keys, model)
        assert isinstance(answers[0].value, EmptyText)
        assert answers[1].value == Value(text="a")
        assert "bad" in model.calls[0]


async def test_an_empty_batch_computes_nothing(cache):
    model = Model([])
    assert await cache.get_or_compute([], model) == []
    assert model.calls == []


@pytest.mark.parametrize("pause", [0, 1, 5])
async def test_requests_at_the_same_time_compute_a_key_once(cache, pause):
    """Regression: two requests in one turn of the loop both computed, and the second died of a KeyError."""
    models = [Model(["a", "b"]), Model(["b", "c"]), Model(["a", "c"])]
    tasks = []
    for model in models:
        tasks.append(asyncio.create_task(cache.get_or_compute(model.keys, model)))
        for _ in range(pause):
            await asyncio.sleep(0)
    answers = await asyncio.gather(*tasks)
    assert sorted(key for model in models for call in model.calls for key in call) == ["a", "b", "c"]
    assert [[answer.value.text for answer in each] for each in answers] == [model.keys for model in models]
    assert cache._flights._flying == {}


async def test_the_one_who_computes_may_leave(cache):
    model, never = Model(["a"], held=True), Model(["a"])
    leaver = asyncio.create_task(cache.get_or_compute(["a"], model))
    waiter = asyncio.create_task(cache.get_or_compute(["a"], never))
    await settle()
    leaver.cancel()
    await settle()
    assert leaver.cancelled()
    model.go.set()
    assert (await waiter)[0].value == Value(text="a")
    assert never.calls == []
    assert (await cache.get_or_compute(["a"], never))[0].cached


async def test_one_who_waits_may_leave(cache):
    model = Model(["a"], held=True)
    computer = asyncio.create_task(cache.get_or_compute(["a"], model))
    await settle()
    leaver = asyncio.create_task(cache.get_or_compute(["a"], model))
    await settle()
    leaver.cancel()
    model.go.set()
    assert (await computer)[0].value == Value(text="a")


async def test_a_failure_reaches_both_and_is_forgotten(cache):
    async def fail(_):
        await asyncio.sleep(0)
        raise Overloaded("full", retry_after=3)

    never = Model(["a"])
    results = await asyncio.gather(
        cache.get_or_compute(["a"], fail), cache.get_or_compute(["a"], never), return_exceptions=True
    )
    assert [type(each) for each in results] == [Overloaded, Overloaded]
    assert never.calls == []
    assert (await cache.get_or_compute(["a"], never))[0].value == Value(text="a")


async def test_too_few_answers_are_a_failure_not_a_hang(cache):
    async def lazy(_):
        return []

    with pytest.raises(ValueError, match="shorter"):
        await cache.get_or_compute(["a"], lazy)
    assert cache._flights._flying == {}


async def test_an_entry_of_another_shape_is_a_miss():
    """Regression: what another release wrote ended in a 500."""
    backend = MemoryCache(10, 1_000)
    await backend.set_many({"a": b'{"words": 1}', "b": b"\xff"})
    model = Model(["a", "b"])
    answers = await ResultCache(backend, Value, service="cache-test").get_or_compute(model.keys, model)
    assert [answer.value.text for answer in answers] == ["a", "b"]
    assert not any(answer.cached for answer in answers)


PARTS = st.recursive(st.text() | st.integers() | st.booleans() | st.none(), lambda each: st.lists(each, max_size=3))


@given(st.lists(PARTS, max_size=4), st.lists(PARTS, max_size=4))
def test_keys_differ_when_any_part_does(first, second):
    same = unicodedata.normalize("NFC", json.dumps(first, ensure_ascii=False)) == unicodedata.normalize(
        "NFC", json.dumps(second, ensure_ascii=False)
    )
    assert (cache_key(*first) == cache_key(*second)) == same


@pytest.mark.parametrize(
    "parts", [("v2", "a", 1), ("v1", "b", 1), ("v1", "a", 2), ("v1", "a"), ("v1a", "", 1), ("v1", "a", "1")]
)
def test_each_part_counts(parts):
    assert cache_key(*parts) != cache_key("v1", "a", 1)


def test_keys_are_stable_and_normal():
    assert cache_key("v", "e\u0301", {"b": 1, "a": 2}) == cache_key("v", "\u00e9", {"a": 2, "b": 1})
    assert cache_key("v", ["a", "\u0301"]) != cache_key("v", ["\u00e1"])
    assert cache_key("v", "\ud800") != cache_key("v", "\ufffd")
    assert cache_key("v1", "text") == "87b1dc21b3a1eed46c324d1041a2d70d687012b8cf32fce55eb6f9057439097a"


def test_absurd_runs_of_marks_have_a_key_of_their_own():
    """Regression: putting 20,000 marks in order held the event loop for a second."""
    run = "a" + "\u0301\u0323" * 10_000
    assert cache_key(run) == cache_key(run) != cache_key(run + "\u0301")


@pytest.mark.parametrize("fault", [DeadlineExceeded, ClientLeft])
async def test_one_whose_request_gave_up_leaves_the_work_to_those_who_wait(cache, fault):
    """Regression: another request's deadline was told to all who waited for the same sentence."""
    started, go = asyncio.Event(), asyncio.Event()

    async def gives_up(indices):
        started.set()
        await go.wait()
        raise fault("its time is over")

    first = asyncio.create_task(cache.get_or_compute(["a", "b"], gives_up))
    await started.wait()
    model = Model(["b", "c"])
    second = asyncio.create_task(cache.get_or_compute(["b", "c"], model))
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(fault):
        await first
    assert [each.value for each in await second] == [Value(text="b"), Value(text="c")]
    assert sorted(model.calls) == [["b"], ["c"]]


async def test_what_is_not_worth_keeping_is_given_but_not_kept():
    cache = ResultCache(MemoryCache(100, 10_000), Value, service="cache-test", keep=lambda each: each.text != "b")
    model = Model(["a", "b"])
    for _ in range(2):
        assert [each.value for each in await cache.get_or_compute(["a", "b"], model)] == [
            Value(text="a"),
            Value(text="b"),
        ]
    assert model.calls == [["a", "b"], ["b"]]
