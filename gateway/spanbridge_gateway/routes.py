"""The gateway's HTTP routes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from spanbridge_gateway import offers
from spanbridge_gateway.admission import admit
from spanbridge_gateway.comparing import compare
from spanbridge_gateway.examples import ALIGN, COMPARE, NER, PROJECT, TRANSLATE, TRANSLATE_TRAIN
from spanbridge_gateway.method_models import described_methods
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_gateway.translate_train import translate_train
from spanbridge_shared.contracts.alignment import AlignRequest, AlignResponse
from spanbridge_shared.contracts.compare import CompareRequest, CompareResponse
from spanbridge_shared.contracts.gateway import (
    LanguagesResponse,
    MethodsResponse,
    ProjectSentencesRequest,
    ProjectSentencesResponse,
)
from spanbridge_shared.contracts.ner import NerRequest, NerResponse
from spanbridge_shared.contracts.translate_train import TranslateTrainRequest, TranslateTrainResponse
from spanbridge_shared.contracts.translation import TranslateRequest, TranslateResponse
from spanbridge_shared.serving.service_app import json_answer

router = APIRouter()


def _pipeline(request: Request) -> Pipeline:
    pipeline: Pipeline = request.app.state.engine
    return pipeline


Engine = Annotated[Pipeline, Depends(_pipeline)]


@router.get("/", include_in_schema=False)
async def root() -> Response:
    """Lead to the documentation."""
    return RedirectResponse("/docs")


@router.post("/v1/project", response_model=ProjectSentencesResponse, tags=["pipeline"], summary="Label sentences")
async def project(request: Request, body: Annotated[ProjectSentencesRequest, PROJECT], pipeline: Engine) -> Response:
    """Translate, label, align and project, for up to 10,000 sentences of one language."""
    return json_answer(await pipeline.project(body, request.is_disconnected), exclude_unset=True)


@router.post("/v1/compare", response_model=CompareResponse, tags=["pipeline"], summary="Compare methods")
async def compare_methods(request: Request, body: Annotated[CompareRequest, COMPARE], pipeline: Engine) -> Response:
    """Label up to 16 sentences by every method that serves their language, or by those named."""
    return json_answer(await compare(pipeline, body, request.is_disconnected))


@router.post(
    "/v1/translate-train", response_model=TranslateTrainResponse, tags=["pipeline"], summary="Make training data"
)
async def make_training_data(
    request: Request, body: Annotated[TranslateTrainRequest, TRANSLATE_TRAIN], pipeline: Engine
) -> Response:
    """Translate up to 10,000 labelled English sentences into one language, with their entities."""
    return json_answer(await translate_train(pipeline.upstreams, body, request.is_disconnected))


@router.post("/v1/translate", response_model=TranslateResponse, tags=["services"], summary="Translate only")
async def translate(body: Annotated[TranslateRequest, TRANSLATE], pipeline: Engine) -> Response:
    """Pass through to the translation service."""
    await admit(len(body.texts))
    return json_answer(await pipeline.upstreams.translation.translate(body))


@router.post("/v1/align", response_model=AlignResponse, tags=["services"], summary="Align words only")
async def align(body: Annotated[AlignRequest, ALIGN], pipeline: Engine) -> Response:
    """Pass through to the alignment service."""
    await admit(len(body.pairs))
    return json_answer(await pipeline.upstreams.alignment.align(body))


@router.post("/v1/ner", response_model=NerResponse, tags=["services"], summary="Label directly")
async def ner(body: Annotated[NerRequest, NER], pipeline: Engine) -> Response:
    """Pass through to the ner_teacher service."""
    await admit(len(body.sentences))
    return json_answer(await pipeline.upstreams.ner_teacher.ner(body))


@router.get("/v1/languages", response_model=LanguagesResponse, tags=["about"], summary="Languages served")
async def served_languages(pipeline: Engine) -> Response:
    """List the languages that can be labelled from text alone, and how."""
    infos = await pipeline.upstreams.infos()
    return json_answer(LanguagesResponse(languages=offers.served_languages(infos)))


@router.get("/v1/methods", response_model=MethodsResponse, tags=["about"], summary="Methods and their options")
async def methods(pipeline: Engine) -> Response:
    """List every method with its options, labels and models, and the labels that all teachers give."""
    infos = await pipeline.upstreams.infos()
    return json_answer(MethodsResponse(methods=described_methods(infos), labels=sorted(infos.labels)))
