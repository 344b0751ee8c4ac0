"""Merging what several labellers propose for a sentence: a calibrated probability a span, then the best set, exactly.

A logistic model tells how likely a proposed span with its label is right:

    x = bias + Σ_{m proposes it} (weight_m·logit(score_m) + present_m) + Σ_{m doesn't} absent_m,   p = 1 / (1 + e^−x)

with scores clipped to [.001, .999]. Kept are spans that don't overlap, one label a span, with the largest sum of
x − logit(threshold) over spans where it is above 0: weighted interval scheduling, solved by dynamic programming.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spanbridge_shared.text.spans import Span

LEAST, MOST = 0.001, 0.999
"""Scores are clipped to these, so that no member is infinitely sure."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What a member's word is worth, in log-odds, for spans that it proposes and for those that it doesn't."""

    weight: float
    present: float
    absent: float


@dataclass(frozen=True, slots=True)
class Weights:
    """The logistic model: `voices` of the members that ran, by name, and the probability that a span must exceed."""

    bias: float
    voices: tuple[tuple[str, Voice], ...]
    threshold: float


@dataclass(frozen=True, slots=True)
class Proposed:
    """A span with a label, and the score of each member that proposes it."""

    span: Span
    label: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Merged:
    """A proposal that was kept, and its probability."""

    proposal: Proposed
    probability: float


def merge(proposals: Sequence[Proposed], weights: Weights) -> list[Merged]:
    """Return the proposals that are kept, by start; O(n log n) for n proposals.

    >>> sure, unsure = Voice(1.0, 0.0, -1.0), Voice(0.5, 0.0, -0.5)
    >>> weights = Weights(0.0, (("a", sure), ("b", unsure)), threshold=0.5)
    >>> both = Proposed(Span(0, 1), "PER", {"a": 0.9, "b": 0.9})
    >>> longer = Proposed(Span(0, 2), "PER", {"a": 0.95})
    >>> [(tuple(each.proposal.span), round(each.probability, 3)) for each in merge([both, longer], weights)]
    [((0, 1), 0.964)]
    """
    least = logit(weights.threshold)
    odds = [log_odds(each, weights) for each in proposals]
    worth = [each - least for each in odds]
    kept = best_set([each.span for each in proposals], worth, [each.label for each in proposals])
    return [Merged(proposals[place], sigmoid(odds[place])) for place in kept]


def log_odds(proposal: Proposed, weights: Weights) -> float:
    """Return x of a proposal.

    >>> log_odds(Proposed(Span(0, 1), "PER", {"a": 0.5}), Weights(0.25, (("a", Voice(1.0, 2.0, -1.0)),), 0.5))
    2.25
    """
    total = weights.bias
    for name, voice in weights.voices:
        score = proposal.scores.get(name)
        total += voice.absent if score is None else voice.weight * logit(score) + voice.present
    return total


def best_set(spans: Sequence[Span], worth: Sequence[float], labels: Sequence[str]) -> list[int]:
    """Return the places of spans that don't overlap, of the largest total worth, by start.

    Spans that are worth nothing are left out. Of equal sets the answer depends on spans and labels, not on their order.

    >>> best_set([Span(0, 2), Span(1, 3), Span(2, 4)], [2.0, 3.0, 2.0], ["A", "A", "A"])
    [0, 2]
    """
    order = sorted(
        (place for place in range(len(spans)) if worth[place] > 0),
        key=lambda place: (spans[place].end, spans[place].start, labels[place]),
    )
    ends = [spans[place].end for place in order]
    before = [bisect_right(ends, spans[place].start) for place in order]  # How many end where it starts, or earlier.
    best = [0.0]  # best[k]: the largest total of the first k.
    for number, place in enumerate(order):
        best.append(max(best[number], best[before[number]] + worth[place]))
    kept: list[int] = []
    left = len(order)
    while left:
        if best[left] == best[left - 1]:
            left -= 1
        else:
            kept.append(order[left - 1])
            left = before[left - 1]
    return kept[::-1]


def logit(probability: float) -> float:
    """Return the log-odds of a probability, clipped to [.001, .999].

    >>> logit(0.5), round(logit(1.0), 4)
    (0.0, 6.9068)
    """
    clipped = min(max(probability, LEAST), MOST)
    return math.log(clipped / (1 - clipped))


def sigmoid(x: float) -> float:
    """Return the probability of log-odds.

    >>> sigmoid(0.0), sigmoid(-2000.0)
    (0.5, 0.0)
    """
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    raised = math.exp(x)  # The other form would overflow here.
    return raised / (1 + raised)
