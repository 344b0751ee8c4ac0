"""Routes of INCEpTION's external recommender.

INCEpTION makes its requests' addresses by `resolve("predict")` on the "Remote URL", which drops a query string; so
what a user can choose stands in the path.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from spanbridge_gateway.integrations.inception.messages import PredictionRequest, PredictionResponse
from spanbridge_gateway.integrations.inception.predicting import predict
from spanbridge_gateway.integrations.wanted import Wanted
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_shared.errors import NotFound
from spanbridge_shared.serving.service_app import json_answer

Lang = Annotated[str, Path(max_length=40, description='Code of the language, or "auto".', examples=["swh_Latn"])]
Method = Annotated[str, Path(max_length=40, description="One of `GET /v1/methods`.", examples=["student"])]
Labels = Annotated[str, Path(max_length=2_000, description="Labels wanted, as `PER,LOC`.", examples=["PER,LOC"])]


def inception_router(pipeline: Pipeline) -> APIRouter:
    """Return the routes that a recommender's Remote URL leads to."""
    router = APIRouter(prefix="/integrations/inception", tags=["inception"])

    @router.post("/predict", include_in_schema=False)
    @router.post("/train", include_in_schema=False)
    async def without_language() -> Response:
        """Tell what a Remote URL must have."""
        raise NotFound(
            "the Remote URL must end with a language, as …/integrations/inception/swh_Latn; a method and labels may "
            "follow, as …/swh_Latn/student/PER,LOC; INCEpTION drops what follows a question mark"
        )

    @router.post("/{lang}/predict", response_model=PredictionResponse, summary="Predict for INCEpTION")
    async def predict_by_language(request: Request, body: PredictionRequest, lang: Lang) -> Response:
        """Return the document with names added to the layer that the request names."""
        return json_answer(await predict(pipeline, body, Wanted().changed(lang=lang), request.is_disconnected))

    @router.post("/{lang}/{method}/predict", response_model=PredictionResponse, summary="… by a method")
    async def predict_by_method(request: Request, body: PredictionRequest, lang: Lang, method: Method) -> Response:
        """Predict by a method."""
        chosen = Wanted().changed(lang=lang, method=method)
        return json_answer(await predict(pipeline, body, chosen, request.is_disconnected))

    @router.post("/{lang}/{method}/{labels}/predict", response_model=PredictionResponse, summary="… and with labels")
    async def predict_labels(
        request: Request, body: PredictionRequest, lang: Lang, method: Method, labels: Labels
    ) -> Response:
        """Predict by a method, certain labels alone."""
        chosen = Wanted().changed(lang=lang, method=method, labels=labels)
        return json_answer(await predict(pipeline, body, chosen, request.is_disconnected))

    @router.post("/{lang}/train", status_code=204, summary="Nothing is trained")
    @router.post("/{lang}/{method}/train", status_code=204, include_in_schema=False)
    @router.post("/{lang}/{method}/{labels}/train", status_code=204, include_in_schema=False)
    async def train() -> Response:
        """Say that all is well, whatever was sent: a recommender that is set to train then goes on to predict."""
        return Response(status_code=204)

    return router
