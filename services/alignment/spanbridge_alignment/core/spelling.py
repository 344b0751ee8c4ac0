"""How alike words are spelled: names often cross into another language unchanged, or nearly so."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from spanbridge_alignment.core.vectors import BoolArray, FloatArray

_MIN_LETTERS = 3  # Shorter words are alike by chance.
_CACHED_WORDS = 65_536
_LONGEST_CACHED = 64  # Longer strings are no words of a language, and would fill the memory.


def name_similarity(source: Sequence[str], target: Sequence[str]) -> FloatArray:
    """Return how alike the words are spelled, (n_source, n_target) in [0, 1].

    Letters of the longest common subsequence over the mean length of both words, case and accents aside: 1 less the
    normalised insertion and deletion distance. A word of fewer than three letters is like none.

    >>> name_similarity(["Nigeria", "in"], ["Nàìjíríà", "in"]).round(3)
    array([[0.667, 0.   ],
           [0.   , 0.   ]], dtype=float32)
    """
    rows, columns = ([_folded(word) for word in words] for words in (source, target))
    similar: FloatArray = cdist(rows, columns, scorer=Indel.normalized_similarity, dtype=np.float32)
    long = [np.array([len(word) >= _MIN_LETTERS for word in words]) for words in (rows, columns)]
    similar[~(long[0][:, None] & long[1])] = 0
    return similar


def have_letters(words: Sequence[str]) -> BoolArray:
    """Say of each word whether it has a letter or a digit, (n_words,).

    >>> have_letters(["G7", "—", "ዓ"]).tolist()
    [True, False, True]
    """
    return np.array([any(map(str.isalnum, word)) for word in words], dtype=np.bool_)


def _folded(word: str) -> str:
    return _fold_cached(word) if len(word) <= _LONGEST_CACHED else _fold(word)


def _fold(word: str) -> str:
    if word.isascii():
        return word.lower()
    split = unicodedata.normalize("NFKD", word.lower())
    return "".join(character for character in split if not unicodedata.combining(character))


_fold_cached = lru_cache(maxsize=_CACHED_WORDS)(_fold)
