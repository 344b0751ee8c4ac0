"""What an ensemble's members proposed for a sentence, and which of it is right."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from spanbridge_shared.text.bio import LabelledSpan


@dataclass(frozen=True, slots=True)
class Vote:
    """A span with a label, the score in [0, 1] of each member that proposes it, and whether gold has it."""

    entity: LabelledSpan
    scores: Mapping[str, float]
    right: bool


@dataclass(frozen=True, slots=True)
class Ballot:
    """One sentence: its votes, how many entities gold has, and which members answered."""

    votes: tuple[Vote, ...]
    n_gold: int
    answered: frozenset[str]

    def of(self, members: Collection[str]) -> "Ballot":
        """Return the ballot as it were if these members alone had been asked."""
        kept = []
        for vote in self.votes:
            scores = {name: score for name, score in vote.scores.items() if name in members}
            if scores:
                kept.append(replace(vote, scores=scores))
        return Ballot(tuple(kept), self.n_gold, self.answered & frozenset(members))


@dataclass(frozen=True, slots=True)
class Answer:
    """What one member found in a sentence, with its scores."""

    entities: Sequence[LabelledSpan]
    scores: Sequence[float]


def ballot(gold: Collection[LabelledSpan], answers: Mapping[str, Answer | None]) -> Ballot:
    """Return a sentence's ballot; None stands for a member that failed.

    >>> from spanbridge_shared.text.spans import Span
    >>> samia = LabelledSpan(Span(1, 2), "PER")
    >>> found = ballot([samia], {"a": Answer([samia], [0.9]), "b": Answer([samia], [0.4]), "c": None})
    >>> found.votes[0].scores, found.votes[0].right, sorted(found.answered)
    ({'a': 0.9, 'b': 0.4}, True, ['a', 'b'])
    """
    scores: dict[LabelledSpan, dict[str, float]] = {}
    for member, answer in answers.items():
        if answer is not None:
            for entity, score in zip(answer.entities, answer.scores, strict=True):
                scores.setdefault(entity, {})[member] = score
    right = frozenset(gold)
    votes = tuple(Vote(entity, each, entity in right) for entity, each in scores.items())
    return Ballot(votes, len(right), frozenset(name for name, answer in answers.items() if answer is not None))
