"""A translation service whose model waits to be let go, and a gateway in front of it."""

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_translation.app import create_app as create_translation
from spanbridge_translation.backends.base import Decoded, Decoding
from spanbridge_translation.backends.stub import StubBackend
from spanbridge_translation.settings import BackendKind, TranslationSettings


class HeldBackend(StubBackend):
    """The stub, which keeps the texts that it was given and, while `held`, waits for its gate."""

    def __init__(self) -> None:
        super().__init__()
        self.held = False
        self.gate = threading.Event()
        self.texts: list[str] = []

    def translate(self, decoding: Decoding, sources: Sequence[Sequence[str]]) -> list[list[Decoded]]:
        self.texts += ["".join(source).replace("▁", " ").strip() for source in sources]
        if self.held:
            self.gate.wait(30)
        return super().translate(decoding, sources)


def held_translation(backend: HeldBackend, **settings: Any) -> FastAPI:
    """Return the service's app; a model call holds one text of a few words unless `max_batch_tokens` says otherwise."""
    chosen = TranslationSettings(
        **{"backend": BackendKind.STUB, "max_batch_tokens": 1, "log_level": "ERROR"} | settings
    )
    app = create_translation(chosen)
    app.state.engine._load = lambda: backend
    return app


@asynccontextmanager
async def opened(**settings: Any) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """A gateway in this process, and a client of it."""
    app = create_app(GatewaySettings(**{"log_level": "ERROR"} | settings))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
            yield app, http
