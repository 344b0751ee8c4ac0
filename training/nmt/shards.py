"""One shard of the `encode` stage: the pairs, the marked copies of those with links, and their links, as arrays."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from training.nmt.links import read_linked
from training.nmt.marking import LinkedPair, marked
from training.nmt.piece_links import PieceLinks, piece_links
from training.nmt.prepare import read_rows
from training.nmt.recipe import EncodeRecipe
from training.nmt.respelling import Ids

_CHUNK = 4096


@dataclass(frozen=True)
class Limits:
    """What all shards share: the recipe, the most pieces of a side, the number of each corpus."""

    recipe: EncodeRecipe
    pieces: int
    corpora: Mapping[str, int]


def _chunks(path: Path) -> Iterator[list[tuple[str, str, str]]]:
    rows = read_rows(path)
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


@dataclass(frozen=True)
class _Item:
    """What becomes one row: both texts, and the words and links of a linked pair."""

    corpus: int
    sides: tuple[str, str]
    linked: LinkedPair | None
    marked: bool = False


class _Table:
    """The rows of a shard while it is encoded."""

    def __init__(self, kind: type[np.integer]) -> None:
        self._kind = kind
        self._ids: tuple[list[Ids], list[Ids]] = ([], [])
        self._corpus: list[int] = []
        self._marked: list[bool] = []
        self._links: list[PieceLinks | None] = []

    def add(self, item: _Item, encodings: tuple[Encoding, Encoding]) -> None:
        for held, encoding in zip(self._ids, encodings, strict=True):
            held.append(np.array(encoding.ids, self._kind))
        self._corpus.append(item.corpus)
        self._marked.append(item.marked)
        pair = item.linked
        self._links.append(None if pair is None else piece_links(pair, encodings[0].offsets, encodings[1].offsets))

    def counts(self) -> dict[str, int]:
        linked = sum(links is not None for links in self._links)
        return {"pairs": len(self._corpus), "marked": sum(self._marked), "linked": linked}

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        found = [links for links in self._links if links is not None]
        arrays: dict[str, NDArray[np.generic]] = {
            "corpus": np.array(self._corpus, np.uint8),
            "marked": np.packbits(np.array(self._marked, bool)),
            "linked": np.packbits(np.array([links is not None for links in self._links], bool)),
            "link_counts": np.array([len(links.links) for links in found], np.uint16),
        }
        flat = np.concatenate([np.zeros((0, 2), np.uint8), *(links.links for links in found)])
        for place, side in enumerate(("text", "translation")):
            rows = self._ids[place]
            starts = np.concatenate([np.zeros(0, bool), *(links.starts[place] for links in found)])
            arrays[f"{side}_ids"] = np.concatenate([np.zeros(0, self._kind), *rows])
            arrays[f"{side}_lengths"] = np.array([len(row) for row in rows], np.uint16)
            arrays[f"{side}_starts"] = np.packbits(starts)
            # Differences compress to half of what the numbers do.
            arrays[f"link_{side}"] = np.diff(flat[:, place], prepend=np.uint8(0))
        return arrays


class _Items:
    """The rows of a shard in the order of its pairs, each marked copy behind its pair."""

    def __init__(self, codes: tuple[str, str], links: Path, recipe: EncodeRecipe, corpora: Mapping[str, int]) -> None:
        self._codes, self._recipe, self._corpora = codes, recipe, corpora
        self._linked = read_linked(links)
        self._next = next(self._linked, None)

    def of(self, row: int, corpus: str, text: str, translation: str) -> list[_Item]:
        """The pair and its marked copies; rows must be asked for in order."""
        number = self._corpora[corpus]
        if self._next is None or self._next[0] != row:
            return [_Item(number, (text, translation), None)]
        pair = LinkedPair.of(text, translation, self._codes, self._next[1])
        self._next = next(self._linked, None)
        items = [_Item(number, (text, translation), pair)]
        for copy in range(self._recipe.marked_copies):
            rng = random.Random(f"{self._recipe.seed} {self._codes} {row} {copy}")
            both = marked(pair, self._recipe.marked_spans, rng)
            if both is not None:
                items.append(_Item(number, (both.text, both.translation), both, True))
        return items


def encode_shard(path: Path, links: Path, tokenizer: Tokenizer, limits: Limits, output: Path) -> dict[str, int]:
    """Write one shard's arrays; pairs with an empty side or one above the limit are left out and counted.

    `links` is the shard's file of the `link` stage, which may be missing.
    """
    language, pivot = path.name.removesuffix(".tsv.xz").split("-")
    recipe = limits.recipe
    items = _Items((language, pivot), links, recipe, limits.corpora)
    table = _Table(np.uint16 if tokenizer.get_vocab_size() <= 2**16 else np.int32)
    dropped = row = 0
    for chunk in _chunks(path):
        rows = [item for number, pair in enumerate(chunk, row) for item in items.of(number, *pair)]
        row += len(chunk)
        for copy in range(recipe.copies):
            chosen = [item for item in rows if not (copy and item.marked)]
            tokenizer.model.dropout = recipe.merge_dropout if copy else None
            sides = [
                tokenizer.encode_batch([item.sides[side] for item in chosen], add_special_tokens=False)
                for side in (0, 1)
            ]
            for item, text, translation in zip(chosen, *sides, strict=True):
                if 0 < len(text.ids) <= limits.pieces and 0 < len(translation.ids) <= limits.pieces:
                    table.add(item, (text, translation))
                else:
                    dropped += 1
    np.savez(output, **table.arrays())  # type: ignore[arg-type]  # the stub takes the names for options
    return table.counts() | {"dropped": dropped}
