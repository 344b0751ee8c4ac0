"""A teacher without a model, for tests and demonstrations: a small gazetteer, and capital letters inside sentences."""

from collections.abc import Sequence

import numpy as np

from spanbridge_ner_teacher.backends.base import TeacherCard
from spanbridge_ner_teacher.backends.token_classifier import located_entities
from spanbridge_ner_teacher.core.labels import FloatMatrix, tags_for
from spanbridge_ner_teacher.core.sentences import Entity, Sentence
from spanbridge_shared.contracts.ner import ANY_LANGUAGE

_LABELS = ("PER", "ORG", "LOC")
_GAZETTEER = {
    "PER": frozenset({"Samia", "Amina", "Ruto", "Mandela", "Wanjiru", "Obama"}),
    "ORG": frozenset({"UN", "UNESCO", "Google", "BBC"}),
    "LOC": frozenset({"Nairobi", "Lagos", "Kampala", "Kenya", "Kigali", "London", "Mombasa"}),
}
_KNOWN, _GUESSED, _PLAIN = 0.9, 0.6, 0.95


class StubTeacher:
    """Known names get .9 for their label, other capitalised words .6 for PER; `I-` follows the same label."""

    def __init__(self, languages: str) -> None:
        self._tags = tags_for(_LABELS)
        served = tuple(code.strip() for code in languages.split(",") if code.strip()) or (ANY_LANGUAGE,)
        self._card = TeacherCard("stub", "stub-ner-1", _LABELS, served, self._tags)

    @property
    def card(self) -> TeacherCard:
        """What it is."""
        return self._card

    def entities(self, sentences: Sequence[Sentence]) -> list[list[Entity]]:
        """Decode its own probabilities."""
        return [located_entities(each, self._rows(each), self._tags) for each in sentences]

    def probabilities(self, sentences: Sequence[Sentence]) -> list[FloatMatrix]:
        """Return (n_words, n_tags) for each sentence."""
        return [self._rows(each) for each in sentences]

    def _rows(self, sentence: Sentence) -> FloatMatrix:
        words, _ = sentence.words()
        rows = np.zeros((len(words), len(self._tags)))
        before: str | None = None
        for place, word in enumerate(words):
            label, sure = _judge(word, first=place == 0)
            column = 0 if label is None else self._tags.index(f"{'I' if label == before else 'B'}-{label}")
            rows[place] = (1 - sure) / (len(self._tags) - 1)
            rows[place, column] = sure
            before = label
        return rows


def _judge(word: str, *, first: bool) -> tuple[str | None, float]:
    for label, names in _GAZETTEER.items():
        if word in names:
            return label, _KNOWN
    return ("PER", _GUESSED) if word[:1].isupper() and not first else (None, _PLAIN)
