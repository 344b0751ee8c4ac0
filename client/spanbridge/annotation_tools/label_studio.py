"""Registering Spanbridge as the ML backend of a Label Studio project."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spanbridge.annotation_tools.backend import NAME, ask, basic
from spanbridge.annotation_tools.calls import Caller, Refused, Unreachable, read_address
from spanbridge_shared.errors import ConfigurationError

PATH = "/integrations/label-studio"
_TESTED = "1.23"
_LOCAL = (
    "Label Studio refuses addresses of its own machine or network; start it with ML_BLOCK_LOCAL_IP=false and "
    "USE_DEFAULT_BANNED_SUBNETS=false"
)
_BANNED = ("reserved network address", "was not allowed")
_UNHEALTHY = (
    "it is Label Studio's server that must reach the backend: in a container 127.0.0.1 is the container itself; give "
    "--backend-url as it is seen from there"
)
_JWT_PARTS = 3


@dataclass(frozen=True, slots=True)
class LabelStudioWish:
    """What is to be connected; `lang`, `method` and `options` are the project's, None for the gateway's defaults."""

    project: int
    backend_url: str
    title: str = NAME
    lang: str | None = None
    method: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    api_key: str | None = field(default=None, repr=False)

    @property
    def extra_params(self) -> dict[str, Any]:
        """What Label Studio passes on with each /setup."""
        given = {"lang": self.lang, "method": self.method, "options": dict(self.options)}
        return {key: value for key, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class LabelStudioConnection:
    """What was made: `renewed` where the backend was there already; `warnings` don't hinder it."""

    backend_id: int
    project_title: str
    model_version: str
    version: str
    tasks_url: str
    warnings: tuple[str, ...]
    renewed: bool


def connect_label_studio(url: str, token: str, wish: LabelStudioWish) -> LabelStudioConnection:
    """Check both sides, and register the backend, or renew it; raises `SpanbridgeError`, which never holds a token."""
    backend_url = read_address(wish.backend_url)
    with Caller("Label Studio", url) as tool:
        sign_in(tool, token)
        version = _version(tool)
        project = _project(tool, wish.project)
        warnings = [] if version.split(".")[0] == "1" else [f"Label Studio {version}: tested with {_TESTED}"]
        warnings += _check_backend(backend_url, wish, project.get("label_config") or "")
        made, renewed = _register(tool, f"{backend_url}{PATH}", wish)
        if made.get("error_message"):
            raise ConfigurationError(f"Label Studio can't use the backend: {made['error_message']}")
        return LabelStudioConnection(
            backend_id=made["id"],
            project_title=project.get("title") or str(wish.project),
            model_version=made.get("model_version") or "",
            version=version,
            tasks_url=f"{tool.url}/projects/{wish.project}/data",
            warnings=tuple(warnings),
            renewed=renewed,
        )


def sign_in(tool: Caller, token: str) -> None:
    """Have calls carry a legacy token as it is, or what a personal access token, which is a JWT, is exchanged for."""
    token = token.strip()
    if not token.isascii() or not token.isprintable() or not token:
        raise ConfigurationError("the token has characters that no token has; copy it from Account & Settings")
    if len(token.split(".")) != _JWT_PARTS:
        tool.authorize(f"Token {token}")
        return
    try:
        answer = tool.call("POST", "/api/token/refresh/", {"refresh": token})
    except Refused as fault:
        raise ConfigurationError(f"Label Studio takes no such personal access token: {fault.told}") from fault
    tool.authorize(f"Bearer {answer['access']}")


def _version(tool: Caller) -> str:
    found = tool.call("GET", "/api/version")
    release = found.get("release") if isinstance(found, dict) else None
    if not isinstance(release, str):
        raise ConfigurationError(f"{tool.url} answers, but it is no Label Studio")
    return release


def _project(tool: Caller, number: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = tool.call("GET", f"/api/projects/{number}")
        return found
    except Refused as fault:
        if fault.code in (401, 403):
            raise ConfigurationError(
                f"Label Studio takes no such token: {fault.told} (legacy tokens must be on in Organization > Access "
                "Token Settings, or by LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN=true)"
            ) from fault
        if fault.code != 404:
            raise
    listed = tool.call("GET", "/api/projects?page_size=20")
    results = listed.get("results", []) if isinstance(listed, dict) else []
    told = ", ".join(f"{each['id']} ({each['title']})" for each in results)
    raise ConfigurationError(f"Label Studio has no project {number}; it has {told or 'none yet'}")


def _check_backend(backend_url: str, wish: LabelStudioWish, label_config: str) -> list[str]:
    """Ask the backend what Label Studio will ask, and raise what it says, which Label Studio wouldn't show."""
    body = {"schema": label_config, "extra_params": wish.extra_params or None}
    try:
        ask(backend_url, wish.api_key, f"{PATH}/setup", body)
    except Unreachable as fault:
        return [f"not checked from here: {fault.detail}"]
    return []


def _register(tool: Caller, address: str, wish: LabelStudioWish) -> tuple[dict[str, Any], bool]:
    body: dict[str, Any] = {
        "url": address,
        "project": wish.project,
        "title": wish.title,
        "is_interactive": False,
        "extra_params": wish.extra_params,
        "auth_method": "NONE",
    }
    if wish.api_key is not None:
        body |= {"auth_method": "BASIC_AUTH", "basic_auth_user": NAME.lower(), "basic_auth_pass": wish.api_key}
    there = tool.call("GET", f"/api/ml?project={wish.project}")
    known = next((each for each in there if each.get("url", "").rstrip("/") == address), None)
    try:
        way = ("POST", "/api/ml") if known is None else ("PATCH", f"/api/ml/{known['id']}")
        made = tool.call(*way, body)
    except Refused as fault:
        raise _explained(fault, address) from fault
    if wish.api_key is not None:
        _authorize_events(tool, wish, f"{address}/webhook")
    # Only a listing makes Label Studio look at the backend again, and tell its version and state.
    listed = tool.call("GET", f"/api/ml?project={wish.project}")
    return next((each for each in listed if each["id"] == made["id"]), made), known is not None


def _authorize_events(tool: Caller, wish: LabelStudioWish, address: str) -> None:
    """Have events carry the API key: Label Studio makes the webhook with the backend, but without its password."""
    headers = {"Authorization": basic(wish.api_key or "")}
    for each in tool.call("GET", f"/api/webhooks/?project={wish.project}"):
        if each.get("url") == address:
            tool.call("PATCH", f"/api/webhooks/{each['id']}/", {"headers": headers})


def _explained(fault: Refused, address: str) -> ConfigurationError:
    said = fault.told.lower()
    if "health check failed" in said:
        return ConfigurationError(f"Label Studio can't reach {address}; {_UNHEALTHY}")
    hint = f"; {_LOCAL}" if any(each in said for each in _BANNED) else ""
    return ConfigurationError(f"Label Studio doesn't take the backend: {fault.told}{hint}")
