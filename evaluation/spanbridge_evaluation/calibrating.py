"""Ensembles measured with parameters that were never fitted on the sentences that they are scored on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spanbridge_evaluation.calibration.crossing import MIN_MEMBERS, cross_fitted
from spanbridge_evaluation.calibration.folds import Folds, make_folds
from spanbridge_evaluation.calibration.votes import Answer, Ballot, ballot
from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.running.comparisons import ENSEMBLE
from spanbridge_evaluation.running.entities import MeasuredEntities, Piece, measure_pieces
from spanbridge_evaluation.running.labels import TaughtLabels
from spanbridge_evaluation.running.settings import Setting
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_shared.contracts.merging import MergeParameters

Votes = Mapping[str, Mapping[str, MeasuredEntities]]
"""What each member found, by its name and by language."""


def ballots_of(votes: Votes) -> dict[str, list[Ballot]]:
    """Return the ballots of every language that a member labelled, in the order of its sentences."""
    langs = dict.fromkeys(lang for found in votes.values() for lang in found)
    return {lang: _ballots({name: found[lang] for name, found in votes.items() if lang in found}) for lang in langs}


def folds_of(sets: Sequence[NerSet], wanted: int) -> Folds:
    """Cut data sets into folds; raises `ConfigurationError` where they are too small for that."""
    return make_folds({data.lang: len(data.sentences) for data in sets}, wanted)


def serving(votes: Votes, lang: str) -> list[str]:
    """Return the members that labelled a language."""
    return [name for name, found in votes.items() if lang in found]


def _ballots(members: Mapping[str, MeasuredEntities]) -> list[Ballot]:
    number = len(next(iter(members.values())).labelled)
    return [
        ballot(
            # A member's gold has only the labels that it can give.
            {entity for measured in members.values() for entity in measured.labelled[place].gold},
            {name: _answer(measured, place) for name, measured in members.items()},
        )
        for place in range(number)
    ]


def _answer(measured: MeasuredEntities, place: int) -> Answer | None:
    scores = measured.scores[place]
    return None if scores is None else Answer(measured.labelled[place].predicted, scores)


@dataclass(slots=True)
class CrossFit:
    """Measures ensembles by folds; a set of members is fitted once, when a language first needs it."""

    ballots: dict[str, list[Ballot]]
    folds: Folds
    _fitted: dict[tuple[str, ...], list[MergeParameters]] = field(default_factory=dict)

    def parameters(self, members: tuple[str, ...]) -> list[MergeParameters]:
        """Return the parameters of each fold, fitted where all of these members serve. Raises `NothingToFit`."""
        if members not in self._fitted:
            self._fitted[members] = cross_fitted(self.served(members), members, self.folds)
        return self._fitted[members]

    def served(self, members: Sequence[str]) -> dict[str, list[Ballot]]:
        """Return the ballots of the languages that all of these members labelled."""
        return {
            lang: found
            for lang, found in self.ballots.items()
            if any(each.answered.issuperset(members) for each in found)
        }

    def measure(
        self, bench: Workbench, data: NerSet, members: Sequence[str], asked: Sequence[str], taught: TaughtLabels
    ) -> MeasuredEntities:
        """Run the ensemble over a language, each fold by what the others taught; raises as `measure_pieces` does."""
        chosen = tuple(sorted(members))
        folds = self.folds.places[data.lang]
        pieces = []
        for fold in sorted(set(folds)):
            options: dict[str, Any] = {"members": list(chosen)}
            if len(chosen) >= MIN_MEMBERS:
                options |= {"parameters": self.parameters(chosen)[fold].model_dump(mode="json")}
            places = [place for place, own in enumerate(folds) if own == fold]
            pieces.append(Piece(places, Setting(ENSEMBLE, options, ENSEMBLE)))
        named = Setting(ENSEMBLE, {"parameters": f"cross-fitted, {self.folds.told}"}, ENSEMBLE)
        return measure_pieces(bench, data, named, pieces, asked, taught)
