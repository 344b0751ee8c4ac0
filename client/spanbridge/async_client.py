"""The asynchronous client, over HTTP or with everything in this process; the synchronous one wraps it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar

from pydantic import BaseModel

from spanbridge.answers import Projection, TrainingData
from spanbridge.connection import Connection
from spanbridge.requests import (
    MAX_PART_BYTES,
    EnglishSentenceLike,
    NerItemLike,
    PairLike,
    SentenceLike,
    as_english_sentence,
    as_list,
    as_ner_item,
    as_pair,
    as_sentence,
    build,
    cut,
    unsendable,
    untranslatable,
    wire_size,
)
from spanbridge_shared.contracts.alignment import Alignment, AlignMethod, AlignOptions, AlignRequest, AlignResponse
from spanbridge_shared.contracts.compare import ComparedSentence, CompareRequest, CompareResponse
from spanbridge_shared.contracts.gateway import (
    DEFAULT_LABELS,
    DEFAULT_METHOD,
    UNDETERMINED,
    Include,
    LanguageInfo,
    LanguagesResponse,
    MethodInfo,
    MethodsResponse,
    ProjectSentencesRequest,
    ProjectSentencesResponse,
    SentenceResult,
)
from spanbridge_shared.contracts.ner import NerRequest, NerResponse, NerResult
from spanbridge_shared.contracts.translate_train import (
    TrainMethod,
    TranslatedSentence,
    TranslateTrainOptions,
    TranslateTrainRequest,
    TranslateTrainResponse,
)
from spanbridge_shared.contracts.translation import TranslateRequest, TranslateResponse, Translation
from spanbridge_shared.text.languages import ENGLISH

Answer = TypeVar("Answer", bound=BaseModel)


class AsyncSpanbridge:
    """A client of the server at `url`, or, without one, of a gateway with all models in this process.

    It opens with the first call or by `async with`; `close` it afterwards. Methods raise the exceptions of
    `spanbridge_shared.errors`; a single sentence's fault is its result's `error` instead. Batches of any size are sent
    in parts. A remote server that is busy or still starting is asked again, up to `retries` times. One that asks for an
    API key gets `api_key`, else that of the environment variable SPANBRIDGE_API_KEY.
    """

    def __init__(
        self, url: str | None = None, *, timeout_s: float = 600.0, retries: int = 5, api_key: str | None = None
    ) -> None:
        self._connection = Connection(url, timeout_s=timeout_s, retries=retries, api_key=api_key)

    @property
    def url(self) -> str | None:
        """The server's address; None where everything runs in this process."""
        return self._connection.url

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Load the models, where they are to run here; raises `ConfigurationError` where that fails."""
        await self._connection.gateway()

    async def close(self) -> None:
        """Finish and release everything; a later call would open it anew."""
        await self._connection.close()

    async def project(
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
        answer = await self.projection(sentences, lang, method=method, labels=labels, options=options, include=include)
        return answer.results

    async def projection(
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
        envelope = {"method": method, "labels": list(labels), "options": dict(options or {}), "include": list(include)}
        listed = [as_sentence(each, place) for place, each in enumerate(as_list(sentences))]
        results: dict[int, SentenceResult] = {}
        version: str | None = None
        sizes = [wire_size(each) for each in listed]
        sendable = [place for place, size in enumerate(sizes) if size <= MAX_PART_BYTES]
        for part in cut(sendable, lambda place: sizes[place]):
            fields = {"sentences": [listed[place] for place in part], "lang": lang, **envelope}
            request = build(ProjectSentencesRequest, fields, "request")
            answer = await self._post("/v1/project", request, ProjectSentencesResponse)
            results |= zip(part, answer.results, strict=True)
            version = answer.model_version
            # A batch is of one language: what the first part was found to be holds for all.
            if answer.results[0].lang != UNDETERMINED:
                lang = answer.results[0].lang
        for place in sorted(set(range(len(listed))) - set(sendable)):
            results[place] = unsendable(listed[place], sizes[place], lang)
        return Projection([results[place] for place in range(len(listed))], version)

    async def compare(
        self,
        sentences: Iterable[SentenceLike],
        lang: str,
        *,
        methods: Sequence[str] | None = None,
        labels: Sequence[str] = DEFAULT_LABELS,
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> list[ComparedSentence]:
        """Label up to 16 sentences by each of `methods`, all that serve the language unless some are named."""
        listed = [as_sentence(each, place) for place, each in enumerate(as_list(sentences))]
        envelope = {"lang": lang, "methods": methods, "labels": list(labels), "options": options or {}}
        fields = {"sentences": listed, **envelope}
        return (await self._post("/v1/compare", build(CompareRequest, fields, "request"), CompareResponse)).results

    async def translate_train(
        self,
        sentences: Iterable[EnglishSentenceLike],
        lang: str,
        *,
        method: TrainMethod | str = TrainMethod.MARKER,
        options: TranslateTrainOptions | Mapping[str, Any] | None = None,
    ) -> list[TranslatedSentence]:
        """Make labelled sentences of a language from labelled English ones; `method` is `marker` or `align`."""
        return (await self.training_data(sentences, lang, method=method, options=options)).results

    async def training_data(
        self,
        sentences: Iterable[EnglishSentenceLike],
        lang: str,
        *,
        method: TrainMethod | str = TrainMethod.MARKER,
        options: TranslateTrainOptions | Mapping[str, Any] | None = None,
    ) -> TrainingData:
        """Translate labelled sentences as `translate_train` does, and say by which models."""
        envelope = {"lang": lang, "method": method, "options": options or {}}
        listed = [as_english_sentence(each, place) for place, each in enumerate(sentences)]
        sizes = [wire_size(each) for each in listed]
        results = {
            place: untranslatable(listed[place], size, lang)
            for place, size in enumerate(sizes)
            if size > MAX_PART_BYTES
        }
        version: str | None = None
        for part in cut([place for place in range(len(listed)) if place not in results], lambda place: sizes[place]):
            fields = {"sentences": [listed[place] for place in part], **envelope}
            request = build(TranslateTrainRequest, fields, "request")
            answer = await self._post("/v1/translate-train", request, TranslateTrainResponse)
            results |= zip(part, answer.results, strict=True)
            version = answer.model_version
        return TrainingData([results[place] for place in range(len(listed))], version)

    async def translate(
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
        envelope = {
            "source_lang": source_lang, "target_lang": target_lang, "beam": beam, "num_hypotheses": num_hypotheses,
            "include": list(include),
        }  # fmt: skip
        found: list[Translation] = []
        for part in cut(as_list(texts), wire_size):
            request = build(TranslateRequest, {"texts": part, **envelope}, "request")
            found.extend((await self._post("/v1/translate", request, TranslateResponse)).translations)
        return found

    async def align(
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
        envelope = {
            "source_lang": source_lang, "target_lang": target_lang, "method": method, "options": options or {},
            "include": list(include),
        }  # fmt: skip
        found: list[Alignment] = []
        for part in cut([as_pair(each, place) for place, each in enumerate(pairs)], wire_size):
            request = build(AlignRequest, {"pairs": part, **envelope}, "request")
            found.extend((await self._post("/v1/align", request, AlignResponse)).alignments)
        return found

    async def ner(self, sentences: Iterable[NerItemLike], lang: str = ENGLISH) -> list[NerResult]:
        """Label sentences by a teacher of their own language, without a bridge: texts or lists of tokens."""
        found: list[NerResult] = []
        listed = [as_ner_item(each, place) for place, each in enumerate(as_list(sentences))]
        for part in cut(listed, wire_size):
            request = build(NerRequest, {"sentences": part, "lang": lang}, "request")
            found.extend((await self._post("/v1/ner", request, NerResponse)).results)
        return found

    async def languages(self) -> list[LanguageInfo]:
        """List the languages that can be labelled from text alone."""
        gateway = await self._connection.gateway()
        return (await gateway.get("/v1/languages", LanguagesResponse)).languages

    async def methods(self) -> list[MethodInfo]:
        """List the methods with their options."""
        gateway = await self._connection.gateway()
        return (await gateway.get("/v1/methods", MethodsResponse)).methods

    async def labels(self) -> list[str]:
        """List the labels that the teachers give."""
        gateway = await self._connection.gateway()
        return (await gateway.get("/v1/methods", MethodsResponse)).labels

    async def _post(self, path: str, request: BaseModel, kind: type[Answer]) -> Answer:
        return await (await self._connection.gateway()).post(path, request, kind)
