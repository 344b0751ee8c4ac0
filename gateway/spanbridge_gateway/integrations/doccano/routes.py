"""doccano's HTTP route."""

from fastapi import APIRouter, Request, Response

from spanbridge_gateway.integrations.doccano.codec import answer_of, request_of
from spanbridge_gateway.integrations.doccano.wire import DoccanoAnswer, DoccanoRequest
from spanbridge_gateway.integrations.wanted import fault_of
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_shared.serving.service_app import json_answer


def doccano_router(pipeline: Pipeline) -> APIRouter:
    """Return the route that doccano's auto-labelling is pointed at."""
    router = APIRouter(prefix="/integrations", tags=["doccano"])

    @router.post("/doccano", response_model=DoccanoAnswer, summary="Label one text for doccano")
    async def doccano(request: Request, body: DoccanoRequest) -> Response:
        """Label one text; its fault is the request's, but for a text without words, which has no entities."""
        answer = await pipeline.project(request_of(body), request.is_disconnected)
        fault = fault_of(answer.results[0])
        if fault is not None:
            raise fault
        return json_answer(answer_of(answer))

    return router
