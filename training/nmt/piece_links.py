"""From links of words to links of sub-words: pieces are counted in groups, a group for each word that begins one."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanbridge_shared.text.spans import Span
from training.nmt.marking import LinkedPair

Offsets = Sequence[tuple[int, int]]
_MOST_GROUPS = 255


@dataclass(frozen=True)
class PieceLinks:
    """Whether each piece of (text, translation) begins a group, (n_pieces,) each, and links of groups, 0-based.

    `links` (n, 2) are of (text, translation), by translation: every piece of the one group is linked to every piece
    of the other.
    """

    starts: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    links: NDArray[np.uint8]


def words_of_pieces(offsets: Offsets, text: str, words: Sequence[Span]) -> NDArray[np.int64]:
    """The word that each piece begins in, ascending; a piece of white space goes with the next word.

    >>> words_of_pieces([(0, 2), (2, 5), (5, 8), (8, 9)], "Samia is.", [Span(0, 5), Span(6, 8), Span(8, 9)]).tolist()
    [0, 0, 1, 2]
    """
    ends = [word.end for word in words]
    found = []
    for start, end in offsets:
        place = start
        while place < end and text[place].isspace():
            place += 1
        found.append(min(bisect_right(ends, place), len(words) - 1))
    return np.maximum.accumulate(np.array(found, np.int64))


def piece_links(pair: LinkedPair, text_offsets: Offsets, translation_offsets: Offsets) -> PieceLinks | None:
    """The links of a pair whose sides were cut at these code-point offsets; None without links, or with too many words.

    A word that begins no piece is in the group of the piece that covers it.
    """
    sides = (
        words_of_pieces(text_offsets, pair.text, pair.text_words),
        words_of_pieces(translation_offsets, pair.translation, pair.translation_words),
    )
    starts = tuple(np.diff(words, prepend=-1) > 0 for words in sides)
    if not pair.links or max(int(each.sum()) for each in starts) > _MOST_GROUPS:
        return None
    pivot, text = np.array(pair.links, np.int64).T
    groups = [
        np.maximum(np.searchsorted(words[begins], numbers, side="right") - 1, 0)
        for words, begins, numbers in zip(sides, starts, (text, pivot), strict=True)
    ]
    unique = np.unique(np.stack(groups[::-1], axis=1), axis=0)[:, ::-1]
    return PieceLinks((starts[0], starts[1]), unique.astype(np.uint8))
