"""What several commands share: where the server is, how it is opened, and where messages go."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from rich.console import Console

from spanbridge.client import Spanbridge

Command = TypeVar("Command", bound=Callable[..., Any])

url_option: Callable[[Command], Command] = click.option(
    "--url", envvar="SPANBRIDGE_URL", help="A running server, such as http://127.0.0.1:8000; else all runs in here."
)


def messages() -> Console:
    """Return the console for people, stderr: stdout belongs to the results."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def set_up_logs(log_format: str | None, level: str | None) -> None:
    """Have the gateway in this process log that way; what the environment says holds where nothing is given."""
    for name, given, default in (("FORMAT", log_format, "text"), ("LEVEL", level, "WARNING")):
        variable = f"SPANBRIDGE_GATEWAY_LOG_{name}"
        if given is not None:
            os.environ[variable] = given
        else:
            os.environ.setdefault(variable, default)


@contextmanager
def opened(url: str | None) -> Iterator[Spanbridge]:
    """Give an open client, and say so while models load."""
    set_up_logs(None, None)
    client = Spanbridge(url)
    console = messages()
    try:
        if url is None:
            with console.status("Loading models …"):
                client.open()
        yield client
    finally:
        client.close()
