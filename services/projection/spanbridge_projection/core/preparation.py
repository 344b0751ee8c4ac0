"""What the options make of a sentence before it is projected: which of its words count, and how much."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spanbridge_projection.core.sentence import Booleans, Entity, Sentence
from spanbridge_shared.contracts.projection import CandidateOptions, HeuristicOptions
from spanbridge_shared.errors import InvalidSource
from spanbridge_shared.text.trimming import is_punctuation, trimmed


def prepared(sentence: Sentence, options: CandidateOptions | HeuristicOptions) -> Sentence:
    """Return the sentence with its entities and the weights of its links as the options want them.

    Raises `InvalidSource` where `trim_source` is asked for and the sentence has no source tokens.
    """
    if options.trim_source and sentence.entities:
        sentence = replace(sentence, entities=_trimmed(sentence.entities, sentence.source))
    lowercase = options.lowercase_weight if isinstance(options, CandidateOptions) else 1.0
    if lowercase == 1.0 and options.punctuation_links:
        return sentence
    weights = word_weights(sentence.target, lowercase=lowercase, punctuation=1.0 if options.punctuation_links else 0.0)
    return replace(
        sentence, links=[(source, target, weight * weights[target]) for source, target, weight in sentence.links]
    )


def word_weights(tokens: Sequence[str], *, lowercase: float, punctuation: float) -> list[float]:
    """Return what a link to each token counts, by the token's shape; words without case count fully.

    A word that holds any capital counts as one in capitals: Bantu languages write noun prefixes before them.

    >>> word_weights(["Umoja", "wa", "eNingizimu", "2021", ",", "阿"], lowercase=0.5, punctuation=0.0)
    [1.0, 0.5, 1.0, 1.0, 0.0, 1.0]
    """
    return [punctuation if is_punctuation(token) else lowercase if token.islower() else 1.0 for token in tokens]


def standing(entities: Sequence[Entity]) -> Booleans:
    """Say of each entity whether it is projected (S,): of entities that share a word only the longest is.

    Of equally long ones it is the one with the higher score, then the first. Projected both, a name and a name within
    it, or one given twice, would each take a part of the same target words, since target spans can't overlap.

    >>> from spanbridge_shared.text.spans import Span
    >>> standing([Entity(Span(2, 3), "LOC"), Entity(Span(0, 3), "ORG"), Entity(Span(3, 4), "PER")]).tolist()
    [False, True, True]
    """
    kept = np.zeros(len(entities), np.bool_)
    taken = np.zeros(max((entity.span.end for entity in entities), default=0), np.bool_)
    order = sorted(range(len(entities)), key=lambda each: (-len(entities[each].span), -entities[each].score, each))
    for index in order:
        start, end = entities[index].span
        if not taken[start:end].any():
            taken[start:end] = kept[index] = True
    return kept


def _trimmed(entities: Sequence[Entity], source: Sequence[str] | None) -> tuple[Entity, ...]:
    if source is None:
        raise InvalidSource("trim_source needs the sentence's source_tokens; send them, or leave the option out")
    return tuple(entity._replace(span=trimmed(entity.span, entity.label, source)) for entity in entities)
