"""What the engine asks of a translation model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from spanbridge_translation.core.directions import Directions


@dataclass(frozen=True, slots=True)
class Decoding:
    """All that sentences of one model call share; languages are FLORES codes, `max_tokens` counts no special tokens."""

    source: str
    target: str
    beam: int
    num_hypotheses: int
    max_tokens: int
    attention: bool


@dataclass(frozen=True, slots=True)
class Decoded:
    """One hypothesis.

    `tokens` are its sub-words without special tokens; `score` is the mean natural-log probability per token, the end
    token counted where it was reached. `attention` is (len(tokens), n_source_pieces): row i belongs to the step that
    predicted token i; the share of the source's language and end tokens is left out, so rows sum to at most 1.
    """

    tokens: tuple[str, ...]
    text: str
    score: float
    attention: list[list[float]] | None = None


def settings_version(model_version: str, *, no_repeat_ngram: int, compute_type: str = "auto") -> str:
    """Return the model's version with the settings that change its answers: the cache must not mix them.

    >>> settings_version("nmt-1f3a9c02", no_repeat_ngram=0), settings_version("nmt-1f3a9c02", no_repeat_ngram=3)
    ('nmt-1f3a9c02', 'nmt-1f3a9c02-ngram3')
    """
    changed = [f"ngram{no_repeat_ngram}"] * (no_repeat_ngram > 0) + [compute_type] * (compute_type != "auto")
    return "-".join([model_version, *changed])


class TranslationBackend(Protocol):
    """A model with its tokenizer. Called from `parallel_calls` threads at once at most, but for `pieces`: from any."""

    model_version: str
    parallel_calls: int
    directions: Directions
    max_source_tokens: int
    max_target_tokens: int

    def pieces(self, text: str) -> list[str]:
        """Return a text's sub-words, none of them special whatever the text says; empty where nothing is readable."""
        ...

    def translate(self, decoding: Decoding, sources: Sequence[Sequence[str]]) -> list[list[Decoded]]:
        """Return `num_hypotheses` translations of each source's pieces, best first."""
        ...

    def log_probs(
        self, source: str, target: str, pairs: Sequence[tuple[Sequence[str], Sequence[str]]]
    ) -> list[list[float]]:
        """Return for each (source, target) the natural-log probability of each target token, the end token's last."""
        ...
