"""Batches of a few fixed shapes from an encoded corpus, in an order that a small cursor can take up again.

Pairs are drawn with replacement in chunks; chunk k is a pure function of (seed, k). Each drawn pair waits in
the bucket of its width until the bucket holds a full batch. So the order is fixed by the seed alone, and a
cursor is the chunk number, how many of the chunk's batches were handed out, and what waited in the buckets when
the chunk began.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
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


class _Sentences:
    """One side of all shards as flat arrays, so that a batch is laid out without a loop over its rows."""

    def __init__(self, sides: Sequence[Side]) -> None:
        counts = [len(side.ids) for side in sides]
        firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._ids = np.concatenate([side.ids for side in sides])
        self._begins = np.concatenate([side.offsets[:-1] + first for side, first in zip(sides, firsts, strict=True)])
        self._lengths = np.concatenate([np.diff(side.offsets) for side in sides])
        self._codes = np.array([side.code for side in sides], np.int64)

    def laid_out(self, shards: Rows, rows: Rows, width: int) -> Rows:
        """`code pieces </s>` of sentences `rows` (n,), counted over all shards, padded: (n, width)."""
        ends = self._lengths[rows, None] + 1
        columns = np.arange(width)
        at = np.clip(self._begins[rows, None] + columns - 1, 0, len(self._ids) - 1)
        laid = np.where(columns < ends, self._ids[at].astype(np.int64), np.where(columns == ends, EOS_ID, PAD_ID))
        laid[:, 0] = self._codes[shards]
        return laid


@dataclass(frozen=True)
class Shard:
    """The pairs of one (language, pivot); `lengths` (n_pairs,) counts the longer side with code and `</s>`.

    `shares` (n_pairs,) is the running sum of the pairs' weights.
    """

    text: Side
    translation: Side
    lengths: Rows
    shares: NDArray[np.float64]


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


def load_corpus(encoded: Path, corpus_weights: Mapping[str, float] | None = None) -> list[Shard]:
    """The shards of the `encode` stage, in name order, empty ones left out; corpora without a weight count 1."""
    meta = json.loads((encoded / META).read_text(encoding="utf-8"))
    given = corpus_weights or {}
    unknown = sorted(set(given) - set(meta["corpora"]))
    if unknown:
        raise DataError(f"corpus_weights names {', '.join(unknown)}; the data hold {', '.join(meta['corpora'])}")
    weights = np.array([given.get(corpus, 1.0) for corpus in meta["corpora"]], np.float64)
    shards = []
    for name in sorted(name for name, count in meta["shards"].items() if count["pairs"]):
        language, pivot = name.split("-")
        with np.load(encoded / f"{name}.npz") as arrays:
            sides = [
                Side(arrays[f"{side}_ids"], arrays[f"{side}_offsets"], meta["languages"][code])
                for side, code in (("text", language), ("translation", pivot))
            ]
            shares = np.cumsum(weights[arrays["corpus"]])
        longer = np.maximum(np.diff(sides[0].offsets), np.diff(sides[1].offsets))
        shards.append(Shard(sides[0], sides[1], longer + 2, shares))
    return shards


class BatchStream:
    """An endless stream of batches; `BatchStream(…, cursor=batch.cursor)` goes on right after `batch`."""

    def __init__(self, shards: list[Shard], recipe: TrainRecipe, *, cursor: Cursor | None = None) -> None:
        self._shards, self._recipe = shards, recipe
        self._widths = np.array(recipe.widths, np.int64)
        longest = max((int(shard.lengths.max()) for shard in shards), default=0)
        if not shards or longest > self._widths[-1]:
            raise DataError(f"the longest pair has {longest} tokens, the widest batch {self._widths[-1]}: encode again")
        weights = np.array([shard.shares[-1] for shard in shards]) ** recipe.temperature
        self._weights = weights / weights.sum()
        self._firsts = np.cumsum([0] + [len(shard.lengths) for shard in shards])[:-1]
        self._lengths = np.concatenate([shard.lengths for shard in shards])
        self._texts = _Sentences([shard.text for shard in shards])
        self._translations = _Sentences([shard.translation for shard in shards])
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
        place = random.random(_CHUNK)
        row = np.zeros(_CHUNK, np.int64)
        for index, chosen in enumerate(self._shards):
            mine = shard == index
            row[mine] = np.searchsorted(chosen.shares, place[mine] * chosen.shares[-1], side="right")
        return np.stack([shard, row, random.random(_CHUNK) < self._recipe.from_pivot], axis=1).astype(np.int64)

    def _fill(self, chunk: int, pending: tuple[Rows, ...]) -> tuple[list[Rows], tuple[Rows, ...]]:
        """The batches that chunk completes, in the order in which their last pair was drawn, and what is left over."""
        drawn = self._draw(chunk)
        lengths = self._lengths[self._firsts[drawn[:, 0]] + drawn[:, 1]]
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
        shards, backward = rows[:, 0], rows[:, 2].astype(bool)[:, None]
        sentences = self._firsts[shards] + rows[:, 1]
        width = int(self._widths[np.searchsorted(self._widths, self._lengths[sentences].max())])
        texts = self._texts.laid_out(shards, sentences, width)
        translations = self._translations.laid_out(shards, sentences, width)
        source, target = np.where(backward, translations, texts), np.where(backward, texts, translations)
        labels = np.where(target == PAD_ID, IGNORED_LABEL, target)
        decoder_input = np.full_like(source, PAD_ID)
        decoder_input[:, 0] = EOS_ID
        decoder_input[:, 1:] = np.where(labels[:, 1:] == IGNORED_LABEL, PAD_ID, labels[:, :-1])
        return Batch(source, decoder_input, labels, cursor)
