"""The nmt score of entities and candidates, and what it is at most while not all of its parts are known.

A is an entity's English text, B a candidate's text. P(A|B) is the geometric mean of the probabilities of A's tokens,
the end token counted, given B. Direct NMTScore (Vamvas and Sennrich 2022): ŝ(A, B) = P(A|B) / P(A|A) and
c = (ŝ(A, B) + ŝ(B, A)) / 2, zero where it is at most a threshold.

ŝ may exceed 1: a model need not copy a text more surely than it translates another one into it. What holds is
P(A|B) ≤ 1, so ŝ(A, B) ≤ 1 / P(A|A); and for a B that begins a longer one, P(B|A) is at most the geometric mean with the
end token's probability taken as 1, which one pass over the longer one gives for all of its beginnings.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


class Part(StrEnum):
    """One of the four probabilities that a score is made of."""

    ENTITY = "P(A|B)"
    CANDIDATE = "P(B|A)"
    ENTITY_ITSELF = "P(A|A)"
    CANDIDATE_ITSELF = "P(B|B)"


class Question(NamedTuple):
    """A probability to be asked for: of `wanted` given `given`, and what those of wanted's `prefixes` are at most."""

    part: Part
    given: str
    wanted: str
    prefixes: tuple[str, ...] = ()


class Known(NamedTuple):
    """The answer: a probability, and a bound for each prefix, 1 where there is none."""

    probability: float
    bounds: tuple[float, ...] = ()


def nmt_scores(
    entity: Floats, candidate: Floats, entity_itself: Floats, candidate_itself: Floats, *, min_self: float = 0.0
) -> Floats:
    """Return c of P(A|B), P(B|A), P(A|A) and P(B|B), the latter two counting as at least `min_self`.

    >>> given = [np.array(each) for each in (0.36, 0.6, 0.9, 0.5)]
    >>> float(nmt_scores(*given).round(6)), float(nmt_scores(*given, min_self=0.6).round(6))
    (0.8, 0.7)
    """
    return (_ratio(entity, entity_itself, min_self) + _ratio(candidate, candidate_itself, min_self)) / 2


def _ratio(probability: Floats, itself: Floats, min_self: float) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Floats = np.where(probability > 0, probability / np.maximum(itself, min_self), 0.0)
    return ratio


class ScoreTable:
    """What is known of the scores of one segment's entities (S,) and candidates (T,), by their texts.

    Texts that occur twice are asked for once. Candidates that start at one token (`starts`, (T,)) are each other's
    beginnings.
    """

    def __init__(
        self,
        entities: Sequence[str],
        candidates: Sequence[str],
        starts: Sequence[int],
        *,
        threshold: float,
        min_self: float = 0.0,
    ) -> None:
        self._entities = _places(entities)
        self._candidates = _places(candidates)
        self._rows = np.array([self._entities[text] for text in entities], np.int64)
        self._columns = np.array([self._candidates[text] for text in candidates], np.int64)
        self._beginnings = _beginnings(candidates, starts)
        self._threshold = threshold
        self._min_self = min_self
        shape = len(self._entities), len(self._candidates)
        self._entity, self._candidate = np.full(shape, np.nan), np.full(shape, np.nan)
        self._candidate_most = np.ones(shape)
        self._entity_itself, self._candidate_itself = np.full((shape[0], 1), np.nan), np.full((1, shape[1]), np.nan)

    @property
    def shape(self) -> tuple[int, int]:
        """S and T."""
        return len(self._rows), len(self._columns)

    def first_questions(self) -> Iterator[Question]:
        """Ask for what bounds the scores: P(A|A), P(B|A) from each start and, where nothing else bounds it, P(B|B)."""
        for entity in self._entities:
            yield Question(Part.ENTITY_ITSELF, entity, entity)
            for longest, prefixes in self._beginnings.items():
                yield Question(Part.CANDIDATE, entity, longest, prefixes)
        if not self._min_self:
            yield from (Question(Part.CANDIDATE_ITSELF, text, text) for text in self._candidates)

    def questions(self, pairs: Booleans) -> Iterator[Question]:
        """Ask for what each of the pairs (S, T) lacks: P(A|B) first, because a wrong B is mostly told by it alone."""
        entities, candidates = list(self._entities), list(self._candidates)
        wanted = np.zeros(self._entity.shape, np.bool_)
        rows, columns = np.nonzero(pairs)
        wanted[self._rows[rows], self._columns[columns]] = True
        for row, column in zip(*(each.tolist() for each in np.nonzero(wanted)), strict=True):
            entity, candidate = entities[row], candidates[column]
            if np.isnan(self._entity[row, column]):
                yield Question(Part.ENTITY, candidate, entity)
                continue
            if np.isnan(self._candidate[row, column]):
                yield Question(Part.CANDIDATE, entity, candidate)
            if np.isnan(self._candidate_itself[0, column]):
                yield Question(Part.CANDIDATE_ITSELF, candidate, candidate)

    def learn(self, answers: Iterable[tuple[Question, Known]]) -> None:
        """Take in the answers to this table's own questions."""
        for (part, given, wanted, prefixes), known in answers:
            match part:
                case Part.ENTITY:
                    self._entity[self._entities[wanted], self._candidates[given]] = known.probability
                case Part.CANDIDATE:
                    row = self._entities[given]
                    self._candidate[row, self._candidates[wanted]] = known.probability
                    for prefix, bound in zip(prefixes, known.bounds, strict=True):
                        column = self._candidates[prefix]
                        self._candidate_most[row, column] = min(bound, self._candidate_most[row, column])
                case Part.ENTITY_ITSELF:
                    self._entity_itself[self._entities[wanted], 0] = known.probability
                case Part.CANDIDATE_ITSELF:
                    self._candidate_itself[0, self._candidates[wanted]] = known.probability

    def at_most(self) -> Floats:
        """Return (S, T): what each score is at most, infinite where nothing is known; where `exact`, the score."""
        known = np.where(np.isnan(self._candidate), self._candidate_most, self._candidate)
        scores = nmt_scores(
            np.nan_to_num(self._entity, nan=1.0),
            known,
            np.nan_to_num(self._entity_itself, nan=0.0),
            np.nan_to_num(self._candidate_itself, nan=0.0),
            min_self=self._min_self,
        )
        return np.where(scores > self._threshold, scores, 0.0)[np.ix_(self._rows, self._columns)]

    def exact(self) -> Booleans:
        """Return (S, T): whether a score is known, which it is where it can't be above the threshold."""
        parts = self._entity + self._candidate + self._entity_itself + self._candidate_itself
        found: Booleans = ~np.isnan(parts)[np.ix_(self._rows, self._columns)] | (self.at_most() == 0)
        return found


def _places(texts: Sequence[str]) -> dict[str, int]:
    return {text: place for place, text in enumerate(dict.fromkeys(texts))}


def _beginnings(texts: Sequence[str], starts: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Return the longest text from each start and the others that it begins with; what it doesn't stands alone."""
    groups: dict[int, set[str]] = defaultdict(set)
    for text, start in zip(texts, starts, strict=True):
        groups[start].add(text)
    found: dict[str, set[str]] = defaultdict(set)
    for group in groups.values():
        longest = max(group, key=lambda text: (len(text), text))
        for text in group:
            found[longest if longest.startswith(text) else text].add(text)
    return {longest: tuple(sorted(texts - {longest})) for longest, texts in found.items()}
