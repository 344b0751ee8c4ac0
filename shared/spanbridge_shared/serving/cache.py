"""The cache: one entry per sentence, multi-get per batch, single-flight within a process and among processes.

A cache may be slow or absent, never wrong: its key hashes all that an answer depends on, the model version first.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Generic

import regex
from pydantic import ValidationError

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.cache_backends import CacheBackend, MemoryCache, NoCache
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_shared.serving.redis_cache import RedisCache, RedisLimits
from spanbridge_shared.serving.redis_connection import is_redis
from spanbridge_shared.serving.single_flight import Answer, Compute, SingleFlight, Value
from spanbridge_shared.serving.telemetry import CACHE_FAILURES, CACHE_READS

__all__ = ["Answer", "CacheBackend", "MemoryCache", "NoCache", "ResultCache", "cache_key", "open_cache"]


def open_cache(settings: ServiceSettings, *, service: str) -> CacheBackend:
    """Return the backend that `cache_url` names; raises `ConfigurationError` for a URL that can't be used."""
    url = settings.cache_url
    if is_redis(url):
        limits = RedisLimits(settings.cache_ttl_s, settings.cache_lease_s, settings.cache_timeout_s)
        try:
            return RedisCache(url, limits, service=service)
        except ConfigurationError as fault:
            raise ConfigurationError(f"{_setting(settings)}: {fault.detail}") from None
    match url.partition("://")[0]:
        case "memory":
            return MemoryCache(settings.cache_items, settings.cache_bytes)
        case "none":
            return NoCache()
        case _:
            # Only a scheme is shown: there may be a password behind it.
            scheme = re.match(r"[a-z][a-z0-9+.-]*(?=://)", url)
            named = f"no cache is called {scheme[0]!r}" if scheme else "that is no URL of a cache"
            raise ConfigurationError(
                f"{_setting(settings)}: {named}; use memory://, none://, redis://HOST, rediss://HOST or unix://PATH"
            )


def _setting(settings: ServiceSettings) -> str:
    return f"{settings.model_config.get('env_prefix', '')}cache_url".upper()


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


class ResultCache(Generic[Value]):
    """Answers a batch from the cache and computes only what is missing, each key once at a time.

    Errors are never kept, nor what `keep` refuses. A key that another request or another process is computing is waited
    for, not computed again.
    """

    def __init__(
        self, backend: CacheBackend, kind: type[Value], *, service: str, keep: Callable[[Value], bool] | None = None
    ) -> None:
        self._backend = backend
        self._kind = kind
        self._service = service
        self._flights = SingleFlight(backend, self._read, keep)

    async def get_or_compute(self, keys: Sequence[str], compute: Compute[Value]) -> list[Answer[Value]]:
        """Return an answer per key, in order; `compute` gets the indices to compute, each distinct key once.

        Where a process that others wait for dies, `compute` may be called again, for what that process left. Whatever
        it raises reaches the caller, and those of this process who waited for it.
        """
        places: dict[str, int] = {}
        for index, key in enumerate(keys):
            places.setdefault(key, index)
        distinct = list(places)
        answers: dict[str, Answer[Value]] = {}
        for key, stored in zip(distinct, await self._backend.get_many(distinct), strict=True):
            value = None if stored is None else self._read(stored)
            if value is not None:
                answers[key] = Answer(value, cached=True)
        hits = sum(key in answers for key in keys)
        CACHE_READS.labels(self._service, "hit").inc(hits)
        CACHE_READS.labels(self._service, "miss").inc(len(keys) - hits)
        missing = {key: places[key] for key in distinct if key not in answers}
        if missing:
            answers |= await self._flights.answers(missing, compute)
        return [answers[key] for key in keys]

    async def close(self) -> None:
        """Let go of the backend's connections, once what is still being computed is kept."""
        await self._flights.close()
        await self._backend.close()

    def _read(self, stored: bytes) -> Value | None:
        """Return the value; None for what another release wrote under the same key in another shape, or damaged."""
        try:
            return self._kind.model_validate_json(stored)
        except ValidationError:
            CACHE_FAILURES.labels(self._service, "unreadable").inc()
            return None
