"""A connection to a Redis-compatible server, for what this process shares with others."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from spanbridge_shared.errors import ConfigurationError


def is_redis(url: str) -> bool:
    """Say whether a URL names a Redis-compatible server: redis://, rediss:// (TLS) or unix://."""
    return url.partition("://")[0] in ("redis", "rediss", "unix")


def open_redis(url: str, *, timeout_s: float) -> Redis:
    """Return a client whose every command takes `timeout_s` at most; it connects when it is first used.

    The URL holds user, password and database. Raises `ConfigurationError` for one that can't be read.
    """
    try:
        return Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),  # Whoever asks has a better way out than to ask again: to do without.
        )
    except ValueError as fault:
        raise ConfigurationError("a Redis URL can't be read; one is redis://:password@host:6379/0") from fault
