"""Values and leases in a Redis-compatible server, shared by all processes that name it."""

import os
import random
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from spanbridge_shared.serving.cache_backends import Claim, Leases
from spanbridge_shared.serving.redis_link import RedisLink

_SCHEMA = 1
"""To be raised when keys or leases change their meaning: releases that differ in it can share a server."""
_JITTER = 0.1
_KEYS_PER_COMMAND = 256
"""A command holds up the server for all others, and has to be done within the time limit."""

# KEYS are the values' names, then their leases'. The answer has for each a value, 1 for a lease taken, 0 for another's.
# MGET, since a key of another type is no error to it. A lease without an end is nobody's; one of the process that asks
# is left over from an exchange that broke off.
_CLAIM = """
local number = #KEYS / 2
local values = redis.call('MGET', unpack(KEYS, 1, number))
for place = 1, number do
  if not values[place] then
    local lease = KEYS[number + place]
    if redis.call('PTTL', lease) == -1 or redis.call('GET', lease) == ARGV[1] then redis.call('DEL', lease) end
    if redis.call('SET', lease, ARGV[1], 'NX', 'PX', ARGV[2]) then values[place] = 1 else values[place] = 0 end
  end
end
return values
"""
_RENEW = """
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then redis.call('PEXPIRE', lease, ARGV[2]) end
end
return 0
"""
_RELEASE = """
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then redis.call('DEL', lease) end
end
return 0
"""


@dataclass(frozen=True, slots=True)
class RedisLimits:
    """How long values and leases last, and how long an operation may take; all in seconds."""

    ttl_s: float
    lease_s: float
    timeout_s: float


class RedisCache:
    """Values under `spanbridge:<schema>:<service>:<key>`; leases beside them, with `:lease` at the end.

    While the server is away nothing takes its place: within a process a sentence is still computed once at a time, and
    a second cache would need limits and memory of its own, for entries that no other process sees. One server, not a
    cluster: a command holds keys of any slot.
    """

    def __init__(self, url: str, limits: RedisLimits, *, service: str, retry_s: float = 1.0) -> None:
        self._prefix = f"spanbridge:{_SCHEMA}:{service}:"
        self._link = RedisLink(url, service=service, own_key=self._prefix, timeout_s=limits.timeout_s, retry_s=retry_s)
        self._limits = limits
        self._random = secrets.token_hex(8)
        self.lease_s = limits.lease_s

    @property
    def leases(self) -> Leases | None:
        """Return this cache itself."""
        return self

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return each key's value, one MGET for all."""
        found: list[bytes | None] = []
        for part in _parts(keys):
            values = await self._link.read(partial(_values, [self._prefix + key for key in part]))
            found += values if values is not None else [None] * len(part)
        return found

    async def set_many(self, values: Mapping[str, bytes]) -> None:
        """Keep values for the time to live, give or take a tenth, so that a batch's don't all end at once."""
        await self.settle(Claim(), values)

    async def claim(self, keys: Sequence[str]) -> Claim:
        """Take leases, in one script for all keys, so that nothing comes in between looking and taking."""
        states: dict[str, int | bytes] = {}
        for part in _parts(keys):
            names = [*(self._prefix + key for key in part), *map(self._lease, part)]
            told = await self._link.write(partial(_script, _CLAIM, names, [self._owner, _ms(self.lease_s)]))
            states |= zip(part, told if told is not None else [1] * len(part), strict=True)
        return Claim(
            granted=tuple(key for key, state in states.items() if state == 1),
            found={key: state for key, state in states.items() if isinstance(state, bytes)},
            busy=tuple(key for key, state in states.items() if state == 0),
        )

    async def renew(self, claim: Claim) -> None:
        """Renew those leases that are still this claim's."""
        for part in _parts(claim.granted):
            leases = [*map(self._lease, part)]
            await self._link.write(partial(_script, _RENEW, leases, [self._owner, _ms(self.lease_s)]))

    async def settle(self, claim: Claim, values: Mapping[str, bytes]) -> None:
        """Keep values and end leases in one exchange, values first: no process finds neither."""
        held = set(claim.granted)
        for part in _parts([*dict.fromkeys([*values, *claim.granted])]):
            fresh = {self._prefix + key: values[key] for key in part if key in values}
            leases = [self._lease(key) for key in part if key in held]
            await self._link.write(partial(_settle, fresh, self._limits.ttl_s, leases, self._owner))

    def apart(self) -> "RedisCache":
        """Return this one: what makes room is the server's choice."""
        return self

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    @property
    def _owner(self) -> str:
        """Who holds a lease: this process, also where it was forked from another."""
        return f"{os.getpid()}-{self._random}"

    def _lease(self, key: str) -> str:
        return f"{self._prefix}{key}:lease"


async def _values(names: Sequence[str], client: Redis) -> list[bytes | None]:
    return cast("list[bytes | None]", await client.mget(names))  # Never text: the client decodes nothing.


async def _script(
    script: str, names: Sequence[str], arguments: Sequence[str | int], client: Redis
) -> list[int | bytes]:
    states: list[int | bytes] = await client.eval(script, len(names), *names, *arguments)
    return states


async def _settle(fresh: Mapping[str, bytes], ttl_s: float, leases: Sequence[str], owner: str, client: Redis) -> None:
    """Raises `ResponseError` where the server refused any of it; the rest is done all the same."""
    pipeline = client.pipeline(transaction=False)
    for name, value in fresh.items():
        pipeline.set(name, value, px=_ms(ttl_s * random.uniform(1 - _JITTER, 1 + _JITTER)))
    if leases:
        pipeline.eval(_RELEASE, len(leases), *leases, owner)
    for outcome in await pipeline.execute(raise_on_error=False):
        if isinstance(outcome, ResponseError):
            raise outcome


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_PER_COMMAND):
        yield keys[start : start + _KEYS_PER_COMMAND]


def _ms(seconds: float) -> int:
    return max(1, round(1000 * seconds))
