"""The synchronous client: the asynchronous one, on an event loop in a thread of its own."""

import weakref
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar

from spanbridge.answers import Projection, TrainingData
from spanbridge.async_client import AsyncSpanbridge
from spanbridge.loop_thread import LoopThread
from spanbridge.requests import EnglishSentenceLike, NerItemLike, PairLike, SentenceLike
from spanbridge_shared.contracts.alignment import Alignment, AlignMethod, AlignOptions
from spanbridge_shared.contracts.compare import ComparedSentence
from spanbridge_shared.contracts.gateway import (
    DEFAULT_LABELS,
    DEFAULT_METHOD,
    Include,
    LanguageInfo,
    MethodInfo,
    SentenceResult,
)
from spanbridge_shared.contracts.ner import NerResult
from spanbridge_shared.contracts.translate_train import TrainMethod, TranslatedSentence, TranslateTrainOptions
from spanbridge_shared.contracts.translation import Translation
from spanbridge_shared.text.languages import ENGLISH

Result = TypeVar("Result")


class Spanbridge:
    """A client of the server at `url`, or, without one, of a gateway with all models in this process.

    It opens with the first call or by `with`; `close` it afterwards. Methods are those of `AsyncSpanbridge`.
    """

    def __init__(
        self, url: str | None = None, *, timeout_s: float = 600.0, retries: int = 5, api_key: str | None = None
    ) -> None:
        self._client = AsyncSpanbridge(url, timeout_s=timeout_s, retries=retries, api_key=api_key)
        self._loop: LoopThread | None = None
        self._closing: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Load the models, where they are to run here; raises `ConfigurationError` where that fails."""
        self._run(self._client.open)

    def close(self) -> None:
        """Finish and release everything; a later call would open it anew."""
        closing, self._closing, self._loop = self._closing, None, None
        if closing is not None:
            closing()

    def project(
        self,
        sentences: Iterable[SentenceLike],
        lang: str,
        *,
        method: str = DEFAULT_METHOD,
        labels: Sequence[str] = DEFAULT_LABELS,
        options: Mapping[str, Any] | None = None,
        include: Sequence[Include] = (),
    ) -> list[SentenceResult]:
        """Label sentences of one language: texts, lists of tokens, or `Sentence`s; `lang` may be `auto`."""
        answer = self.projection(sentences, lang, method=method, labels=labels, options=options, include=include)
        return answer.results

    def projection(
        self,
        sentences: Iterable[SentenceLike],
        lang: str,
        *,
        method: str = DEFAULT_METHOD,
        labels: Sequence[str] = DEFAULT_LABELS,
        options: Mapping[str, Any] | None = None,
        include: Sequence[Include] = (),
    ) -> Projection:
        """Label sentences as `project` does, and say by which models."""
        return self._run(
            lambda: self._client.projection(
                sentences, lang, method=method, labels=labels, options=options, include=include
            )
        )

    def compare(
        self,
        sentences: Iterable[SentenceLike],
        lang: str,
        *,
        methods: Sequence[str] | None = None,
        labels: Sequence[str] = DEFAULT_LABELS,
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> list[ComparedSentence]:
        """Label up to 16 sentences by each of `methods`, all that serve the language unless some are named."""
        return self._run(lambda: self._client.compare(sentences, lang, methods=methods, labels=labels, options=options))

    def translate_train(
        self,
        sentences: Iterable[EnglishSentenceLike],
        lang: str,
        *,
        method: TrainMethod | str = TrainMethod.MARKER,
        options: TranslateTrainOptions | Mapping[str, Any] | None = None,
    ) -> list[TranslatedSentence]:
        """Make labelled sentences of a language from labelled English ones; `method` is `marker` or `align`."""
        return self.training_data(sentences, lang, method=method, options=options).results

    def training_data(
        self,
        sentences: Iterable[EnglishSentenceLike],
        lang: str,
        *,
        method: TrainMethod | str = TrainMethod.MARKER,
        options: TranslateTrainOptions | Mapping[str, Any] | None = None,
    ) -> TrainingData:
        """Translate labelled sentences as `translate_train` does, and say by which models."""
        return self._run(lambda: self._client.training_data(sentences, lang, method=method, options=options))

    def translate(
        self,
        texts: Iterable[str],
        source_lang: str,
        target_lang: str = ENGLISH,
        *,
        beam: int = 4,
        num_hypotheses: int = 1,
        include: Sequence[str] = (),
    ) -> list[Translation]:
        """Translate texts; `include` may hold `tokens` and `attention`."""
        return self._run(
            lambda: self._client.translate(
                texts, source_lang, target_lang, beam=beam, num_hypotheses=num_hypotheses, include=include
            )
        )

    def align(
        self,
        pairs: Iterable[PairLike],
        *,
        source_lang: str | None = None,
        target_lang: str | None = None,
        method: AlignMethod | str = AlignMethod.ARGMAX,
        options: AlignOptions | Mapping[str, Any] | None = None,
        include: Sequence[str] = (),
    ) -> list[Alignment]:
        """Align the words of pairs (source tokens, target tokens); `include` may hold `similarity`."""
        return self._run(
            lambda: self._client.align(
                pairs, source_lang=source_lang, target_lang=target_lang, method=method, options=options,
                include=include,
            )
        )  # fmt: skip

    def ner(self, sentences: Iterable[NerItemLike], lang: str = ENGLISH) -> list[NerResult]:
        """Label sentences by a teacher of their own language, without a bridge: texts or lists of tokens."""
        return self._run(lambda: self._client.ner(sentences, lang))

    def languages(self) -> list[LanguageInfo]:
        """List the languages that can be labelled from text alone."""
        return self._run(self._client.languages)

    def methods(self) -> list[MethodInfo]:
        """List the methods with their options."""
        return self._run(self._client.methods)

    def labels(self) -> list[str]:
        """List the labels that the teachers give."""
        return self._run(self._client.labels)

    def _run(self, call: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        if self._loop is None:
            self._loop = LoopThread()
            # Also where nobody calls `close`: the finalizer runs with the last reference, or as the process ends.
            self._closing = weakref.finalize(self, _close, self._client, self._loop)
        return self._loop.run(call())


def _close(client: AsyncSpanbridge, loop: LoopThread) -> None:
    try:
        if not loop.is_current():  # Garbage collection may happen in any thread.
            loop.run(client.close())
    finally:
        loop.close()
