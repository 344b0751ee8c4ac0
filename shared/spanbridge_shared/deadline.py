"""How long a request may still take, as everything that works for it sees it.

On the wire, `X-Request-Deadline` holds the seconds left, such as `2.5`. They are relative, as in gRPC's `grpc-timeout`,
because two machines' clocks need not agree; the time on the way is then the caller's, who stops waiting first.
"""

import asyncio
import re
from contextvars import ContextVar

from spanbridge_shared.errors import InvalidRequest

HEADER = "x-request-deadline"
DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When nobody waits for the answer any more, by the event loop's own clock; None: never."""

_SECONDS = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")


def read_deadline(given: str) -> float:
    """Return the seconds of a header; raises `InvalidRequest`. None or fewer left is no fault of form.

    >>> read_deadline("2.5"), read_deadline("-0.01")
    (2.5, -0.01)
    """
    if not _SECONDS.fullmatch(given):
        raise InvalidRequest("X-Request-Deadline must hold the seconds left for the request, such as 2.5")
    return float(given)


def write_deadline(seconds: float) -> str:
    """Return a header's value.

    >>> write_deadline(2.5), write_deadline(0.00001)
    ('2.500', '0.000')
    """
    return f"{min(seconds, 999_999_999):.3f}"


def seconds_left() -> float | None:
    """Return how long the request that is being served may still take; negative once its time is over."""
    deadline = DEADLINE.get()
    return None if deadline is None else deadline - asyncio.get_running_loop().time()
