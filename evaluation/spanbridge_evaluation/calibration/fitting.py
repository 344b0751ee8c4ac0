"""Fitting the logistic model by which an ensemble merges, `contracts/merging.py`, to sentences whose gold is known.

A row of the design matrix is a proposed span with its label, and y is 1 where gold has it. Beside 1 there are three
columns for a member: logit(score) and 1 where it proposes the span, and 1 where it doesn't, so that θᵀrow is the x of
`POST /v1/merge`. θ is where the penalised log-likelihood is largest, found by Newton's method, which for this model is
iteratively reweighted least squares (Bishop, Pattern Recognition and Machine Learning, 4.3.3):

    L(θ) = Σ y·x − log(1 + e^x) − ridge/2·‖θ‖²,   ∇L = Xᵀ(y − p) − ridge·θ,   −∇²L = Xᵀ diag(p(1 − p)) X + ridge·I

The columns of a member's presence and absence add up to the bias; the penalty chooses the smallest of the equal θ, and
keeps θ finite where the data can be told apart without a fault.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from spanbridge_evaluation.calibration.votes import Ballot
from spanbridge_shared.contracts.merging import MemberParameters, MergeParameters
from spanbridge_shared.errors import SpanbridgeError

FloatArray = npt.NDArray[np.float64]

RIDGE = 1.0
"""Little beside thousands of spans: it counts as much as one span that nobody is sure of."""
LEAST, MOST = 0.001, 0.999
"""What the merge clips scores to."""
DECIMALS = 6
_MAX_STEPS = 100
_CLOSE = 1e-9
_SPLITS = 30


class NothingToFit(SpanbridgeError):
    """The members proposed nothing, so that there is nothing to learn from."""


def fit(ballots: Iterable[Ballot], members: Sequence[str], *, ridge: float = RIDGE) -> MergeParameters:
    """Return the parameters of these members, with a threshold of a half.

    Sentences count in which all of the members answered. Raises `NothingToFit` where they proposed nothing.

    >>> from spanbridge_evaluation.calibration.votes import Vote
    >>> from spanbridge_shared.text.bio import LabelledSpan
    >>> from spanbridge_shared.text.spans import Span
    >>> entity = LabelledSpan(Span(0, 1), "PER")
    >>> votes = tuple(Vote(entity, {"a": 0.5}, right) for right in (True, True, True, False))
    >>> found = fit([Ballot(votes, 3, frozenset({"a"}))], ["a"], ridge=1e-9)
    >>> round(found.bias + found.members["a"].present, 4)  # Three in four are right: log 3.
    1.0986
    """
    rows, right = design(ballots, members)
    if not len(rows):
        raise NothingToFit(f"{', '.join(members)} proposed nothing in these sentences")
    theta = [round(float(each), DECIMALS) for each in _solve(rows, right, ridge)]
    parts = {
        name: MemberParameters(weight=theta[1 + 3 * n], present=theta[2 + 3 * n], absent=theta[3 + 3 * n])
        for n, name in enumerate(members)
    }
    return MergeParameters(bias=theta[0], members=parts)


def design(ballots: Iterable[Ballot], members: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Return the matrix (n_spans, 1 + 3·n_members) and what is right of it (n_spans,)."""
    rows: list[list[float]] = []
    right: list[float] = []
    for each in ballots:
        if not each.answered.issuperset(members):
            continue
        for vote in each.of(members).votes:
            row = [1.0]
            for member in members:
                score = vote.scores.get(member)
                row += [0.0, 0.0, 1.0] if score is None else [logit(score), 1.0, 0.0]
            rows.append(row)
            right.append(float(vote.right))
    return np.array(rows, dtype=np.float64).reshape(-1, 1 + 3 * len(members)), np.array(right, dtype=np.float64)


def probabilities(ballots: Iterable[Ballot], parameters: MergeParameters) -> FloatArray:
    """Return the probability of every span that is proposed in these ballots, (n_spans,), in their order."""
    rows, _ = design(ballots, list(parameters.members))
    parts = ((each.weight, each.present, each.absent) for each in parameters.members.values())
    theta = np.array([parameters.bias, *(number for part in parts for number in part)])
    return _sigmoid(rows @ theta)


def logit(score: float) -> float:
    """Return the log-odds of a score, clipped as the merge does."""
    clipped = min(max(score, LEAST), MOST)
    return float(np.log(clipped / (1 - clipped)))


def _solve(rows: FloatArray, right: FloatArray, ridge: float) -> FloatArray:
    """Return θ (n_columns,); steps are halved until they gain, because a whole one may overshoot."""
    theta = np.zeros(rows.shape[1])
    best = _likelihood(rows, right, theta, ridge)
    for _ in range(_MAX_STEPS):
        found = _sigmoid(rows @ theta)
        slope = rows.T @ (right - found) - ridge * theta
        bend = (rows.T * (found * (1 - found))) @ rows + ridge * np.eye(len(theta))
        step = np.linalg.solve(bend, slope)
        gained = False
        for _ in range(_SPLITS):
            value = _likelihood(rows, right, theta + step, ridge)
            if value > best:
                theta, best, gained = theta + step, value, True
                break
            step = step / 2
        if not gained or np.abs(step).max() < _CLOSE:
            break
    return theta


def _likelihood(rows: FloatArray, right: FloatArray, theta: FloatArray, ridge: float) -> float:
    x = rows @ theta
    return float(right @ x - np.logaddexp(0.0, x).sum() - ridge / 2 * theta @ theta)


def _sigmoid(x: FloatArray) -> FloatArray:
    return np.exp(-np.logaddexp(0.0, -x))
