"""Label Studio's HTTP routes: the address to connect is `…/integrations/label-studio`."""

from fastapi import APIRouter, Request, Response

from spanbridge_gateway.integrations.label_studio.backend import LabelStudioBackend
from spanbridge_gateway.integrations.label_studio.corrections import Corrections
from spanbridge_gateway.integrations.label_studio.wire import (
    HealthAnswer,
    PredictAnswer,
    PredictBody,
    SetupAnswer,
    SetupBody,
    VersionsAnswer,
    WebhookAnswer,
    WebhookBody,
)
from spanbridge_shared.serving.service_app import json_answer

_CREATED = 201
_TRAIN = "START_TRAINING"


def label_studio_router(backend: LabelStudioBackend, corrections: Corrections) -> APIRouter:
    """Return the routes by which Label Studio reaches a backend, and tells of corrections."""
    router = APIRouter(prefix="/integrations/label-studio", tags=["Label Studio"])

    @router.get("/health", response_model=HealthAnswer, summary="Label Studio asks whether it is there")
    async def health() -> Response:
        return json_answer(HealthAnswer())

    @router.post("/setup", response_model=SetupAnswer, summary="Label Studio sets up a project")
    async def setup(body: SetupBody) -> Response:
        return json_answer(SetupAnswer(model_version=await backend.set_up(body)))

    @router.post("/predict", response_model=PredictAnswer, summary="Label Studio asks for predictions")
    async def predict(request: Request, body: PredictBody) -> Response:
        return json_answer(PredictAnswer(results=await backend.predict(body, request.is_disconnected)))

    @router.get("/versions", response_model=VersionsAnswer, summary="Label Studio asks for model versions")
    async def versions() -> Response:
        return json_answer(VersionsAnswer(versions=backend.versions()))

    @router.post(
        "/webhook",
        response_model=WebhookAnswer,
        responses={_CREATED: {"model": WebhookAnswer, "description": "Training was asked for."}},
        summary="Label Studio tells of an event",
    )
    async def webhook(body: WebhookBody) -> Response:
        await corrections.take(body)
        return json_answer(WebhookAnswer(), status=_CREATED if body.action == _TRAIN else 200)

    return router
