"""The Spanbridge server that a tool is to be connected with, asked from here first, because tools hide its errors."""

import base64
from typing import Any

from spanbridge.annotation_tools.calls import Caller, Refused
from spanbridge_shared.errors import ConfigurationError

NAME = "Spanbridge"
"""What messages call the server, and the name for Basic authentication, which the gateway doesn't read."""


_NOT_FOUND = 404


def basic(api_key: str) -> str:
    """Return the `Authorization` by which a tool without other means can show an API key."""
    return "Basic " + base64.b64encode(f"{NAME.lower()}:{api_key}".encode()).decode("ascii")


def ask(url: str, api_key: str | None, path: str, body: Any) -> Any:
    """Return the server's answer; raises `Unreachable`, and `Refused` with what it says is wrong."""
    headers = {} if api_key is None else {"authorization": basic(api_key)}
    with Caller(NAME, url, headers=headers) as server:
        try:
            return server.call("POST", path, body)
        except Refused as fault:
            ours = isinstance(fault.body, dict) and "error" in fault.body
            if ours and fault.code != _NOT_FOUND:
                raise
            raise ConfigurationError(
                f"{server.url} has no {path}: is it a Spanbridge server, and not too old?"
            ) from fault
