"""The ensemble: several methods label a sentence, and the most probable set of their spans is the answer.

Sentences that bring their own entities, and English, are left to candidates alone: what is given is trusted, and the
English teacher is the one that labels English in every method.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spanbridge_gateway.calibration import Calibration, calibration_of
from spanbridge_gateway.core.methods import SingleOptions, ensemble_candidates
from spanbridge_gateway.core.proposals import merged_spans, proposals_of, sole_spans
from spanbridge_gateway.core.taking import afresh
from spanbridge_gateway.core.work import SentenceWork, add_timings
from spanbridge_gateway.infos import STUDENT, Infos
from spanbridge_gateway.planning import Envelope, make_plan
from spanbridge_gateway.running import MethodRun, brings_entities, is_plain_english, timed
from spanbridge_gateway.side_by_side import side_by_side
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.clients.transport import raised
from spanbridge_shared.contracts.merging import MergeRequest
from spanbridge_shared.contracts.options import (
    EnsembleMethodOptions,
    Member,
    StudentMethodOptions,
    TransferMethodOptions,
)
from spanbridge_shared.errors import NotReady, SpanbridgeError, UpstreamFailed

MERGE = "merge"
"""The stage's name in a result's timings."""


@dataclass(frozen=True, slots=True)
class _Voted:
    """A sentence, and the work of each member on it; `sentence` is what the answer is made of.

    Members either `answered` or have their fault in `failures`.
    """

    sentence: SentenceWork
    works: Mapping[Member, SentenceWork]
    answered: tuple[Member, ...]
    failures: Mapping[str, SpanbridgeError]

    @property
    def sole(self) -> Member | None:
        """The member that answered, where it is the only one."""
        return self.answered[0] if len(self.answered) == 1 else None


class EnsembleRun:
    """Labels the sentences of one request by all members that serve them, and merges their answers."""

    def __init__(
        self,
        upstreams: Upstreams,
        infos: Infos,
        envelope: Envelope,
        options: EnsembleMethodOptions,
        calibration: Calibration,
    ) -> None:
        self._upstreams = upstreams
        self._infos = infos
        self._lang = envelope.lang
        self._options = options
        own = options.parameters
        self._calibration = calibration if own is None else calibration_of(own)
        self._chosen = options.members if own is None else [Member(name) for name in own.members]
        chosen: dict[Member, SingleOptions] = {
            Member.CANDIDATES: ensemble_candidates(options),
            Member.STUDENT: StudentMethodOptions(),
            Member.TRANSFER: TransferMethodOptions(),
        }
        self._runs = {
            member: MethodRun(upstreams, infos, make_plan(envelope, each, infos)) for member, each in chosen.items()
        }

    @property
    def version(self) -> str:
        """What the answers depend on beside the models: the numbers that they are merged by."""
        return self._calibration.version

    def check(self, works: Sequence[SentenceWork]) -> None:
        """Raise `RequestError` where a member that is wanted can't be had."""
        for members, group in self._groups(works).items():
            for member in members:
                self._runs[member].check(group)

    async def run(self, works: Sequence[SentenceWork]) -> None:
        """Fill the work on the sentences, all of one call's size; a sentence's fault stays with it."""
        for members, group in self._groups(works).items():
            voted = await self._vote(members, group)
            timings: dict[str, float] = {}
            async with timed(timings, MERGE):
                await self._merge([each for each in voted if len(each.answered) > 1])
            for each in voted:
                if each.sole is not None:
                    each.sentence.merged = sole_spans(each.sole, each.works[each.sole])
                elif each.answered:
                    add_timings([each.sentence], timings)
                if each.answered:
                    each.sentence.member_errors = each.failures

    def _groups(self, works: Sequence[SentenceWork]) -> dict[tuple[Member, ...], list[SentenceWork]]:
        groups: dict[tuple[Member, ...], list[SentenceWork]] = defaultdict(list)
        for work in works:
            if work.segments:
                groups[self._members(work)].append(work)
        return groups

    def _members(self, work: SentenceWork) -> tuple[Member, ...]:
        if is_plain_english(work, self._lang) or brings_entities(work):
            return (Member.CANDIDATES,)
        if self._chosen is not None:
            return tuple(member for member in Member if member in self._chosen)
        bridged = self._lang in self._infos.translation.routes or all(each.source_given for each in work.segments)
        served = {
            Member.CANDIDATES: bridged,
            Member.STUDENT: self._infos.labels_itself(self._lang, STUDENT),
            Member.TRANSFER: self._infos.labels_itself(self._lang),
        }
        # Where nobody serves the language, the first says so.
        return tuple(member for member in Member if served[member]) or (Member.CANDIDATES,)

    async def _vote(self, members: Sequence[Member], group: Sequence[SentenceWork]) -> list[_Voted]:
        """Have every member label the sentences, all at once: those that need no translation don't wait for it."""
        first, *others = members
        ballots = {first: list(group)} | {member: [afresh(work) for work in group] for member in others}
        faults = await side_by_side([self._ballot(member, works) for member, works in ballots.items()])
        if faults[0] is not None and None not in faults:
            raise faults[0]
        return [
            _voted(work, {member: ballots[member][place] for member in members}) for place, work in enumerate(group)
        ]

    async def _ballot(self, member: Member, works: Sequence[SentenceWork]) -> SpanbridgeError | None:
        """Have a member label the sentences; where a service that it needs is down, say so, and leave it to others."""
        try:
            await self._runs[member].run(works)
        except (UpstreamFailed, NotReady) as fault:
            for work in works:
                work.error = fault
            return fault
        return None

    async def _merge(self, voted: Iterable[_Voted]) -> None:
        # Members fail seldom, so that nearly always all sentences have the same, and this makes one call.
        groups: dict[tuple[Member, ...], list[_Voted]] = defaultdict(list)
        for each in voted:
            groups[each.answered].append(each)
        limit = self._upstreams.call_limit
        for members, group in groups.items():
            parameters = self._calibration.parameters(members, self._options.threshold)
            for start in range(0, len(group), limit):
                part = group[start : start + limit]
                items = [proposals_of({member: each.works[member] for member in members}) for each in part]
                answer = await self._upstreams.projection.merge(MergeRequest(sentences=items, parameters=parameters))
                for each, result in zip(part, answer.results, strict=True):
                    if result.error is not None:
                        each.sentence.error = raised(result.error)
                    else:
                        each.sentence.merged = merged_spans(result)


def _voted(sentence: SentenceWork, works: Mapping[Member, SentenceWork]) -> _Voted:
    """Look at the members' work on a sentence, and write their time down: as a whole, but for candidates' stages."""
    for member, work in works.items():
        if member is not Member.CANDIDATES:
            spent, work.timings = round(sum(work.timings.values()), 2), {}
            sentence.timings[member.value] = spent
    faults = {member: work.fault for member, work in works.items()}
    return _Voted(
        sentence,
        works,
        answered=tuple(member for member, fault in faults.items() if fault is None),
        failures={member.value: fault for member, fault in faults.items() if fault is not None},
    )
