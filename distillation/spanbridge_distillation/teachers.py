"""The teachers, each asked through a client: what they say of sentences becomes soft rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from spanbridge_distillation.columns import Rows, ScoredSpan, folded, rows_of_spans
from spanbridge_distillation.texts import Sentence
from spanbridge_shared.clients.services import NerTeacherClient
from spanbridge_shared.contracts import gateway
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.ner import NerEntity, NerItem, NerRequest, ProbabilitiesRequest
from spanbridge_shared.errors import ConfigurationError, SpanbridgeError
from spanbridge_shared.text.tokenization import join_tokens

if TYPE_CHECKING:
    from spanbridge import AsyncSpanbridge


class TeacherName(StrEnum):
    """Who teaches: a multilingual model's probabilities, the projection pipeline, or a language model."""

    TRANSFER = "transfer"
    PROJECTION = "projection"
    LLM = "llm"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A teacher's answer: each sentence's rows (n_words, n_tags), or None with its error's name; and who answered."""

    rows: list[Rows | None]
    errors: list[str | None]
    model_version: str


class Teacher(Protocol):
    """What labels sentences of one language; `settings` are all that its answers depend on beside its models."""

    name: TeacherName

    @property
    def settings(self) -> Mapping[str, Any]:
        """JSON values."""
        ...

    async def label(self, sentences: Sequence[Sentence], lang: str) -> Lesson:
        """Label a batch of at most 1,000 sentences; raises as the clients do."""
        ...


class _Result(Protocol):
    @property
    def error(self) -> ErrorBody | None: ...


class TransferTeacher:
    """The multilingual teacher's label probabilities of each word."""

    name = TeacherName.TRANSFER

    def __init__(self, client: NerTeacherClient, tags: Sequence[str]) -> None:
        self._client, self._tags = client, tags

    @property
    def settings(self) -> Mapping[str, Any]:
        """It has none."""
        return {}

    async def label(self, sentences: Sequence[Sentence], lang: str) -> Lesson:
        """Ask for probabilities."""
        items = [NerItem(tokens=list(each.words)) for each in sentences]
        answer = await self._client.probabilities(ProbabilitiesRequest(sentences=items, lang=lang))
        rows = [
            folded(each.probabilities, answer.labels, self._tags) if each.error is None else None  # type: ignore[arg-type]
            for each in answer.results
        ]
        return Lesson(rows, _errors(answer.results), answer.model_version)


class LlmTeacher:
    """The language model behind the ner_teacher service; its probability of a span is the share of agreeing samples."""

    name = TeacherName.LLM

    def __init__(self, client: NerTeacherClient, tags: Sequence[str]) -> None:
        self._client, self._tags = client, tags

    @property
    def settings(self) -> Mapping[str, Any]:
        """It has none here: prompt and samples are the service's."""
        return {}

    async def label(self, sentences: Sequence[Sentence], lang: str) -> Lesson:
        """Ask for entities; raises `ConfigurationError` where the service can't be asked for a teacher by name."""
        items = [{"tokens": list(each.words)} for each in sentences]
        try:
            request = NerRequest.model_validate({"sentences": items, "lang": lang, "teacher": self.name.value})
        except ValidationError as fault:
            raise ConfigurationError(
                f"the ner_teacher service can't be asked for a teacher by name: {fault}"
            ) from fault
        answer = await self._client.ner(request)
        rows = [
            rows_of_spans([_span(entity) for entity in result.entities], len(each.words), self._tags)
            if result.error is None
            else None
            for each, result in zip(sentences, answer.results, strict=True)
        ]
        return Lesson(rows, _errors(answer.results), answer.model_version)


def _errors(results: Sequence[_Result]) -> list[str | None]:
    return [None if each.error is None else each.error.error for each in results]


def _span(entity: NerEntity) -> ScoredSpan:
    return ScoredSpan(entity.start, entity.end, entity.label, entity.score)


class ProjectionTeacher:
    """The pipeline's entities with their scores: translate, label the English, align, project."""

    name = TeacherName.PROJECTION

    def __init__(
        self, client: "AsyncSpanbridge", labels: Sequence[str], tags: Sequence[str], options: Mapping[str, Any]
    ) -> None:
        self._client, self._labels, self._tags, self._options = client, labels, tags, options

    @property
    def settings(self) -> Mapping[str, Any]:
        """Labels change what is projected, and with it where."""
        return {"method": "candidates", "labels": list(self._labels), "options": dict(self._options)}

    async def label(self, sentences: Sequence[Sentence], lang: str) -> Lesson:
        """Ask for entities; sentences that bring their English aren't translated."""
        answer = await self._client.projection(
            [_wire(each) for each in sentences], lang, method="candidates", labels=self._labels, options=self._options
        )
        rows = [
            rows_of_spans(spans_in_words(each.words, result.entities), len(each.words), self._tags)
            if result.error is None
            else None
            for each, result in zip(sentences, answer.results, strict=True)
        ]
        return Lesson(rows, _errors(answer.results), answer.model_version or "")


def _wire(sentence: Sentence) -> gateway.Sentence:
    source = None if sentence.english is None else gateway.GivenSource(tokens=list(sentence.english))
    return gateway.Sentence(tokens=list(sentence.words), source=source)


def spans_in_words(words: Sequence[str], entities: Sequence[gateway.Entity]) -> list[ScoredSpan]:
    """Return entities given in code points of the words joined by blanks as spans of words.

    Raises `SpanbridgeError` where one doesn't begin and end with words: the gateway never cuts a word.
    """
    _, places = join_tokens(words)
    begins = {place.start: number for number, place in enumerate(places)}
    ends = {place.end: number + 1 for number, place in enumerate(places)}
    found = []
    for entity in entities:
        start, end = begins.get(entity.start), ends.get(entity.end)
        if start is None or end is None:
            raise SpanbridgeError(f"the entity [{entity.start}, {entity.end}) doesn't begin and end with words")
        found.append(ScoredSpan(start, end, entity.label, entity.score))
    return found
