"""Work ends when nobody waits for it: at the request's deadline, and when the client leaves."""

import asyncio
import json
import threading

import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from spanbridge_shared import deadline
from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.contracts.base import WireModel
from spanbridge_shared.errors import DeadlineExceeded, InvalidRequest, Overloaded, UpstreamFailed
from spanbridge_shared.serving.batching import Batcher
from spanbridge_shared.serving.cache import MemoryCache, ResultCache
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_shared.serving.service_app import service_app
from tests.support.serving import served, until


class Texts(WireModel):
    texts: list[str]


class Done(WireModel):
    text: str = ""


class HeldEngine:
    """Batches of one; each model call says that it runs, and waits for its gate. Answers come through a cache."""

    def __init__(self):
        self.run_texts: list[str] = []
        self.gate = threading.Event()
        self.left: list[float | None] = []
        self.cancelled = 0
        self.batcher = Batcher(self.run, len, service="held", max_batch_tokens=1, max_queue=99)
        self.cache = ResultCache(MemoryCache(99, 10**6), Done, service="held")

    def run(self, _, texts):
        self.run_texts += texts
        self.gate.wait(20)
        return [Done(text=each) for each in texts]

    async def start(self):
        self.batcher.start()

    async def stop(self):
        self.gate.set()
        await self.batcher.stop()


def held_app(engine):
    router = APIRouter()

    @router.post("/v1/work")
    async def work(body: Texts) -> dict[str, int]:
        engine.left.append(deadline.seconds_left())

        async def compute(places):
            return await engine.batcher.submit("g", [body.texts[place] for place in places])

        try:
            return {"done": len(await engine.cache.get_or_compute(body.texts, compute))}
        except asyncio.CancelledError:
            engine.cancelled += 1
            raise

    @router.post("/v1/own")
    async def own(body: Texts) -> None:
        raise TimeoutError("the handler's own")

    @router.post("/v1/stream")
    async def stream(body: Texts) -> StreamingResponse:
        async def parts():
            yield b"one "
            await asyncio.Event().wait()

        return StreamingResponse(parts())

    @router.post("/v1/asks")
    async def asks(request: Request, body: Texts) -> dict[str, bool]:
        return {"left": await request.is_disconnected()}

    return service_app(name="held", description="x", engine=engine, routers=[router], settings=ServiceSettings())


@pytest.fixture
def engine():
    return HeldEngine()


@pytest.fixture
async def http(engine):
    app = held_app(engine)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://held") as http:
        yield http
        engine.gate.set()


def work(http, texts, seconds=None, path="/v1/work"):
    headers = {} if seconds is None else {"X-Request-Deadline": str(seconds)}
    return http.post(path, json={"texts": texts}, headers=headers)


@pytest.mark.parametrize("given", ["soon", "", "1e3", "5s", "-", "+1", ".5", "5.", "1" * 10, "nan", "inf", "١", "1 2"])
async def test_a_malformed_deadline_is_told(http, engine, given):
    response = await http.post("/v1/work", json={"texts": ["a"]}, headers={"X-Request-Deadline": given.encode()})
    assert (response.status_code, response.json()["error"]) == (422, "InvalidRequest")
    assert "X-Request-Deadline must hold the seconds left" in response.json()["detail"]
    assert not engine.left


@pytest.mark.parametrize("given", ["0", "-1", "-0.001", "0.000000000"])
async def test_no_work_begins_whose_time_is_over(http, engine, given):
    response = await work(http, ["a"], given)
    assert (response.status_code, response.json()["error"]) == (408, "DeadlineExceeded")
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert not engine.left
    assert not engine.run_texts


async def test_what_waits_at_the_deadline_is_never_computed(http, engine):
    first = asyncio.create_task(work(http, ["r"]))
    await until(lambda: engine.run_texts)
    late = await work(http, ["x", "y"], 0.05)
    assert (late.status_code, late.json()["error"]) == (408, "DeadlineExceeded")
    engine.gate.set()
    assert (await first).json() == {"done": 1}
    assert (await work(http, ["z"], 20)).json() == {"done": 1}
    assert engine.run_texts == ["r", "z"]
    assert 19 < engine.left[-1] <= 20


async def test_without_a_deadline_there_is_none(http, engine):
    engine.gate.set()
    await work(http, ["a"])
    assert engine.left == [None]


async def test_a_handlers_own_timeout_is_no_deadline(http):
    assert (await work(http, ["a"], 20, "/v1/own")).json()["error"] == "InternalError"


async def test_who_still_waits_gets_a_sentence_that_another_gave_up(http, engine):
    """Who comes for the same sentence later has more time than the request that began it."""
    blocking = asyncio.create_task(work(http, ["r"]))
    await until(lambda: engine.run_texts)
    hasty = asyncio.create_task(work(http, ["same"], 0.1))
    await until(lambda: len(engine.left) == 2)
    patient = asyncio.create_task(work(http, ["same"], 20))
    assert (await hasty).status_code == 408
    again = asyncio.create_task(work(http, ["same"]))
    engine.gate.set()
    assert [(await each).json() for each in (patient, again, blocking)] == [{"done": 1}] * 3
    assert engine.run_texts == ["r", "same"]


async def test_after_all_gave_a_sentence_up_it_can_be_asked_for_again(http, engine):
    """What was given up must not answer those who come next."""
    blocking = asyncio.create_task(work(http, ["r"]))
    await until(lambda: engine.run_texts)
    assert {(await work(http, ["same"], 0.05)).status_code for _ in range(2)} == {408}
    again = asyncio.create_task(work(http, ["same"]))
    engine.gate.set()
    assert (await again).json() == (await blocking).json() == {"done": 1}
    assert engine.run_texts == ["r", "same"]


async def leave(url, texts):
    """Send a request over a raw connection; return the connection, which has to be closed."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"texts": texts}).encode()
    head = f"POST /v1/work HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def test_when_the_client_leaves_its_waiting_sentences_are_never_computed(engine):
    """Regression: a request whose client had left went on to cost model time to its end."""
    async with served(held_app(engine)) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:
        first = asyncio.create_task(work(http, ["r"]))
        await until(lambda: engine.run_texts)
        _, leaver = await leave(url, ["a", "b", "c", "d"])
        await until(lambda: len(engine.left) == 2)
        leaver.close()
        await until(lambda: engine.cancelled)
        engine.gate.set()
        assert (await first).json() == {"done": 1}
        assert (await work(http, ["z"])).json() == {"done": 1}
        metrics = (await http.get("/metrics")).text
    assert engine.run_texts == ["r", "z"]
    assert 'spanbridge_requests_total{route="/v1/work",service="held",status="499"}' in metrics


async def test_one_who_leaves_takes_nothing_from_those_who_stay(engine):
    async with served(held_app(engine)) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:
        first = asyncio.create_task(work(http, ["r"]))
        await until(lambda: engine.run_texts)
        _, leaver = await leave(url, ["a", "b"])
        await until(lambda: len(engine.left) == 2)
        stays = asyncio.create_task(work(http, ["b"]))
        await until(lambda: len(engine.left) == 3)
        leaver.close()
        await until(lambda: engine.cancelled)
        engine.gate.set()
        assert (await stays).json() == (await first).json() == {"done": 1}


async def test_an_answer_that_has_begun_breaks_off_at_the_deadline(engine):
    """Half an answer must not look like a whole one."""
    async with served(held_app(engine)) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await work(http, ["a"], 0.1, "/v1/stream")
        assert (await http.get("/healthz")).status_code == 200


async def test_a_kept_connection_serves_one_request_after_the_other(engine):
    engine.gate.set()
    async with served(held_app(engine)) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:
        for number in range(20):
            assert (await work(http, [f"t{number}"], 20)).json() == {"done": 1}
            assert (await work(http, ["x"], None, "/v1/asks")).json() == {"left": False}
    assert engine.cancelled == 0


@pytest.mark.parametrize(("given", "read"), [("2.5", 2.5), ("0", 0.0), ("-3", -3.0), ("000000001.000000001", 1.0)])
def test_seconds_are_read(given, read):
    assert deadline.read_deadline(given) == pytest.approx(read)


def test_seconds_that_are_none_are_refused():
    with pytest.raises(InvalidRequest):
        deadline.read_deadline("2,5")


class Recording(httpx.AsyncBaseTransport):
    """Answers what it is told to, and keeps the deadlines that it saw."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.deadlines: list[float] = []

    async def handle_async_request(self, request):
        self.deadlines.append(float(request.headers["x-request-deadline"]))
        status, headers, error = self.answers.pop(0) if self.answers else (200, {}, None)
        if status == "hang":
            await asyncio.Event().wait()
        body = {} if error is None else {"error": error, "detail": "told", "request_id": "1"}
        return httpx.Response(status, headers=headers, json=body)


async def ask(transport, left=None, **options):
    token = deadline.DEADLINE.set(None if left is None else asyncio.get_running_loop().time() + left)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            return await ServiceClient("translation", http, **options).get("/v1/info", Done)
    finally:
        deadline.DEADLINE.reset(token)


async def test_what_is_left_is_passed_on_and_bounds_the_call():
    transport = Recording()
    await ask(transport, timeout_s=50)
    await ask(transport, left=20, timeout_s=50)
    await ask(transport, left=90, timeout_s=50)
    assert transport.deadlines == pytest.approx([50, 20, 50], abs=1)
    with pytest.raises(DeadlineExceeded):
        await ask(Recording(("hang", {}, None)), left=0.02, timeout_s=50)
    with pytest.raises(UpstreamFailed, match=r"no answer within 0\.02 s"):
        await ask(Recording(("hang", {}, None)), left=50, timeout_s=0.02)


async def test_a_services_deadline_is_the_requests_or_else_the_calls():
    late = (408, {}, "DeadlineExceeded")
    with pytest.raises(DeadlineExceeded):
        await ask(Recording(late), left=0.01)
    with pytest.raises(UpstreamFailed, match="no answer within"):
        await ask(Recording(late))


async def test_a_full_service_is_asked_again_only_where_told_to():
    """Regression: what earlier stages had computed was thrown away where a later one was full for a moment."""
    full = (429, {"retry-after": "0"}, "Overloaded")
    with pytest.raises(Overloaded):
        await ask(Recording(full))
    transport = Recording(full, full)
    await ask(transport, busy_wait_s=20)
    assert len(transport.deadlines) == 3
    slow = Recording(*[(429, {"retry-after": "7"}, "Overloaded")] * 9)
    with pytest.raises(Overloaded) as caught:
        await ask(slow, busy_wait_s=0.05)
    assert caught.value.retry_after == 7
    assert len(slow.deadlines) == 2
