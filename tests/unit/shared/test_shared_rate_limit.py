"""Buckets of sentences: in memory and in Redis alike, shared among gateways, and without Redis for each by itself."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.serving.rate_limit import Allowance, MemoryBuckets, Rate, RedisBuckets, open_buckets
from spanbridge_shared.serving.throughput import Throughput
from tests.support.redis_server import redis_server


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


async def test_a_bucket_empties_and_fills(clock):
    buckets = MemoryBuckets(clock)
    rate = Rate(2, 10)
    assert (await buckets.take("a", rate, 4)).tokens == 6
    assert (await buckets.take("a", rate, 6)).tokens == 0
    refused = await buckets.take("a", rate, 5)
    assert (refused.granted, refused.retry_after) == (False, 3)
    assert (await buckets.take("b", rate, 10)).granted
    clock.now += 2.4
    assert not (await buckets.take("a", rate, 5)).granted
    clock.now += 0.1
    assert (await buckets.take("a", rate, 5)).tokens == pytest.approx(0)
    clock.now += 99
    assert (await buckets.take("a", rate, 1)).tokens == 9


async def test_what_is_larger_than_a_bucket_is_served_and_waited_for(clock):
    buckets = MemoryBuckets(clock)
    rate = Rate(2, 10)
    await buckets.take("a", rate, 1)
    early = await buckets.take("a", rate, 100)
    assert (early.granted, early.retry_after) == (False, 1)
    clock.now += 0.5
    large = await buckets.take("a", rate, 100)
    assert (large.granted, large.tokens) == (True, -90)
    assert large.headers() == {"ratelimit-limit": "10", "ratelimit-remaining": "0", "ratelimit-reset": "50"}
    refused = await buckets.take("a", rate, 1)
    assert (refused.granted, refused.retry_after) == (False, 46)
    assert (await buckets.take("a", rate, 5, force=True)).tokens == -95


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 300)), max_size=30), st.floats(0.1, 50), st.floats(1, 200))
def test_over_any_time_no_more_than_rate_and_burst_and_one_request_pass(asked, per_second, burst):
    async def run():
        clock, passed, largest = Clock(), 0, 0
        buckets, rate = MemoryBuckets(clock), Rate(per_second, burst)
        start = clock.now
        for pause, sentences in asked:
            clock.now += pause
            allowance = await buckets.take("a", rate, sentences)
            if allowance.granted:
                passed += sentences
                largest = max(largest, sentences)
            else:
                # Who comes back when told to is let in.
                clock.now += allowance.retry_after
                assert (await buckets.take("a", rate, sentences)).granted
                passed += sentences
                largest = max(largest, sentences)
        assert passed <= burst + per_second * (clock.now - start) + largest + 1e-6

    asyncio.run(run())


async def test_gateways_share_buckets_in_redis(tmp_path):
    with redis_server(tmp_path) as server:
        one, other = open_buckets(server.url), open_buckets(server.url)
        rate = Rate(0.01, 10)
        taken = await asyncio.gather(*(each.take("a", rate, 1) for each in (one, other) for _ in range(8)))
        assert sum(each.granted for each in taken) == 10
        refused = await one.take("a", rate, 3)
        assert not refused.granted
        assert 290 <= refused.retry_after <= 301
        assert refused.headers()["ratelimit-remaining"] == "0"
        assert (await one.take("b", rate, 50)).tokens == pytest.approx(-40, abs=0.1)
        assert (await one.take("b", rate, 1, force=True)).granted
        assert not (await other.take("b", rate, 1)).granted
        with server.client() as client:
            assert 0 < client.pttl("spanbridge:rate:b") <= 5_200_000
        await one.close()
        await other.close()


async def test_many_requests_at_once_share_a_few_connections(tmp_path):
    """Regression: each request of a burst opened a connection, up to what the process or Redis may have."""
    with redis_server(tmp_path) as server:
        buckets, rate = open_buckets(server.url), Rate(0.01, 150)
        taken = await asyncio.gather(*(buckets.take("a", rate, 1) for _ in range(200)))
        assert sum(each.granted for each in taken) == 150
        with server.client() as client:
            assert client.info("clients")["connected_clients"] <= 33
        await buckets.close()


async def test_a_bucket_in_redis_fills_with_time(tmp_path):
    with redis_server(tmp_path) as server:
        buckets = open_buckets(server.url)
        rate = Rate(50, 2)
        assert (await buckets.take("a", rate, 2)).granted
        assert not (await buckets.take("a", Rate(0.001, 2), 2)).granted
        await asyncio.sleep(0.1)
        assert (await buckets.take("a", rate, 2)).granted
        await buckets.close()


async def test_without_redis_each_gateway_counts_by_itself_and_nothing_fails(tmp_path, monkeypatch):
    with redis_server(tmp_path) as server:
        buckets = RedisBuckets(server.url, MemoryBuckets())
        rate = Rate(0.01, 5)
        assert (await buckets.take("a", rate, 5)).granted
        server.kill()
        assert [(await buckets.take("a", rate, 3)).granted for _ in range(2)] == [True, False]
        server.start()
        assert not (await buckets.take("a", rate, 3)).granted  # It rests, so that not each request waits for it.
        monkeypatch.setattr(buckets, "_away_until", 0.0)
        assert (await buckets.take("a", rate, 3)).granted
        with server.client() as client:
            assert client.exists("spanbridge:rate:a")
            client.set("spanbridge:rate:c", "not a bucket")
        assert (await buckets.take("c", rate, 3)).granted
        server.pause()
        monkeypatch.setattr(buckets, "_away_until", 0.0)
        async with asyncio.timeout(5):
            assert (await buckets.take("d", rate, 3)).granted
        server.go_on()
        await buckets.close()


def test_headers_never_promise_more_than_there_is():
    told = Allowance(granted=True, tokens=2.99, rate=Rate(3, 7.5), asked=1).headers()
    assert told == {"ratelimit-limit": "7", "ratelimit-remaining": "2", "ratelimit-reset": "2"}


def test_throughput_knows_when_to_come_back(clock):
    throughput = Throughput(clock)
    assert throughput.retry_after(1_000) == 1  # Nothing is known yet.
    throughput.begin()
    for _ in range(10):
        clock.now += 1
        throughput.done(20, idle=False)
    assert throughput.retry_after(100) == 5
    assert throughput.retry_after(1) == 1
    assert throughput.retry_after(10**6) == 60


def test_time_without_work_makes_nobody_slow(clock):
    throughput = Throughput(clock)
    for _ in range(3):
        throughput.begin()
        clock.now += 1
        throughput.done(20, idle=True)
        clock.now += 600
    throughput.begin()
    assert throughput.retry_after(100) == 5
