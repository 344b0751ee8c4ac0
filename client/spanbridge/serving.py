"""The server of `spanbridge serve`."""

import json
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click
import httpx
import uvicorn

from spanbridge import embedded
from spanbridge.cli.session import messages
from spanbridge_shared.serving.server import DrainingServer, server_config

if TYPE_CHECKING:
    from fastapi import FastAPI

_EXAMPLE = {"sentences": [{"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}], "lang": "swh_Latn"}


async def serve_gateway(listener: socket.socket, host: str) -> None:
    """Serve the whole pipeline on a socket that is bound, until a signal ends it; says on stdout when it is ready."""
    with messages().status("Loading models …"):
        app = embedded.gateway_app()
        lifespan = app.router.lifespan_context(app)
        await lifespan.__aenter__()
    try:
        config = server_config(app, lifespan="off", log_config=None)
        server = _Server(config, lambda: _announce(app, listener, host))
        await server.serve(sockets=[listener])
    finally:
        await lifespan.__aexit__(None, None, None)


class _Server(DrainingServer):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started and not self.should_exit:
            await self._announce()


async def _announce(app: "FastAPI", listener: socket.socket, host: str) -> None:
    port = listener.getsockname()[1]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    # Everywhere is no place to send a request to.
    local = f"http://127.0.0.1:{port}" if host in ("", "0.0.0.0", "::") else address
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=address) as http:
        answer = await http.get("/readyz")
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        click.echo(f"Spanbridge listens at {address}, but can't label yet: {answer.json()['detail']}")
    else:
        click.echo(f"Spanbridge is ready at {address}")
    body = json.dumps(_EXAMPLE, separators=(",", ":"))
    click.echo(f"Documentation: {local}/docs")
    click.echo(f"Try it:  curl -s {local}/v1/project -H 'content-type: application/json' -d '{body}'")
    click.echo("Ctrl-C stops it.")
