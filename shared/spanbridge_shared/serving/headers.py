"""Headers as ASGI has them: pairs of bytes, names in lower case."""

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first value of a request's header, or None."""
    found = next((value for key, value in scope["headers"] if key == name), None)
    return found.decode("latin-1") if found is not None else None
