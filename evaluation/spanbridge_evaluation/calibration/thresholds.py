"""Choosing the probability that a span must exceed, by the mean F1 of the languages that it is fitted on."""

from collections.abc import Mapping, Sequence

import numpy as np

from spanbridge_evaluation.calibration.fitting import FloatArray, probabilities
from spanbridge_evaluation.calibration.votes import Ballot
from spanbridge_shared.contracts.merging import MergeParameters
from spanbridge_shared.text.spans import Span

EVEN = 0.5
GRID = tuple(round(step / 20, 2) for step in range(1, 20))
"""Steps of .05: finer ones follow the noise of the sentences that they are chosen on."""
_NOISE = 1e-9


def choose_threshold(ballots: Mapping[str, Sequence[Ballot]], parameters: MergeParameters) -> float:
    """Return the best threshold of `GRID`; a half where no other one is better.

    `ballots` by language. Spans that overlap are left out for the more probable one, which is what the merge does but
    for chains of three and more; that is near enough to choose by, and all thresholds take one pass.
    """
    members = list(parameters.members)
    total = np.zeros(len(GRID))
    for each in ballots.values():
        usable = [ballot.of(members) for ballot in each if ballot.answered.issuperset(members)]
        total += _f1_by_threshold(usable, parameters)
    means = total / max(1, len(ballots))
    even = GRID.index(EVEN)
    # Of equally good ones the one nearest to a half.
    order = sorted(range(len(GRID)), key=lambda place: (-round(float(means[place]), 9), abs(GRID[place] - EVEN)))
    return GRID[order[0]] if means[order[0]] > means[even] + _NOISE else EVEN


def _f1_by_threshold(ballots: Sequence[Ballot], parameters: MergeParameters) -> FloatArray:
    """Return the F1 of one language at each threshold, (n_thresholds,)."""
    found = probabilities(ballots, parameters)
    kept: list[tuple[float, bool]] = []
    start = 0
    for ballot in ballots:
        kept += _not_overlapping(ballot, found[start : start + len(ballot.votes)])
        start += len(ballot.votes)
    values = np.array([value for value, _ in kept])
    right = np.array([each for _, each in kept], dtype=bool)
    gold = sum(ballot.n_gold for ballot in ballots)
    scores = []
    for threshold in GRID:
        above = values > threshold
        predicted, correct = int(above.sum()), int((above & right).sum())
        scores.append(2 * correct / (gold + predicted) if gold + predicted else 0.0)
    return np.array(scores)


def _not_overlapping(ballot: Ballot, found: FloatArray) -> list[tuple[float, bool]]:
    """Return the probabilities of the spans that are kept, the most probable first, and whether each is right."""
    order = sorted(range(len(ballot.votes)), key=lambda place: (-found[place], ballot.votes[place].entity))
    taken: list[Span] = []
    kept: list[tuple[float, bool]] = []
    for place in order:
        span = ballot.votes[place].entity.span
        if not any(span.overlaps(other) for other in taken):
            taken.append(span)
            kept.append((float(found[place]), ballot.votes[place].right))
    return kept
