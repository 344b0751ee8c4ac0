"""A connection to a Redis-compatible server, for what this process shares with others."""

import ssl
from urllib.parse import urlsplit

from redis.asyncio import Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from spanbridge_shared.errors import ConfigurationError

_SCHEMES = ("redis", "rediss", "unix")
_FORM = "one is redis://user:password@host:6379/0, rediss:// for TLS, or unix:///path?db=0"


def is_redis(url: str) -> bool:
    """Say whether a URL names a Redis-compatible server: redis://, rediss:// (TLS) or unix://."""
    scheme, separator, _ = url.partition("://")
    return bool(separator) and scheme in _SCHEMES


def shown_url(url: str) -> str:
    """Return a readable URL without its user, password and options, for logs.

    >>> shown_url("rediss://me:secret@cache:6380/2?ssl_ca_certs=ca.pem")
    'rediss://cache:6380/2'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def open_redis(url: str, *, timeout_s: float | None) -> Redis:
    """Return a client; it connects when it is first used, and each step of a command takes `timeout_s` at most.

    The URL holds user, password, database and redis-py's options, such as `ssl_ca_certs`. Raises `ConfigurationError`,
    which doesn't show the password, for one that can't be read, and for certificates that can't.
    """
    _check(url)
    try:
        client = Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),  # Whoever asks has a better way out than to ask again: to do without.
            protocol=2,  # Whatever server it is, and one exchange less at the start of each connection.
        )
        pool = client.connection_pool
        connection = pool.connection_class(**pool.connection_kwargs)  # Else wrong options would show in a request.
        if isinstance(connection, SSLConnection):
            connection.ssl_context.get()
    except (ssl.SSLError, OSError) as fault:
        raise ConfigurationError(f"the URL's certificates can't be read: {type(fault).__name__}") from None
    except (ValueError, TypeError, RedisError):
        # From None: the messages of these quote parts of the URL.
        raise ConfigurationError(f"an option of a Redis URL is unknown or has a wrong value; {_FORM}") from None
    return client


def _check(url: str) -> None:
    """Refuse what redis-py would read as something else than was meant, most often a password with a bare sign."""
    fault = f"a Redis URL can't be read; {_FORM}; write signs like / ? # in a password as %2F %3F %23"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(fault) from None
    database = parts.path.strip("/")
    if parts.scheme == "unix":
        well_formed = bool(database)  # It is a path there.
    else:
        well_formed = bool(parts.hostname) and (not database or database.isdecimal())
    if not is_redis(url) or not well_formed or parts.fragment:
        raise ConfigurationError(fault)
