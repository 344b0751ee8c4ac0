"""What stands around every service: headers for browsers, and the secret shared with the gateway."""

import httpx
import pytest
from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.errors import UpstreamFailed
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_shared.serving.service_app import service_app

SECRET = "a secret that nobody may read"


class NoEngine:
    async def start(self):
        """Nothing to load."""

    async def stop(self):
        """Nothing to release."""


def app_with(**settings):
    router = APIRouter()

    @router.get("/v1/info")
    async def info() -> dict[str, str]:
        return {"told": "all"}

    @router.get("/v1/framed")
    async def framed() -> Response:
        return Response("x", headers={"Content-Security-Policy": "default-src 'self'", "X-Frame-Options": "SAMEORIGIN"})

    @router.get("/v1/fails")
    async def fails() -> None:
        raise KeyError("x")

    @router.get("/v1/teapot")
    async def teapot() -> None:
        raise HTTPException(418)

    settings = ServiceSettings(**settings)
    return service_app(name="demo", description="x", engine=NoEngine(), routers=[router], settings=settings)


def client(app):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://demo")


@pytest.mark.parametrize(
    "path", ["/v1/info", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/nowhere", "/v1/fails"]
)
async def test_every_answer_tells_browsers_what_it_is(path):
    async with client(app_with()) as http:
        headers = (await http.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"] == "frame-ancestors 'none'"


async def test_what_a_page_says_of_itself_holds():
    async with client(app_with()) as http:
        headers = (await http.get("/v1/framed")).headers
    assert headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert headers.get_list("x-frame-options") == ["SAMEORIGIN"]


async def test_the_documentation_and_all_it_loads_work():
    async with client(app_with(secret=SECRET)) as http:
        page = await http.get("/docs")
        assert page.status_code == 200
        for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
            assert asset in page.text
            found = await http.get(f"/docs/assets/{asset}")
            assert found.status_code == 200
            # With nosniff, browsers run and apply only what says what it is.
            assert found.headers["content-type"].split(";")[0] in ("text/javascript", "text/css")


@pytest.mark.parametrize("shown", [None, "", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper(), "é"])
async def test_a_service_with_a_secret_serves_its_gateway_alone(shown):
    headers = {} if shown is None else {"X-Spanbridge-Secret": shown.encode("latin-1")}
    async with client(app_with(secret=SECRET)) as http:
        refused = await http.get("/v1/info", headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (403, "WrongSecret")
        assert SECRET not in refused.text
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            assert (await http.get(path, headers=headers)).status_code in (200, 503)
        served = await http.get("/v1/info", headers={"X-Spanbridge-Secret": SECRET})
        assert served.json() == {"told": "all"}


@pytest.mark.parametrize("path", ["/healthz/../v1/info", "/docs/assets/../../v1/info", "//v1/info", "/v1/info/"])
async def test_no_other_way_leads_past_the_secret(path):
    seen: list[int] = []
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": []}
    scope |= {"query_string": b"", "root_path": "", "scheme": "http", "server": ("demo", 80), "http_version": "1.1"}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    bodies: list[bytes] = []

    async def send(message):
        if message["type"] == "http.response.start":
            seen.append(message["status"])
        bodies.append(message.get("body", b""))

    await app_with(secret=SECRET)(scope, receive, send)
    assert seen[0] in (403, 404)
    assert b"told" not in b"".join(bodies)


async def test_the_secret_comes_from_one_variable_or_the_services_own(monkeypatch):
    monkeypatch.setenv("SPANBRIDGE_SECRET", SECRET)
    settings = ServiceSettings()
    assert settings.secret.get_secret_value() == SECRET
    assert SECRET not in repr(settings) + str(settings.model_dump())
    assert ServiceSettings(secret="own").secret.get_secret_value() == "own"


async def test_a_wrong_secret_is_no_fault_of_the_gateways_client():
    async with client(app_with(secret=SECRET)) as http:
        with pytest.raises(UpstreamFailed, match="SPANBRIDGE_SECRET"):
            await ServiceClient("demo", http).get("/v1/info", ErrorBody)
