"""Options that several commands have, and how `--option NAME=VALUE` is read."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
_BARE_FRACTION = re.compile(r"-?\.[0-9]+")


def read_options(_: click.Context, __: click.Parameter, given: Sequence[str]) -> dict[str, Any]:
    """Return the options by name; a value is JSON if it reads as such, else a word. A click `callback`."""
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{each!r} is not NAME=VALUE")
        found[name] = _read_value(value)
    return found


def _read_value(value: str) -> Any:
    try:
        return json.loads(value, parse_constant=str)
    except (
        ValueError
    ):  # A word, such as itermax; or a number as people write it, which JSON wants to begin with a digit.
        return float(value) if _BARE_FRACTION.fullmatch(value) else value


def connect_options(tool: str) -> Callable[[Command], Command]:
    """Give a command what connecting any annotation tool takes; `tool` is its name as people write it."""
    options = (
        click.option("--project", type=click.IntRange(1), required=True, help="The number in the project's address."),
        click.option(
            "--backend-url",
            default="http://127.0.0.1:8000",
            show_default=True,
            help=f"The Spanbridge server, as {tool} reaches it.",
        ),
        click.option("--method", help="One of `spanbridge methods`."),
        click.option("--option", "options", multiple=True, callback=read_options, help="Of the method: NAME=VALUE."),
        click.option(
            "--api-key", envvar="SPANBRIDGE_API_KEY", show_envvar=True, help="Where the Spanbridge server asks for one."
        ),
    )

    def wrap(command: Command) -> Command:
        # Decorators nearest the function come last in the help.
        for option in reversed(options):
            command = option(command)
        return command

    return wrap
