"""One Redis-compatible server as one process sees it: a time limit for all it does, and a rest while it is away.

Whatever happens to the server, whoever asks gets an answer or None, never an exception.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from spanbridge_shared.serving.redis_connection import open_redis, shown_url
from spanbridge_shared.serving.telemetry import CACHE_FAILURES

_log = logging.getLogger("spanbridge.cache")
_SLICES = 5
_CONNECTIONS = 32
_LONGEST_REST_S = 60.0

Result = TypeVar("Result")


@dataclass(slots=True)
class _Line:
    """What belongs to one event loop: connections, and the task that waits for the server to come back."""

    loop: asyncio.AbstractEventLoop
    client: Redis
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CONNECTIONS))
    returning: "asyncio.Task[None] | None" = None
    refusing: bool = False
    writes_from: float = -_LONGEST_REST_S
    rest_s: float = 0.0


class RedisLink:
    """Runs operations against a server, each within `timeout_s`.

    After one that failed, none is tried until the server answers again; it is asked every `retry_s`, and not by the
    requests. A server that answers reads but refuses writes (full, read-only) is still read, and written to again after
    `retry_s`, then after rests that double up to a minute. Either way there is one warning, and one line when it is
    over. `own_key` is a key that this process may read. Raises `ConfigurationError` for a URL that can't be read.
    """

    def __init__(self, url: str, *, service: str, own_key: str, timeout_s: float, retry_s: float) -> None:
        open_redis(url, timeout_s=None)  # To see, at the start, that it can be read.
        self._url = url
        self._service = service
        self._own_key = own_key
        self._timeout_s = timeout_s
        self._retry_s = retry_s
        self._name = f"{service}: the cache at {shown_url(url)}"
        self._line: _Line | None = None

    async def read(self, operation: Callable[[Redis], Awaitable[Result]]) -> Result | None:
        """Return the operation's result, None where the server is away."""
        line = self._here()
        # Who waits for a slot isn't waiting for the server, so that a crowd doesn't make it look slow.
        async with line.slots:
            if line.returning is not None:
                return None
            try:
                return await self._within(line, operation)
            except Exception as fault:  # noqa: BLE001 - whatever the server or its client do, a cache fails no request.
                self._lost(line, fault)
        return None

    async def write(self, operation: Callable[[Redis], Awaitable[Result]]) -> Result | None:
        """Return the operation's result, None where the server is away or refuses; raise `ResponseError` inside."""
        line = self._here()
        async with line.slots:
            if line.returning is not None or line.loop.time() < line.writes_from:
                return None
            try:
                result = await self._within(line, operation)
            except ResponseError as fault:
                self._refused(line, fault)
                return None
            except Exception as fault:  # noqa: BLE001 - as above.
                self._lost(line, fault)
                return None
        if line.refusing:
            line.refusing = False
            _log.info("%s takes writes again", self._name)
        return result

    async def close(self) -> None:
        """Close the connections of this event loop; the next operation opens new ones."""
        line, self._line = self._line, None
        if line is None or line.loop is not asyncio.get_running_loop():
            return
        if line.returning is not None:
            line.returning.cancel()
        try:
            await asyncio.wait_for(line.client.aclose(), self._timeout_s)
        except Exception as fault:  # noqa: BLE001 - a server that doesn't say goodbye holds up no shutdown.
            _log.debug("%s was closed with %s", self._name, type(fault).__name__)

    def _here(self) -> _Line:
        """Return this event loop's connections; those of another loop can't be used here."""
        loop = asyncio.get_running_loop()
        if self._line is None or self._line.loop is not loop:
            # No time limit of redis-py's own: it would count time in which this loop was busy.
            self._line = _Line(loop, open_redis(self._url, timeout_s=None))
        return self._line

    async def _within(self, line: _Line, operation: Callable[[Redis], Awaitable[Result]]) -> Result:
        """Run an operation; raises `TimeoutError` after `timeout_s` in which the event loop was free.

        In slices, because a loop that was busy for long finds the answer and the time limit at the same moment.
        """

        async def run() -> Result:
            return await operation(line.client)

        task = asyncio.create_task(run())
        task.add_done_callback(_look_at)
        try:
            for _ in range(_SLICES):
                done, _pending = await asyncio.wait({task}, timeout=self._timeout_s / _SLICES)
                if done:
                    return task.result()
            raise TimeoutError
        finally:
            task.cancel()

    def _lost(self, line: _Line, fault: Exception) -> None:
        late = isinstance(fault, TimeoutError | RedisTimeoutError)
        CACHE_FAILURES.labels(self._service, "timeout" if late else "connection").inc()
        if line.returning is None:
            _log.warning("%s is away (%s); answers are computed without it", self._name, _told(fault))
            line.returning = asyncio.create_task(self._return(line))

    def _refused(self, line: _Line, fault: ResponseError) -> None:
        CACHE_FAILURES.labels(self._service, "refused").inc()
        now = line.loop.time()
        if now < line.writes_from:
            return  # One of several at the same time.
        # A full server takes a write now and then; without longer rests the log would tell of each.
        again = now < line.writes_from + _LONGEST_REST_S
        line.rest_s = min(2 * line.rest_s, _LONGEST_REST_S) if again else self._retry_s
        line.writes_from = now + line.rest_s
        if not line.refusing:
            line.refusing = True
            _log.warning("%s refuses writes (%s); what it has is still read", self._name, _told(fault))

    async def _return(self, line: _Line) -> None:
        """Ask until the server answers what requests will ask it."""
        while True:
            await asyncio.sleep(self._retry_s)
            try:
                await self._within(line, lambda client: client.mget([self._own_key]))
                break
            except Exception as fault:  # noqa: BLE001 - it is still away, and was already reported.
                _log.debug("%s is still away (%s)", self._name, type(fault).__name__)
        line.returning = None
        _log.info("%s is back", self._name)


def _look_at(task: "asyncio.Task[Result]") -> None:
    """Take note of how a task ended that nobody waits for any more; else asyncio would log it."""
    if not task.cancelled():
        task.exception()


def _told(fault: Exception) -> str:
    """Return what a log may hold of a fault: its type, and the server's own word for it."""
    word = str(fault).partition(" ")[0] if isinstance(fault, ResponseError) else ""
    return f"{type(fault).__name__} {word}" if word.isupper() else type(fault).__name__
