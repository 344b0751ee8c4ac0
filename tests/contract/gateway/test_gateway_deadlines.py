"""Deadlines and leaving clients, through the gateway: its services stop as well, in its process or over sockets."""

import asyncio

import httpx
import pytest

from spanbridge_gateway import upstreams
from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from tests.support.gateway import STUBS
from tests.support.held_translation import HeldBackend, held_translation, opened
from tests.support.serving import served, until

PATHS = {
    "/v1/translate": lambda texts: {"texts": texts, "source_lang": "swh_Latn", "target_lang": "eng_Latn", "beam": 1},
    "/v1/project": lambda texts: {"sentences": [{"text": each} for each in texts], "lang": "swh_Latn"},
}


@pytest.fixture(autouse=True)
def stubs(monkeypatch):
    for name, value in STUBS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def backend():
    backend = HeldBackend()
    yield backend
    backend.gate.set()


@pytest.fixture(params=["remote", "embedded"])
async def url(request, backend, monkeypatch):
    """The address of a gateway on a socket; its translation service is on another, or in its process."""
    if request.param == "remote":
        async with served(held_translation(backend)) as translation:
            async with served(create_app(GatewaySettings(translation_url=translation, log_level="ERROR"))) as gateway:
                yield gateway
            backend.gate.set()
    else:
        found = upstreams.entry_points

        class Held:
            def load(self):
                return lambda: held_translation(backend)

        monkeypatch.setattr(
            upstreams,
            "entry_points",
            lambda *, group, name: [Held()] if name == "translation" else found(group=group, name=name),
        )
        async with served(create_app(GatewaySettings(log_level="ERROR"))) as gateway:
            yield gateway
            backend.gate.set()


@pytest.fixture
async def http(url, backend):
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        await http.get("/v1/languages")  # What the services say of themselves is known now.
        backend.texts.clear()
        backend.held = True
        yield http
        backend.gate.set()


@pytest.mark.parametrize("path", PATHS)
async def test_a_deadline_ends_the_work_of_the_services(http, backend, path):
    running = asyncio.create_task(http.post(path, json=PATHS[path](["Juma anakwenda"])))
    await until(lambda: backend.texts)
    late = await http.post(path, json=PATHS[path](["a b", "c d", "e f"]), headers={"X-Request-Deadline": "0.3"})
    assert (late.status_code, late.json()["error"]) == (408, "DeadlineExceeded")
    await until_metric(http, 1)  # The service learns of it a moment later.
    backend.gate.set()
    assert (await running).status_code == 200
    assert (await http.post(path, json=PATHS[path](["g h"]))).status_code == 200
    assert backend.texts == ["Juma anakwenda", "g h"]


@pytest.mark.parametrize("path", PATHS)
async def test_when_the_client_leaves_the_services_stop(http, backend, path):
    """Regression: a request whose client had left went on to cost model time in the services."""
    running = asyncio.create_task(http.post(path, json=PATHS[path](["Juma anakwenda"])))
    await until(lambda: backend.texts)
    leaving = asyncio.create_task(http.post(path, json=PATHS[path](["a b", "c d", "e f"])))
    # It has arrived once the service counts its sentences.
    await until_metric(http, 4)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await until_metric(http, 1)
    backend.gate.set()
    assert (await running).status_code == 200
    assert backend.texts == ["Juma anakwenda"]


async def until_metric(http, sentences):
    line = f'spanbridge_queue_sentences{{service="translation"}} {float(sentences)}'
    async with asyncio.timeout(20):
        while line not in (await http.get("/metrics")).text:  # noqa: ASYNC110 - another task sets it.
            await asyncio.sleep(0.01)


async def test_a_deadline_that_is_far_changes_nothing(http, backend):
    backend.gate.set()
    plain = await http.post("/v1/project", json=PATHS["/v1/project"](["Juma anakwenda Nairobi"]))
    timed = await http.post(
        "/v1/project",
        json=PATHS["/v1/project"](["Juma anakwenda Nairobi"]),
        headers={"X-Request-Deadline": "60", "X-Request-Id": "r"},
    )
    assert plain.status_code == timed.status_code == 200
    assert plain.json()["results"][0]["entities"] == timed.json()["results"][0]["entities"]


@pytest.mark.parametrize(("given", "status"), [("soon", 422), ("0", 408), ("-1", 408), ("1e9", 422)])
async def test_a_gateways_client_is_told_of_a_wrong_deadline(http, given, status):
    response = await http.get("/v1/methods", headers={"X-Request-Deadline": given})
    assert response.status_code == status
    assert set(response.json()) == {"error", "detail", "request_id"}


async def test_a_comparison_ends_at_its_deadline(http, backend):
    request = {"sentences": [{"text": "Juma anakwenda"}], "lang": "swh_Latn", "methods": ["candidates", "heuristic"]}
    response = await http.post("/v1/compare", json=request, headers={"X-Request-Deadline": "0.3"})
    assert (response.status_code, response.json()["error"]) == (408, "DeadlineExceeded")


async def test_what_a_gateway_in_process_gives_up_its_services_give_up(backend, monkeypatch):
    """The Python client's own gateway: cancelling the call cancels the work."""
    async with served(held_translation(backend)) as translation, opened(translation_url=translation) as (_, http):
        await http.get("/v1/languages")
        backend.texts.clear()
        backend.held = True
        running = asyncio.create_task(http.post("/v1/translate", json=PATHS["/v1/translate"](["a"])))
        await until(lambda: backend.texts)
        leaving = asyncio.create_task(http.post("/v1/translate", json=PATHS["/v1/translate"](["b", "c"])))
        await until_metric(http, 3)
        leaving.cancel()
        await until_metric(http, 1)
        backend.gate.set()
        assert (await running).status_code == 200
        assert backend.texts == ["a"]
