"""HTTP to engine and back."""

from fastapi import APIRouter, Request, Response

from spanbridge_shared.contracts.translation import (
    ScoreRequest,
    ScoreResponse,
    TranslateRequest,
    TranslateResponse,
    TranslationInfo,
)
from spanbridge_shared.serving.service_app import json_answer
from spanbridge_translation.engine import TranslationEngine

router = APIRouter(prefix="/v1", tags=["translation"])


def _engine(request: Request) -> TranslationEngine:
    engine: TranslationEngine = request.app.state.engine
    return engine


@router.post("/translate", response_model=TranslateResponse, summary="Translate texts")
async def translate(request: Request, body: TranslateRequest) -> Response:
    """Translate each text; a bad one gets its own `error`. Pivots, where there are any, are named in `via`."""
    return json_answer(await _engine(request).translate(body))


@router.post("/score", response_model=ScoreResponse, summary="Score given translations")
async def score(request: Request, body: ScoreRequest) -> Response:
    """Return the mean log-probability per token of each target, given its source."""
    return json_answer(await _engine(request).score(body))


@router.get("/info", response_model=TranslationInfo, summary="The model, its languages and directions")
async def info(request: Request) -> Response:
    """Return what is served; an empty `pairs` stands for every direction."""
    return json_answer(_engine(request).info())
