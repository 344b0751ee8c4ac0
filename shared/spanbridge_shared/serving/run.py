"""Running an app with uvicorn: what each service's `python -m` entry point calls."""

from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.config import ServiceSettings, load_settings


def run_service(create_app: Callable[[], FastAPI], settings_kind: type[ServiceSettings]) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted; exits with the message where a setting is wrong."""
    try:
        settings = load_settings(settings_kind)
        app = create_app()
    except ConfigurationError as fault:
        raise SystemExit(f"spanbridge: {fault.detail}") from fault
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=30,
    )
