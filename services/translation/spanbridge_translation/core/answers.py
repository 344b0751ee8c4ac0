"""From the backend's hypotheses to the wire."""

from collections.abc import Collection, Sequence
from itertools import accumulate
from statistics import fmean

from spanbridge_shared.contracts.translation import Hypothesis, TargetScore, Translation
from spanbridge_translation.backends.base import Decoded

_DECIMALS = 6


def log_probability(value: float) -> float:
    """Round for the wire; float noise must not make a log-probability positive.

    >>> log_probability(-0.12345678), log_probability(1e-9)
    (-0.123457, 0.0)
    """
    return min(0.0, round(value, _DECIMALS)) + 0.0


def translation(
    decoded: Sequence[Decoded], source: Sequence[str], via: Sequence[str], include: Collection[str]
) -> Translation:
    """Return hypotheses with what was asked for; `source` are the pieces of the last hop."""
    hypotheses = [
        Hypothesis(
            text=each.text,
            score=log_probability(each.score),
            tokens=list(each.tokens) if "tokens" in include else None,
            attention=_rounded(each.attention) if each.attention is not None else None,
        )
        for each in decoded
    ]
    return Translation(
        hypotheses=hypotheses, source_tokens=list(source) if "tokens" in include else None, via=list(via)
    )


def unchanged(text: str, pieces: Sequence[str], include: Collection[str]) -> Translation:
    """Return a text as its own certain translation; each piece attends to itself."""
    rows: list[list[float]] | None = None
    if "attention" in include:  # Only then: it is the square of the text's length.
        rows = [[float(row == column) for column in range(len(pieces))] for row in range(len(pieces))]
    own = Decoded(tuple(pieces), text, 0.0, rows)
    return translation([own], pieces, (), include)


def target_score(
    log_probs: Sequence[float], target: Sequence[str], prefixes: Sequence[Sequence[str]] = ()
) -> TargetScore:
    """Return a target's score, and what the scores of its prefixes are at most; all are sub-words.

    A prefix has the probabilities that its sub-words have inside the target; only its end token's is unknown, and that
    is not above 1. None where its sub-words aren't the target's first ones.

    >>> found = target_score([-0.1, -0.2, -0.6], ["▁a", "▁b"], [["▁a"], ["▁b"]])
    >>> found.score, found.bounds
    (-0.3, [-0.05, None])
    """
    sums = list(accumulate(log_probs, initial=0.0))
    bounds = [
        log_probability(sums[len(prefix)] / (len(prefix) + 1))
        if prefix and list(prefix) == list(target[: len(prefix)])
        else None
        for prefix in prefixes
    ]
    return TargetScore(score=log_probability(fmean(log_probs)), tokens=len(log_probs), bounds=bounds)


def _rounded(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[round(weight, _DECIMALS) for weight in row] for row in rows]
