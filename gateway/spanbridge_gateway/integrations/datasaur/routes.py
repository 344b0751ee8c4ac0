"""The route of Datasaur's custom API."""

from fastapi import APIRouter, Request, Response

from spanbridge_gateway.integrations.datasaur.codec import DatasaurRequest, DatasaurResponse, response_of, texts_of
from spanbridge_gateway.integrations.wanted import ByQuery, label_texts
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_shared.serving.service_app import json_answer


def datasaur_router(pipeline: Pipeline) -> APIRouter:
    """Return the route that a project's custom API is pointed at."""
    router = APIRouter(prefix="/integrations", tags=["datasaur"])

    @router.post("/datasaur", response_model=DatasaurResponse, summary="Label for Datasaur")
    async def label(request: Request, body: DatasaurRequest, wanted: ByQuery) -> Response:
        """Return the entities of every sentence; one that can't be labelled has none, its neighbours have theirs."""
        texts = texts_of(body)
        if not texts:
            return json_answer(response_of(body, []))
        answer = await label_texts(pipeline, texts, wanted, request.is_disconnected)
        return json_answer(response_of(body, answer.results))

    return router
