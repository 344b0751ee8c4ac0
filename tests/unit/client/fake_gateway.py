"""A gateway without models: it takes every capitalised word for a person, and counts what it is asked."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response

from spanbridge_shared.contracts.alignment import Alignment, AlignRequest, AlignResponse
from spanbridge_shared.contracts.compare import ComparedSentence, CompareRequest, CompareResponse, MethodAnswer
from spanbridge_shared.contracts.gateway import (
    UNDETERMINED,
    Entity,
    LanguageInfo,
    LanguagesResponse,
    MethodInfo,
    MethodsResponse,
    OptionInfo,
    ProjectSentencesRequest,
    ProjectSentencesResponse,
    Sentence,
    SentenceResult,
)
from spanbridge_shared.contracts.ner import NerRequest, NerResponse, NerResult
from spanbridge_shared.contracts.translate_train import (
    EnglishSentence,
    LostEntity,
    TranslatedEntity,
    TranslatedSentence,
    TranslateTrainRequest,
    TranslateTrainResponse,
)
from spanbridge_shared.contracts.translation import Hypothesis, TranslateRequest, TranslateResponse, Translation
from spanbridge_shared.errors import AmbiguousInput, Overloaded, SentenceError, UnknownLanguage, UpstreamFailed
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_shared.serving.service_app import error_body, json_answer, service_app
from spanbridge_shared.text.bio import LabelledSpan, tags_of
from spanbridge_shared.text.checks import check_text, check_tokens, replace_surrogates
from spanbridge_shared.text.languages import resolve_language
from spanbridge_shared.text.offsets import char_span, token_span
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import Token, join_tokens, tokenize


class FakeGateway:
    """The engine: `fail_at` is the number of the call that fails, `busy` how many are refused at first."""

    def __init__(self) -> None:
        self.requests: list[ProjectSentencesRequest] = []
        self.training: list[TranslateTrainRequest] = []
        self.others: list[Any] = []
        self.model_version = "fake-1"
        self.fail_at: int | None = None
        self.busy = 0
        self.started = 0
        self.stopped = 0

    async def start(self) -> None:
        self.started += 1

    async def stop(self) -> None:
        self.stopped += 1

    def project(self, request: ProjectSentencesRequest) -> ProjectSentencesResponse:
        if self.busy > 0:
            self.busy -= 1
            raise Overloaded("the queue is full", retry_after=3)
        self.requests.append(request)
        if self.fail_at == len(self.requests):
            raise UpstreamFailed("translation can't be reached")
        detected = "swh_Latn" if any(each.text or each.tokens for each in request.sentences) else UNDETERMINED
        lang = detected if request.lang == "auto" else resolve_language(request.lang)
        results = [label(each, lang, request.include) for each in request.sentences]
        return ProjectSentencesResponse(model_version=self.model_version, results=results)

    def translate_train(self, request: TranslateTrainRequest) -> TranslateTrainResponse:
        self.training.append(request)
        if self.fail_at == len(self.training):
            raise UpstreamFailed("translation can't be reached")
        lang = resolve_language(request.lang)
        results = [relabel(each, lang) for each in request.sentences]
        return TranslateTrainResponse(model_version=self.model_version, results=results)


def relabel(sentence: EnglishSentence, lang: str) -> TranslatedSentence:
    """Every sentence is its own translation; entities of the label LOST get lost."""
    assert sentence.id is not None
    raw = sentence.text if sentence.text is not None else " ".join(sentence.tokens or [])
    if not raw:
        fault = AmbiguousInput("send either text or tokens")
        return TranslatedSentence(id=sentence.id, text="", lang=lang, error=error_body(fault))
    pairs = [(t.text, t.span) for t in tokenize(raw, lang)]
    if sentence.text is None:
        pairs = list(zip(sentence.tokens or [], join_tokens(sentence.tokens or [])[1], strict=True))
    offsets = [span for _, span in pairs]
    entities, lost, tagged = [], [], []
    for place, each in enumerate(sentence.entities):
        words = token_span(Span(each.start, each.end), offsets) if sentence.text else Span(each.start, each.end)
        assert words is not None
        start, end = char_span(words, offsets)
        if each.label == "LOST":
            lost.append(LostEntity(source=place, text=raw[start:end], label=each.label))
            continue
        tagged.append(LabelledSpan(words, each.label))
        entities.append(
            TranslatedEntity(start=start, end=end, text=raw[start:end], label=each.label, score=1.0, source=place)
        )
    return TranslatedSentence(
        id=sentence.id, text=raw, lang=lang, tokens=[text for text, _ in pairs], tags=tags_of(tagged, len(pairs)),
        entities=entities, lost=lost, source_text=raw, translation_score=-0.5, via=[], error=None,
    )  # fmt: skip


def label(sentence: Sentence, lang: str, include: list[Any]) -> SentenceResult:
    assert sentence.id is not None
    raw = sentence.text if sentence.text is not None else " ".join(sentence.tokens or [])
    try:
        if (sentence.text is None) == (sentence.tokens is None):
            raise AmbiguousInput("send either text or tokens")
        if sentence.text is not None:
            check_text(sentence.text)
            tokens = tokenize(sentence.text, lang)
        else:
            check_tokens(sentence.tokens or [])
            pairs = zip(sentence.tokens or [], join_tokens(sentence.tokens or [])[1], strict=True)
            tokens = [Token(text, place) for text, place in pairs]
    except SentenceError as fault:
        text = replace_surrogates(raw)
        return SentenceResult(id=sentence.id, text=text, lang=lang, entities=[], error=error_body(fault))
    named = [token for token in tokens if token.text[:1].isupper()]
    entities = [Entity(start=t.span.start, end=t.span.end, text=t.text, label="PER", score=0.5) for t in named]
    shown: dict[str, Any] = {}
    if "tokens" in include:
        tags = ["B-PER" if token in named else "O" for token in tokens]
        shown = {"tokens": [token.text for token in tokens], "tags": tags}
    return SentenceResult(id=sentence.id, text=raw, lang=lang, entities=entities, **shown, error=None)


def fake_app(engine: FakeGateway) -> FastAPI:
    router = APIRouter()

    @router.post("/v1/project")
    async def project(body: ProjectSentencesRequest, request: Request) -> Response:
        engine.others.append(request.headers.get("content-length"))
        return json_answer(engine.project(body), exclude_unset=True)

    @router.post("/v1/compare")
    async def compare(body: CompareRequest) -> Response:
        engine.others.append(body)
        names = body.methods or ["candidates", "transfer"]
        results = [
            ComparedSentence(
                id=each.id or "", text=each.text or "", lang=body.lang, tokens=None, translation=None, alignment=None,
                answers={name: MethodAnswer(tags=["O"]) for name in names},
            )
            for each in body.sentences
        ]  # fmt: skip
        return json_answer(CompareResponse(model_version="fake-1", methods=names, results=results))

    @router.post("/v1/translate-train")
    async def translate_train(body: TranslateTrainRequest, request: Request) -> Response:
        engine.others.append(request.headers.get("content-length"))
        return json_answer(engine.translate_train(body))

    @router.post("/v1/translate")
    async def translate(body: TranslateRequest) -> Response:
        engine.others.append(body)
        if body.source_lang == "xyz":
            raise UnknownLanguage("no language has the code 'xyz'; nearest: xho_Latn")
        found = [Translation(hypotheses=[Hypothesis(text=text.upper(), score=-0.5)]) for text in body.texts]
        return json_answer(TranslateResponse(model_version="fake-1", translations=found))

    @router.post("/v1/align")
    async def align(body: AlignRequest) -> Response:
        engine.others.append(body)
        found = [Alignment(links=[(0, 0, 1.0)]) for _ in body.pairs]
        return json_answer(AlignResponse(model_version="fake-1", alignments=found))

    @router.post("/v1/ner")
    async def ner(body: NerRequest) -> Response:
        engine.others.append(body)
        return json_answer(NerResponse(model_version="fake-1", results=[NerResult() for _ in body.sentences]))

    @router.get("/v1/languages")
    async def languages() -> Response:
        swahili = LanguageInfo(code="swh_Latn", name="Swahili", aliases=["sw"], methods=["candidates"])
        ghomala = LanguageInfo(
            code="bbj_Latn", name="Ghomala", aliases=["bbj"], via=["fra_Latn"], methods=["heuristic"]
        )
        return json_answer(LanguagesResponse(languages=[swahili, ghomala]))

    @router.get("/v1/methods")
    async def methods() -> Response:
        beam = OptionInfo(name="beam", type="integer", default=4, description="Beam size.", minimum=1, maximum=16)
        solver = OptionInfo(
            name="solver", type="string", default="exact", description="How.", choices=["exact", "greedy"]
        )
        found = MethodInfo(name="candidates", description="Match spans.", options=[beam, solver])
        return json_answer(MethodsResponse(methods=[found], labels=["LOC", "ORG", "PER"]))

    settings = ServiceSettings(log_level="WARNING", log_format="text")
    return service_app(name="gateway", description="", engine=engine, routers=[router], settings=settings)
