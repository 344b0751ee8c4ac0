"""The composition root of the projection service."""

from fastapi import FastAPI

from spanbridge_projection.engine import ProjectionEngine
from spanbridge_projection.routes import projection_routes
from spanbridge_projection.settings import ProjectionSettings
from spanbridge_shared.serving.config import load_settings
from spanbridge_shared.serving.service_app import service_app


def create_app(settings: ProjectionSettings | None = None) -> FastAPI:
    """Return the service; settings come from the environment unless given."""
    settings = settings or load_settings(ProjectionSettings)
    engine = ProjectionEngine(settings)
    return service_app(
        name="projection",
        description="Projects source entities onto target tokens: candidates and scores, or the heuristic. Pure.",
        engine=engine,
        routers=[projection_routes(engine)],
        settings=settings,
    )
