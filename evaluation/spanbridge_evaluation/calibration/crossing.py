"""Parameters for sets of members: fitted on all sentences, or for each fold on the others."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, combinations

from spanbridge_evaluation.calibration.fitting import fit
from spanbridge_evaluation.calibration.folds import Folds
from spanbridge_evaluation.calibration.thresholds import choose_threshold
from spanbridge_evaluation.calibration.votes import Ballot
from spanbridge_shared.contracts.merging import MergeParameters

MIN_MEMBERS = 2


def member_sets(members: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Give every set of two members and more, which is what a gateway's table holds.

    >>> list(member_sets(["b", "a"]))
    [('a', 'b')]
    """
    sizes = range(MIN_MEMBERS, len(members) + 1)
    return chain.from_iterable(combinations(sorted(members), size) for size in sizes)


def calibrated(ballots: Mapping[str, Sequence[Ballot]], members: Sequence[str]) -> MergeParameters:
    """Fit the parameters of a set of members, and choose its threshold; ballots by language. Raises `NothingToFit`."""
    fitted = fit(chain.from_iterable(ballots.values()), members)
    return fitted.model_copy(update={"threshold": choose_threshold(ballots, fitted)})


def cross_fitted(
    ballots: Mapping[str, Sequence[Ballot]], members: Sequence[str], folds: Folds
) -> list[MergeParameters]:
    """Return the parameters of each fold, fitted on the sentences of all others. Raises `NothingToFit`."""
    return [
        calibrated(
            {
                lang: [each for each, own in zip(found, folds.places[lang], strict=True) if own != fold]
                for lang, found in ballots.items()
            },
            members,
        )
        for fold in range(folds.number)
    ]
