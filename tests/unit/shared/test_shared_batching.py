import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from spanbridge_shared.errors import NotReady, Overloaded
from spanbridge_shared.serving.batching import Batcher, plan_batches


class Model:
    """Records each call, doubles its items, and runs only while its gate is open."""

    def __init__(self, *, held=False):
        self.calls: list[tuple[str, list[int]]] = []
        self.gate = threading.Event()
        if not held:
            self.gate.set()

    def __call__(self, group, items):
        self.calls.append((group, items))
        self.gate.wait(10)
        if group == "fails":
            raise ValueError("the model broke")
        if group == "stops":
            next(iter(()))
        return [2 * item for item in items][: 1 if group == "short" else None]

    @property
    def items(self):
        return [item for _, items in self.calls for item in items]


@pytest.fixture
async def make():
    made = []

    def build(model, *, started=True, **limits):
        options = {"service": "batch-test", "max_batch_tokens": 100, "max_queue": 100} | limits
        batcher = Batcher(model, lambda item: item, **options)
        if started:
            batcher.start()
        made.append((batcher, model))
        return batcher

    yield build
    for batcher, model in made:
        model.gate.set()
        await batcher.stop()


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a thread sets it.
            await asyncio.sleep(0.001)


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 120))
def test_plans_hold_each_item_once_within_the_budget(sizes, limit):
    plan = plan_batches(sizes, limit)
    assert sorted(index for batch in plan for index in batch) == list(range(len(sizes)))
    for batch in plan:
        longest = max(sizes[index] for index in batch)
        assert longest * len(batch) <= limit or len(batch) == 1
    assert [sizes[index] for batch in plan for index in batch] == sorted(sizes, reverse=True)


@pytest.mark.parametrize("items", [[3, 9, 4, 8], [1], [50, 1, 50, 2, 99, 3], list(range(1, 60))])
async def test_order_is_restored_and_a_batch_equals_single_calls(make, items):
    model = Model()
    batcher = make(model)
    together = await batcher.submit("g", items)
    single = [(await batcher.submit("g", [item]))[0] for item in items]
    assert together == single == [2 * item for item in items]
    for _, batch in model.calls:
        assert max(batch) * len(batch) <= 100 or len(batch) == 1


async def test_nothing_to_do_is_done_at_once(make):
    assert await make(Model()).submit("g", []) == []


async def test_requests_share_calls_but_groups_are_never_mixed(make):
    model = Model(held=True)
    batcher = make(model)
    first = asyncio.create_task(batcher.submit("a", [1]))
    await until(lambda: model.calls)
    rest = [asyncio.create_task(batcher.submit(group, [item])) for item, group in enumerate("abab", start=2)]
    await asyncio.sleep(0)
    model.gate.set()
    assert await asyncio.gather(first, *rest) == [[2], [4], [6], [8], [10]]
    assert [(group, sorted(items)) for group, items in model.calls] == [("a", [1]), ("a", [2, 4]), ("b", [3, 5])]


async def test_a_full_queue_sheds_and_says_how_full(make):
    def shed():
        return REGISTRY.get_sample_value("spanbridge_shed_sentences_total", {"service": "batch-test"}) or 0.0

    model, before = Model(held=True), shed()
    batcher = make(model, max_queue=3)
    running = asyncio.create_task(batcher.submit("g", [1, 1]))
    await until(lambda: model.calls)
    with pytest.raises(Overloaded, match="2 sentences waiting and room for 3 in all, 2 more"):
        await batcher.submit("g", [1, 1])
    assert shed() - before == 2
    last = asyncio.create_task(batcher.submit("g", [5]))
    model.gate.set()
    assert (await running, await last) == ([2, 2], [10])


async def test_what_its_client_left_is_dropped_and_frees_its_place(make):
    """Regression: left sentences held their places in the queue until the running call ended."""
    model = Model(held=True)
    batcher = make(model, max_queue=3)
    running = asyncio.create_task(batcher.submit("g", [1]))
    await until(lambda: model.calls)
    leaver = asyncio.create_task(batcher.submit("g", [7, 8]))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    staying = asyncio.create_task(batcher.submit("g", [3, 4]))
    await asyncio.sleep(0)
    model.gate.set()
    assert (await running, await staying) == ([2], [6, 8])
    assert sorted(model.items) == [1, 3, 4]


@pytest.mark.parametrize(
    ("group", "kind", "told"),
    [("fails", ValueError, "broke"), ("short", RuntimeError, "1 results for 2"), ("stops", RuntimeError, "StopIter")],
)
async def test_a_failing_call_fails_its_batch_alone(make, group, kind, told):
    """Regression: a StopIteration from a model left its requests waiting for ever."""
    batcher = make(Model())
    bad, good = await asyncio.gather(batcher.submit(group, [1, 2]), batcher.submit("g", [3]), return_exceptions=True)
    assert isinstance(bad, kind)
    assert told in str(bad)
    assert good == [6]
    assert await batcher.submit("g", [4]) == [8]


async def test_before_start_and_after_stop_nothing_is_taken(make):
    batcher = make(Model(), started=False)
    with pytest.raises(NotReady):
        await batcher.submit("g", [1])
    await batcher.stop()
    batcher.start()
    assert await batcher.submit("g", [1]) == [2]
    await batcher.stop()
    with pytest.raises(NotReady):
        await batcher.submit("g", [1])


async def test_stop_finishes_what_was_accepted_and_refuses_the_rest(make):
    """Regression: while it drained, a stopping batcher went on accepting."""
    model = Model(held=True)
    batcher = make(model, max_batch_tokens=1)
    accepted = [asyncio.create_task(batcher.submit("g", [item])) for item in (1, 2, 3)]
    await until(lambda: model.calls)
    stopping = asyncio.create_task(batcher.stop())
    await asyncio.sleep(0)
    with pytest.raises(NotReady):
        await batcher.submit("g", [4])
    assert not stopping.done()
    model.gate.set()
    await stopping
    assert [task.result() for task in accepted] == [[2], [4], [6]]


async def test_stop_while_idle_ends_at_once_and_twice_is_fine(make):
    batcher = make(Model())
    await batcher.stop()
    await batcher.stop()


async def test_stop_ends_although_everyone_left(make):
    model = Model(held=True)
    batcher = make(model)
    leaver = asyncio.create_task(batcher.submit("g", [1, 2]))
    await until(lambda: model.calls)
    leaver.cancel()
    model.gate.set()
    async with asyncio.timeout(5):
        await batcher.stop()


def test_a_batcher_may_start_again_in_another_loop():
    batcher = Batcher(Model(), lambda item: item, service="batch-test", max_batch_tokens=9, max_queue=9)

    async def once():
        batcher.start()
        result = await batcher.submit("g", [1])
        await batcher.stop()
        return result

    assert [asyncio.run(once()), asyncio.run(once())] == [[2], [2]]


async def test_an_idle_model_waits_for_company(make):
    model = Model()
    batcher = make(model, wait_ms=50.0)
    first = asyncio.create_task(batcher.submit("g", [1]))
    await asyncio.sleep(0)
    second = asyncio.create_task(batcher.submit("g", [2]))
    assert await asyncio.gather(first, second) == [[2], [4]]
    assert len(model.calls) == 1


async def test_as_many_calls_run_at_once_as_are_allowed() -> None:
    barrier = threading.Barrier(2, timeout=20)

    def meet(_: str, items: list[int]) -> list[int]:
        barrier.wait()  # Breaks unless a second call comes while this one runs.
        return items

    batcher: Batcher[int, int, str] = Batcher(
        meet, lambda _: 10, service="test", max_batch_tokens=10, max_queue=10, parallel_calls=2
    )
    batcher.start()
    assert await batcher.submit("group", [1, 2]) == [1, 2]
    await batcher.stop()


async def test_a_free_worker_takes_what_comes_while_another_is_busy() -> None:
    release = threading.Event()

    def run(group: str, items: list[int]) -> list[int]:
        if group == "slow":
            release.wait(timeout=20)
        return items

    batcher: Batcher[int, int, str] = Batcher(
        run, lambda _: 10, service="test", max_batch_tokens=100, max_queue=10, parallel_calls=2
    )
    batcher.start()
    slow = asyncio.create_task(batcher.submit("slow", [1]))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(batcher.submit("fast", [2]), timeout=20) == [2]
    release.set()
    assert await slow == [1]
    await batcher.stop()


async def test_one_request_is_shared_out_among_the_workers() -> None:
    calls: list[list[int]] = []

    def run(_: str, items: list[int]) -> list[int]:
        calls.append(items)
        return items

    batcher: Batcher[int, int, str] = Batcher(
        run, lambda _: 10, service="test", max_batch_tokens=1_000, max_queue=100, parallel_calls=2
    )
    batcher.start()
    assert await batcher.submit("group", list(range(8))) == list(range(8))
    assert [len(call) for call in calls] == [4, 4]
    await batcher.stop()
