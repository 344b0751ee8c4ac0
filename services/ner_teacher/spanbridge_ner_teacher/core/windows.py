"""Long sentences: windows of words that a model can hold, overlapping, so that every word is seen with context."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_shared.text.spans import Span


@dataclass(frozen=True, slots=True)
class Window:
    """Words that run through the model together, and those among them whose answers are kept; both count words."""

    words: Span
    kept: Span


def plan_windows(sizes: Sequence[int], budget: int, overlap: int) -> list[Window]:
    """Cut words into windows of at most `budget` sub-words that share about `overlap` sub-words with the next one.

    `sizes` (n_words,) are sub-words per word, none above the budget. The kept spans cover every word exactly once; the
    words that two windows share are split in the middle, where both still see both sides.

    >>> [(tuple(each.words), tuple(each.kept)) for each in plan_windows([1, 1, 1, 1, 1], budget=4, overlap=2)]
    [((0, 4), (0, 3)), ((2, 5), (3, 5))]

    Raises `ValueError` where a word doesn't fit.
    """
    if any(size > budget for size in sizes):
        raise ValueError(f"a word of {max(sizes)} sub-words is above the budget of {budget}")
    spans = _overlapping(sizes, budget, overlap)
    cuts = [0, *((after.start + before.end) // 2 for before, after in itertools.pairwise(spans)), len(sizes)]
    return [Window(span, Span(cuts[place], cuts[place + 1])) for place, span in enumerate(spans)]


def _overlapping(sizes: Sequence[int], budget: int, overlap: int) -> list[Span]:
    spans: list[Span] = []
    start = 0
    while True:
        end, total = start, 0
        while end < len(sizes) and total + sizes[end] <= budget:
            total += sizes[end]
            end += 1
        spans.append(Span(start, end))
        if end == len(sizes):
            return spans
        # Room for the next word comes before overlap: without it a window could end where the last one did.
        room = min(overlap, budget - sizes[end])
        shared = 0
        first = end
        while first > start + 1 and shared + sizes[first - 1] <= room:
            first -= 1
            shared += sizes[first]
        start = first
