"""The use case: check sentences, choose the teacher, answer from the cache, and have the rest labelled in batches."""

import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TypeVar, cast

from spanbridge_ner_teacher.backends.base import Labelled, MeteredTeacher, ProbabilityTeacher, Teacher
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_ner_teacher.posts import Post, labelling_post, open_posts, probability_post
from spanbridge_ner_teacher.settings import NerTeacherSettings
from spanbridge_ner_teacher.wire import (
    Labelling,
    Task,
    cache_key_of,
    checked_sentence,
    only_labels,
    wire_entities,
    wire_probabilities,
    wire_teacher,
)
from spanbridge_shared.contracts.ner import (
    NerInfo,
    NerItem,
    NerRequest,
    NerResponse,
    NerResult,
    ProbabilitiesRequest,
    ProbabilitiesResponse,
    TokenProbabilities,
)
from spanbridge_shared.errors import NotReady, SentenceError, SpanbridgeError
from spanbridge_shared.serving.batching import Batcher
from spanbridge_shared.serving.cache import Answer, ResultCache, open_cache
from spanbridge_shared.serving.service_app import error_body
from spanbridge_shared.text.languages import resolve_language

_SERVICE = "ner_teacher"
_Answer = Labelling | SentenceError
_TeacherBatcher = Batcher[Sentence, _Answer, Task]
_Kind = TypeVar("_Kind", NerResult, TokenProbabilities)


class NerTeacherEngine:
    """Serves the teachers: one for English, one for all else, and those that a request chooses by key."""

    def __init__(self, settings: NerTeacherSettings) -> None:
        self._settings = settings
        self._posts: list[Post] = []
        self._teachers: list[Teacher] = []
        self._batchers: dict[int, _TeacherBatcher] = {}
        cache = open_cache(settings, service=_SERVICE)
        self._results = ResultCache(cache, NerResult, service=_SERVICE)
        self._rows = ResultCache(cache, TokenProbabilities, service=_SERVICE)

    async def start(self) -> None:
        """Load and warm up the teachers; a model named in several roles is loaded once."""
        posts, self._teachers = await open_posts(self._settings)
        # One queue a teacher, also where it has several roles: no more of its calls may overlap than its card allows.
        teachers = {id(each.teacher): each.teacher for post in posts for each in (post, post.enough_for(()))}
        self._batchers = {place: self._batcher(teacher) for place, teacher in teachers.items()}
        for batcher in self._batchers.values():
            batcher.start()
        self._posts = posts

    async def stop(self) -> None:
        """Finish what was accepted; what waits for a teacher behind an API is given up, for that may take hours."""
        metered = [teacher for teacher in self._teachers if isinstance(teacher, MeteredTeacher)]
        for teacher in metered:
            teacher.stop()
        await asyncio.gather(*(batcher.stop() for batcher in self._batchers.values()))
        for teacher in metered:
            await asyncio.to_thread(teacher.close)
        self._posts, self._teachers, self._batchers = [], [], {}
        await self._results.close()
        await self._rows.close()

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
            teachers=[wire_teacher(post) for post in posts],
        )

    async def ner(self, request: NerRequest) -> NerResponse:
        """Label sentences; raises `UnknownLanguage` and `MissingTeacher`."""
        lang = resolve_language(request.lang)
        post = labelling_post(self._loaded(), lang, request.teacher)
        if request.labels is not None:
            post = post.enough_for(request.labels)
        results = await self._answers(post, NerResult, self._results, request.sentences, lang)
        if request.labels is not None:
            results = [only_labels(result, request.labels) for result in results]
        return NerResponse(model_version=post.card.model_version, results=results)

    async def probabilities(self, request: ProbabilitiesRequest) -> ProbabilitiesResponse:
        """Give label probabilities; the multilingual teacher is asked first. Raises as `ner` does."""
        lang = resolve_language(request.lang)
        post, tags = probability_post(self._loaded(), lang, request.teacher)
        rows = await self._answers(post, TokenProbabilities, self._rows, request.sentences, lang)
        return ProbabilitiesResponse(model_version=post.card.model_version, labels=list(tags), results=rows)

    def _loaded(self) -> list[Post]:
        if not self._posts:
            raise NotReady("the teachers are still loading, or the service is stopping")
        return self._posts

    async def _answers(
        self, post: Post, kind: type[_Kind], cache: ResultCache[_Kind], items: Sequence[NerItem], lang: str
    ) -> list[_Kind]:
        task = Task.ENTITIES if kind is NerResult else Task.PROBABILITIES
        checked = [checked_sentence(item, lang) for item in items]
        good = [each for each in checked if isinstance(each, Sentence)]
        batcher = self._batchers[id(post.teacher)]

        async def compute(indices: list[int]) -> Sequence[_Kind | SentenceError]:
            return cast("list[_Kind | SentenceError]", await batcher.submit(task, [good[index] for index in indices]))

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


def _runner(teacher: Teacher) -> Callable[[Task, list[Sentence]], list[_Answer]]:
    def run(task: Task, sentences: list[Sentence]) -> list[_Answer]:
        if task is Task.ENTITIES:
            return [_wired(*each) for each in zip(sentences, teacher.entities(sentences), strict=True)]
        # Only teachers whose card has tags are asked for probabilities.
        rows = cast("ProbabilityTeacher", teacher).probabilities(sentences)
        return [wire_probabilities(*each) for each in zip(sentences, rows, strict=True)]

    return run


def _wired(sentence: Sentence, labelled: Labelled) -> _Answer:
    return labelled if isinstance(labelled, SentenceError) else wire_entities(sentence, labelled)
