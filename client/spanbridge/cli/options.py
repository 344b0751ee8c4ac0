"""How commands read the options of a method: `--option NAME=VALUE`."""

import json
import re
from collections.abc import Sequence
from typing import Any

import click

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
