"""Sentence pairs as flat arrays: words as numbers, and for each tokenizer the sub-words of every sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.encoder.tokenizer import UNK_ID, encode_words

Ints = NDArray[np.int32]
Offsets = NDArray[np.int64]
MAX_SPECIALS = 2


class Supervision(IntEnum):
    """Where a pair's links come from."""

    STATISTICAL = 0
    TEACHER = 1
    NONE = 2


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths: `values` one after the other, `offsets` (n_rows + 1,)."""

    values: Ints
    offsets: Offsets

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> "Ragged":
        """Lay out rows.

        >>> Ragged.of([[7], [], [8, 9]]).offsets.tolist()
        [0, 1, 1, 3]
        """
        held = [np.array(row, np.int32) for row in rows]
        offsets = np.zeros(len(held) + 1, np.int64)
        np.cumsum([len(row) for row in held], out=offsets[1:])
        return cls(np.concatenate([np.zeros(0, np.int32), *held]), offsets)

    @property
    def lengths(self) -> Offsets:
        """The length of each row."""
        return np.diff(self.offsets)

    def picked(self, rows: NDArray[np.integer]) -> "Ragged":
        """Return the given rows, one after the other.

        >>> Ragged.of([[7], [8, 9]]).picked(np.array([1, 0, 1])).values.tolist()
        [8, 9, 7, 8, 9]
        """
        lengths = self.lengths[rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return Ragged(self.values[np.repeat(self.offsets[rows], lengths) + within], offsets)


@dataclass(frozen=True)
class Pieces:
    """Sub-words of sentences, special ids left out: ids and the word each belongs to, both with `offsets`."""

    ids: Ints
    words: NDArray[np.uint8]
    offsets: Offsets

    @property
    def lengths(self) -> Offsets:
        """Sub-words of each sentence."""
        return np.diff(self.offsets)


def pieces_of(sentences: Ragged, spelling: Ragged) -> Pieces:
    """Spell sentences of word numbers by `spelling`, the piece ids of each word.

    >>> pieces = pieces_of(Ragged.of([[1, 0], [1]]), Ragged.of([[5], [6, 7]]))
    >>> pieces.ids.tolist(), pieces.words.tolist(), pieces.offsets.tolist()
    ([6, 7, 5, 6, 7], [0, 0, 1, 0, 0], [0, 3, 5])
    """
    spelled = spelling.picked(sentences.values)
    place = np.arange(len(sentences.values)) - np.repeat(sentences.offsets[:-1], sentences.lengths)
    words = np.repeat(place, spelled.lengths).astype(np.uint8)
    return Pieces(spelled.values, words, spelled.offsets[sentences.offsets])


def spelling_of(tokenizer: Tokenizer, words: Sequence[str]) -> Ragged:
    """Return the piece ids of each word; a word that has none, of control characters, is unknown."""
    return Ragged.of(ids or [UNK_ID] for ids in encode_words(tokenizer, words))


class WordNumbers:
    """Numbers distinct words in the order they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, words: Iterable[str]) -> list[int]:
        """Return each word's number."""
        numbers = self._numbers
        return [numbers.setdefault(word, len(numbers)) for word in words]

    @property
    def words(self) -> list[str]:
        """The words by number."""
        return list(self._numbers)


def is_salient(word: str) -> bool:
    """Tell whether a word looks like a part of a name or a number.

    >>> [is_salient(word) for word in ("Lagos", "2019", "iPhone", "river", ".")]
    [True, True, True, False, False]
    """
    return any(character.isupper() or character.isdigit() for character in word)
