"""Token classification over any encoder: words to sub-words, windows, logits, one row a word, entities."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from spanbridge_ner_teacher.backends.base import TeacherCard
from spanbridge_ner_teacher.backends.word_encoder import WordEncoder
from spanbridge_ner_teacher.core.decoding import entities_of, softmax
from spanbridge_ner_teacher.core.labels import FloatMatrix, TagColumns
from spanbridge_ner_teacher.core.sentences import Entity, Sentence
from spanbridge_ner_teacher.core.windows import Window, plan_windows
from spanbridge_shared.serving.batching import plan_batches
from spanbridge_shared.text.offsets import char_span


class LogitModel(Protocol):
    """An encoder with its head."""

    def logits(self, batch: Sequence[Sequence[int]]) -> list[FloatMatrix]:
        """Return (n_ids, n_own_tags) for each sequence of sub-word ids, special ones included."""
        ...


class TokenClassifier:
    """A `ProbabilityTeacher` around a model; a word's row is that of its first sub-word."""

    def __init__(
        self,
        card: TeacherCard,
        model: LogitModel,
        encoder: WordEncoder,
        columns: TagColumns,
        *,
        max_batch_tokens: int,
        temperature: float = 1.0,
    ) -> None:
        self._card = card
        self._model = model
        self._encoder = encoder
        self._columns = columns
        self._max_batch_tokens = max_batch_tokens
        self._temperature = temperature

    @property
    def card(self) -> TeacherCard:
        """What it is."""
        return self._card

    def entities(self, sentences: Sequence[Sentence]) -> list[list[Entity]]:
        """Return each sentence's entities, decoded from its probabilities."""
        rows = self.probabilities(sentences)
        return [located_entities(each, row, self._columns.tags) for each, row in zip(sentences, rows, strict=True)]

    def probabilities(self, sentences: Sequence[Sentence]) -> list[FloatMatrix]:
        """Return (n_words, n_tags) for each sentence."""
        encoded = self._encoder.encode([each.words()[0] for each in sentences])
        jobs = [
            (which, window)
            for which, words in enumerate(encoded)
            for window in plan_windows([len(word) for word in words], self._encoder.budget, self._encoder.budget // 4)
        ]
        # A word that leaves no sub-word (a bare control character) is no name: O, and sure of it.
        own = [np.tile(self._columns.matrix[:, 0] / self._columns.matrix[:, 0].sum(), (len(e), 1)) for e in encoded]
        inputs = [self._encoder.wrap(encoded[which][window.words.start : window.words.end]) for which, window in jobs]
        for batch in plan_batches([len(ids) for ids in inputs], self._max_batch_tokens):
            logits = self._model.logits([inputs[job] for job in batch])
            for job, rows in zip(batch, logits, strict=True):
                which, window = jobs[job]
                self._keep(own[which], encoded[which], window, rows)
        return [self._columns.fold(rows) for rows in own]

    def _keep(self, own: FloatMatrix, words: Sequence[Sequence[int]], window: Window, logits: FloatMatrix) -> None:
        """Write a window's kept words into the sentence's rows (n_words, n_own_tags)."""
        sizes = [len(word) for word in words[window.words.start : window.words.end]]
        firsts = np.cumsum([self._encoder.n_before, *sizes])[:-1]
        for offset, (first, size) in enumerate(zip(firsts, sizes, strict=True)):
            place = window.words.start + offset
            if size and window.kept.start <= place < window.kept.end:
                own[place] = softmax(logits[first], self._temperature)


def located_entities(sentence: Sentence, rows: FloatMatrix, tags: Sequence[str]) -> list[Entity]:
    """Decode the rows of a sentence's words; spans are in the unit that the sentence was sent in."""
    _, places = sentence.words()
    return [Entity(char_span(each.span, places), each.label, each.score) for each in entities_of(rows, tags)]
