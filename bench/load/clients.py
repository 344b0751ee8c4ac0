"""Clients: some that wait for each answer, and some that send at a rate whatever the answers."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp

_OK = 200
_SHED = 429


@dataclass(slots=True)
class Tally:
    """What came back: sentences answered and their requests' latencies, and every status."""

    sentences: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Sentences answered a second."""
        return self.sentences / self.seconds

    @property
    def failed(self) -> int:
        """Requests that were neither answered nor shed."""
        return sum(self.statuses.values()) - self.statuses[str(_OK)] - self.statuses[str(_SHED)]

    def percentile_ms(self, percent: float) -> float:
        """Return a percentile of the answered requests' latency, in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))]


class Clients:
    """Connections to one server; the sentences are Swahili."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = f"{url}/v1/project"

    async def send(self, texts: Sequence[str], tally: Tally) -> None:
        """Send one request and count what comes back; a sentence with an error of its own is not answered."""
        body = {"sentences": [{"text": text} for text in texts], "lang": "swh_Latn"}
        started = time.perf_counter()
        try:
            async with self._http.post(self._url, json=body) as response:
                answer = await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as fault:
            tally.statuses[type(fault).__name__] += 1
            return
        if status == _OK and answer.count(b'"error":null') != len(texts):
            tally.statuses["sentence error"] += 1
            return
        tally.statuses[str(status)] += 1
        if status == _OK:
            tally.sentences += len(texts)
            tally.latencies.append(time.perf_counter() - started)

    async def each_waiting(self, batches: Iterator[Sequence[str]], clients: int, tally: Tally) -> None:
        """Have so many clients send all batches, each the next one when it has its answer; adds to the tally."""

        async def one() -> None:
            for texts in batches:
                await self.send(texts, tally)

        started = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(clients)))
        tally.seconds += time.perf_counter() - started

    async def at_rate(self, texts: Iterator[str], rate: float, seconds: float, watch: Callable[[], None]) -> Tally:
        """Send single sentences at a rate, answered or not, and count what came back in that time.

        `watch` is called every second.
        """
        tally, sent = Tally(), 0
        tasks: set[asyncio.Task[None]] = set()
        started = time.perf_counter()
        watched = started
        while (now := time.perf_counter()) - started < seconds:
            while sent < rate * (now - started):
                task = asyncio.create_task(self.send([next(texts)], tally))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                sent += 1
            if now - watched >= 1:
                watched = now
                watch()
            await asyncio.sleep(0.005)
        tally.seconds = time.perf_counter() - started
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return tally
