"""`spanbridge serve`."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import click

from spanbridge.cli.session import set_up_logs
from spanbridge_shared.errors import ConfigurationError

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
        from spanbridge.serving import serve_gateway  # Here, because no other command needs a server's libraries.

        try:
            asyncio.run(serve_gateway(listener, host))
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
