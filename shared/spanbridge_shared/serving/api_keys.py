"""API keys: made at random, kept as SHA-256, one a line in a file or one a field in Redis.

A line is `name:hash`, `name:hash:rate` or `name:hash:rate:burst`; the rate is in sentences a second, `#` begins a
comment. In Redis the hash `spanbridge:keys` has names for fields, and the rest of the line for values. A plain hash is
right for keys of 256 random bits, which nobody can guess; passwords would need a slow one.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from spanbridge_shared.errors import ConfigurationError

REDIS_HASH = "spanbridge:keys"
_PREFIX = "sb_"
_BURST_S = 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key by its name and hash; `rate` is in sentences a second, None for no limit.

    `burst` is how many sentences may come at once after a while of silence.
    """

    name: str
    sha256: str
    rate: float | None = None
    burst: float | None = None

    def line(self) -> str:
        """Return the key as one line.

        >>> ApiKey("ann", "0" * 64, 2.5).line() == "ann:" + "0" * 64 + ":2.5"
        True
        """
        numbers = [f"{each:.15g}" for each in (self.rate, self.burst) if each is not None]
        return ":".join([self.name, self.sha256, *numbers])


def new_key() -> str:
    """Return a new key of 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def key_hash(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def make_key(name: str, key: str, rate: float | None = None) -> ApiKey:
    """Return what is kept of a new key; raises `ConfigurationError` for a name or rate that can't be."""
    rest = [] if rate is None else [f"{rate:.6f}"]
    return read_key(":".join([name, key_hash(key), *rest]))


def read_key(line: str) -> ApiKey:
    """Return the key of a line; raises `ConfigurationError`, which doesn't quote the line.

    >>> read_key("ann:" + "0" * 64 + ":2").burst
    120.0
    """
    name, *rest = line.strip().split(":")
    if not _NAME.fullmatch(name):
        raise ConfigurationError("a key's name is 1 to 64 letters, digits, dots, dashes and underscores of ASCII")
    digest, *numbers = rest or [""]
    if not _HASH.fullmatch(digest):
        raise ConfigurationError(f"the key {name} needs the SHA-256 of the key in 64 small hexadecimal digits")
    if len(numbers) > 2 or not all(_NUMBER.fullmatch(each) and float(each) > 0 for each in numbers):
        raise ConfigurationError(f"the key {name} has a rate or burst that isn't a number above 0, such as 12.5")
    rate = float(numbers[0]) if numbers else None
    burst = float(numbers[1]) if len(numbers) > 1 else None
    return ApiKey(name, digest, rate, max(1.0, rate * _BURST_S) if rate is not None and burst is None else burst)


class KeyRing:
    """The keys that there are."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = {each.sha256: each for each in keys}

    def find(self, key: str) -> ApiKey | None:
        """Return the key that was shown, None where there is no such.

        The time it takes may tell something of a hash, but nobody can choose the hash of what they show, sign by sign,
        and so come closer to a key's.
        """
        shown = key_hash(key)
        found = self._keys.get(shown)
        return found if found is not None and hmac.compare_digest(found.sha256, shown) else None


def read_lines(text: str) -> list[ApiKey]:
    """Return the keys of a file; raises `ConfigurationError` for a bad line, by its number, and for a name twice."""
    keys: list[ApiKey] = []
    for number, line in enumerate(text.splitlines(), start=1):
        plain = line.partition("#")[0].strip()
        if plain:
            try:
                keys.append(read_key(plain))
            except ConfigurationError as fault:
                raise ConfigurationError(f"line {number}: {fault.detail}") from None
    names = [each.name for each in keys]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"there are two keys called {', '.join(twice)}")
    return keys


def read_fields(fields: Mapping[bytes, bytes]) -> list[ApiKey]:
    """Return the keys of the Redis hash; raises `ConfigurationError`."""
    return [
        read_key(f"{name.decode('ascii', 'replace')}:{rest.decode('ascii', 'replace')}")
        for name, rest in sorted(fields.items())
    ]
