"""Where the API keys of a gateway are kept, for who administers them: a file, or a hash in Redis."""

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

from redis import Redis
from redis.exceptions import RedisError

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.api_keys import REDIS_HASH, ApiKey, read_fields, read_lines
from spanbridge_shared.serving.redis_connection import is_redis, open_redis

_TIMEOUT_S = 10.0
_PRIVATE = stat.S_IRUSR | stat.S_IWUSR


class KeyStore(Protocol):
    """Keeps keys by name; all raise `ConfigurationError`, also for what can't be read."""

    def listed(self) -> list[ApiKey]:
        """Return the keys."""
        ...

    def add(self, key: ApiKey) -> None:
        """Add a key, whose name must be new."""
        ...

    def remove(self, name: str) -> None:
        """Remove a key."""
        ...


class FileStore:
    """A file of keys; other lines, such as comments, stay as they are."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def listed(self) -> list[ApiKey]:
        """Return the keys; none where there is no file."""
        try:
            return read_lines("\n".join(self._lines()))
        except ConfigurationError as fault:
            raise ConfigurationError(f"{self._path}: {fault.detail}") from None

    def add(self, key: ApiKey) -> None:
        """Add a key."""
        _check_new(key, self.listed())
        self._write([*self._lines(), key.line()])

    def remove(self, name: str) -> None:
        """Remove a key."""
        _check_known(name, self.listed())
        self._write([line for line in self._lines() if line.strip().partition(":")[0] != name])

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text("ascii").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as fault:
            raise ConfigurationError(f"{self._path} can't be read: {type(fault).__name__}") from fault

    def _write(self, lines: Sequence[str]) -> None:
        """Replace the file at once: a gateway may read it at any moment."""
        draft: Path | None = None
        try:
            with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=self._path.parent, delete=False) as new:
                draft = Path(new.name)
                new.writelines(f"{line}\n" for line in lines)
            draft.chmod(stat.S_IMODE(self._path.stat().st_mode) if self._path.exists() else _PRIVATE)
            os.replace(draft, self._path.resolve())  # noqa: PTH105 - a link stays one.
        except OSError as fault:
            if draft is not None:
                draft.unlink(missing_ok=True)
            raise ConfigurationError(f"{self._path} can't be written: {fault.strerror}") from fault


class RedisStore:
    """The hash of a Redis-compatible server."""

    def __init__(self, url: str) -> None:
        open_redis(url, timeout_s=_TIMEOUT_S)  # It tells what is wrong with the URL.
        self._url = url

    def listed(self) -> list[ApiKey]:
        """Return the keys."""
        with self._server() as server:
            return read_fields(cast("dict[bytes, bytes]", server.hgetall(REDIS_HASH)))

    def add(self, key: ApiKey) -> None:
        """Add a key."""
        with self._server() as server:
            if not server.hsetnx(REDIS_HASH, key.name, key.line().partition(":")[2]):
                raise ConfigurationError(f"there is a key called {key.name} already; revoke it, or choose another name")

    def remove(self, name: str) -> None:
        """Remove a key."""
        _check_known(name, self.listed())
        with self._server() as server:
            server.hdel(REDIS_HASH, name)

    @contextmanager
    def _server(self) -> Iterator[Redis]:
        server = Redis.from_url(self._url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        try:
            yield server
        except RedisError as fault:
            raise ConfigurationError(f"Redis can't be asked: {type(fault).__name__}") from fault
        finally:
            server.close()


def open_store(named: str) -> KeyStore:
    """Return the store at a path or a redis:// URL."""
    return RedisStore(named) if is_redis(named) else FileStore(Path(named))


def _check_new(key: ApiKey, keys: Sequence[ApiKey]) -> None:
    if any(each.name == key.name for each in keys):
        raise ConfigurationError(f"there is a key called {key.name} already; revoke it, or choose another name")


def _check_known(name: str, keys: Sequence[ApiKey]) -> None:
    if all(each.name != name for each in keys):
        raise ConfigurationError(
            f"no key is called {name}; there are {', '.join(each.name for each in keys) or 'none'}"
        )
