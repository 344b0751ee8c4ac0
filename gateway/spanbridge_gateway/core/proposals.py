"""What an ensemble's members found in a sentence, as proposals to merge, and what came of them."""

from collections.abc import Mapping

from spanbridge_gateway.core.work import MergedSpan, SentenceWork
from spanbridge_shared.contracts.merging import MergeItem, MergeResult, Proposal
from spanbridge_shared.contracts.options import Member
from spanbridge_shared.text.spans import Span


def proposals_of(works: Mapping[Member, SentenceWork]) -> MergeItem:
    """Return every span with a label that a member found, in tokens of the sentence, with the members' scores."""
    scores: dict[tuple[Span, str], dict[str, float]] = {}
    for member, work in works.items():
        for _, entity, span in work.direct_spans:
            scores.setdefault((span, entity.label), {})[member.value] = entity.score
    return MergeItem(
        proposals=[
            Proposal(start=span.start, end=span.end, label=label, scores=each)
            for (span, label), each in sorted(scores.items())
        ]
    )


def merged_spans(result: MergeResult) -> list[MergedSpan]:
    """Return what was kept of a sentence's proposals."""
    return [MergedSpan(Span(each.start, each.end), each.label, each.score, each.scores) for each in result.entities]


def sole_spans(member: Member, work: SentenceWork) -> list[MergedSpan]:
    """Return the answer of the only member that answered, as it is."""
    return [
        MergedSpan(span, entity.label, entity.score, {member.value: entity.score})
        for _, entity, span in work.direct_spans
    ]
