"""The contract of every encoder: tokens to sub-words, sub-words to vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from spanbridge_alignment.core.vectors import FloatArray, IntArray

Tokens = tuple[str, ...]
"""The word tokens of one sentence, in NFC."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The sub-words of one sentence, special tokens left out: `ids` (n_sub,) in the encoder's numbering, and `words`
    (n_sub,), the token that each belongs to, ascending. Every token has at least one sub-word.
    """

    ids: IntArray
    words: IntArray


class EncoderBackend(Protocol):
    """A multilingual encoder. Both steps are called from worker threads, `encode` at most `parallel_calls` at once.

    They are apart so that the batcher can count sub-words before it fills a batch.
    """

    @property
    def model_version(self) -> str:
        """A name that changes whenever a vector might."""
        ...

    @property
    def parallel_calls(self) -> int:
        """How many calls of `encode` may run at once."""
        ...

    @property
    def window(self) -> int:
        """The most sub-words that `encode` takes at once."""
        ...

    def tokenize(self, sentences: Sequence[Tokens]) -> list[Pieces]:
        """Cut each sentence into sub-words, each token on its own, so that its sub-words are surely its own."""
        ...

    def encode(self, windows: Sequence[IntArray]) -> list[FloatArray]:
        """Return the vectors (n_sub, hidden) of each window's sub-words, with special tokens put around it meanwhile.

        A window's vectors don't depend on the others in the batch.
        """
        ...
