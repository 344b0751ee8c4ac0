"""Batching across requests: what arrives while the model works runs together in its next call.

Calls hold at most `max_batch_tokens` padded tokens; sentences of like length share one, because padding is wasted work.
The queue is bounded in sentences, so that a server sheds load early instead of growing. Requests take turns, so that a
single sentence doesn't wait for all of a large request; what nobody waits for any more is never computed.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from spanbridge_shared.errors import NotReady, Overloaded
from spanbridge_shared.serving.fair_queue import FairQueue
from spanbridge_shared.serving.telemetry import (
    BATCH_ITEMS,
    INFERENCE_SECONDS,
    QUEUE_ITEMS,
    QUEUE_SECONDS,
    REQUEST_ID,
    SHED,
)
from spanbridge_shared.serving.throughput import Throughput

Item = TypeVar("Item")
Result = TypeVar("Result")
Group = TypeVar("Group", bound=Hashable)


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item, Result, Group]):
    item: Item
    group: Group
    size: int
    future: "asyncio.Future[Result]"
    since: float = field(default_factory=time.perf_counter)


def plan_batches(sizes: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Cut items into batches of like length, each at most `max_tokens` once padded to its longest; longest first.

    An item above the limit gets a batch of its own.

    >>> plan_batches([3, 9, 4, 8], max_tokens=18)
    [[1, 3], [2, 0]]
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(sizes)), key=lambda each: -sizes[each]):
        if batches and sizes[batches[-1][0]] * (len(batches[-1]) + 1) <= max_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


class Batcher(Generic[Item, Result, Group]):
    """Feeds one model from many requests.

    `run(group, items)` is called in a worker thread, at most `parallel_calls` times at once; items of one call share
    `group` (languages, beam …), which holds all that must be equal within a call. `size` gives an item's length in
    tokens.
    """

    def __init__(
        self,
        run: Callable[[Group, list[Item]], Sequence[Result]],
        size: Callable[[Item], int],
        *,
        service: str,
        max_batch_tokens: int,
        max_queue: int,
        wait_ms: float = 0.0,
        parallel_calls: int = 1,
    ) -> None:
        self._run = run
        self._size = size
        self._service = service
        self._max_batch_tokens = max_batch_tokens
        self._max_queue = max_queue
        self._wait_s = wait_ms / 1000
        self._parallel_calls = parallel_calls
        self._queue: FairQueue[_Waiting[Item, Result, Group]] = FairQueue()
        self._throughput = Throughput()
        self._running = 0
        self._shown = 0
        self._calls = 0
        self._open = False
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._executor: ThreadPoolExecutor | None = None
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to serve; call it inside the event loop. A stopped batcher may start again, in another loop too."""
        self._arrived, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._executor = ThreadPoolExecutor(
            max_workers=self._parallel_calls, thread_name_prefix=f"{self._service}-model"
        )
        self._workers = [
            asyncio.create_task(self._work(), name=f"{self._service}-batcher-{number}")
            for number in range(self._parallel_calls)
        ]
        self._open = True

    async def stop(self) -> None:
        """Refuse what is new, finish what was accepted, then stop; no effect where nothing was started."""
        if self._executor is None:
            return
        self._open = False
        await self._idle.wait()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers = []
        self._executor.shutdown(wait=True)
        self._executor = None

    async def submit(self, group: Group, items: Sequence[Item]) -> list[Result]:
        """Return one result per item, in order; raises as `submit_all` does."""
        (results,) = await self.submit_all([(group, items)])
        return results

    async def submit_all(self, parts: Sequence[tuple[Group, Sequence[Item]]]) -> list[list[Result]]:
        """Return one result per item of each part; the parts are taken together, or refused together.

        Raises `Overloaded` where the queue can't take them (an empty one takes any number), `NotReady` before `start`
        and once `stop` is called, and what `run` raises. What is cancelled while it waits is never run.
        """
        if not self._open:
            raise NotReady(f"{self._service} is starting or stopping; try again in a moment")
        self._check_room(sum(len(items) for _, items in parts))
        future = asyncio.get_running_loop().create_future
        waiting = [[_Waiting(item, group, self._size(item), future()) for item in items] for group, items in parts]
        everything = [each for part in waiting for each in part]
        if not everything:
            return [[] for _ in parts]
        # All calls that one request makes are one flow; outside of requests, each call is.
        self._queue.add(REQUEST_ID.get() or object(), everything)
        self._throughput.begin()
        self._show_queue()
        self._idle.clear()
        self._arrived.set()
        try:
            results = iter(await asyncio.gather(*(each.future for each in everything)))
            return [[next(results) for _ in part] for part in waiting]
        finally:
            # No effect on finished ones; what the client left behind is not computed and holds no place in the queue.
            for each in everything:
                each.future.cancel()
            self._queue.remove(everything)
            self._show_queue()

    def _check_room(self, more: int) -> None:
        taken = len(self._queue) + self._running
        if taken and taken + more > self._max_queue:
            SHED.labels(self._service).inc(more)
            raise Overloaded(
                f"{self._service} has {taken} sentences waiting and room for {self._max_queue} in all, "
                f"{more} more don't fit; try again later, or send fewer at a time",
                retry_after=self._throughput.retry_after(taken),
            )

    async def _work(self) -> None:
        while True:
            while not self._queue:
                if not self._running:
                    self._idle.set()
                self._arrived.clear()
                await self._arrived.wait()
                if self._wait_s:
                    await asyncio.sleep(self._wait_s)
            await self._run_batch(self._take())

    def _take(self) -> list[_Waiting[Item, Result, Group]]:
        """Take the batch of the sentence whose turn it is, and leave each other free worker its share.

        Sentences of other requests fill the batch: that costs the one whose turn it is nothing.
        """
        turn = self._queue.next()
        mates = [turn, *(each for each in self._queue if each.group == turn.group and each is not turn)]
        sizes = [each.size for each in mates]
        share = -(-max(sizes) * len(sizes) // (self._parallel_calls - self._calls))
        plan = plan_batches(sizes, min(self._max_batch_tokens, share))
        chosen = next([mates[index] for index in batch] for batch in plan if 0 in batch)
        self._queue.remove(chosen)
        return chosen

    async def _run_batch(self, batch: list[_Waiting[Item, Result, Group]]) -> None:
        self._calls += 1
        self._running += len(batch)
        BATCH_ITEMS.labels(self._service).observe(len(batch))
        started = time.perf_counter()
        for each in batch:
            QUEUE_SECONDS.labels(self._service).observe(started - each.since)
        try:
            loop = asyncio.get_running_loop()
            results = await loop.run_in_executor(
                self._executor, self._call, batch[0].group, [each.item for each in batch]
            )
            for each, result in zip(batch, results, strict=True):
                if not each.future.done():
                    each.future.set_result(result)
        except Exception as fault:  # noqa: BLE001 - the waiting requests get it; the worker must live on.
            for each in batch:
                if not each.future.done():
                    each.future.set_exception(fault)
        finally:
            INFERENCE_SECONDS.labels(self._service).observe(time.perf_counter() - started)
            self._calls -= 1
            self._running -= len(batch)
            self._throughput.done(len(batch), idle=not self._queue and not self._running)
            self._show_queue()

    def _call(self, group: Group, items: list[Item]) -> Sequence[Result]:
        try:
            results = self._run(group, items)
        except StopIteration as fault:
            # A future can't carry it: on Python 3.11 whoever waits would wait for ever.
            raise RuntimeError("the model raised StopIteration") from fault
        if len(results) != len(items):
            raise RuntimeError(f"the model gave {len(results)} results for {len(items)} sentences")
        return results

    def _show_queue(self) -> None:
        # By difference: a service may have several batchers, and its gauge is their sum.
        taken = len(self._queue) + self._running
        QUEUE_ITEMS.labels(self._service).inc(taken - self._shown)
        self._shown = taken
