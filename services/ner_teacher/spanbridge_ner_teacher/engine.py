"""The use case: check sentences, choose the teacher, answer from the cache, and have the rest labelled in batches."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TypeVar, cast

from spanbridge_ner_teacher.backends.base import ProbabilityTeacher, Teacher, TeacherCard
from spanbridge_ner_teacher.backends.joined_teacher import JoinedTeacher
from spanbridge_ner_teacher.backends.opening import open_teacher
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_ner_teacher.settings import NerTeacherSettings, TeacherSpec, read_spec
from spanbridge_ner_teacher.wire import (
    Labelling,
    Task,
    cache_key_of,
    checked_sentence,
    wire_entities,
    wire_probabilities,
)
from spanbridge_shared.contracts.ner import (
    NerInfo,
    NerItem,
    NerRequest,
    NerResponse,
    NerResult,
    ProbabilitiesRequest,
    ProbabilitiesResponse,
    TeacherInfo,
    TokenProbabilities,
)
from spanbridge_shared.errors import ConfigurationError, MissingTeacher, NotReady, SentenceError, SpanbridgeError
from spanbridge_shared.serving.batching import Batcher
from spanbridge_shared.serving.cache import Answer, ResultCache, open_cache
from spanbridge_shared.serving.service_app import error_body
from spanbridge_shared.text.languages import ENGLISH, resolve_language

_SERVICE = "ner_teacher"
_WARM_UP = "President Samia visited Nairobi."
_TeacherBatcher = Batcher[Sentence, Labelling, Task]
_Kind = TypeVar("_Kind", NerResult, TokenProbabilities)


@dataclass(frozen=True, slots=True)
class _Post:
    """A loaded teacher in its role; `card.languages` are those that the role leaves it."""

    card: TeacherCard
    batcher: _TeacherBatcher


class NerTeacherEngine:
    """Serves up to two teachers: one for English, one for all else."""

    def __init__(self, settings: NerTeacherSettings) -> None:
        self._settings = settings
        self._posts: list[_Post] = []
        self._batchers: list[_TeacherBatcher] = []
        cache = open_cache(settings.cache_url, max_items=settings.cache_items, max_bytes=settings.cache_bytes)
        self._results = ResultCache(cache, NerResult, service=_SERVICE)
        self._rows = ResultCache(cache, TokenProbabilities, service=_SERVICE)

    async def start(self) -> None:
        """Load and warm up the teachers; a model named in both roles is loaded once."""
        settings = self._settings
        english, more, multilingual = map(read_spec, (settings.english, settings.english_more, settings.multilingual))
        opened: dict[TeacherSpec, Teacher] = {}
        for spec in dict.fromkeys(spec for spec in (english, more, multilingual) if spec is not None):
            opened[spec] = await asyncio.to_thread(self._load, spec)
        teachers: list[Teacher] = []
        if english is not None:
            teachers.append(opened[english] if more is None else JoinedTeacher(opened[english], opened[more]))
        if multilingual is not None:
            teachers.append(opened[multilingual])
        # One queue a teacher, also where it has both roles: no more of its calls may overlap than its card allows.
        batchers = {id(teacher): self._batcher(teacher) for teacher in teachers}
        posts = [_Post(teacher.card, batchers[id(teacher)]) for teacher in teachers]
        if english is not None:
            posts[0] = _english_post(posts[0])
        self._batchers = list(batchers.values())
        for batcher in self._batchers:
            batcher.start()
        self._posts = posts

    async def stop(self) -> None:
        """Finish what was accepted."""
        await asyncio.gather(*(batcher.stop() for batcher in self._batchers))
        self._posts, self._batchers = [], []

    def _load(self, spec: TeacherSpec) -> Teacher:
        teacher = open_teacher(spec, self._settings)
        teacher.entities([Sentence(ENGLISH, text=_WARM_UP)])
        return teacher

    def _batcher(self, teacher: Teacher) -> _TeacherBatcher:
        return Batcher(
            _runner(teacher),
            lambda sentence: sentence.size,
            service=_SERVICE,
            max_batch_tokens=self._settings.max_batch_tokens,
            max_queue=self._settings.max_queue,
            wait_ms=self._settings.batch_wait_ms,
            parallel_calls=teacher.card.parallel_calls,
        )

    def info(self) -> NerInfo:
        """Describe the teachers, English first."""
        posts = self._loaded()
        return NerInfo(
            service=_SERVICE,
            version=version("spanbridge-ner-teacher"),
            model_version=":".join(dict.fromkeys(post.card.model_version for post in posts)),
            teachers=[
                TeacherInfo(
                    name=post.card.name,
                    model_version=post.card.model_version,
                    labels=list(post.card.labels),
                    languages=list(post.card.languages),
                    probabilities=post.card.tags is not None,
                )
                for post in posts
            ],
        )

    async def ner(self, request: NerRequest) -> NerResponse:
        """Label sentences; raises `UnknownLanguage` and `MissingTeacher`."""
        lang = resolve_language(request.lang)
        post = next((post for post in self._loaded() if post.card.serves(lang)), None)
        if post is None:
            raise _missing(f"no configured teacher labels {lang}")
        results = await self._answers(post, NerResult, self._results, request.sentences, lang)
        return NerResponse(model_version=post.card.model_version, results=results)

    async def probabilities(self, request: ProbabilitiesRequest) -> ProbabilitiesResponse:
        """Give label probabilities; the multilingual teacher is asked first. Raises as `ner` does."""
        lang = resolve_language(request.lang)
        for post in reversed(self._loaded()):
            if post.card.tags is not None and post.card.serves(lang):
                rows = await self._answers(post, TokenProbabilities, self._rows, request.sentences, lang)
                return ProbabilitiesResponse(
                    model_version=post.card.model_version, labels=list(post.card.tags), results=rows
                )
        raise _missing(f"no configured teacher gives label probabilities for {lang}")

    def _loaded(self) -> list[_Post]:
        if not self._posts:
            raise NotReady("the teachers are still loading, or the service is stopping")
        return self._posts

    async def _answers(
        self, post: _Post, kind: type[_Kind], cache: ResultCache[_Kind], items: Sequence[NerItem], lang: str
    ) -> list[_Kind]:
        task = Task.ENTITIES if kind is NerResult else Task.PROBABILITIES
        checked = [checked_sentence(item, lang) for item in items]
        good = [each for each in checked if isinstance(each, Sentence)]

        async def compute(indices: list[int]) -> Sequence[_Kind]:
            return cast("list[_Kind]", await post.batcher.submit(task, [good[index] for index in indices]))

        keys = [cache_key_of(post.card.model_version, task, sentence) for sentence in good]
        answers = iter(await cache.get_or_compute(keys, compute))
        return [
            kind(error=error_body(each)) if isinstance(each, SentenceError) else _answered(next(answers), kind)
            for each in checked
        ]


def _answered(answer: Answer[_Kind], kind: type[_Kind]) -> _Kind:
    if isinstance(answer.value, SpanbridgeError):
        return kind(error=error_body(answer.value), cached=answer.cached)
    return answer.value.model_copy(update={"cached": answer.cached})


def _english_post(post: _Post) -> _Post:
    """Give a teacher the English role, whatever else it serves; raises `ConfigurationError` where it has no English."""
    if not post.card.serves(ENGLISH):
        raise ConfigurationError(
            f"SPANBRIDGE_NER_TEACHER_ENGLISH: {post.card.name} serves {', '.join(post.card.languages)}, not {ENGLISH}"
        )
    return replace(post, card=replace(post.card, languages=(ENGLISH,)))


def _runner(teacher: Teacher) -> Callable[[Task, list[Sentence]], list[Labelling]]:
    def run(task: Task, sentences: list[Sentence]) -> list[Labelling]:
        if task is Task.ENTITIES:
            return [wire_entities(*each) for each in zip(sentences, teacher.entities(sentences), strict=True)]
        # Only teachers whose card has tags are asked for probabilities.
        rows = cast("ProbabilityTeacher", teacher).probabilities(sentences)
        return [wire_probabilities(*each) for each in zip(sentences, rows, strict=True)]

    return run


def _missing(what: str) -> MissingTeacher:
    return MissingTeacher(
        f"{what}; set SPANBRIDGE_NER_TEACHER_MULTILINGUAL to ctranslate2:PATH (a folder that `spanbridge models "
        "convert` wrote) or transformers:HUB_ID_OR_PATH of a token classifier that serves it"
    )
