"""When the next request to a rate-limited server may go."""


class Pace:
    """A token bucket that holds one token: requests are spread evenly, so that no minute ever has too many.

    Times are seconds of any one clock. Not safe across threads; the caller locks.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 0.0 if per_minute is None else 60.0 / per_minute
        self._next = 0.0

    def reserve(self, now: float) -> float:
        """Take the next place, and return how many seconds to wait for it.

        >>> pace = Pace(30)
        >>> pace.reserve(100.0), pace.reserve(100.5), pace.reserve(110.0)
        (0.0, 1.5, 0.0)
        """
        start = max(now, self._next)
        self._next = start + self._gap
        return start - now

    def hold(self, until: float) -> None:
        """Give out no place before a time: the server asked for it."""
        self._next = max(self._next, until)
