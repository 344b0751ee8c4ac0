"""A gateway with stub services in this process."""

from collections.abc import AsyncIterator

import httpx
import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from tests.support.gateway import STUBS, Gateway
from tests.support.teachers import MadeUpTeachers


@pytest.fixture
async def gateway(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    for name, value in STUBS.items():
        monkeypatch.setenv(name, value)
    app = create_app(GatewaySettings(chunk_sentences=256, log_level="ERROR"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
            yield Gateway(app, http)


@pytest.fixture
def teachers(gateway: Gateway) -> MadeUpTeachers:
    """A multilingual teacher and a student that agree on Nairobi alone; the student serves Swahili and Luganda."""
    names = {
        "multilingual": {"Nairobi": ("LOC", 0.9), "jana": ("PER", 0.05), "Kampala": ("LOC", 0.8)},
        "student": {"Nairobi": ("LOC", 0.95), "Samia": ("PER", 0.9), "Kampala": ("ORG", 0.7)},
    }
    return MadeUpTeachers(gateway, names, {"student": ["swh_Latn", "lug_Latn"]})
