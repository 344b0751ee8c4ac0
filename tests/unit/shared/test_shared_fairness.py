"""Turns among requests: nobody starves, nothing is lost, nothing is done twice."""

import asyncio
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.errors import Overloaded
from spanbridge_shared.serving.batching import Batcher
from spanbridge_shared.serving.fair_queue import FairQueue
from spanbridge_shared.serving.telemetry import REQUEST_ID
from tests.support.serving import until

ARRIVALS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), max_size=40)


@given(ARRIVALS, st.integers(1, 4))
def test_every_item_is_served_once_and_a_flow_in_its_own_order(arrivals, between):
    queue, served, number = FairQueue(), [], 0

    def serve():
        item = queue.next()
        queue.remove([item])
        served.append(item)

    added: list[tuple[int, int]] = []
    for turn, (flow, count) in enumerate(arrivals):
        items = [(flow, number + each) for each in range(count)]
        number += count
        added += items
        queue.add(flow, items)
        assert len(queue) == len(set(queue)) == len(added) - len(served)
        if turn % between == 0 and queue:
            serve()
    while queue:
        serve()
    assert Counter(served) == Counter(added)
    for flow in {flow for flow, _ in added}:
        assert [each for each in served if each[0] == flow] == [each for each in added if each[0] == flow]


@given(st.integers(1, 30), st.integers(0, 30))
def test_a_late_single_one_waits_for_one_turn_of_each_large_request_at_most(large, begun):
    queue = FairQueue()
    for flow in range(large):
        queue.add(flow, [(flow, each) for each in range(100)])
    had = set()
    for _ in range(begun):
        item = queue.next()
        had.add(item[0])
        queue.remove([item])
    queue.add("late", ["late"])
    waited = 0
    while (item := queue.next()) != "late":
        queue.remove([item])
        waited += 1
    # Before it come those that have had no turn at all, and between any two of these one that has.
    assert waited <= 2 * (large - len(had)) + 1


def test_a_stream_of_single_ones_starves_no_large_request():
    queue = FairQueue()
    queue.add("large", [("large", each) for each in range(10)])
    turns = []
    for each in range(30):
        queue.add(("single", each), [each])
        turns.append(queue.next())
        queue.remove(turns[-1:])
    assert sum(isinstance(turn, tuple) for turn in turns) == 10


def test_a_flow_that_comes_back_has_one_turn_at_a_time():
    """Regression: its old place in the order was counted as well."""
    queue = FairQueue()
    queue.add("back", ["b0"])
    queue.remove(["b0"])
    queue.add("back", ["b1", "b2", "b3"])
    queue.add("other", ["o1", "o2", "o3"])
    turns = []
    while queue:
        turns.append(queue.next())
        queue.remove(turns[-1:])
    assert turns == ["b1", "o1", "b2", "o2", "b3", "o3"]


def test_an_empty_queue_has_no_next():
    with pytest.raises(IndexError):
        FairQueue().next()


class Steps:
    """Doubles its items, one call at a time, each let through by `go`; keeps what it was given."""

    def __init__(self):
        self.calls: list[list[int]] = []
        self.go = threading.Semaphore(0)

    def __call__(self, group, items):
        self.calls.append(list(items))
        self.go.acquire(timeout=20)
        return [2 * each for each in items]


async def as_request(name, batcher, items, group="g"):
    REQUEST_ID.set(name)
    return await batcher.submit(group, items)


@pytest.mark.parametrize("group", ["g", "other"])
async def test_a_single_sentence_overtakes_a_large_request(group):
    model = Steps()
    batcher = Batcher(model, lambda _: 10, service="fair-test", max_batch_tokens=40, max_queue=5_000)
    batcher.start()
    bulk = asyncio.create_task(as_request("bulk", batcher, list(range(1_000))))
    await until(lambda: model.calls)
    single = asyncio.create_task(as_request("single", batcher, [-7], group))
    await asyncio.sleep(0)
    model.go.release()
    await until(lambda: len(model.calls) == 2)
    assert -7 in model.calls[1]  # With one batch of the other running, it waits for that one alone.
    model.go.release(1_000)
    assert await single == [-14]
    assert await bulk == [2 * each for each in range(1_000)]
    assert Counter(item for call in model.calls for item in call) == Counter([-7, *range(1_000)])
    assert all(len(call) <= 4 for call in model.calls)
    await batcher.stop()


@given(st.lists(st.lists(st.integers(1, 50), max_size=12), min_size=1, max_size=8), st.integers(1, 3))
def test_results_keep_their_order_and_nothing_is_computed_twice(requests, parallel):
    calls: list[tuple[str, list[int]]] = []

    def run(group, items):
        calls.append((group, list(items)))
        return [(group, each) for each in items]

    async def all_at_once():
        batcher = Batcher(
            run, lambda each: each, service="fair-test", max_batch_tokens=60, max_queue=999, parallel_calls=parallel
        )
        batcher.start()
        answers = await asyncio.gather(
            *(as_request(f"r{n}", batcher, items, "ab"[n % 2]) for n, items in enumerate(requests))
        )
        await batcher.stop()
        return answers

    answers = asyncio.run(all_at_once())
    assert answers == [[("ab"[n % 2], each) for each in items] for n, items in enumerate(requests)]
    wanted = Counter(("ab"[n % 2], each) for n, items in enumerate(requests) for each in items)
    assert Counter((group, each) for group, items in calls for each in items) == wanted
    assert all(max(items) * len(items) <= 60 for _, items in calls)


async def test_parts_are_taken_together_or_refused_together():
    """Regression: where one length class of a request was refused, the others were computed for nobody."""
    model = Steps()
    batcher = Batcher(model, lambda _: 10, service="fair-test", max_batch_tokens=40, max_queue=4)
    batcher.start()
    first = asyncio.create_task(batcher.submit("g", [1, 2]))
    await until(lambda: model.calls)
    with pytest.raises(Overloaded):
        await batcher.submit_all([("a", [3]), ("b", [4, 5])])
    model.go.release(9)
    assert await first == [2, 4]
    assert await batcher.submit_all([("a", [3]), ("b", [4, 5]), ("c", [])]) == [[6], [8, 10], []]
    assert [item for call in model.calls for item in call] == [1, 2, 3, 4, 5]
    await batcher.stop()


async def test_an_empty_queue_takes_a_request_above_its_bound():
    """Regression: a request larger than the queue was refused for ever."""
    model = Steps()
    model.go.release(99)
    batcher = Batcher(model, lambda _: 10, service="fair-test", max_batch_tokens=40, max_queue=4)
    batcher.start()
    assert await batcher.submit("g", list(range(9))) == [2 * each for each in range(9)]
    await batcher.stop()
