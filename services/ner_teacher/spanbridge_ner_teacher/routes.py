"""The NER teacher's HTTP routes."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response

from spanbridge_ner_teacher.engine import NerTeacherEngine
from spanbridge_shared.contracts.ner import (
    NerInfo,
    NerRequest,
    NerResponse,
    ProbabilitiesRequest,
    ProbabilitiesResponse,
)
from spanbridge_shared.serving.service_app import json_answer

router = APIRouter(prefix="/v1", tags=["ner_teacher"])
_NER_EXAMPLE = {"sentences": [{"text": "President Samia visited Nairobi yesterday."}], "lang": "eng_Latn"}
_PROBABILITIES_EXAMPLE = {
    "sentences": [{"tokens": ["Rais", "Samia", "alitembelea", "Nairobi", "jana", "."]}],
    "lang": "swh_Latn",
}


def _engine(request: Request) -> NerTeacherEngine:
    engine: NerTeacherEngine = request.app.state.engine
    return engine


Engine = Annotated[NerTeacherEngine, Depends(_engine)]


@router.post("/ner", response_model=NerResponse, summary="Label sentences")
async def ner(body: Annotated[NerRequest, Body(examples=[_NER_EXAMPLE])], engine: Engine) -> Response:
    """Return each sentence's entities, offsets counting what was sent: code points of a text, or tokens."""
    return json_answer(await engine.ner(body))


@router.post("/probabilities", response_model=ProbabilitiesResponse, summary="Label probabilities per token")
async def probabilities(
    body: Annotated[ProbabilitiesRequest, Body(examples=[_PROBABILITIES_EXAMPLE])], engine: Engine
) -> Response:
    """Return a row per token, a column per tag; served by teachers that give probabilities."""
    return json_answer(await engine.probabilities(body))


@router.get("/info", response_model=NerInfo, summary="The configured teachers")
async def info(engine: Engine) -> Response:
    """Return every teacher with its labels and languages."""
    return json_answer(engine.info())
