"""A teacher with another one beside it, which gives the labels that the first was not made for."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from spanbridge_ner_teacher.backends.base import Labelled, Teacher, TeacherCard
from spanbridge_ner_teacher.core.joining import joined
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_shared.contracts.ner import ANY_LANGUAGE
from spanbridge_shared.errors import ConfigurationError, SentenceError


class JoinedTeacher:
    """Entities of both; probabilities stay with the first one's own post, since rows of two models don't add up."""

    def __init__(self, first: Teacher, second: Teacher) -> None:
        """Raise `ConfigurationError` where the second has no label of its own."""
        self._first, self._second = first, second
        self._more = tuple(label for label in second.card.labels if label not in first.card.labels)
        if not self._more:
            raise ConfigurationError(
                f"SPANBRIDGE_NER_TEACHER_ENGLISH_MORE: {second.card.name} gives no label that {first.card.name} lacks"
            )

    @property
    def card(self) -> TeacherCard:
        """What the first one is, with both versions and all labels."""
        first, second = self._first.card, self._second.card
        return replace(
            first,
            name=f"{first.name}+{second.name}",
            model_version=f"{first.model_version}+{second.model_version}",
            labels=(*first.labels, *self._more),
            languages=_shared(first, second),
            tags=None,
            parallel_calls=min(first.parallel_calls, second.parallel_calls),
            remote=first.remote or second.remote,
        )

    def enough_for(self, labels: Collection[str]) -> Teacher:
        """Return the first one alone where none of the labels is given by the second only, else both."""
        return self._first if set(self._more).isdisjoint(labels) else self

    def entities(self, sentences: Sequence[Sentence]) -> list[Labelled]:
        """Return each sentence's entities, the second's where the first has none; an error of either is the answer."""
        answers = zip(self._first.entities(sentences), self._second.entities(sentences), strict=True)
        return [self._joined(first, second) for first, second in answers]

    def _joined(self, first: Labelled, second: Labelled) -> Labelled:
        if isinstance(first, SentenceError):
            return first
        return second if isinstance(second, SentenceError) else joined(first, second, self._more)


def _shared(first: TeacherCard, second: TeacherCard) -> tuple[str, ...]:
    """Return the languages that both serve."""
    if ANY_LANGUAGE in first.languages:
        return second.languages
    return tuple(lang for lang in first.languages if second.serves(lang))
