"""What is known of a segment and of a sentence while they pass through the services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spanbridge_gateway.core.attention import FloatArray
from spanbridge_gateway.core.preparation import Prepared
from spanbridge_shared.contracts.base import Link
from spanbridge_shared.contracts.gateway import Identifier
from spanbridge_shared.contracts.projection import ProjectedEntity, SourceEntity, TokenRange
from spanbridge_shared.errors import SpanbridgeError
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import Token


@dataclass(slots=True)
class BackTranslation:
    """A segment's English side translated back to its language, markers left out.

    `places` are token spans in `tokens`, one for each entity of the English side, or None where its markers got lost;
    `similarities` compare what was marked with the entity's own translation, in [0, 1]. `links` lead from these tokens
    to the segment's.
    """

    text: str
    tokens: list[str]
    places: list[Span | None]
    similarities: list[float]
    links: list[Link] = field(default_factory=list)


@dataclass(slots=True)
class SegmentWork:
    """One segment: `tokens` and `place` (token range in its sentence) are given, the rest fills as services answer."""

    tokens: list[str]
    place: Span
    text: str
    source_text: str | None = None
    source_tokens: list[Token] = field(default_factory=list)
    source_given: bool = False
    source_entities: list[SourceEntity] | None = None
    translation_score: float | None = None
    via: list[str] = field(default_factory=list)
    attention: FloatArray | None = None
    links: list[Link] = field(default_factory=list)
    back: BackTranslation | None = None
    probabilities: list[list[float]] | None = None
    candidates: list[TokenRange] | None = None
    nmt_scores: list[tuple[int, int, float]] | None = None
    entities: list[ProjectedEntity] = field(default_factory=list)
    translation_cached: bool = False
    alignment_cached: bool | None = None
    error: SpanbridgeError | None = None

    @property
    def needs_links(self) -> bool:
        """Say whether there is an entity that can only be projected from the English side."""
        return bool(self.source_entities) and (self.back is None or None in self.back.places)

    def origin_tokens(self) -> list[str]:
        """Return the tokens that the entities of `origin` count in."""
        own = [token.text for token in self.source_tokens]
        return own if self.back is None else [*self.back.tokens, *own]

    def origin(self) -> tuple[list[SourceEntity], list[Link]]:
        """Return the entities to project, in the order of `source_entities`, and the links to project them by.

        With a back-translation its tokens come first and the English ones follow them, for the entities that it lost:
        one problem, so that no two projections overlap.
        """
        entities = self.source_entities or []
        if self.back is None:
            return entities, self.links
        shift = len(self.back.tokens)
        moved: list[SourceEntity] = []
        for entity, place in zip(entities, self.back.places, strict=True):
            start, end = place or Span(entity.start, entity.end).shifted(shift)
            moved.append(entity.model_copy(update={"start": start, "end": end}))
        return moved, [*self.back.links, *((s + shift, t, weight) for s, t, weight in self.links)]


@dataclass(frozen=True, slots=True)
class MergedSpan:
    """An entity of an ensemble: `span` counts the sentence's tokens, `scores` are those of its members."""

    span: Span
    label: str
    score: float
    scores: Mapping[str, float]


@dataclass(slots=True)
class SentenceWork:
    """One sentence of the request: its segments, or its error.

    `merged` is what an ensemble found, in place of the segments' entities; `member_errors` say which of its members
    failed, though others answered.
    """

    id: Identifier
    raw_text: str
    prepared: Prepared | None = None
    segments: list[SegmentWork] = field(default_factory=list)
    error: SpanbridgeError | None = None
    timings: dict[str, float] = field(default_factory=dict)
    merged: list[MergedSpan] | None = None
    member_errors: Mapping[str, SpanbridgeError] = field(default_factory=dict)

    @property
    def fault(self) -> SpanbridgeError | None:
        """The sentence's error, or the first of its segments'; none where an ensemble has answered all the same."""
        if self.merged is not None:
            return None
        return self.error or next((segment.error for segment in self.segments if segment.error), None)

    @property
    def direct_spans(self) -> list[tuple[SegmentWork, ProjectedEntity, Span]]:
        """Each segment's entities, with their places in the sentence's tokens."""
        return [
            (segment, entity, Span(entity.start, entity.end).shifted(segment.place.start))
            for segment in self.segments
            for entity in segment.entities
        ]


def add_timings(works: Sequence[SentenceWork], timings: Mapping[str, float]) -> None:
    """Add the milliseconds of a batch's calls to every sentence that was in it."""
    for work in works:
        for stage, milliseconds in timings.items():
            work.timings[stage] = round(work.timings.get(stage, 0.0) + milliseconds, 2)
