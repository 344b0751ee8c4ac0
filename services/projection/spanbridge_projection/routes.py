"""HTTP ⇄ engine."""

from fastapi import APIRouter, Response

from spanbridge_projection.engine import ProjectionEngine
from spanbridge_shared.contracts.merging import MergeRequest, MergeResponse
from spanbridge_shared.contracts.projection import (
    CandidatesRequest,
    CandidatesResponse,
    ProjectionInfo,
    ProjectRequest,
    ProjectResponse,
)
from spanbridge_shared.serving.service_app import json_answer


def projection_routes(engine: ProjectionEngine) -> APIRouter:
    """Return the service's routes."""
    router = APIRouter(prefix="/v1", tags=["projection"])

    @router.post("/candidates", summary="Candidate target spans", response_model=CandidatesResponse)
    async def candidates(request: CandidatesRequest) -> Response:
        return json_answer(CandidatesResponse(results=await engine.candidates(request)))

    @router.post("/project", summary="Project source entities onto target tokens", response_model=ProjectResponse)
    async def project(request: ProjectRequest) -> Response:
        return json_answer(ProjectResponse(results=await engine.project(request)))

    @router.post("/merge", summary="The best set of what several labellers propose", response_model=MergeResponse)
    async def merge(request: MergeRequest) -> Response:
        return json_answer(MergeResponse(results=await engine.merge(request)))

    @router.get("/info", summary="The methods served, and the code's version", response_model=ProjectionInfo)
    async def info() -> Response:
        return json_answer(engine.info())

    return router
