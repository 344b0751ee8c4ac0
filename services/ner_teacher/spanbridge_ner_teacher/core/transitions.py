"""Scores for the entities of a transition-based labeller (spaCy's), from the model's own transition scores.

Such a parser takes one BILUO move a token. Training normalises each step's scores over the moves valid there, so the
softmax over valid moves is the model's probability of a move given those before, and their product along an entity is
the probability of that entity once the parser stands before its first token. Beam scores don't serve: sums of
unnormalised scores of a model trained without a beam put all mass on one parse.
"""

from collections.abc import Sequence

import numpy as np

from spanbridge_ner_teacher.core.decoding import softmax
from spanbridge_ner_teacher.core.labels import FloatMatrix
from spanbridge_shared.text.bio import LabelledSpan


def moves_of(span: LabelledSpan) -> list[str]:
    """Return the BILUO moves that make an entity.

    >>> from spanbridge_shared.text.spans import Span
    >>> moves_of(LabelledSpan(Span(3, 6), "PER"))
    ['B-PER', 'I-PER', 'L-PER']
    """
    (start, end), label = span
    if end - start == 1:
        return [f"U-{label}"]
    return [f"B-{label}", *[f"I-{label}"] * (end - start - 2), f"L-{label}"]


def entity_scores(scores: FloatMatrix, moves: Sequence[str], entities: Sequence[LabelledSpan]) -> list[float]:
    """Return each entity's probability: the product of its moves' probabilities among the moves valid at each token.

    `scores` (n_tokens, n_moves) are the parser's scores before each token, on its own path; `moves` names the columns:
    `B-X`, `I-X`, `L-X`, `U-X` and `O`. Valid before an entity are B, U and O (the last token: U and O), within X only
    I-X and L-X (the last token: L-X).

    >>> from spanbridge_shared.text.spans import Span
    >>> scores = np.log([[0.0625, 0.125, 0.125, 0.5, 0.1875], [0.1, 0.25, 0.5, 0.1, 0.05]])
    >>> [round(p, 4) for p in entity_scores(scores, ["B-X", "I-X", "L-X", "U-X", "O"], [LabelledSpan(Span(0, 2), "X")])]
    [0.0833]
    """
    column = {move: place for place, move in enumerate(moves)}
    last = len(scores) - 1
    found: list[float] = []
    for entity in entities:
        total = 1.0
        for step, move in enumerate(moves_of(entity)):
            place = entity.span.start + step
            allowed = _valid(moves, entity.label if step else None, ends=place == last)
            row = np.where(allowed, scores[place], -np.inf)
            total *= float(softmax(row)[column[move]])
        found.append(total)
    return found


def _valid(moves: Sequence[str], inside: str | None, *, ends: bool) -> list[bool]:
    if inside is not None:
        return [move in ((f"L-{inside}",) if ends else (f"I-{inside}", f"L-{inside}")) for move in moves]
    opening = "U" if ends else "BU"
    # A move without a label ("U-") is spaCy's own, for entities preset by others; it never competes.
    return [move == "O" or (move[0] in opening and len(move) > 2) for move in moves]
