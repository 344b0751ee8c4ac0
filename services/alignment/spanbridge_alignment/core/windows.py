"""Cutting a sentence longer than the encoder into overlapping windows, and joining their vectors again."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spanbridge_alignment.core.vectors import FloatArray


class Window(NamedTuple):
    """Sub-words `[start, end)` that are encoded together, of which `[keep_start, keep_end)` are kept."""

    start: int
    end: int
    keep_start: int
    keep_end: int


def plan_windows(n_pieces: int, size: int, overlap: int) -> list[Window]:
    """Cut `[0, n_pieces)` into windows of at most `size` that share `overlap` with each neighbour.

    Each shared stretch is halved between its two windows, so that every kept sub-word has context on both sides; the
    last window is full too, and so may share more. Raises `ValueError` unless 0 ≤ overlap < size.

    >>> plan_windows(10, size=6, overlap=2)
    [Window(start=0, end=6, keep_start=0, keep_end=5), Window(start=4, end=10, keep_start=5, keep_end=10)]
    """
    if not 0 <= overlap < size:
        raise ValueError(f"overlap must be at least 0 and less than the window's {size}, not {overlap}")
    starts = list(range(0, max(1, n_pieces - overlap), size - overlap))
    starts[-1] = max(0, n_pieces - size)
    ends = [min(start + size, n_pieces) for start in starts]
    cuts = [0, *((end + start) // 2 for end, start in zip(ends, starts[1:], strict=False)), n_pieces]
    return [Window(*each) for each in zip(starts, ends, cuts, cuts[1:], strict=False)]


def join_windows(windows: Sequence[Window], vectors: Sequence[FloatArray]) -> FloatArray:
    """Return the kept rows of each window's vectors (end − start, hidden), joined: (n_pieces, hidden).

    >>> parts = [np.float32([[0], [1], [2]]), np.float32([[11], [12], [13]])]
    >>> join_windows([Window(0, 3, 0, 2), Window(1, 4, 2, 4)], parts).ravel().tolist()
    [0.0, 1.0, 12.0, 13.0]
    """
    kept = [
        part[window.keep_start - window.start : window.keep_end - window.start]
        for window, part in zip(windows, vectors, strict=True)
    ]
    return kept[0] if len(kept) == 1 else np.concatenate(kept)
