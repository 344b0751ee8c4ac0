"""The cache: one entry per sentence, multi-get per batch, single-flight within a process.

A cache may be slow or absent, never wrong: its key hashes all that an answer depends on, the model version first.
"""

import asyncio
import hashlib
import json
import unicodedata
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import regex
from pydantic import BaseModel, ValidationError

from spanbridge_shared.errors import ConfigurationError, SpanbridgeError
from spanbridge_shared.serving.telemetry import CACHE_READS

Value = TypeVar("Value", bound=BaseModel)


class CacheBackend(Protocol):
    """Where values are kept."""

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return each key's value, None where there is none."""
        ...

    async def set_many(self, values: Mapping[str, bytes]) -> None:
        """Keep values for as long as the backend's limits allow."""
        ...


class MemoryCache:
    """Least recently used entries of this process, bounded by number and by bytes."""

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


class NoCache:
    """Keeps nothing; for measuring and for `none://`."""

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return nothing for every key."""
        return [None] * len(keys)

    async def set_many(self, values: Mapping[str, bytes]) -> None:
        """Drop the values."""


def open_cache(url: str, *, max_items: int, max_bytes: int) -> CacheBackend:
    """Return the backend that a URL names; raises `ConfigurationError` for a scheme that doesn't exist."""
    match url.partition("://")[0]:
        case "memory":
            return MemoryCache(max_items, max_bytes)
        case "none":
            return NoCache()
        case other:
            raise ConfigurationError(f"cache_url: no cache is called {other!r}; use memory:// or none://")


# Sorting longer runs of marks takes quadratic time; 30 is the limit of UAX #15's stream-safe text.
_LONG_RUN_OF_MARKS = regex.compile(r"\p{M}{31}")


def cache_key(*parts: object) -> str:
    """Return one key for JSON-like parts, text in NFC; equal parts give equal keys, on every machine.

    NFC and NFD texts share a key, so where an answer holds code-point offsets or the text itself, put the text in as
    escaped JSON, which NFC leaves alone. Text with absurd runs of combining marks is taken as it is.

    >>> cache_key("v1", "e\\u0301") == cache_key("v1", "\\u00e9")
    True
    """
    plain = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if not _LONG_RUN_OF_MARKS.search(plain):
        plain = unicodedata.normalize("NFC", plain)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """A value, or the error of its sentence, and whether it was there already."""

    value: Value | SpanbridgeError
    cached: bool


class ResultCache(Generic[Value]):
    """Answers a batch from the cache and computes only what is missing, each key once at a time.

    Errors are never kept. A key that another request is computing is waited for, not computed again.
    """

    def __init__(self, backend: CacheBackend, kind: type[Value], *, service: str) -> None:
        self._backend = backend
        self._kind = kind
        self._service = service
        self._flying: dict[str, asyncio.Future[Value | SpanbridgeError]] = {}
        self._tasks: set[asyncio.Task[dict[str, Value | SpanbridgeError]]] = set()

    async def get_or_compute(
        self,
        keys: Sequence[str],
        compute: Callable[[list[int]], Awaitable[Sequence[Value | SpanbridgeError]]],
    ) -> list[Answer[Value]]:
        """Return an answer per key, in order; `compute` gets the indices to compute, each distinct key once.

        Whatever `compute` raises reaches the caller, and anyone who waited for it.
        """
        stored = await self._backend.get_many(keys)
        answers = self._readable(dict(zip(keys, stored, strict=True)))
        hits = sum(key in answers for key in keys)
        CACHE_READS.labels(self._service, "hit").inc(hits)
        CACHE_READS.labels(self._service, "miss").inc(len(keys) - hits)
        missing = {key: index for index, key in reversed(list(enumerate(keys))) if key not in answers}
        waiting = {key: self._flying[key] for key in missing if key in self._flying}
        mine = {key: index for key, index in sorted(missing.items(), key=lambda each: each[1]) if key not in waiting}
        if mine:
            # Shielded: where this client leaves, those who wait for the same sentences still get their answer.
            computed = await asyncio.shield(self._take_off(mine, compute))
            answers |= {key: Answer(value, cached=False) for key, value in computed.items()}
        for key, flight in waiting.items():
            answers[key] = Answer(await asyncio.shield(flight), cached=True)
        return [answers[key] for key in keys]

    def _readable(self, stored: Mapping[str, bytes | None]) -> dict[str, Answer[Value]]:
        answers: dict[str, Answer[Value]] = {}
        for key, value in stored.items():
            if value is not None:
                # What another release wrote under the same key in another shape counts as a miss.
                with suppress(ValidationError):
                    answers[key] = Answer(self._kind.model_validate_json(value), cached=True)
        return answers

    def _take_off(
        self,
        mine: Mapping[str, int],
        compute: Callable[[list[int]], Awaitable[Sequence[Value | SpanbridgeError]]],
    ) -> "asyncio.Task[dict[str, Value | SpanbridgeError]]":
        # The keys are claimed before anything is awaited, so that a request that comes in between can't claim them.
        flights = {key: asyncio.get_running_loop().create_future() for key in mine}
        self._flying |= flights
        task = asyncio.create_task(self._fly(mine, flights, compute))
        self._tasks.add(task)  # The loop itself holds only a weak reference.
        task.add_done_callback(self._tasks.discard)
        return task

    async def _fly(
        self,
        mine: Mapping[str, int],
        flights: Mapping[str, "asyncio.Future[Value | SpanbridgeError]"],
        compute: Callable[[list[int]], Awaitable[Sequence[Value | SpanbridgeError]]],
    ) -> dict[str, Value | SpanbridgeError]:
        try:
            values = dict(zip(mine, await compute(list(mine.values())), strict=True))
        except BaseException as fault:
            for flight in flights.values():
                flight.set_exception(fault)
                flight.exception()  # Marks it as seen: nobody may be waiting.
            raise
        else:
            for key, flight in flights.items():
                flight.set_result(values[key])
            kept = {key: value for key, value in values.items() if isinstance(value, BaseModel)}
            await self._backend.set_many({key: value.model_dump_json().encode() for key, value in kept.items()})
            return values
        finally:
            for key in mine:
                del self._flying[key]
