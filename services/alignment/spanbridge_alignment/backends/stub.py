"""An encoder without a model: hashed character n-grams, so that words spelled alike are alike in any language."""

import zlib
from collections.abc import Sequence

import numpy as np

from spanbridge_alignment.backends.base import Pieces, Tokens
from spanbridge_alignment.core.vectors import FloatArray, IntArray

HIDDEN = 256
WINDOW = 64
_N = 3


class StubEncoder:
    """Each character trigram of a word, case folded and with its edges marked, is a sub-word; its vector has one ±1."""

    model_version = "stub-1"
    window = WINDOW
    parallel_calls = 1

    def tokenize(self, sentences: Sequence[Tokens]) -> list[Pieces]:
        """See `EncoderBackend`."""
        return [_pieces(tokens) for tokens in sentences]

    def encode(self, windows: Sequence[IntArray]) -> list[FloatArray]:
        """See `EncoderBackend`."""
        return [_vectors(ids) for ids in windows]


def _pieces(tokens: Tokens) -> Pieces:
    grams = [_trigrams(token) for token in tokens]
    ids = [zlib.crc32(gram.encode("utf-8")) for each in grams for gram in each]
    words = np.repeat(np.arange(len(tokens)), [len(each) for each in grams])
    return Pieces(np.array(ids, dtype=np.int64), words.astype(np.int64))


def _trigrams(token: str) -> list[str]:
    marked = f"\x02{token.casefold()}\x03"
    return [marked[place : place + _N] for place in range(len(marked) - _N + 1)]


def _vectors(ids: IntArray) -> FloatArray:
    vectors = np.zeros((len(ids), HIDDEN), dtype=np.float32)
    vectors[np.arange(len(ids)), ids % HIDDEN] = np.where(ids // HIDDEN % 2, 1, -1)
    return vectors
