"""What every teacher can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from spanbridge_ner_teacher.core.labels import FloatMatrix
from spanbridge_ner_teacher.core.sentences import Entity, Sentence
from spanbridge_shared.contracts.ner import ANY_LANGUAGE


@dataclass(frozen=True, slots=True)
class TeacherCard:
    """What a teacher says of itself.

    `languages` are FLORES codes, or `*` for any; `tags` name the columns of its probabilities, None for a teacher that
    gives none. `parallel_calls` is how many calls may run at once.
    """

    name: str
    model_version: str
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    tags: tuple[str, ...] | None = None
    parallel_calls: int = 1

    def serves(self, lang: str) -> bool:
        """Say whether it labels a language, given as FLORES code."""
        return ANY_LANGUAGE in self.languages or lang in self.languages


class Teacher(Protocol):
    """A loaded model; calls block, and are made from as many threads at once as its card allows."""

    @property
    def card(self) -> TeacherCard:
        """What it is."""
        ...

    def entities(self, sentences: Sequence[Sentence]) -> list[list[Entity]]:
        """Return each sentence's entities in order, spans in the unit it was sent in, none overlapping."""
        ...


class ProbabilityTeacher(Teacher, Protocol):
    """A teacher that gives a distribution over tags for each word; its card has `tags`."""

    def probabilities(self, sentences: Sequence[Sentence]) -> list[FloatMatrix]:
        """Return (n_words, n_tags) for each sentence, rows summing to 1; the words are the sentence's `words()`."""
        ...
