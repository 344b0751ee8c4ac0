"""The folder that `encode` writes and training reads: `meta.json`, `halves.npy`, `<language>-<pivot>.npz`.

Arrays of a shard, per side s in (text, translation): `<s>_ids` uint16 or int32, flat, without language code and `</s>`;
`<s>_lengths` (n_pairs,). `corpus` uint8 (n_pairs,), an index into meta.json's `corpora`. `marked`, `linked`: bits, one
a pair. For linked pairs alone, in their order: `<s>_starts`, a bit for each piece, set where a group (a word) begins;
`link_counts` (n_linked,); `link_text`, `link_translation` uint8, the linked groups, each less the one before it, modulo
256. `halves.npy` (vocabulary, 2): see `respelling`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.nmt.errors import DataError
from training.nmt.recipe import TrainRecipe
from training.nmt.respelling import Groups, Ids, Offsets, Sentences, offsets_of, respelled

META, HALVES = "meta.json", "halves.npy"

Rows = NDArray[np.int64]
Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Side(Sentences):
    """One side of a shard, and the id of its language code."""

    code: int


@dataclass(frozen=True)
class Links:
    """Linked groups of (text, translation), flat; pair r has `counts[r]` of them from `begins[r]` on."""

    text: Groups
    translation: Groups
    begins: Rows
    counts: Rows


@dataclass(frozen=True)
class Shard:
    """The pairs of one (language, pivot); `lengths` (n_pairs,) counts the longer side with code and `</s>`.

    `shares` (n_pairs,) is the running sum of the pairs' weights.
    """

    text: Side
    translation: Side
    lengths: Rows
    shares: NDArray[np.float64]
    links: Links


def load_corpus(encoded: Path, recipe: TrainRecipe) -> list[Shard]:
    """The shards in name order, empty ones left out; corpora without a weight count 1.

    The further spellings are a function of the data and the recipe's seed. Raises DataError for an unknown corpus.
    """
    meta = json.loads((encoded / META).read_text(encoding="utf-8"))
    given = recipe.corpus_weights
    unknown = sorted(set(given) - set(meta["corpora"]))
    if unknown:
        raise DataError(f"corpus_weights names {', '.join(unknown)}; the data hold {', '.join(meta['corpora'])}")
    weights = np.array([given.get(corpus, 1.0) for corpus in meta["corpora"]], np.float64)
    halves = np.load(encoded / HALVES)
    shards = []
    for number, name in enumerate(sorted(name for name, count in meta["shards"].items() if count["pairs"])):
        language, pivot = name.split("-")
        codes = meta["languages"][language], meta["languages"][pivot]
        with np.load(encoded / f"{name}.npz") as stored:
            arrays = {key: stored[key] for key in stored.files}
        shards.append(_shard(arrays, codes, weights, recipe, halves, np.random.default_rng([recipe.seed, number])))
    return shards


def _shard(
    arrays: Mapping[str, NDArray[Any]],
    codes: tuple[int, int],
    weights: NDArray[np.float64],
    recipe: TrainRecipe,
    halves: NDArray[np.int32],
    rng: np.random.Generator,
) -> Shard:
    pairs = len(arrays["corpus"])
    linked = np.unpackbits(arrays["linked"], count=pairs).astype(bool)
    marked = np.unpackbits(arrays["marked"], count=pairs).astype(bool)
    text, translation = _sentences(arrays, "text", linked), _sentences(arrays, "translation", linked)
    counts = np.zeros(pairs, np.int64)
    counts[linked] = arrays["link_counts"]
    each = pair_weights(weights[arrays["corpus"]], marked, recipe.marked_share)
    begins = offsets_of(counts)[:-1]
    sides, rows = [(text, translation)], [np.arange(pairs)]
    for _ in range(recipe.respelled):
        one, other = (respelled(side, halves, recipe.cut, rng) for side in (text, translation))
        fits = np.maximum(np.diff(one.offsets), np.diff(other.offsets)) + 2 <= recipe.widths[-1]
        sides.append((one.picked(fits), other.picked(fits)))
        rows.append(np.flatnonzero(fits))
    kept = np.concatenate(rows)
    joined = [_joined(list(parts), code) for parts, code in zip(zip(*sides, strict=True), codes, strict=True)]
    longer = np.maximum(*(np.diff(side.offsets) for side in joined))
    groups = [np.cumsum(arrays[f"link_{side}"], dtype=np.uint8) for side in ("text", "translation")]
    links = Links(groups[0], groups[1], begins[kept], counts[kept])
    return Shard(joined[0], joined[1], longer + 2, np.cumsum(each[kept]), links)


def pair_weights(weights: NDArray[np.float64], marked: Bits, share: float) -> NDArray[np.float64]:
    """The weights (n_pairs,) of plain and marked pairs, scaled so that the marked have `share` of the plain's sum.

    The sum stays that of the plain pairs, so that language pairs weigh what they weighed without marked copies.

    >>> pair_weights(np.array([1.0, 1.0, 2.0]), np.array([False, False, True]), 0.5).tolist()
    [0.5, 0.5, 1.0]
    """
    total, among = weights[~marked].sum(), weights[marked].sum()
    if not among:
        return np.where(marked, 0.0, weights)
    return np.where(marked, weights * share * total / among, weights * (1 - share))


def _sentences(arrays: Mapping[str, NDArray[Any]], side: str, linked: Bits) -> Sentences:
    ids, lengths = arrays[f"{side}_ids"], arrays[f"{side}_lengths"].astype(np.int64)
    pieces = np.repeat(linked, lengths)
    starts = np.unpackbits(arrays[f"{side}_starts"], count=int(pieces.sum()))
    # Counting runs on over sentences; each begins with a start, and from each its first number is taken off.
    running = np.cumsum(starts, dtype=np.int64)
    within = lengths[linked]
    first = offsets_of(within)[:-1]
    groups = np.zeros(len(ids), np.uint8)
    groups[pieces] = (running - np.repeat(running[first], within)).astype(np.uint8)
    return Sentences(ids, offsets_of(lengths), groups)


def _joined(parts: list[Sentences], code: int) -> Side:
    ids: Ids = np.concatenate([part.ids for part in parts])
    offsets: Offsets = offsets_of(np.concatenate([np.diff(part.offsets) for part in parts]))
    return Side(ids, offsets, np.concatenate([part.groups for part in parts]), code)


def token_counts(shards: Sequence[Shard], vocabulary: int) -> NDArray[np.int64]:
    """How often each token stands in the shards, both sides, (vocabulary,); codes and `</s>` are not stored in them."""
    counts = np.zeros(vocabulary, np.int64)
    for shard in shards:
        for side in (shard.text, shard.translation):
            counts += np.bincount(side.ids, minlength=vocabulary)
    return counts
