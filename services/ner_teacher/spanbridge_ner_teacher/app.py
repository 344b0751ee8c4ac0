"""The NER teacher's composition root."""

from fastapi import FastAPI

from spanbridge_ner_teacher.engine import NerTeacherEngine
from spanbridge_ner_teacher.routes import router
from spanbridge_ner_teacher.settings import NerTeacherSettings
from spanbridge_shared.serving.config import load_settings
from spanbridge_shared.serving.service_app import service_app

_DESCRIPTION = "Labels named entities in sentences, and gives label probabilities per token."


def create_app(settings: NerTeacherSettings | None = None) -> FastAPI:
    """Return the service; raises `ConfigurationError` where a setting is wrong."""
    settings = settings or load_settings(NerTeacherSettings)
    engine = NerTeacherEngine(settings)
    return service_app(name="ner_teacher", description=_DESCRIPTION, engine=engine, routers=[router], settings=settings)
