import json
import logging
import re

import httpx
import pytest
from fastapi import APIRouter

from spanbridge_shared.contracts.ner import NerRequest
from spanbridge_shared.errors import Overloaded, UpstreamFailed
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_shared.serving.service_app import json_answer, service_app
from spanbridge_shared.serving.telemetry import REQUEST_ID, TRACEPARENT, JsonFormatter

SECRET = "Siri ya mtumiaji"
LIMIT = 300_000


class DemoEngine:
    """Starts, stops and may be unwell."""

    def __init__(self):
        self.steps: list[str] = []
        self.fault: Exception | None = None

    async def start(self):
        if self.fault is not None:
            raise self.fault
        self.steps.append("start")

    async def stop(self):
        self.steps.append("stop")

    async def check(self):
        if self.fault is not None:
            raise self.fault


def demo_router():
    router = APIRouter()

    @router.post("/v1/echo")
    async def echo(body: NerRequest):
        return json_answer(body)

    @router.post("/v1/numbers")
    async def numbers(body: dict[str, float]):
        return {"n": len(body)}

    @router.get("/v1/fails/{how}")
    async def fails(how: str):
        raise {"full": Overloaded("full", retry_after=7), "bug": KeyError(SECRET)}[how]

    @router.get("/v1/context")
    async def context():
        return {"id": REQUEST_ID.get(), "trace": TRACEPARENT.get()}

    return router


@pytest.fixture
def engine():
    return DemoEngine()


@pytest.fixture
async def http(engine):
    settings = ServiceSettings(max_body_bytes=LIMIT)
    app = service_app(name="demo", description="x", engine=engine, routers=[demo_router()], settings=settings)
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://demo") as http:
        yield http


def check_error(response, status, name):
    body = response.json()
    assert (response.status_code, body["error"]) == (status, name)
    assert set(body) == {"error", "detail", "request_id"}
    assert body["request_id"] == response.headers["x-request-id"]
    return body["detail"]


@pytest.mark.parametrize(
    ("body", "status", "name", "told"),
    [
        (b"{", 400, "MalformedBody", "not valid JSON: .* at character 1"),
        (b"", 422, "InvalidRequest", "body: Field required"),
        (b"nonsense", 400, "MalformedBody", "at character 0"),
        (b'{"text": "\xff"}', 400, "MalformedBody", "UTF-8"),
        (b"\xff\xfe", 400, "MalformedBody", "not valid JSON"),
        (b"[" * 100_000, 400, "MalformedBody", "not valid JSON"),
        (b'{"a":' * 40_000, 400, "MalformedBody", "not valid JSON"),
        (b'{"text": ' + b"1" * 5_000 + b"}", 400, "MalformedBody", "not valid JSON"),
        (b"[]", 422, "InvalidRequest", "JSON object"),
        (b'"text"', 422, "InvalidRequest", "JSON object"),
        (b"null", 422, "InvalidRequest", "body"),
        (b'{"text": 1}', 422, "InvalidRequest", "sentences.0.text: .*must be a string, not int"),
        (b'{"text": NaN}', 422, "InvalidRequest", "not float"),
        (b'{"sentences": "a"}', 422, "InvalidRequest", "sentences: .*valid list"),
        (b'{"sentences": []}', 422, "InvalidRequest", "at least 1"),
        (b'{"text": "a", "lang": "\\ud800"}', 422, "InvalidRequest", "lang"),
        (b'{"text": "a", "\\ud800": 1}', 422, "InvalidRequest", ""),
        (b'{"text": "a", "' + b"k" * 9_000 + b'": 1}', 422, "InvalidRequest", "k{60}: "),
        (b'{"sentences": [' + b"{}," * 1_000 + b"{}]}", 413, "PayloadTooLarge", "at most 1000 items"),
        (b'{"sentences": [' + b"1," * 900 + b"1]}", 422, "InvalidRequest", "and 896 more"),
    ],
)
async def test_bad_bodies_get_the_one_shape(http, body, status, name, told):
    response = await http.post("/v1/echo", content=body, headers={"content-type": "application/json"})
    detail = check_error(response, status, name)
    assert httpx.codes.is_client_error(status)
    assert len(detail) < 1_000
    assert re.search(told, detail)


async def test_not_a_number_is_refused_or_carried_but_never_a_500(http):
    response = await http.post("/v1/numbers", content=b'{"a": Infinity}', headers={"content-type": "application/json"})
    assert response.status_code < 500


async def test_lone_surrogates_reach_the_route(http):
    response = await http.post(
        "/v1/echo", content=b'{"text": "a\\ud83d\\ude42"}', headers={"content-type": "application/json"}
    )
    assert response.json()["sentences"][0]["text"] == "a🙂"


async def test_unknown_paths_and_verbs(http):
    assert "/docs" in check_error(await http.get("/nowhere"), 404, "NotFound")
    response = await http.get("/v1/echo")
    assert "GET" in check_error(response, 405, "MethodNotAllowed")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("declared", [True, False])
async def test_bodies_above_the_limit_are_413(http, declared):
    """Regression: FastAPI made a 400 of what was raised while it read a body of undeclared length."""

    async def stream():
        for _ in range(4):
            yield b"x" * (LIMIT // 3)

    content = b"x" * (LIMIT + 1) if declared else stream()
    response = await http.post("/v1/echo", content=content, headers={"content-type": "application/json"})
    assert "300,000 bytes" in check_error(response, 413, "PayloadTooLarge")


async def test_absurd_lengths_are_413(http):
    response = await http.post("/v1/echo", content=b"{}", headers={"content-length": "9" * 5_000})
    check_error(response, 413, "PayloadTooLarge")


async def test_a_body_at_the_limit_passes(http):
    frame = len(b'{"text":""}')
    body = json.dumps({"text": "x" * (LIMIT - frame)}, separators=(",", ":")).encode()
    assert len(body) == LIMIT
    response = await http.post("/v1/echo", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200


async def test_an_unexpected_fault_shows_nothing_but_its_request(http, capfd):
    """Regression: the body and the log had no request id, and the log quoted the exception's message."""
    logger = logging.getLogger("spanbridge")
    level = logger.level
    logger.setLevel(logging.INFO)  # The process's first app, in some other test, has decided it.
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(JsonFormatter())
    handler.emit = lambda record: lines.append(handler.format(record))
    logger.addHandler(handler)
    try:
        response = await http.get("/v1/fails/bug", headers={"x-request-id": "mine"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    check_error(response, 500, "InternalError")
    assert SECRET not in response.text + "".join(lines) + "".join(capfd.readouterr())
    told = [json.loads(line) for line in lines]
    fault = next(each for each in told if each["level"] == "error")
    assert fault["message"] == "unexpected KeyError"
    assert fault["request_id"] == "mine"
    assert "in fails" in fault["exception"]
    access = next(each for each in told if each["logger"] == "spanbridge.access")
    assert (access["status"], access["route"], access["service"]) == (500, "/v1/fails/{how}", "demo")


async def test_a_full_service_says_when_to_come_back(http):
    response = await http.get("/v1/fails/full")
    check_error(response, 429, "Overloaded")
    assert response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ("abc-1.2:3_x", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("a b", False),
        ("", False),
        ("é", False),
        ("x\ty", False),
    ],
)
async def test_request_ids_are_kept_where_they_are_safe(http, offered, kept):
    response = await http.get("/v1/context", headers={"x-request-id": offered.encode("latin-1")})
    made = response.headers["x-request-id"]
    assert response.json()["id"] == made
    assert (made == offered) is kept
    assert len(made) <= 128
    assert (await http.get("/healthz")).headers["x-request-id"] != made


GOOD_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("offered", "seen"),
    [
        (GOOD_TRACE, GOOD_TRACE),
        ("ff" + GOOD_TRACE[2:], None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01", None),
        ("junk", None),
        (GOOD_TRACE.upper(), None),
    ],
)
async def test_only_a_well_formed_traceparent_is_passed_on(http, offered, seen):
    response = await http.get("/v1/context", headers={"traceparent": offered})
    assert response.json()["trace"] == seen


async def test_health_readiness_and_metrics(http, engine):
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.get("/readyz")).json() == {"status": "ready"}
    engine.fault = UpstreamFailed("alignment can't be reached")
    assert "alignment" in check_error(await http.get("/readyz"), 424, "UpstreamFailed")
    await http.get(f"/{SECRET}")
    metrics = (await http.get("/metrics")).text
    assert 'spanbridge_requests_total{route="/healthz",service="demo",status="200"}' in metrics
    assert 'route="unmatched"' in metrics
    assert SECRET not in metrics
