"""Between wire models and the dataclasses inside: sentences in, entities and probabilities out, and cache keys."""

import json
from collections.abc import Collection, Sequence
from enum import StrEnum

from spanbridge_ner_teacher.backends.base import MeteredTeacher
from spanbridge_ner_teacher.core.decoding import rounded_rows
from spanbridge_ner_teacher.core.labels import FloatMatrix
from spanbridge_ner_teacher.core.sentences import Entity, Sentence
from spanbridge_ner_teacher.posts import Post
from spanbridge_shared.contracts.ner import NerEntity, NerItem, NerResult, TeacherInfo, TokenProbabilities
from spanbridge_shared.errors import AmbiguousInput, SentenceError
from spanbridge_shared.serving.cache import cache_key
from spanbridge_shared.text.checks import check_text, check_tokens

Labelling = NerResult | TokenProbabilities


class Task(StrEnum):
    """What is asked of a teacher."""

    ENTITIES = "entities"
    PROBABILITIES = "probabilities"


def checked_sentence(item: NerItem, lang: str) -> Sentence | SentenceError:
    """Return what was sent, or what is wrong with it."""
    try:
        if (item.text is None) == (item.tokens is None):
            sent = "neither" if item.text is None else "both"
            raise AmbiguousInput(f"send a sentence's text or its tokens, one of the two; here are {sent}")
        if item.text is not None:
            check_text(item.text)
            return Sentence(lang, text=item.text)
        tokens = item.tokens or []
        check_tokens(tokens)
        return Sentence(lang, tokens=tuple(tokens))
    except SentenceError as fault:
        return fault


def cache_key_of(model_version: str, task: Task, sentence: Sentence) -> str:
    """Return the key of an answer.

    The sentence goes in as escaped JSON, out of reach of `cache_key`'s NFC: composed and decomposed letters differ in
    length, so an answer's offsets fit only the spelling that was sent.
    """
    sent = json.dumps(sentence.text if sentence.tokens is None else sentence.tokens)
    unit = "characters" if sentence.tokens is None else "tokens"
    return cache_key(model_version, task, sentence.lang, unit, sent)


def wire_entities(sentence: Sentence, entities: Sequence[Entity]) -> NerResult:
    """Return a sentence's entities for the wire."""
    return NerResult(
        unit="characters" if sentence.tokens is None else "tokens",
        entities=[
            NerEntity(
                start=each.span.start,
                end=each.span.end,
                text=sentence.cover(each.span),
                label=each.label,
                score=each.score,
            )
            for each in entities
        ],
    )


def only_labels(result: NerResult, labels: Collection[str]) -> NerResult:
    """Return a result with its entities of these labels."""
    return result.model_copy(update={"entities": [each for each in result.entities if each.label in labels]})


def wire_probabilities(sentence: Sentence, rows: FloatMatrix) -> TokenProbabilities:
    """Return a sentence's rows for the wire, with the tokens where a text was sent."""
    tokens = None if sentence.tokens is not None else list(sentence.words()[0])
    return TokenProbabilities(tokens=tokens, probabilities=rounded_rows(rows))


def wire_teacher(post: Post) -> TeacherInfo:
    """Return a teacher in its role for the wire."""
    card = post.card
    return TeacherInfo(
        key=post.key,
        role=post.role,
        name=card.name,
        model_version=card.model_version,
        labels=list(card.labels),
        languages=list(post.languages),
        probabilities=card.tags is not None,
        usage=post.teacher.usage if isinstance(post.teacher, MeteredTeacher) else None,
    )
