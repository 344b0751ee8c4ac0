"""Running an app with uvicorn: what each service's `python -m` entry point calls."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.config import ServiceSettings, load_settings
from spanbridge_shared.serving.server import DrainingServer, server_config


def run_service(create_app: Callable[[], FastAPI], settings_kind: type[ServiceSettings]) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted; exits with the message where a setting is wrong."""
    try:
        settings = load_settings(settings_kind)
        app = create_app()
    except ConfigurationError as fault:
        raise SystemExit(f"spanbridge: {fault.detail}") from fault
    config = server_config(_told_briefly(app), host=settings.host, port=settings.port, log_level="warning")
    server = DrainingServer(config)
    server.run()
    if not server.started:
        raise SystemExit(STARTUP_FAILURE)


def _told_briefly(app: FastAPI) -> ASGIApp:
    """Report a wrong setting that is found while models load by its message alone, without Starlette's traceback."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        async def briefly(message: Message) -> None:
            fault: ConfigurationError | None = app.state.startup_fault
            if message["type"] == "lifespan.startup.failed" and fault is not None:
                message["message"] = f"spanbridge: {fault.detail}"
            await send(message)

        await app(scope, receive, briefly if scope["type"] == "lifespan" else send)

    return told
