"""API keys at the gateway, the secret behind it, pages of other origins; and that none of it is told to anybody."""

import base64
import json
import logging

import httpx
import pytest

from spanbridge import AsyncSpanbridge
from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.errors import ConfigurationError, Unauthorized
from spanbridge_shared.serving.api_keys import make_key
from spanbridge_shared.serving.telemetry import JsonFormatter
from tests.support.gateway import STUBS
from tests.support.held_translation import opened
from tests.support.serving import served

KEY = "sb_marked-key-of-ann"
REQUEST = {"sentences": [{"text": "Juma anakwenda Nairobi"}], "lang": "swh_Latn"}


@pytest.fixture(autouse=True)
def stubs(monkeypatch):
    for name, value in STUBS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text(make_key("ann", KEY).line())
    return path


def basic(text):
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


GOOD = [
    {"authorization": f"Bearer {KEY}"},
    {"authorization": f"bearer  {KEY} "},
    {"x-api-key": KEY},
    basic(f"anyone:{KEY}"),
    basic(f":{KEY}"),
    {"authorization": "Bearer of-somebody-else", "x-api-key": KEY},
]
BAD = [
    {},
    {"authorization": "Bearer"},
    {"authorization": f"Bearer {KEY}x"},
    {"authorization": KEY},
    {"authorization": f"Digest {KEY}"},
    {"authorization": "Basic ***"},
    {"authorization": "Basic é".encode("latin-1")},
    basic(KEY),
    basic(f"{KEY}:"),
    {"x-api-key": ""},
    {"x-api-key": KEY.upper()},
]


async def test_without_keys_everyone_is_served():
    async with opened() as (_, http):
        assert (await http.post("/v1/project", json=REQUEST)).status_code == 200


@pytest.mark.parametrize("headers", GOOD)
async def test_a_key_opens_in_each_of_its_forms(keys, headers):
    async with opened(keys=str(keys)) as (_, http):
        assert (await http.post("/v1/project", json=REQUEST, headers=headers)).status_code == 200


@pytest.mark.parametrize("headers", BAD)
async def test_without_a_right_key_nothing_opens(keys, headers):
    async with opened(keys=str(keys)) as (_, http):
        for verb, path in (
            ("POST", "/v1/project"),
            ("GET", "/v1/methods"),
            ("GET", "/nowhere"),
            ("OPTIONS", "/v1/ner"),
        ):
            response = await http.request(verb, path, content=b"{", headers=headers)
            assert (response.status_code, response.json()["error"]) == (401, "Unauthorized")
            assert response.json()["request_id"] == response.headers["x-request-id"]
            challenges = response.headers["www-authenticate"]
            assert "Bearer" in challenges
            assert "Basic" in challenges


async def test_probes_and_documentation_are_open(keys):
    async with opened(keys=str(keys)) as (_, http):
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/docs/assets/swagger-ui.css"):
            assert (await http.get(path)).status_code == 200, path
    async with opened(keys=str(keys), open_metrics=False) as (_, http):
        assert (await http.get("/metrics")).status_code == 401
        assert (await http.get("/metrics", headers=GOOD[0])).status_code == 200


async def test_a_revoked_key_is_refused_at_once(keys):
    async with opened(keys=str(keys)) as (_, http):
        assert (await http.get("/v1/methods", headers=GOOD[0])).status_code == 200
        keys.write_text("# all are gone")
        assert (await http.get("/v1/methods", headers=GOOD[0])).status_code == 401


def test_settings_show_no_password():
    """Regression: of the three settings that may be a URL with a password only the cache's was hidden."""
    url = "redis://gateway:hushhush@127.0.0.1:6379/0"
    assert "hushhush" not in repr(GatewaySettings(keys=url, limits_url=url, cache_url=url, secret="hushhush"))


def test_a_wrong_file_of_keys_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match="API keys"):
        create_app(GatewaySettings(keys=str(tmp_path / "none")))


async def test_the_client_shows_its_key(keys, monkeypatch):
    async with served(create_app(GatewaySettings(keys=str(keys), log_level="ERROR"))) as url:
        async with AsyncSpanbridge(url, api_key=KEY) as client:
            assert await client.languages()
        async with AsyncSpanbridge(url) as client:
            with pytest.raises(Unauthorized):
                await client.languages()
        monkeypatch.setenv("SPANBRIDGE_API_KEY", KEY)
        async with AsyncSpanbridge(url) as client:
            assert await client.languages()
        async with AsyncSpanbridge(url, api_key="") as client:
            with pytest.raises(Unauthorized):
                await client.languages()
    with pytest.raises(ConfigurationError, match="one line of ASCII"):
        await AsyncSpanbridge("http://127.0.0.1:1", api_key="sb_\né").open()


async def test_services_in_this_process_serve_their_gateway_alone(monkeypatch):
    monkeypatch.setenv("SPANBRIDGE_SECRET", "marked secret")
    async with opened() as (app, http):
        assert (await http.post("/v1/project", json=REQUEST)).status_code == 200
        direct = app.state.engine.upstreams.translation._http._transport
        async with httpx.AsyncClient(transport=direct, base_url="http://translation") as stranger:
            assert (await stranger.get("/v1/info")).status_code == 403


async def test_a_gateway_with_another_secret_says_so(monkeypatch):
    monkeypatch.setenv("SPANBRIDGE_SECRET", "the services' own")
    async with opened(secret="the gateway's") as (_, http):
        response = await http.post("/v1/project", json=REQUEST)
        assert (response.status_code, response.json()["error"]) == (424, "UpstreamFailed")
        assert "SPANBRIDGE_SECRET" in response.json()["detail"]
        assert (await http.get("/readyz")).status_code == 503


async def test_pages_of_named_origins_may_call(keys):
    ask = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    async with opened(keys=str(keys), cors_origins=["https://ours.example"]) as (_, http):
        ours = {"origin": "https://ours.example"}
        asked = await http.options("/v1/project", headers=ours | ask)
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, ours["origin"])
        assert "authorization" in asked.headers["access-control-allow-headers"]
        for headers, status in ((ours | GOOD[0], 200), (ours, 401)):
            response = await http.post("/v1/project", json=REQUEST, headers=headers)
            assert (response.status_code, response.headers["access-control-allow-origin"]) == (status, ours["origin"])
            assert "x-request-id" in response.headers["access-control-expose-headers"]
        theirs = {"origin": "https://theirs.example"}
        assert "access-control-allow-origin" not in (await http.options("/v1/ner", headers=theirs | ask)).headers
        response = await http.post("/v1/project", json=REQUEST, headers=theirs | GOOD[0])
        assert "access-control-allow-origin" not in response.headers
    async with opened() as (_, http):
        response = await http.post("/v1/project", json=REQUEST, headers=theirs)
        assert "access-control-allow-origin" not in response.headers


MARKS = ("marked-key", "marked-other", "Markedtext", "marked secret", "marked-header", "marked-query", "marked-path")


async def test_neither_keys_nor_texts_are_logged_counted_or_repeated(keys, monkeypatch, capfd):
    """All that a client sends, and the secrets, are marked; then all that was written is searched for the marks."""
    lines: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.setFormatter(JsonFormatter())
    handler.emit = lambda record: lines.append(handler.format(record))
    loggers = [logging.getLogger(), logging.getLogger("spanbridge")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.addHandler(handler)
        each.setLevel(logging.DEBUG)
    monkeypatch.setenv("SPANBRIDGE_SECRET", "marked secret")
    text = "Markedtext anakwenda Nairobi"
    bodies = [
        json.dumps({"sentences": [{"text": text, "id": "Markedtext"}], "lang": "swh_Latn"}),
        json.dumps({"sentences": [{"text": text}, {"tokens": [text]}, {"text": text + "\0"}], "lang": "swh_Latn"}),
        json.dumps({"sentences": [{"text": text * 5_000}], "lang": "swh_Latn"}),
        json.dumps({"sentences": text, "lang": "Markedtext"}),
        json.dumps({"sentences": [{"text": text}], "lang": "swh_Latn", "method": "Markedtext"}),
        json.dumps({"sentences": [{"text": text}], "lang": "swh_Latn", "options": {"Markedtext": "Markedtext"}}),
        json.dumps({"texts": [text], "source_lang": "Markedtext", "target_lang": "eng_Latn"}),
        '{"sentences": "Markedtext',
        "Markedtext",
    ]
    shown = [*GOOD, {"authorization": "Bearer marked-other"}, basic("marked-other:marked-other"), {}]
    told: list[str] = []
    try:
        async with opened(keys=str(keys), log_level="DEBUG") as (app, http):
            for headers in shown:
                marked = headers | {"x-request-id": "marked-header here", "traceparent": "marked-header"}
                marked |= {"x-request-deadline": "30", "cookie": "marked-header", "user-agent": "marked-header"}
                for path in ("/v1/project", "/v1/translate", "/v1/marked-path?q=marked-query"):
                    for body in bodies:
                        answer = await http.post(
                            path, content=body, headers=marked | {"content-type": "application/json"}
                        )
                        assert answer.status_code < 500
                        told.append(str(answer.headers))
                bad = await http.post(
                    "/v1/project", json=REQUEST, headers=marked | {"x-request-deadline": "marked-header"}
                )
                told.append(bad.text)
            monkeypatch.setattr(app.state.engine, "project", _fails)
            fault = await http.post(
                "/v1/project", content=bodies[0], headers=GOOD[0] | {"content-type": "application/json"}
            )
            assert fault.status_code == 500
            told += [fault.text, (await http.get("/metrics")).text]
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.removeHandler(handler)
            each.setLevel(level)
    assert any('"status": 401' in line for line in lines)
    assert any("unexpected RuntimeError" in line for line in lines)
    # The test's own client logs the addresses that it asks.
    written = [line for line in lines if "http://gateway/" not in line] + told + list(capfd.readouterr())
    assert [each[:300] for each in written if any(mark in each for mark in MARKS)] == []


async def _fails(*_):
    raise RuntimeError(" ".join(MARKS))
