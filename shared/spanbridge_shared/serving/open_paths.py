"""Paths that anyone may ask: probes, metrics and documentation. They show neither texts nor keys."""

from starlette.types import Scope

PROBES = frozenset({"/healthz", "/readyz"})
METRICS = "/metrics"
_DOCS = frozenset({"/", "/docs", "/openapi.json"})
_DOCS_ASSETS = "/docs/assets/"


def served_path(scope: Scope) -> str:
    """Return what the router goes by: the path without the prefix under which a proxy serves the app."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def is_open(scope: Scope, *, metrics: bool = True) -> bool:
    """Say whether a request needs neither key nor secret; `metrics` says whether those are open."""
    path = served_path(scope)
    if path == METRICS:
        return metrics
    return path in PROBES or path in _DOCS or path.startswith(_DOCS_ASSETS)
