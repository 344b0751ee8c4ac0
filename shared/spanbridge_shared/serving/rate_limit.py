"""Rates in sentences: a token bucket a key, in Redis where several gateways share it, else in this process.

A bucket holds `burst` sentences at most and gains `rate` a second. A request takes as many as it has sentences. One
that is larger than the burst needs a full bucket and leaves it in debt: it waits its time, but is served.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from spanbridge_shared.serving.redis_connection import is_redis, open_redis

_log = logging.getLogger("spanbridge.rates")
_TIMEOUT_S = 0.25
_CONNECTIONS = 32
_REST_S = 2.0
"""How long Redis is left alone after it has failed."""
SLACK = 1e-4
"""Sentences by which a bucket may miss what is asked: fractions don't add up to a full one exactly."""
RATE_HEADERS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket's size, and its gain per second; both above 0."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a bucket said to a request; `tokens` are what it holds now, below 0 while in debt."""

    granted: bool
    tokens: float
    rate: Rate
    asked: int

    @property
    def retry_after(self) -> int:
        """Whole seconds until the same request would be granted, where it wasn't."""
        return max(1, math.ceil((min(self.asked, self.rate.burst) - self.tokens) / self.rate.per_second))

    def headers(self) -> dict[str, str]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers; the bucket is full again after `reset`.

        >>> Allowance(True, 3.5, Rate(2, 10), 4).headers()
        {'ratelimit-limit': '10', 'ratelimit-remaining': '3', 'ratelimit-reset': '4'}
        """
        numbers = (
            math.floor(self.rate.burst),
            max(0, math.floor(self.tokens)),
            max(0, math.ceil((self.rate.burst - self.tokens) / self.rate.per_second)),
        )
        return dict(zip(RATE_HEADERS, map(str, numbers), strict=True))


class Buckets(Protocol):
    """Where the buckets are."""

    async def take(self, name: str, rate: Rate, sentences: int, *, force: bool = False) -> Allowance:
        """Take so many sentences from a key's bucket, if it has them; `force` takes them in any case."""
        ...

    async def close(self) -> None:
        """Release what is open."""
        ...


class MemoryBuckets:
    """Buckets of this process; there are never more than keys, which one administrator makes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    async def take(self, name: str, rate: Rate, sentences: int, *, force: bool = False) -> Allowance:
        """Take sentences from a bucket."""
        now = self._clock()
        tokens, at = self._buckets.get(name, (rate.burst, now))
        tokens = min(rate.burst, tokens + (now - at) * rate.per_second)
        granted = force or tokens >= min(sentences, rate.burst) - SLACK
        tokens -= sentences if granted else 0
        self._buckets[name] = tokens, now
        return Allowance(granted, tokens, rate, sentences)

    async def close(self) -> None:
        """Nothing is open."""


# Times are the server's, because the gateways' clocks need not agree. Numbers go as text: Lua's would lose their
# fractions on the way out, and those of a clock in tostring's 14 digits.
_SCRIPT = """
local rate, burst, asked = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local granted = ARGV[4] == '1' or tokens >= math.min(asked, burst) - tonumber(ARGV[5])
if granted then tokens = tokens - asked end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / rate * 1000) + 1000)
return {granted and 1 or 0, string.format('%.6f', tokens)}
"""


class RedisBuckets:
    """Buckets that several gateways share; while Redis is away, each has its own."""

    def __init__(self, url: str, fallback: Buckets) -> None:
        """Connect when first asked; raises `ConfigurationError` for a URL that can't be read."""
        self._redis: Redis = open_redis(url, timeout_s=_TIMEOUT_S)
        self._take = self._redis.register_script(_SCRIPT)
        self._fallback = fallback
        self._slots = asyncio.Semaphore(_CONNECTIONS)
        self._away_until = 0.0
        self._is_away = False

    async def take(self, name: str, rate: Rate, sentences: int, *, force: bool = False) -> Allowance:
        """Take sentences from a bucket; never fails."""
        async with self._slots:
            # Looked at with a slot in hand: while Redis hangs, those who waited for one don't wait a second time.
            shared = None if self._rests() else await self._shared(name, rate, sentences, force=force)
        return shared or await self._fallback.take(name, rate, sentences, force=force)

    def _rests(self) -> bool:
        return time.monotonic() < self._away_until

    async def _shared(self, name: str, rate: Rate, sentences: int, *, force: bool) -> Allowance | None:
        """Ask Redis; None where it is away."""
        arguments: list[str | int] = [repr(rate.per_second), repr(rate.burst), sentences, int(force), repr(SLACK)]
        try:
            answer = await cast(
                "Awaitable[tuple[int, bytes]]", self._take(keys=[f"spanbridge:rate:{name}"], args=arguments)
            )
        except (RedisError, OSError, TimeoutError) as fault:
            self._away_until = time.monotonic() + _REST_S
            if not self._is_away:
                _log.warning("Redis is away (%s): rates hold for each gateway by itself", type(fault).__name__)
            self._is_away = True
            return None
        if self._is_away:
            _log.info("Redis is back: rates hold for all gateways together")
        self._is_away = False
        return Allowance(bool(answer[0]), float(answer[1]), rate, sentences)

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()


def open_buckets(url: str) -> Buckets:
    """Return the buckets at a Redis URL, else those of this process; raises `ConfigurationError`."""
    return RedisBuckets(url, MemoryBuckets()) if is_redis(url) else MemoryBuckets()
