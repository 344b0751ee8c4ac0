"""Batches of a few widths, drawn on the device; step k's batch is a pure function of (seed, k)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.aligner.corpus import MAX_SPECIALS, Pieces
from training.aligner.load import Corpus, Side
from training.aligner.recipe import TrainRecipe
from training.encoder.tokenizer import BOS_ID, EOS_ID, PAD_ID
from training.nmt.errors import DataError


@dataclass(frozen=True)
class Rows:
    """Padded sub-words: ids with special ones (n, width), and the word of each (n, width), -1 for none."""

    ids: Tensor
    words: Tensor


@dataclass(frozen=True)
class Batch:
    """`n` pairs; in `student` and `teacher` the sources come first, then the targets (2n rows)."""

    student: Rows
    teacher: Rows
    salient: Tensor
    links: Tensor
    supervision: Tensor
    n_words: int


class _Flat:
    """A ragged array on the device."""

    def __init__(self, values: NDArray[np.generic], offsets: NDArray[np.int64], device: torch.device) -> None:
        self.values = torch.from_numpy(np.ascontiguousarray(values)).to(device)
        self._offsets = torch.from_numpy(offsets).to(device)

    def at(self, rows: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """Return places in `values` (n, width), clipped, and where they are inside the row."""
        begins, ends = self._offsets[rows][:, None], self._offsets[rows + 1][:, None]
        places = begins + torch.arange(width, device=rows.device)[None, :]
        return places.clamp(max=max(0, len(self.values) - 1)), places < ends


class _Spelled:
    """One side's sub-words by one tokenizer."""

    def __init__(self, pieces: Pieces, device: torch.device) -> None:
        self._ids = _Flat(pieces.ids, pieces.offsets, device)
        self._words = torch.from_numpy(pieces.words).to(device)

    def rows(self, rows: Tensor, width: int) -> Rows:
        places, inside = self._ids.at(rows, width - 1)
        ids = torch.where(inside, self._ids.values[places].long(), PAD_ID)
        words = torch.where(inside, self._words[places].long(), -1)
        padded = torch.nn.functional.pad(ids, (1, 0), value=BOS_ID)
        ended = torch.nn.functional.pad(ids, (0, 1), value=PAD_ID)
        # `</s>` takes the place of the first padding.
        lengths = inside.sum(dim=1, keepdim=True) + 1
        columns = torch.arange(width, device=ended.device)[None, :]
        return Rows(torch.where(columns == lengths, EOS_ID, padded), torch.nn.functional.pad(words, (1, 0), value=-1))


class _Side:
    """One side of the corpus."""

    def __init__(self, side: Side, device: torch.device) -> None:
        self.student, self.teacher = _Spelled(side.student, device), _Spelled(side.teacher, device)
        self._salient = _Flat(side.salient.values, side.salient.offsets, device)

    def salient(self, rows: Tensor, n_words: int) -> Tensor:
        places, inside = self._salient.at(rows, n_words)
        return (self._salient.values[places] > 0) & inside


class Batches:
    """The corpus on the device."""

    def __init__(self, corpus: Corpus, recipe: TrainRecipe, device: torch.device) -> None:
        self._recipe, self._device = recipe, device
        self._sides = _Side(corpus.source, device), _Side(corpus.target, device)
        self._links = _Flat(corpus.links.values, corpus.links.offsets, device)
        self._most_links = corpus.links.lengths
        self._supervision = torch.from_numpy(corpus.supervision.astype(np.int64)).to(device)
        self._n_words = np.maximum(corpus.source.salient.lengths, corpus.target.salient.lengths)
        self._buckets, self._shares = buckets(corpus, recipe)

    def batch(self, step: int) -> Batch:
        """Return step `step`'s batch."""
        rng = np.random.default_rng((self._recipe.seed, step))
        number = int(rng.choice(len(self._buckets), p=self._shares))
        width, members, chances = self._buckets[number]
        chosen = members[np.searchsorted(chances, rng.random(rows_of(width, self._recipe)), side="right")]
        n_words = _rounded(int(self._n_words[chosen].max()), 8)
        rows = torch.from_numpy(chosen).to(self._device)
        student, teacher = (
            _stacked([getattr(side, name).rows(rows, width) for side in self._sides]) for name in ("student", "teacher")
        )
        salient = torch.cat([side.salient(rows, n_words) for side in self._sides])
        links = self._dense(rows, int(self._most_links[chosen].max()), n_words)
        return Batch(student, teacher, salient, links, self._supervision[rows], n_words)

    def _dense(self, rows: Tensor, most: int, n_words: int) -> Tensor:
        links = torch.zeros(len(rows), n_words, n_words, dtype=torch.bool, device=self._device)
        if most:
            places, inside = self._links.at(rows, most)
            codes = self._links.values[places].long()
            row = torch.arange(len(rows), device=self._device)[:, None].expand_as(codes)
            links[row[inside], codes[inside] // 256, codes[inside] % 256] = True
        return links


def rows_of(width: int, recipe: TrainRecipe) -> int:
    """Pairs in a batch of this width."""
    return max(1, recipe.batch_tokens // (2 * width))


def buckets(
    corpus: Corpus, recipe: TrainRecipe
) -> tuple[list[tuple[int, NDArray[np.int64], NDArray[np.float64]]], NDArray[np.float64]]:
    """Group pairs by width: (width, pairs, their cumulative chances), and each group's share of the batches.

    A group of languages with n pairs is drawn n^temperature times as often as one with a single pair.
    """
    spelled = (corpus.source.student, corpus.source.teacher, corpus.target.student, corpus.target.teacher)
    longest = np.max([pieces.lengths for pieces in spelled], axis=0) + MAX_SPECIALS
    weight = pair_weights(corpus.group, corpus.groups, recipe)
    found, masses = [], []
    for low, width in zip((0, *recipe.widths), recipe.widths, strict=False):
        members = np.flatnonzero((longest > low) & (longest <= width))
        mass = weight[members].sum()
        if mass > 0:
            # The last sum may fall a rounding short of one.
            chances = np.minimum(np.cumsum(weight[members]) / mass, 1.0)
            chances[-1] = 1.0
            found.append((width, members, chances))
            masses.append(mass / rows_of(width, recipe))
    if not found:
        raise DataError(f"no pair has at most {recipe.widths[-1] - MAX_SPECIALS} sub-words on both sides")
    return found, np.array(masses) / sum(masses)


def pair_weights(group: NDArray[np.int64], names: Sequence[str], recipe: TrainRecipe) -> NDArray[np.float64]:
    """Return each pair's weight: of all pairs of its group together n^temperature, times the group's own factor."""
    counts = np.bincount(group, minlength=len(names)).astype(np.float64)
    factors = np.array([recipe.group_weights.get(name, 1.0) for name in names])
    weights = factors * counts ** (recipe.temperature - 1)
    return np.asarray(weights[group], np.float64)


def _stacked(sides: Sequence[Rows]) -> Rows:
    return Rows(torch.cat([side.ids for side in sides]), torch.cat([side.words for side in sides]))


def _rounded(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
