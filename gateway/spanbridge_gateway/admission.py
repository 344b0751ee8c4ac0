"""Who is let in, and with how many sentences: a bound on all that is in work, and each API key's rate.

What is let in is finished: it is refused at the door or not at all, so that no work is done for nothing.
"""

import time
from contextvars import ContextVar
from dataclasses import replace

from spanbridge_shared.errors import Overloaded, RateLimited
from spanbridge_shared.serving.api_keys import ApiKey
from spanbridge_shared.serving.rate_limit import SLACK, Allowance, Buckets, Rate
from spanbridge_shared.serving.telemetry import RATE_LIMITED, SHED
from spanbridge_shared.serving.throughput import Throughput

_SERVICE = "gateway"
_ROOM_SHARE = 10
"""Those who were refused come back to one free place in so many, not to a single one for which all would compete."""


class Door:
    """Open until `max_in_flight` sentences are in work; the request that passes that number is let in whole.

    So a request of any size has its turn. Until it is known how many sentences a request has, it counts as one: of
    thousands that arrive at once, most are refused before any work was done for them.
    """

    def __init__(self, max_in_flight: int) -> None:
        self._max = max_in_flight
        self._inside = 0
        self._arriving = 0
        self._throughput = Throughput()

    def check(self) -> None:
        """Raise `Overloaded` where the door is shut."""
        if self._inside + self._arriving >= self._max:
            SHED.labels(_SERVICE).inc()
            waiting = self._inside + self._arriving - self._max + self._max // _ROOM_SHARE
            raise Overloaded(
                f"{self._inside + self._arriving:,} sentences are in work, and at most {self._max:,} may be; try again "
                "later",
                retry_after=self._throughput.retry_after(waiting),
            )

    def arrive(self) -> None:
        """Count a request in whose sentences aren't known yet; raises as `check` does."""
        self.check()
        self._arriving += 1

    def known(self) -> None:
        """Count a request that arrived no longer: its sentences enter now, or it has none."""
        self._arriving -= 1

    def enter(self, sentences: int) -> None:
        """Count sentences in."""
        self._inside += sentences
        self._throughput.begin()

    def leave(self, sentences: int, *, refused: bool = False) -> None:
        """Count sentences out; those that were refused after all weren't worked on."""
        self._inside -= sentences
        self._throughput.done(0 if refused else sentences, idle=not self._inside)


class Limiter:
    """Charges keys for sentences; one that was found empty is refused from memory until it has gained one."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._empty: dict[str, tuple[float, Allowance]] = {}

    def check(self, key: ApiKey) -> Allowance | None:
        """Return the refusal of a key that can't have a single sentence, as far as is known here; else None."""
        found, rate = self._empty.get(key.name), _rate(key)
        if found is not None and rate is not None:
            at, then = found
            # By the rate that the key has now: it may have been given another one since.
            tokens = then.tokens + (time.monotonic() - at) * rate.per_second
            if tokens < min(1.0, rate.burst) - SLACK:
                return replace(then, rate=rate, tokens=tokens, asked=1)
        self._empty.pop(key.name, None)
        return None

    async def charge(self, key: ApiKey, sentences: int, *, force: bool) -> Allowance | None:
        """Take sentences from a key's bucket; None for a key without a rate."""
        rate = _rate(key)
        if rate is None:
            return None
        allowance = await self._buckets.take(key.name, rate, sentences, force=force)
        if allowance.tokens < 1:
            self._empty[key.name] = time.monotonic(), allowance
        return allowance


def _rate(key: ApiKey) -> Rate | None:
    return None if key.rate is None or key.burst is None else Rate(key.rate, key.burst)


class Ticket:
    """One request's way through the door; `allowance` is what its key's bucket said last."""

    def __init__(self, door: Door, limiter: Limiter, key: ApiKey | None) -> None:
        self._door = door
        self._limiter = limiter
        self._key = key
        self._held = 0
        self._arriving = False
        self._refused = False
        self.allowance: Allowance | None = None

    def arrive(self) -> None:
        """Count the request in; raises `RateLimited` or `Overloaded` where not one sentence would be let in."""
        self.allowance = None if self._key is None else self._limiter.check(self._key)
        if self.allowance is not None:
            raise _limited(self.allowance)
        self._door.arrive()
        self._arriving = True

    async def admit(self, sentences: int) -> None:
        """Let sentences in; raises `RateLimited` or `Overloaded`, but never once some of the request are in.

        A request may come several times, with each of its parts; it is charged for all, and holds the largest.
        """
        is_first = not self._held
        self._settle()
        if is_first:
            self._door.check()
        if sentences > self._held:
            self._door.enter(sentences - self._held)
            self._held = sentences
        if self._key is not None:
            self.allowance = await self._limiter.charge(self._key, sentences, force=not is_first) or self.allowance
            if self.allowance is not None and not self.allowance.granted:
                self._refused = True
                raise _limited(self.allowance)

    def release(self) -> None:
        """Give back what is held."""
        self._settle()
        self._door.leave(self._held, refused=self._refused)
        self._held = 0

    def _settle(self) -> None:
        if self._arriving:
            self._arriving = False
            self._door.known()


def _limited(allowance: Allowance) -> RateLimited:
    RATE_LIMITED.labels(_SERVICE).inc()
    rate = allowance.rate
    return RateLimited(
        f"this API key may send {rate.per_second:g} sentences a second, {rate.burst:g} at once; it has used them up, "
        "try again later",
        retry_after=allowance.retry_after,
    )


TICKET: ContextVar[Ticket | None] = ContextVar("ticket", default=None)


async def admit(sentences: int) -> None:
    """Let sentences of the request in that is being served; raises `RateLimited` or `Overloaded`."""
    ticket = TICKET.get()
    if ticket is not None:
        await ticket.admit(sentences)
