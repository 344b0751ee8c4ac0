"""The gateway's composition root."""

from fastapi import FastAPI

from spanbridge_gateway.calibration import load_calibration
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_gateway.routes import router
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.serving.config import load_settings
from spanbridge_shared.serving.service_app import service_app

_DESCRIPTION = """Labels named entities in languages without labelled data: a sentence is translated to English, the
English is labelled, the words are aligned, and the entities are projected back onto the original sentence."""


def create_app(settings: GatewaySettings | None = None) -> FastAPI:
    """Return the gateway; raises `ConfigurationError` where a setting is wrong."""
    settings = settings or load_settings(GatewaySettings)
    pipeline = Pipeline(Upstreams(settings), settings, load_calibration(settings.calibration))
    return service_app(name="gateway", description=_DESCRIPTION, engine=pipeline, routers=[router], settings=settings)
