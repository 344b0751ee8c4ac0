"""A result cache on Redis and a model that counts, for tests of what processes share."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import BaseModel

from spanbridge_shared.errors import EmptyText, SpanbridgeError
from spanbridge_shared.serving.cache import Answer, ResultCache
from spanbridge_shared.serving.redis_cache import RedisCache, RedisLimits


class Result(BaseModel):
    """What the tests keep."""

    text: str


class Model:
    """Answers each key with itself, after `seconds` and once `go` is set; counts what it is asked for.

    Keys that begin with "bad" have an error; `fault` is raised where there is one.
    """

    def __init__(self, *, held: bool = False, seconds: float = 0.0, fault: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.called = asyncio.Event()
        self.go = asyncio.Event()
        self._seconds = seconds
        self._fault = fault
        if not held:
            self.go.set()

    async def answers(self, cache: ResultCache[Result], keys: Sequence[str]) -> list[Answer[Result]]:
        async def compute(indices: list[int]) -> list[Result | SpanbridgeError]:
            asked = [keys[index] for index in indices]
            self.asked += asked
            self.called.set()
            await asyncio.sleep(self._seconds)
            await self.go.wait()
            if self._fault is not None:
                raise self._fault
            return [EmptyText(key) if key.startswith("bad") else Result(text=key) for key in asked]

        return await cache.get_or_compute(keys, compute)

    async def texts(self, cache: ResultCache[Result], keys: Sequence[str]) -> list[str]:
        found = await self.answers(cache, keys)
        return [each.value.text for each in found if isinstance(each.value, Result)]


def results_at(
    url: str,
    *,
    ttl_s: float = 100,
    lease_s: float = 30,
    timeout_s: float = 5,
    retry_s: float = 0.05,
    service: str = "results",
) -> ResultCache[Result]:
    """A cache as one process has it: several of them, in one test, stand for several processes."""
    backend = RedisCache(url, RedisLimits(ttl_s, lease_s, timeout_s), service=service, retry_s=retry_s)
    return ResultCache(backend, Result, service=service)


class Told(logging.Handler):
    """Collects what the cache's log says."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self._changed = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._changed.set()

    async def wait_for(self, words: str, *, times: int = 1) -> None:
        """Wait until so many lines have these words."""
        async with asyncio.timeout(30):
            while sum(words in line for line in self.lines) < times:
                self._changed.clear()
                await self._changed.wait()


@contextmanager
def cache_log() -> Iterator[Told]:
    logger, told = logging.getLogger("spanbridge.cache"), Told()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(told)
    try:
        yield told
    finally:
        logger.removeHandler(told)
        logger.setLevel(level)
