"""The encoded corpus in memory, and batches drawn from it: which sentences, at which width, in which order."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.nmt.errors import DataError
from training.teacher.arrays import CORPUS, META, load_arrays

BOS_ID, PAD_ID, EOS_ID = 0, 1, 2
SPECIALS = 2
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """Sentences one behind the other.

    `ids`, `word_of` and `firsts` (n_pieces,): sub-words, the word each belongs to counted over all sentences, and
    whether it is that word's first. `starts` (n_sentences + 1,) counts sub-words, `words` (n_sentences + 1,) words.
    `tags` (n_words,) are columns of TAGS or -1. `pairs` (n_pairs, 2) are sentences, `links` (n_links, 2) words counted
    within their sentences, those of a pair from `link_starts[pair]` on.
    """

    ids: Ints
    word_of: Ints
    firsts: NDArray[np.bool_]
    starts: Ints
    words: Ints
    tags: Ints
    group: Ints
    lang: Ints
    pairs: Ints
    links: Ints
    link_starts: Ints
    groups: tuple[str, ...]
    languages: tuple[str, ...]
    config: Mapping[str, Any]

    def lengths(self) -> Ints:
        """Sub-words of each sentence, special ones left out."""
        return np.diff(self.starts)

    def of_group(self, name: str) -> Ints:
        """The sentences of a group."""
        return np.flatnonzero(self.group == self.groups.index(name)) if name in self.groups else np.zeros(0, np.int64)


def _sums(counts: NDArray[Any]) -> Ints:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def load_corpus(folder: Path) -> Corpus:
    """Read the `encode` stage's corpus."""
    arrays = load_arrays(folder / CORPUS)
    meta = json.loads((folder / META).read_text(encoding="utf-8"))
    ids = arrays["ids"].astype(np.int64)
    firsts = np.unpackbits(arrays["firsts"], count=len(ids)).astype(bool)
    starts = _sums(arrays["lengths"])
    word_of = np.cumsum(firsts) - 1
    words = np.concatenate([word_of[starts[:-1]], [word_of[-1] + 1]])
    if len(arrays["tags"]) != words[-1]:
        raise DataError(f"the corpus has {words[-1]} words and {len(arrays['tags'])} tags: encode again")
    return Corpus(
        ids=ids,
        word_of=word_of,
        firsts=firsts,
        starts=starts,
        words=words,
        tags=arrays["tags"].astype(np.int64),
        group=arrays["group"].astype(np.int64),
        lang=arrays["lang"].astype(np.int64),
        pairs=arrays["pairs"].astype(np.int64),
        links=arrays["links"].astype(np.int64),
        link_starts=_sums(arrays["link_counts"]),
        groups=tuple(meta["groups"]),
        languages=tuple(meta["languages"]),
        config=meta["config"],
    )


class Sampler:
    """Draws sentences of the same width; every draw is a function of (seed, round, step) alone."""

    def __init__(
        self,
        corpus: Corpus,
        shares: Mapping[str, float],
        usable: NDArray[np.bool_],
        *,
        widths: tuple[int, ...],
        batch_tokens: int,
        temperature: float,
    ) -> None:
        """Take the sentences that `usable` (n_sentences,) marks; a language of n is drawn n^temperature times."""
        self._widths, self._batch_tokens = widths, batch_tokens
        lengths = corpus.lengths() + SPECIALS
        bucket = np.searchsorted(np.array(widths), lengths)
        self._shares = {name: share for name, share in shares.items() if share > 0}
        self._rows: dict[tuple[str, int], Ints] = {}
        self._sums: dict[tuple[str, int], NDArray[np.float64]] = {}
        tokens = np.zeros(len(widths))
        for name in self._shares:
            rows = corpus.of_group(name)
            rows = rows[usable[rows] & (bucket[rows] < len(widths))]
            sizes = np.bincount(corpus.lang[rows], minlength=len(corpus.languages))
            weights = np.maximum(sizes, 1.0)[corpus.lang[rows]] ** (temperature - 1)
            for place in range(len(widths)):
                mine = bucket[rows] == place
                if mine.any():
                    self._rows[name, place], self._sums[name, place] = rows[mine], np.cumsum(weights[mine])
                    part = weights[mine].sum() / weights.sum()
                    tokens[place] += self._shares[name] * part * widths[place]
        if not tokens.any():
            raise DataError(f"no sentence to train on in {', '.join(shares)}")
        self._chances = tokens / tokens.sum()

    def draw(self, rng: np.random.Generator) -> tuple[int, Ints]:
        """Return a width and the sentences of a batch of it."""
        place = int(rng.choice(len(self._widths), p=self._chances))
        count = max(1, self._batch_tokens // self._widths[place])
        names = [name for name in self._shares if (name, place) in self._rows]
        chances = np.array([self._shares[name] for name in names])
        sizes = rng.multinomial(count, chances / chances.sum())
        drawn = []
        for name, size in zip(names, sizes, strict=True):
            sums = self._sums[name, place]
            drawn.append(self._rows[name, place][np.searchsorted(sums, rng.random(size) * sums[-1], side="right")])
        return self._widths[place], np.concatenate(drawn)
