"""Batches of a few fixed shapes from an encoded corpus, in an order that a small cursor can take up again.

Pairs are drawn with replacement in chunks; chunk k is a pure function of (seed, k). Each drawn pair waits in
the bucket of its width until the bucket holds a full batch. So the order is fixed by the seed alone, and a
cursor is the chunk number, how many of the chunk's batches were handed out, and what waited in the buckets when
the chunk began.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.nmt.encode import META
from training.nmt.errors import DataError
from training.nmt.layout import EOS_ID, PAD_ID
from training.nmt.recipe import TrainRecipe

IGNORED_LABEL = -100
_CHUNK = 32_768

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Side:
    """One side of a shard: `ids` flat, `offsets` (n_pairs + 1,), and the id of its language code."""

    ids: NDArray[np.integer]
    offsets: NDArray[np.int64]
    code: int

    def row(self, index: int) -> NDArray[np.integer]:
        """The ids of one sentence."""
        return self.ids[self.offsets[index] : self.offsets[index + 1]]


@dataclass(frozen=True)
class Shard:
    """The pairs of one (language, pivot); `lengths` (n_pairs,) counts the longer side with code and `</s>`."""

    text: Side
    translation: Side
    lengths: Rows


@dataclass(frozen=True)
class Cursor:
    """Where a stream stands. `pending[b]` holds (shard, row, reversed) of the pairs waiting in bucket b, (n, 3)."""

    chunk: int
    emitted: int
    pending: tuple[Rows, ...]


@dataclass(frozen=True)
class Batch:
    """Arrays of shape (rows, width); `cursor` is the stream's place after this batch."""

    source: Rows
    decoder_input: Rows
    labels: Rows
    cursor: Cursor


def load_corpus(encoded: Path) -> list[Shard]:
    """The shards of the `encode` stage, in name order, empty ones left out."""
    meta = json.loads((encoded / META).read_text(encoding="utf-8"))
    shards = []
    for name in sorted(name for name, count in meta["shards"].items() if count["pairs"]):
        language, pivot = name.split("-")
        with np.load(encoded / f"{name}.npz") as arrays:
            sides = [
                Side(arrays[f"{side}_ids"], arrays[f"{side}_offsets"], meta["languages"][code])
                for side, code in (("text", language), ("translation", pivot))
            ]
        longer = np.maximum(np.diff(sides[0].offsets), np.diff(sides[1].offsets))
        shards.append(Shard(sides[0], sides[1], longer + 2))
    return shards


class BatchStream:
    """An endless stream of batches; `BatchStream(…, cursor=batch.cursor)` goes on right after `batch`."""

    def __init__(self, shards: list[Shard], recipe: TrainRecipe, *, cursor: Cursor | None = None) -> None:
        self._shards, self._recipe = shards, recipe
        self._widths = np.array(recipe.widths, np.int64)
        longest = max((int(shard.lengths.max()) for shard in shards), default=0)
        if not shards or longest > self._widths[-1]:
            raise DataError(f"the longest pair has {longest} tokens, the widest batch {self._widths[-1]}: encode again")
        sizes = np.array([len(shard.lengths) for shard in shards], np.float64)
        weights = sizes**recipe.temperature
        self._sizes, self._weights = sizes, weights / weights.sum()
        nothing = tuple(np.zeros((0, 3), np.int64) for _ in recipe.widths)
        self._start = cursor or Cursor(0, 0, nothing)

    def __iter__(self) -> Iterator[Batch]:
        chunk, skip, pending = self._start.chunk, self._start.emitted, self._start.pending
        while True:
            batches, left = self._fill(chunk, pending)
            for number, rows in enumerate(batches[skip:], skip + 1):
                yield self._pad(rows, Cursor(chunk, number, pending))
            chunk, skip, pending = chunk + 1, 0, left

    def rows_per_batch(self, width: int) -> int:
        """How many pairs make a batch of `width`: a multiple of 8 where the token budget allows."""
        rows = max(1, self._recipe.batch_tokens // width)
        return rows if rows < 8 else rows // 8 * 8

    def _draw(self, chunk: int) -> Rows:
        """Chunk `chunk` as (shard, row, reversed), (_CHUNK, 3)."""
        random = np.random.default_rng([self._recipe.seed, chunk])
        shard = random.choice(len(self._shards), _CHUNK, p=self._weights)
        row = np.floor(random.random(_CHUNK) * self._sizes[shard]).astype(np.int64)
        return np.stack([shard, row, random.random(_CHUNK) < self._recipe.from_pivot], axis=1).astype(np.int64)

    def _fill(self, chunk: int, pending: tuple[Rows, ...]) -> tuple[list[Rows], tuple[Rows, ...]]:
        """The batches that chunk completes, in the order in which their last pair was drawn, and what is left over."""
        drawn = self._draw(chunk)
        lengths = np.zeros(_CHUNK, np.int64)
        for index, shard in enumerate(self._shards):
            mine = drawn[:, 0] == index
            lengths[mine] = shard.lengths[drawn[mine, 1]]
        bucket_of = np.searchsorted(self._widths, lengths)
        complete: list[tuple[int, Rows]] = []
        left = []
        for bucket, waiting in enumerate(pending):
            new = np.flatnonzero(bucket_of == bucket)
            rows, size = np.concatenate([waiting, drawn[new]]), self.rows_per_batch(int(self._widths[bucket]))
            full = len(rows) // size
            for number in range(1, full + 1):
                last_drawn = int(new[number * size - len(waiting) - 1])
                complete.append((last_drawn, rows[(number - 1) * size : number * size]))
            left.append(rows[full * size :])
        return [rows for _, rows in sorted(complete, key=lambda entry: entry[0])], tuple(left)

    def _pad(self, rows: Rows, cursor: Cursor) -> Batch:
        """Lay out `rows`: source `code pieces </s>`, labels the same of the other side, decoder input shifted right."""
        longest = max(int(self._shards[shard].lengths[row]) for shard, row, _ in rows)
        width = int(self._widths[np.searchsorted(self._widths, longest)])
        source = np.full((len(rows), width), PAD_ID, np.int64)
        labels = np.full((len(rows), width), IGNORED_LABEL, np.int64)
        for line, (shard, row, backward) in enumerate(rows):
            sides = self._shards[shard].text, self._shards[shard].translation
            self._lay(source[line], sides[backward], row)
            self._lay(labels[line], sides[1 - backward], row)
        decoder_input = np.full_like(source, PAD_ID)
        decoder_input[:, 0] = EOS_ID
        decoder_input[:, 1:] = np.where(labels[:, 1:] == IGNORED_LABEL, PAD_ID, labels[:, :-1])
        return Batch(source, decoder_input, labels, cursor)

    @staticmethod
    def _lay(target: Rows, side: Side, index: int) -> None:
        pieces = side.row(index)
        target[0], target[1 : len(pieces) + 1], target[len(pieces) + 1] = side.code, pieces, EOS_ID
