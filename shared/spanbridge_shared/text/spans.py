"""Spans: half-open `[start, end)` ranges over code points or tokens."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A half-open range `[start, end)`; which unit it counts is said where it is used."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def shifted(self, by: int) -> "Span":
        """Return the span moved by a number of units."""
        return Span(self.start + by, self.end + by)

    def overlaps(self, other: "Span") -> bool:
        """Say whether the two share at least one unit; touching spans don't.

        >>> Span(0, 2).overlaps(Span(2, 3)), Span(0, 2).overlaps(Span(1, 3))
        (False, True)
        """
        return self.start < other.end and other.start < self.end


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in the given order of preference, less each one that overlaps an earlier one.

    >>> without_overlaps([Span(0, 3), Span(2, 4), Span(4, 5)])
    [Span(start=0, end=3), Span(start=4, end=5)]
    """
    kept: list[Span] = []
    for span in spans:
        if not any(span.overlaps(other) for other in kept):
            kept.append(span)
    return kept


def runs(positions: Sequence[int], *, gap: int = 0) -> list[Span]:
    """Group positions into maximal runs; neighbours at most `gap` units apart join.

    >>> runs([1, 2, 5], gap=0), runs([1, 2, 4], gap=1)
    ([Span(start=1, end=3), Span(start=5, end=6)], [Span(start=1, end=5)])
    """
    grouped: list[Span] = []
    for position in sorted(set(positions)):
        if grouped and position - grouped[-1].end <= gap:
            grouped[-1] = Span(grouped[-1].start, position + 1)
        else:
            grouped.append(Span(position, position + 1))
    return grouped
