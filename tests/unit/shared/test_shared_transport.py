import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from spanbridge_shared.clients.services import AlignmentClient, NerTeacherClient, ProjectionClient, TranslationClient
from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.ner import NerItem, NerRequest, NerResponse
from spanbridge_shared.errors import ERRORS_BY_NAME, NotReady, Overloaded, RequestError, UpstreamFailed

REQUEST = NerRequest(sentences=[NerItem(text="Samia")])
OURS = {"NotFound", "MethodNotAllowed", "MalformedBody"}
"""Faults of an address or of the client's own code: not the caller's."""


def client_of(answer, **options):
    async def handle(request):
        return await answer(request) if asyncio.iscoroutinefunction(answer) else answer

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://ner")
    return ServiceClient("ner_teacher", http, **options)


def error(name, status, detail="why", headers=None):
    return httpx.Response(status, json=ErrorBody(error=name, detail=detail).model_dump(), headers=headers)


async def ask(client):
    return await client.post("/v1/ner", REQUEST, NerResponse)


async def test_an_answer_comes_back_typed():
    answer = {"model_version": "v", "results": [{}]}
    assert (await ask(client_of(httpx.Response(200, json=answer)))).model_version == "v"


@pytest.mark.parametrize(
    "name", sorted(name for name, kind in ERRORS_BY_NAME.items() if issubclass(kind, RequestError))
)
async def test_a_refused_request_is_refused_by_the_same_class(name):
    kind = UpstreamFailed if name in OURS else ERRORS_BY_NAME[name]
    with pytest.raises(kind) as fault:
        await ask(client_of(error(name, ERRORS_BY_NAME[name].status)))
    assert type(fault.value) is kind
    assert fault.value.detail == ("ner_teacher failed: why" if name in OURS else "why")


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), (None, 1), ("soon", 1), ("-3", 1), ("", 1)])
async def test_overload_says_when_to_come_back(header, seconds):
    headers = {} if header is None else {"retry-after": header}
    with pytest.raises(Overloaded, match="why") as fault:
        await ask(client_of(error("Overloaded", 429, headers=headers)))
    assert fault.value.retry_after == seconds


async def test_a_service_that_is_not_ready_is_named():
    with pytest.raises(NotReady, match="ner_teacher: why"):
        await ask(client_of(error("NotReady", 503)))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(500, text="Internal Server Error"), "ner_teacher answered 500"),
        (httpx.Response(502, html="<h1>Bad gateway</h1>"), "ner_teacher answered 502"),
        (httpx.Response(307, headers={"location": "/x"}), "ner_teacher answered 307"),
        (httpx.Response(404, json={"detail": "Not Found"}), "ner_teacher answered 404"),
        (httpx.Response(500, content=b"\xff"), "ner_teacher answered 500"),
        (error("InternalError", 500), "ner_teacher failed: why"),
        (error("UpstreamFailed", 424), "ner_teacher failed: why"),
        (error("ConfigurationError", 500), "ner_teacher failed: why"),
        (error("OfALaterRelease", 422), "ner_teacher failed: why"),
        (httpx.Response(200, text="ok"), "another shape"),
        (httpx.Response(200, json={"results": []}), "another shape"),
        (httpx.Response(200, json={"model_version": "v", "results": [], "new": 1}), "another shape"),
        (httpx.Response(200, content=b"[" * 100_000), "another shape"),
    ],
)
async def test_all_else_is_an_upstream_failure_that_names_the_service(answer, told):
    with pytest.raises(UpstreamFailed, match=told) as fault:
        await ask(client_of(answer))
    assert "ner_teacher" in fault.value.detail


async def test_the_time_limit_holds():
    async def never(_):
        await asyncio.Event().wait()

    with pytest.raises(UpstreamFailed, match=r"ner_teacher gave no answer within 0\.01 s"):
        await ask(client_of(never, timeout_s=0.01))


async def test_the_time_limit_holds_in_process_and_cancels_the_work():
    app = FastAPI()
    left = asyncio.Event()

    @app.post("/v1/ner")
    async def ner():
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://ner")
    with pytest.raises(UpstreamFailed, match="no answer"):
        await ask(ServiceClient("ner_teacher", http, timeout_s=0.05))
    assert left.is_set()


async def test_leaving_is_not_a_timeout():
    async def never(_):
        await asyncio.Event().wait()

    task = asyncio.create_task(ask(client_of(never)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_closed_port_is_an_upstream_failure(unused_tcp_port):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as http:
        with pytest.raises(UpstreamFailed, match="ner_teacher can't be reached: ConnectError"):
            await ask(ServiceClient("ner_teacher", http))


@pytest.mark.parametrize("url", ["nowhere", "ftp://127.0.0.1"])
async def test_a_senseless_address_is_an_upstream_failure(url):
    async with httpx.AsyncClient(base_url=url) as http:
        with pytest.raises(UpstreamFailed, match="ner_teacher can't be reached"):
            await ask(ServiceClient("ner_teacher", http))


async def sent(request_model):
    seen = []

    async def note(request):
        seen.append(request)
        return httpx.Response(200, json={"model_version": "v", "results": []})

    await client_of(note).post("/v1/ner", request_model, NerResponse)
    assert seen[0].headers["content-type"] == "application/json"
    return json.loads(seen[0].content)


async def test_only_what_was_set_is_sent():
    assert await sent(REQUEST) == {"sentences": [{"text": "Samia"}]}


async def test_lone_surrogates_are_sent_escaped():
    """Regression: one such sentence raised while the request was written, and failed its neighbours."""
    assert await sent(NerRequest(sentences=[NerItem(text="a\ud800"), NerItem(text="é")])) == {
        "sentences": [{"text": "a\ud800"}, {"text": "é"}]
    }


@pytest.mark.parametrize("kind", [TranslationClient, AlignmentClient, NerTeacherClient, ProjectionClient])
async def test_each_client_calls_the_paths_of_its_service(kind):
    app = FastAPI()
    paths = []

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def note(path: str, request: Request):
        paths.append((request.method, path))
        return Response(status_code=500)

    client = kind("x", httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x"))
    own = [name for name in vars(kind) if not name.startswith("_")]
    for name in own:
        with pytest.raises(UpstreamFailed):
            await (client.info() if name == "info" else getattr(client, name)(REQUEST))
    verbs = {"info": ("GET", "v1/info")}
    assert paths == [verbs.get(name, ("POST", f"v1/{name}")) for name in own]
