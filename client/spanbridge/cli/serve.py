"""`spanbridge serve`."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import httpx
import uvicorn

from spanbridge import embedded
from spanbridge.cli.session import messages, set_up_logs
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.server import DrainingServer, server_config

if TYPE_CHECKING:
    from fastapi import FastAPI

_EXAMPLE = {"sentences": [{"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}], "lang": "swh_Latn"}
_INTERRUPTED = 130


@click.command()
@click.option("--host", envvar=["HOST", "SPANBRIDGE_GATEWAY_HOST"], default="127.0.0.1", show_default=True)
@click.option(
    "--port",
    envvar=["PORT", "SPANBRIDGE_GATEWAY_PORT"],
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0 takes a free one.",
)
@click.option("--log", "log_format", type=click.Choice(["text", "json"]), help="Form of the logs.  [default: text]")
@click.option("--verbose", is_flag=True, help="Log every request.")
def serve(host: str, port: int, log_format: str | None, *, verbose: bool) -> None:
    """Serve the whole pipeline in this process.

    Where SPANBRIDGE_GATEWAY_TRANSLATION_URL and the like are set, those services are used instead of models in here.
    """
    set_up_logs(log_format, "INFO" if verbose else None)
    # Bound before the models load: a port in use is told at once, and nobody can take it meanwhile.
    with bind(host, port) as listener:
        try:
            asyncio.run(_serve(listener, host))
        except KeyboardInterrupt:
            raise SystemExit(_INTERRUPTED) from None


@contextmanager
def bind(host: str, port: int) -> Iterator[socket.socket]:
    """Give a socket that holds the port; raises `ConfigurationError` where it can't be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as fault:
        raise ConfigurationError(f"--host {host}: no address of this machine is called that") from fault
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            # Otherwise a second server could bind the port as well, and fail only after it has loaded its models.
            listener.listen(2048)
        except OSError as fault:
            raise ConfigurationError(f"port {port} of {host} can't be had: {fault.strerror}; try --port") from fault
        yield listener


async def _serve(listener: socket.socket, host: str) -> None:
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
