"""`spanbridge keys`: the API keys of a gateway."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from spanbridge.cli.about import console, table
from spanbridge.cli.session import messages
from spanbridge.key_stores import open_store
from spanbridge_shared.serving.api_keys import make_key, new_key

Command = TypeVar("Command", bound=Callable[..., Any])

file_option: Callable[[Command], Command] = click.option(
    "--file",
    "named",
    envvar="SPANBRIDGE_GATEWAY_KEYS",
    required=True,
    help="The gateway's SPANBRIDGE_GATEWAY_KEYS, a path or redis://…; taken from there where it is set.",
)


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys of a gateway.

    It asks for one where SPANBRIDGE_GATEWAY_KEYS names a file or a Redis server, and takes changes without a restart.
    """


@keys.command()
@click.argument("name")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Sentences a second.  [default: any number]")
@file_option
def new(name: str, rate: float | None, named: str) -> None:
    """Make a key called NAME and print it, once: only its hash is kept."""
    key = new_key()
    open_store(named).add(make_key(name, key, rate))
    messages().print(f"The key {name}, which can't be shown again:")
    click.echo(key)


@keys.command("list")
@file_option
def list_(named: str) -> None:
    """List the keys by name."""
    shown = table("name", "sentences a second", "at once", "SHA-256")
    for each in open_store(named).listed():
        numbers = ("any" if number is None else f"{number:g}" for number in (each.rate, each.burst))
        shown.add_row(each.name, *numbers, f"{each.sha256[:12]}…")
    console().print(shown)


@keys.command()
@click.argument("name")
@file_option
def revoke(name: str, named: str) -> None:
    """Revoke the key called NAME."""
    open_store(named).remove(name)
    messages().print(f"The key {name} is no longer valid.")
