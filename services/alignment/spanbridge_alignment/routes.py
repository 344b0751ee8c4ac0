"""HTTP to engine and back."""

from fastapi import APIRouter, Request, Response

from spanbridge_alignment.engine import AlignmentEngine
from spanbridge_shared.contracts.alignment import AlignmentInfo, AlignRequest, AlignResponse
from spanbridge_shared.serving.service_app import json_answer

router = APIRouter(prefix="/v1", tags=["alignment"])


def _engine(request: Request) -> AlignmentEngine:
    engine: AlignmentEngine = request.app.state.engine
    return engine


@router.post("/align", response_model=AlignResponse, summary="Align the words of sentences and their translations")
async def align(body: AlignRequest, request: Request) -> Response:
    """Return weighted links [source token, target token, weight] for each pair, or that pair's error."""
    return json_answer(await _engine(request).align(body))


@router.get("/info", response_model=AlignmentInfo, summary="The model's version and the methods")
async def info(request: Request) -> Response:
    """Say what is served."""
    return json_answer(_engine(request).info())
