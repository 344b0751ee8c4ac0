"""Which models answered while something was computed.

The gateway knows what services say of themselves up to `info_ttl_s` late, and two processes of a service may hold two
models while it is being replaced: what an answer was made by is known from the answers alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ANSWERED: ContextVar[set[tuple[str, str]] | None] = ContextVar("answered", default=None)


@contextmanager
def noting_models() -> Iterator[set[tuple[str, str]]]:
    """Give a set that fills with (service, model version) of all answers meanwhile, also those to tasks begun here."""
    answered: set[tuple[str, str]] = set()
    token = _ANSWERED.set(answered)
    try:
        yield answered
    finally:
        _ANSWERED.reset(token)


def note_models(service: str, model_version: str) -> None:
    """Take down who answered."""
    answered = _ANSWERED.get()
    if answered is not None:
        answered.add((service, model_version))
