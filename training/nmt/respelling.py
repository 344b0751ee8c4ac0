"""Other spellings of a sentence, cut from its pieces: a BPE dropout that needs no tokenizer and can be seeded.

Provilkov et al. 2020 (arXiv 1910.13267) leave out merges while a sentence is encoded. Here a piece that was encoded is
cut back into the two that it was merged from, with some probability, and so are the parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.integer]
Offsets = NDArray[np.int64]
Groups = NDArray[np.uint8]
_ROUNDS = 4


@dataclass(frozen=True)
class Sentences:
    """`ids` flat, `offsets` (n + 1,), and the group (word) of each piece within its sentence, flat."""

    ids: Ids
    offsets: Offsets
    groups: Groups

    def picked(self, rows: NDArray[np.bool_]) -> "Sentences":
        """The sentences of a mask (n,)."""
        lengths = np.diff(self.offsets)
        pieces = np.repeat(rows, lengths)
        return Sentences(self.ids[pieces], offsets_of(lengths[rows]), self.groups[pieces])


def offsets_of(lengths: NDArray[np.integer]) -> Offsets:
    """Where sentences of these lengths begin and end in a flat array, (n + 1,).

    >>> offsets_of(np.array([2, 0, 3])).tolist()
    [0, 2, 2, 5]
    """
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def halves(pieces: Sequence[str], first: int) -> NDArray[np.int32]:
    """The ids of the two pieces that each was merged from, (n, 2), -1 where it is a letter; `first` is the first's id.

    A sentencepiece BPE joins whichever neighbours form the best, that is the first piece.

    >>> halves(["ab", "abc", "a", "b", "c"], 10).tolist()
    [[12, 13], [10, 14], [-1, -1], [-1, -1], [-1, -1]]
    """
    ranks = {piece: rank for rank, piece in enumerate(pieces)}
    return np.array([_half(piece, ranks, first) for piece in pieces], np.int32).reshape(-1, 2)


def _half(piece: str, ranks: dict[str, int], first: int) -> tuple[int, int]:
    symbols = list(piece)
    while len(symbols) > 2:
        joined = [ranks.get(left + right, len(ranks)) for left, right in pairwise(symbols)]
        best = min(joined)
        if best == len(ranks):
            break
        place = joined.index(best)
        symbols[place : place + 2] = ["".join(symbols[place : place + 2])]
    if len(symbols) != 2 or not ranks.keys() >= set(symbols):
        return -1, -1
    return first + ranks[symbols[0]], first + ranks[symbols[1]]


def respelled(sentences: Sentences, table: NDArray[np.int32], share: float, rng: np.random.Generator) -> Sentences:
    """The sentences with each piece cut with probability `share`, and its parts likewise; `table` is from `halves`.

    Parts keep the group of their piece.

    >>> table = np.array([[-1, -1], [0, 0]], np.int32)
    >>> respelled(Sentences(np.array([1, 0]), np.array([0, 2]), np.array([0, 1], np.uint8)), table, 1.0,
    ...           np.random.default_rng(0)).ids.tolist()
    [0, 0, 0]
    """
    ids, offsets, groups = sentences.ids, sentences.offsets, sentences.groups
    fresh = np.ones(len(ids), bool)
    for _ in range(_ROUNDS):
        cut = fresh & (table[ids, 0] >= 0) & (rng.random(len(ids), dtype=np.float32) < share)
        if not cut.any():
            break
        counts = cut + np.int64(1)
        starts = offsets_of(counts)
        first = starts[:-1][cut]
        parts = table[ids[cut]].astype(ids.dtype)
        ids, groups, offsets = np.repeat(ids, counts), np.repeat(groups, counts), starts[offsets]
        ids[first], ids[first + 1] = parts[:, 0], parts[:, 1]
        fresh = np.repeat(cut, counts)
    return Sentences(ids, offsets, groups)
