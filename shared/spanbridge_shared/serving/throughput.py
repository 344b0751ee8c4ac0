"""How fast work has been done lately, and when to come back, therefore."""

import math
import time
from collections.abc import Callable

_LATELY_S = 20.0
_LONGEST_S = 60


class Throughput:
    """Sentences per second, of which the last 20 seconds count most; time in which nothing was to do doesn't count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._done = 0.0
        self._seconds = 0.0
        self._busy_since: float | None = None

    def begin(self) -> None:
        """Say that there is work; no effect where there was some already."""
        if self._busy_since is None:
            self._busy_since = self._clock()

    def done(self, sentences: int, *, idle: bool) -> None:
        """Count sentences that are done; `idle` says that no others are left."""
        if self._busy_since is None:
            return
        now = self._clock()
        seconds = now - self._busy_since
        faded = math.exp(-seconds / _LATELY_S)
        self._done = self._done * faded + sentences
        self._seconds = self._seconds * faded + seconds
        self._busy_since = None if idle else now

    def retry_after(self, waiting: int) -> int:
        """Return in how many whole seconds so many sentences will be done, 1 to 60."""
        if not self._done:
            return 1
        return min(_LONGEST_S, max(1, math.ceil(waiting * self._seconds / self._done)))
