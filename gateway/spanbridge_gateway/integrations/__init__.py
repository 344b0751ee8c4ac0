"""The annotation tools that can ask the gateway for pre-annotations, a folder each, with a codec and routes."""

from fastapi import APIRouter

from spanbridge_gateway.integrations.brat.routes import brat_router
from spanbridge_gateway.integrations.datasaur.routes import datasaur_router
from spanbridge_gateway.integrations.doccano.routes import doccano_router
from spanbridge_gateway.integrations.inception.routes import inception_router
from spanbridge_gateway.integrations.label_studio.backend import LabelStudioBackend
from spanbridge_gateway.integrations.label_studio.corrections import open_corrections
from spanbridge_gateway.integrations.label_studio.routes import label_studio_router
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_gateway.settings import GatewaySettings

PATIENT_PATHS = ("/integrations/label-studio/",)
"""A tool that takes one refusal for a broken server; its predictions wait for their turn by themselves."""


def integration_routers(pipeline: Pipeline, settings: GatewaySettings) -> list[APIRouter]:
    """Return the routes of every tool, for the composition root."""
    label_studio = LabelStudioBackend(pipeline, settings)
    return [
        label_studio_router(label_studio, open_corrections(pipeline, label_studio, settings)),
        doccano_router(pipeline),
        inception_router(pipeline),
        brat_router(pipeline),
        datasaur_router(pipeline),
    ]
