"""Each key is computed once at a time: within a process by futures, among processes by leases."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from spanbridge_shared.errors import ClientLeft, DeadlineExceeded, SpanbridgeError
from spanbridge_shared.serving.cache_backends import CacheBackend, Claim, Leases

Value = TypeVar("Value", bound=BaseModel)
Compute = Callable[[list[int]], Awaitable[Sequence[Value | SpanbridgeError]]]

_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.1
_LONGEST_WAIT_S = 60.0
"""A process that is alive but hangs renews its leases for ever."""
_RENEWALS_PER_LEASE = 3
_SETTLING_S = 1.0


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """A value, or the error of its sentence, and whether it was there already."""

    value: Value | SpanbridgeError
    cached: bool


@dataclass(eq=False, slots=True)
class _Flight(Generic[Value]):
    """A computation under way, a future for each of its keys, and how many requests want it."""

    task: "asyncio.Task[dict[str, Answer[Value]]]"
    landings: Mapping[str, "asyncio.Future[Value | SpanbridgeError]"]
    wanted: int = 0


class SingleFlight(Generic[Value]):
    """Computes what nobody else is computing, waits for the rest, and keeps all values in the backend.

    `read` turns what the backend holds into a value, None where it can't. Values are kept before leases end, and what a
    process has leases on it computes before it waits for others: batches that overlap in any order can't block each
    other. A lease that ends without a value (an error, a crash) goes to one of those who wait.
    """

    def __init__(
        self,
        backend: CacheBackend,
        read: Callable[[bytes], Value | None],
        keep: Callable[[Value], bool] | None = None,
    ) -> None:
        self._backend = backend
        self._read = read
        self._keep = keep
        self._flying: dict[str, _Flight[Value]] = {}
        self._tasks: set[asyncio.Task[dict[str, Answer[Value]]]] = set()
        self._settling: set[asyncio.Task[None]] = set()

    async def answers(self, missing: Mapping[str, int], compute: Compute[Value]) -> dict[str, Answer[Value]]:
        """Return an answer per key; `missing` maps each to its index, and `compute` gets indices.

        Whatever `compute` raises reaches the caller, and those of this process who waited for it.
        """
        waiting = {key: self._flying[key] for key in missing if key in self._flying}
        mine = {key: index for key, index in missing.items() if key not in waiting}
        own = self._take_off(mine, compute) if mine else None
        flights = set(waiting.values()) | ({own} if own is not None else set())
        for flight in flights:
            flight.wanted += 1
        try:
            # Shielded: where this client leaves, those who wait for the same sentences still get their answer.
            arrived = {} if own is None else dict(await asyncio.shield(own.task))
            abandoned: dict[str, int] = {}
            for key, flight in waiting.items():
                try:
                    arrived[key] = Answer(await asyncio.shield(flight.landings[key]), cached=True)
                except (ClientLeft, DeadlineExceeded):
                    abandoned[key] = missing[key]  # Its request gave up, not this one.
        finally:
            for flight in flights:
                self._leave(flight)
        return arrived | await self.answers(abandoned, compute) if abandoned else arrived

    def _leave(self, flight: "_Flight[Value]") -> None:
        """Want a flight no longer; what nobody wants is not computed, but what was computed is kept."""
        flight.wanted -= 1
        if not flight.wanted and not all(landing.done() for landing in flight.landings.values()):
            self._forget(flight)  # At once: nobody may come to wait for what is about to end.
            flight.task.cancel()

    def _forget(self, flight: "_Flight[Value]") -> None:
        for key in flight.landings:
            if self._flying.get(key) is flight:
                del self._flying[key]

    async def close(self) -> None:
        """Give what is still being computed a moment to be kept, then give it up."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_SETTLING_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await asyncio.gather(*self._settling)

    def _take_off(self, mine: Mapping[str, int], compute: Compute[Value]) -> "_Flight[Value]":
        # The keys are claimed before anything is awaited, so that a request that comes in between can't claim them.
        landings = {key: asyncio.get_running_loop().create_future() for key in mine}
        task = asyncio.create_task(self._fly(mine, landings, compute))
        flight = _Flight(task, landings)
        self._flying |= dict.fromkeys(mine, flight)
        self._tasks.add(task)  # The loop itself holds only a weak reference.
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._forget(flight))
        return flight

    async def _fly(
        self,
        mine: Mapping[str, int],
        flights: Mapping[str, "asyncio.Future[Value | SpanbridgeError]"],
        compute: Compute[Value],
    ) -> dict[str, Answer[Value]]:
        arrived: dict[str, Answer[Value]] = {}

        def land(values: Mapping[str, Value | SpanbridgeError], *, cached: bool) -> None:
            for key, value in values.items():
                arrived[key] = Answer(value, cached)
                flights[key].set_result(value)

        try:
            if self._backend.leases is None:
                values = await _computed(mine, compute)
                land(values, cached=False)
                await self._backend.set_many(self._kept(values))
            else:
                await self._share(self._backend.leases, mine, compute, land)
        except BaseException as fault:
            for flight in flights.values():
                if not flight.done():
                    flight.set_exception(fault)
                    flight.exception()  # Marks it as seen: nobody may be waiting.
            raise
        return arrived

    async def _share(
        self, leases: Leases, mine: Mapping[str, int], compute: Compute[Value], land: Callable[..., None]
    ) -> None:
        """Compute what no other process computes, and look again and again for what others do."""
        now = asyncio.get_running_loop().time
        last = now() + _LONGEST_WAIT_S
        pause = _FIRST_PAUSE_S
        pending = dict(mine)
        while pending:
            claim = await self._claim(leases, list(pending))
            readable = {key: self._read(raw) for key, raw in claim.found.items()}
            found = {key: value for key, value in readable.items() if value is not None}
            land(found, cached=True)
            # What can't be read, or doesn't come, is computed without a lease: twice is better than never.
            left = [*(key for key in readable if key not in found), *(claim.busy if now() > last else ())]
            due = {key: pending[key] for key in (*claim.granted, *left)}
            if due:
                await self._compute_and_settle(leases, claim, due, compute, land)
            elif claim.busy:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            pending = {key: index for key, index in pending.items() if key not in found and key not in due}

    async def _claim(self, leases: Leases, keys: Sequence[str]) -> Claim:
        """Claim keys; where nobody waits for them any more, the leases are let go of as soon as they are known."""
        claiming = asyncio.create_task(leases.claim(keys))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:

            async def let_go() -> None:
                await leases.settle(await claiming, {})

            self._finish(let_go())
            raise

    def _finish(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        """Run to its end, given up or not, what other processes may wait for."""
        task = asyncio.create_task(work)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return task

    async def _compute_and_settle(
        self,
        leases: Leases,
        claim: Claim,
        due: Mapping[str, int],
        compute: Compute[Value],
        land: Callable[..., None],
    ) -> None:
        renewing = asyncio.create_task(_keep_renewing(leases, claim))
        values: dict[str, Value | SpanbridgeError] = {}
        try:
            values = await _computed(due, compute)
            land(values, cached=False)
        finally:
            renewing.cancel()
            await asyncio.shield(self._finish(leases.settle(claim, self._kept(values))))

    def _kept(self, values: Mapping[str, Value | SpanbridgeError]) -> dict[str, bytes]:
        """Return what is worth keeping, as JSON that reads back with the same fields set; errors are not."""
        return {
            key: value.model_dump_json(exclude_unset=True).encode()
            for key, value in values.items()
            if not isinstance(value, SpanbridgeError) and (self._keep is None or self._keep(value))
        }


async def _computed(due: Mapping[str, int], compute: Compute[Value]) -> dict[str, Value | SpanbridgeError]:
    return dict(zip(due, await compute(list(due.values())), strict=True))


async def _keep_renewing(leases: Leases, claim: Claim) -> None:
    while True:
        await asyncio.sleep(leases.lease_s / _RENEWALS_PER_LEASE)
        await leases.renew(claim)
