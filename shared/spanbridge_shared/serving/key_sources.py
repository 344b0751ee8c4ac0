"""Where a gateway's API keys come from: a file, or a hash in Redis; both may change while it runs."""

import asyncio
import logging
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Protocol, cast

from redis.exceptions import RedisError

from spanbridge_shared.errors import ConfigurationError, NotReady
from spanbridge_shared.serving.api_keys import REDIS_HASH, KeyRing, read_fields, read_lines
from spanbridge_shared.serving.redis_connection import is_redis, open_redis

_log = logging.getLogger("spanbridge.keys")
_REFRESH_S = 2.0
_TIMEOUT_S = 1.0


class KeySource(Protocol):
    """Gives the keys as they are now."""

    async def keys(self) -> KeyRing:
        """Return the keys; raises `NotReady` where they have never been read."""
        ...

    async def close(self) -> None:
        """Release what is open."""
        ...


class FileKeys:
    """The keys of a file, read again whenever it changes.

    What can't be read keeps the keys that were there before, and is told once: half a file must lock nobody out.
    """

    def __init__(self, path: Path) -> None:
        """Read the file; raises `ConfigurationError` where that can't be done."""
        self._path = path
        self._seen = self._mark()
        self._ring = self._read()

    async def keys(self) -> KeyRing:
        """Return the keys."""
        mark = self._mark()
        if mark != self._seen:
            self._seen = mark
            try:
                self._ring = self._read()
                _log.info("the API keys were read again")
            except ConfigurationError as fault:
                _log.error("the API keys stay as they were: %s", fault.detail)
        return self._ring

    async def close(self) -> None:
        """Nothing is open."""

    def _mark(self) -> tuple[int, ...]:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - every request does it, and this is the quick way.
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> KeyRing:
        try:
            return KeyRing(read_lines(self._path.read_text("ascii")))
        except (OSError, UnicodeDecodeError) as fault:
            raise ConfigurationError(f"the file of API keys can't be read: {type(fault).__name__}") from None
        except ConfigurationError as fault:
            raise ConfigurationError(f"the file of API keys: {fault.detail}") from None


class RedisKeys:
    """The keys of a hash in Redis, at most two seconds old; while the server is away, those read last."""

    def __init__(self, url: str) -> None:
        """Connect when first asked; raises `ConfigurationError` for a URL that can't be read."""
        self._redis = open_redis(url, timeout_s=_TIMEOUT_S)
        self._ring: KeyRing | None = None
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._told = False

    async def keys(self) -> KeyRing:
        """Return the keys; raises `NotReady` where they have never been read."""
        if self._is_old():
            async with self._reading:
                if self._is_old():  # Who waited for the lock needn't read again.
                    await self._read()
        if self._ring is None:
            raise NotReady("the API keys can't be read; try again in a moment")
        return self._ring

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    def _is_old(self) -> bool:
        return asyncio.get_running_loop().time() - self._read_at > _REFRESH_S

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                fields = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(REDIS_HASH))
            self._ring = KeyRing(read_fields(fields))
            if self._told:
                _log.info("the API keys are read from Redis again")
            self._told = False
        except (RedisError, OSError, TimeoutError, ConfigurationError) as fault:
            if not self._told:
                why = fault.detail if isinstance(fault, ConfigurationError) else type(fault).__name__
                _log.error("the API keys stay as they were, Redis gave none: %s", why)
            self._told = True
        self._read_at = asyncio.get_running_loop().time()


def open_keys(named: str) -> KeySource | None:
    """Return the source that a setting names, None for none; raises `ConfigurationError`."""
    if not named:
        return None
    return RedisKeys(named) if is_redis(named) else FileKeys(Path(named))
