"""What every teacher can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from spanbridge_ner_teacher.core.labels import FloatMatrix
from spanbridge_ner_teacher.core.sentences import Entity, Sentence
from spanbridge_shared.contracts.ner import ANY_LANGUAGE, TeacherUsage
from spanbridge_shared.errors import SentenceError

Labelled: TypeAlias = list[Entity] | SentenceError
"""A sentence's entities in order, none overlapping, or why it has none: its neighbours are labelled all the same."""


@dataclass(frozen=True, slots=True)
class TeacherCard:
    """What a teacher says of itself.

    `languages` are FLORES codes, or `*` for any; `tags` name the columns of its probabilities, None for a teacher that
    gives none. `parallel_calls` is how many calls may run at once. A `remote` one is asked over a network, and not for
    warming up: it may be down, and may cost money.
    """

    name: str
    model_version: str
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    tags: tuple[str, ...] | None = None
    parallel_calls: int = 1
    remote: bool = False

    def serves(self, lang: str) -> bool:
        """Say whether it labels a language, given as FLORES code."""
        return ANY_LANGUAGE in self.languages or lang in self.languages


class Teacher(Protocol):
    """A loaded model; calls block, and are made from as many threads at once as its card allows."""

    @property
    def card(self) -> TeacherCard:
        """What it is."""
        ...

    def entities(self, sentences: Sequence[Sentence]) -> Sequence[Labelled]:
        """Return each sentence's entities, spans in the unit it was sent in, or its own error."""
        ...


class ProbabilityTeacher(Teacher, Protocol):
    """A teacher that gives a distribution over tags for each word; its card has `tags`."""

    def probabilities(self, sentences: Sequence[Sentence]) -> list[FloatMatrix]:
        """Return (n_words, n_tags) for each sentence, rows summing to 1; the words are the sentence's `words()`."""
        ...


@runtime_checkable
class MeteredTeacher(Protocol):
    """A teacher that counts what it uses, and holds connections."""

    @property
    def usage(self) -> TeacherUsage:
        """What was used since it was opened."""
        ...

    def stop(self) -> None:
        """Ask nothing more: what waits is answered with errors, so that it doesn't hold up the service's end."""
        ...

    def close(self) -> None:
        """Let go of threads and connections; calls under way are finished first."""
        ...
