"""Batches of a few fixed shapes from an encoded corpus, in an order that a small cursor can take up again.

Pairs are drawn with replacement in chunks; chunk k is a pure function of (seed, k). Each drawn pair waits in
the bucket of its width until the bucket holds a full batch. So the order is fixed by the seed alone, and a
cursor is the chunk number, how many of the chunk's batches were handed out, and what waited in the buckets when
the chunk began.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.nmt.corpus import Rows, Shard, Side
from training.nmt.errors import DataError
from training.nmt.layout import EOS_ID, PAD_ID
from training.nmt.recipe import TrainRecipe
from training.nmt.respelling import offsets_of

IGNORED_LABEL = -100
_CHUNK = 32_768


class _Sentences:
    """One side of all shards as flat arrays, so that a batch is laid out without a loop over its rows."""

    def __init__(self, sides: Sequence[Side]) -> None:
        counts = [len(side.ids) for side in sides]
        firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._ids = np.concatenate([side.ids for side in sides])
        self._groups = np.concatenate([side.groups for side in sides])
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

    def groups_laid_out(self, rows: Rows, width: int) -> Rows:
        """The group of each place of `laid_out`, `width` - 1, which no piece has, where there is no piece."""
        columns = np.arange(width)
        at = np.clip(self._begins[rows, None] + columns - 1, 0, len(self._groups) - 1)
        inside = (columns > 0) & (columns <= self._lengths[rows, None])
        return np.where(inside, self._groups[at].astype(np.int64), width - 1)


class _Links:
    """The linked groups of all shards' pairs."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        firsts = offsets_of(np.array([len(shard.links.text) for shard in shards]))
        pairs = [shard.links for shard in shards]
        self._begins = np.concatenate([links.begins + first for links, first in zip(pairs, firsts, strict=False)])
        self._text = np.concatenate([links.text for links in pairs])
        self._translation = np.concatenate([links.translation for links in pairs])
        self.counts = np.concatenate([links.counts for links in pairs])

    def of(self, rows: Rows) -> tuple[Rows, Rows, Rows]:
        """The links of pairs `rows`, flat: place in `rows`, group of the text, group of the translation."""
        counts = self.counts[rows]
        ends = offsets_of(counts)
        places = np.arange(ends[-1]) + np.repeat(self._begins[rows] - ends[:-1], counts)
        owner = np.repeat(np.arange(len(rows)), counts)
        return owner, self._text[places].astype(np.int64), self._translation[places].astype(np.int64)


@dataclass(frozen=True)
class Guide:
    """What the alignment head should look at in the linked sentences of a batch.

    `rows` (n,) are their places in the batch; `target_groups` and `source_groups` (n, width) the group of each label
    and of each source token, width - 1 where it has none; `cells` the linked (sentence, target group, source group) as
    places in a flattened (n, width, width).
    """

    rows: Rows
    target_groups: Rows
    source_groups: Rows
    cells: Rows


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
    guide: Guide | None = None


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
        self._links = _Links(shards)
        self._guided = recipe.guide_weight > 0 and bool(self._links.counts.any())
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
        guide = self._guide(sentences, backward[:, 0], width) if self._guided else None
        return Batch(source, decoder_input, labels, cursor, guide)

    def _guide(self, sentences: Rows, backward: NDArray[np.bool_], width: int) -> Guide:
        rows = np.flatnonzero(self._links.counts[sentences])
        chosen, turned = sentences[rows], backward[rows]
        texts = self._texts.groups_laid_out(chosen, width)
        translations = self._translations.groups_laid_out(chosen, width)
        owner, text, translation = self._links.of(chosen)
        target = np.where(turned[:, None], texts, translations)
        source = np.where(turned[:, None], translations, texts)
        reverse = turned[owner]
        target_group, source_group = np.where(reverse, text, translation), np.where(reverse, translation, text)
        return Guide(rows, target, source, (owner * width + target_group) * width + source_group)
