"""The composition root of the alignment service."""

from functools import partial

from fastapi import FastAPI

from spanbridge_alignment.backends import open_backend
from spanbridge_alignment.encoding import SERVICE
from spanbridge_alignment.engine import AlignmentEngine
from spanbridge_alignment.routes import router
from spanbridge_alignment.settings import AlignmentSettings
from spanbridge_shared.serving.cache import open_cache
from spanbridge_shared.serving.config import load_settings
from spanbridge_shared.serving.service_app import service_app


def create_app(settings: AlignmentSettings | None = None) -> FastAPI:
    """Return the service's app; raises `ConfigurationError` for a wrong setting."""
    settings = settings or load_settings(AlignmentSettings)
    cache = open_cache(settings, service=SERVICE)
    engine = AlignmentEngine(settings, partial(open_backend, settings), cache)
    return service_app(
        name=SERVICE,
        description="Links between the words of a sentence and those of its translation, each with a weight.",
        engine=engine,
        routers=[router],
        settings=settings,
    )
