"""The three questions, each with its figures and whether they reach what is asked of them."""

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.load.clients import Clients, Tally
from bench.load.server import Server
from bench.sentences import swahili

_BATCH = 64
_ROUNDS = 3
_CACHED_SECONDS = 6.0
_OVERLOAD_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number with its target."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    @property
    def told(self) -> str:
        """The figure and its target in a few words."""
        target = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        return f"{self.name} {self.value:.3g}{self.unit} ({target}{'' if self.met else ', MISSED'})"


def fresh() -> Iterator[str]:
    """Give sentences without end, none twice."""
    for number in itertools.count():
        for text in swahili(1000):
            yield f"{text[:-1]} mara {number}." if number else text


async def concurrency(clients: Clients, texts: Iterator[str]) -> tuple[list[Figure], float]:
    """Compare 64 clients of single sentences with one of batches, by turns; return the 64 clients' rate as well."""
    batched, single = Tally(), Tally()
    for turn in range(_ROUNDS + 1):
        if turn == 1:  # The first one warmed the models up.
            batched, single = Tally(), Tally()
        size = 4 * _BATCH if turn else _BATCH
        taken = list(itertools.islice(texts, 2 * size))
        await clients.each_waiting(iter(_batches(taken[:size])), 1, batched)
        await clients.each_waiting(iter([[text] for text in taken[size:]]), _BATCH, single)
    _require_answers(batched, single)
    return [
        Figure("64 clients to one in batches", 100 * single.rate / batched.rate, "%", at_least=70),
    ], single.rate


async def cached(clients: Clients, texts: Iterator[str]) -> list[Figure]:
    """Measure sentences that were answered before, in batches and one by one."""
    known = list(itertools.islice(texts, 4 * _BATCH))
    await clients.each_waiting(iter(_batches(known)), 1, Tally())
    batched, single = Tally(), Tally()
    await clients.each_waiting(_for_seconds(_batches(known), _CACHED_SECONDS), 1, batched)
    await clients.each_waiting(_for_seconds([[text] for text in known], _CACHED_SECONDS), 4, single)
    _require_answers(batched, single)
    return [
        Figure("cached in batches of 64", batched.rate, "/s", at_least=1000),
        Figure("cached one by one", single.rate, "/s", at_least=300),
        Figure("its p99", single.percentile_ms(99), " ms", at_most=50),
    ]


async def overload(clients: Clients, texts: Iterator[str], server: Server, peak: float) -> list[Figure]:
    """Offer ten times as many single sentences as the server can label at its peak, and see what it still labels.

    `peak` is of the same traffic: single sentences, from as many clients as the server is quickest with.
    """
    memory: list[float] = []
    tally = await clients.at_rate(texts, 10 * peak, _OVERLOAD_SECONDS, lambda: memory.append(server.resident_mb()))
    third = len(memory) // 3
    growth = median(memory[-third:]) / median(memory[third : 2 * third])
    return [
        Figure("at 10 times capacity: goodput of peak", 100 * tally.rate / peak, "%", at_least=80),
        Figure("shed with 429", 100 * tally.statuses["429"] / sum(tally.statuses.values()), "%", at_least=50),
        Figure("failed otherwise", tally.failed, "", at_most=0),
        Figure("memory, last third to second", growth, "×", at_most=1.1),
    ]


def _batches(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]


def _for_seconds(batches: Sequence[Sequence[str]], seconds: float) -> Iterator[Sequence[str]]:
    until = time.perf_counter() + seconds
    for batch in itertools.cycle(batches):
        if time.perf_counter() > until:
            return
        yield batch


def _require_answers(*tallies: Tally) -> None:
    for tally in tallies:
        if tally.failed or tally.statuses["429"]:
            raise RuntimeError(f"not every request was answered: {dict(tally.statuses)}")
