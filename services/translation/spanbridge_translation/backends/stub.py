"""A backend without a model, for tests and demonstrations: every word is its own translation."""

from collections.abc import Sequence

from spanbridge_shared.text.languages import languages
from spanbridge_translation.backends.base import Decoded, Decoding
from spanbridge_translation.core.directions import Directions

_SPACE = "▁"


class StubBackend:
    """Words are pieces; hypothesis k scores -0.1·(k+1) and starts at word k, so that hypotheses differ.

    `calls` counts the model calls made.
    """

    def __init__(self, directions: Directions | None = None, *, max_tokens: int = 512) -> None:
        self.model_version = "stub-translation"
        self.parallel_calls = 1
        self.directions = directions or Directions(frozenset(languages()))
        self.max_source_tokens = max_tokens
        self.max_target_tokens = max_tokens
        self.calls = 0

    def pieces(self, text: str) -> list[str]:
        """Return the words, each with the mark of a word's beginning."""
        return [_SPACE + word for word in text.split()]

    def translate(self, decoding: Decoding, sources: Sequence[Sequence[str]]) -> list[list[Decoded]]:
        """Return the source's own words, rotated by the hypothesis' rank."""
        self.calls += 1
        return [
            [_hypothesis(source, rank, attention=decoding.attention) for rank in range(decoding.num_hypotheses)]
            for source in sources
        ]

    def log_probs(
        self, source: str, target: str, pairs: Sequence[tuple[Sequence[str], Sequence[str]]]
    ) -> list[list[float]]:
        """Return -1 for each target word that the source lacks, and 0 for the others.

        The end costs as much as the share of the source's words that the target lacks.
        """
        self.calls += 1
        return [
            [-float(piece not in given) for piece in wanted]
            + [-sum(piece not in wanted for piece in given) / len(given)]
            for given, wanted in pairs
        ]


def _hypothesis(source: Sequence[str], rank: int, *, attention: bool) -> Decoded:
    order = [(place + rank) % len(source) for place in range(len(source))]
    tokens = tuple(source[place] for place in order)
    rows = [[float(column == place) for column in range(len(source))] for place in order]
    text = "".join(tokens).replace(_SPACE, " ").strip()
    return Decoded(tokens, text, -0.1 * (rank + 1), rows if attention else None)
