"""Where cached values are kept: what a backend must do, and the two that need no server."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of the keys that a process wants to compute.

    `granted` are the caller's to compute; `found` have come in since it looked; `busy` another process is computing.
    There is a lease on what is granted, unless the server couldn't be asked.
    """

    granted: tuple[str, ...] = ()
    found: Mapping[str, bytes] = field(default_factory=dict)
    busy: tuple[str, ...] = ()


class Leases(Protocol):
    """Who computes what, among processes that share a cache; a lease ends by itself unless it is renewed."""

    lease_s: float

    async def claim(self, keys: Sequence[str]) -> Claim:
        """Take a lease on each key that has neither a value nor another process's lease.

        A process asks for no key that it is computing already. Where nobody can say, all are granted.
        """
        ...

    async def renew(self, claim: Claim) -> None:
        """Have a claim's leases last for `lease_s` from now."""
        ...

    async def settle(self, claim: Claim, values: Mapping[str, bytes]) -> None:
        """Keep the values that were computed, and let go of all leases of the claim, also of keys without a value."""
        ...


class CacheBackend(Protocol):
    """Where values are kept; `leases` is None where no other process shares them."""

    @property
    def leases(self) -> Leases | None:
        """Say who computes what among processes."""
        ...

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return each key's value, None where there is none; never raises."""
        ...

    async def set_many(self, values: Mapping[str, bytes]) -> None:
        """Keep values for as long as the backend's limits allow; never raises."""
        ...

    def apart(self) -> "CacheBackend":
        """Return a cache whose entries push none of this one's out."""
        ...

    async def close(self) -> None:
        """Let go of connections; the cache may be used again."""
        ...


class MemoryCache:
    """Least recently used entries of this process, bounded by number and by bytes."""

    leases: Leases | None = None

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self._entries: OrderedDict[str, bytes] = OrderedDict()
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._bytes = 0

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return each key's value, and mark it as used."""
        found = [self._entries.get(key) for key in keys]
        for key, value in zip(keys, found, strict=True):
            if value is not None:
                self._entries.move_to_end(key)
        return found

    async def set_many(self, values: Mapping[str, bytes]) -> None:
        """Keep values; the entries longest unused make room."""
        for key, value in values.items():
            self._bytes -= len(self._entries.pop(key, b""))
            if len(value) <= self._max_bytes:  # A larger one would push out all others and then itself.
                self._entries[key] = value
                self._bytes += len(value)
        while self._entries and (len(self._entries) > self._max_items or self._bytes > self._max_bytes):
            _, dropped = self._entries.popitem(last=False)
            self._bytes -= len(dropped)

    def apart(self) -> "MemoryCache":
        """Return another one of the same limits."""
        return MemoryCache(self._max_items, self._max_bytes)

    async def close(self) -> None:
        """Keep everything: there is nothing to let go of."""


class NoCache:
    """Keeps nothing; for measuring and for `none://`."""

    leases: Leases | None = None

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return nothing for every key."""
        return [None] * len(keys)

    async def set_many(self, values: Mapping[str, bytes]) -> None:
        """Drop the values."""

    def apart(self) -> "NoCache":
        """Return this one."""
        return self

    async def close(self) -> None:
        """Do nothing."""
