"""What a teacher is given and what it gives back, free of wire models and of model libraries."""

from dataclasses import dataclass

from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import tokenize


@dataclass(frozen=True, slots=True)
class Sentence:
    """A checked sentence as it was sent: `text`, or `tokens`, never both; `lang` is a FLORES code."""

    lang: str
    text: str | None = None
    tokens: tuple[str, ...] | None = None

    def words(self) -> tuple[tuple[str, ...], tuple[Span, ...]]:
        """Return the words, and each one's span in what was sent: code points of a text, else tokens.

        >>> Sentence("swh_Latn", text="Rais Samia").words()
        (('Rais', 'Samia'), (Span(start=0, end=4), Span(start=5, end=10)))
        """
        if self.tokens is not None:
            return self.tokens, tuple(Span(place, place + 1) for place in range(len(self.tokens)))
        tokens = tokenize(self.text or "", self.lang)
        return tuple(token.text for token in tokens), tuple(token.span for token in tokens)

    def cover(self, span: Span) -> str:
        """Return what a span of this sentence covers; tokens are joined by single spaces."""
        if self.tokens is not None:
            return " ".join(self.tokens[span.start : span.end])
        return (self.text or "")[span.start : span.end]

    @property
    def size(self) -> int:
        """Sub-words to expect, for batching only: a word each, or four characters."""
        characters = len(self.text or "") if self.tokens is None else sum(map(len, self.tokens))
        return max(characters // 4 + 1, len(self.tokens or ()))


@dataclass(frozen=True, slots=True)
class Entity:
    """A span of the sentence in the unit it was sent in, its label, and its score in [0, 1]."""

    span: Span
    label: str
    score: float
