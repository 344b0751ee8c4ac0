"""The gateway's composition root."""

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from spanbridge_gateway.admission import Door, Limiter
from spanbridge_gateway.calibration import load_calibration
from spanbridge_gateway.doorkeeper import Doorkeeper
from spanbridge_gateway.integrations import PATIENT_PATHS, integration_routers
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_gateway.routes import router
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.serving.config import load_settings
from spanbridge_shared.serving.key_sources import KeySource, open_keys
from spanbridge_shared.serving.rate_limit import RATE_HEADERS, open_buckets
from spanbridge_shared.serving.service_app import fault_answer, service_app

_DESCRIPTION = """Labels named entities in languages without labelled data: a sentence is translated to English, the
English is labelled, the words are aligned, and the entities are projected back onto the original sentence."""


def create_app(settings: GatewaySettings | None = None) -> FastAPI:
    """Return the gateway; raises `ConfigurationError` where a setting is wrong."""
    settings = settings or load_settings(GatewaySettings)
    keys, buckets = open_keys(settings.keys), open_buckets(settings.limits_url or settings.keys)
    closing = [buckets.close] if keys is None else [buckets.close, keys.close]
    pipeline = Pipeline(Upstreams(settings, closing), settings, load_calibration(settings.calibration))
    routers = [router, *integration_routers(pipeline, settings)]
    return service_app(
        name="gateway",
        description=_DESCRIPTION,
        engine=pipeline,
        routers=routers,
        settings=settings,
        door=_door(settings, keys, Limiter(buckets)),
    )


def _door(settings: GatewaySettings, keys: KeySource | None, limiter: Limiter) -> list[Middleware]:
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "x-api-key", "x-request-id", "x-request-deadline", "traceparent"],
        # What a page's script may read of an answer.
        expose_headers=["x-request-id", "retry-after", *RATE_HEADERS],
    )
    asking = Middleware(
        Doorkeeper,
        keys=keys,
        door=Door(settings.max_in_flight),
        limiter=limiter,
        answer=fault_answer,
        open_metrics=settings.open_metrics,
        patient=PATIENT_PATHS,
    )
    # Browsers ask without a key whether they may call, so that CORS comes first.
    return [cors, asking] if settings.cors_origins else [asking]
