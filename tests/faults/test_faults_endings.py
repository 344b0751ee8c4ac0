"""How processes end under load: SIGTERM answers what was accepted, SIGKILL is seen as a broken connection alone."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.conftest import Stage, fresh
from tests.faults.proxy import proxies
from tests.faults.remote import SERVICES, Server, faults_told, gateway_of, running, server

pytestmark = pytest.mark.processes

CLIENTS = 12
DRAIN_S = 10.0
"""Far below the 30 s that uvicorn is given: the stubs' work takes milliseconds."""


def _translate() -> dict[str, Any]:
    return {"texts": [fresh()["text"] for _ in range(20)], "source_lang": "swh_Latn"}


def _align() -> dict[str, Any]:
    words = fresh()["text"].split()
    return {"pairs": [{"source_tokens": words, "target_tokens": words}] * 20, "source_lang": "eng_Latn"}


def _ner() -> dict[str, Any]:
    return {"sentences": [fresh() for _ in range(20)], "lang": "eng_Latn"}


def _project() -> dict[str, Any]:
    item = {
        "source_entities": [{"start": 0, "end": 1, "label": "PER", "score": 0.9}],
        "links": [[0, 0, 1.0]],
        "target_tokens": fresh()["text"].split(),
        "source_tokens": ["Samia", "left"],
    }
    return {"sentences": [item] * 20, "method": "heuristic"}


def _label() -> dict[str, Any]:
    return {"sentences": [fresh() for _ in range(20)], "lang": "swh_Latn"}


WORK: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "translation": ("/v1/translate", _translate),
    "alignment": ("/v1/align", _align),
    "ner_teacher": ("/v1/ner", _ner),
    "projection": ("/v1/project", _project),
    "gateway": ("/v1/project", _label),
}


class Load:
    """Clients that ask without a pause until they are refused, most in connections that are kept.

    `seen` counts the outcomes.
    """

    def __init__(self, url: str, path: str, body: Callable[[], dict[str, Any]]) -> None:
        self.seen: Counter[str] = Counter()
        self._url, self._path, self._body = url, path, body

    async def run(self) -> None:
        await asyncio.gather(*(self._ask(kept=number % 3 != 0) for number in range(CLIENTS)))

    async def until(self, answers: int) -> None:
        async with asyncio.timeout(30):
            while self.seen["200"] < answers:  # noqa: ASYNC110 - the clients count.
                await asyncio.sleep(0.01)

    async def _ask(self, *, kept: bool) -> None:
        headers = {} if kept else {"connection": "close"}
        async with httpx.AsyncClient(base_url=self._url, timeout=60, headers=headers) as http:
            while not self.seen["refused"]:
                try:
                    answer = await http.post(self._path, json=self._body())
                except httpx.ConnectError:
                    self.seen["refused"] += 1
                except httpx.TransportError as fault:
                    self.seen[type(fault).__name__] += 1
                    return
                else:
                    self.seen[str(answer.status_code)] += 1
                    answer.json()  # No answer is cut short.


async def ended(process: Server) -> float:
    """Wait for the end; return its seconds."""
    started = time.monotonic()
    await asyncio.to_thread(process.process.wait, 60)
    return time.monotonic() - started


@pytest.mark.parametrize("name", [*SERVICES, "gateway"])
async def test_sigterm_under_load_loses_no_accepted_request(name: str, tmp_path: Path) -> None:
    """Regression: of the connections that were kept alive, those whose next request was on its way were cut."""
    process = server(name, tmp_path)  # The gateway has its services within.
    with running([process]):
        load = Load(process.url, *WORK[name])
        asking = asyncio.create_task(load.run())
        await load.until(60)
        process.send(signal.SIGTERM)
        seconds = await ended(process)
        await asking
    assert load.seen.keys() == {"200", "refused"}, load.seen
    assert process.process.returncode == 0
    assert seconds < DRAIN_S
    assert faults_told(process.log) == []


async def test_sigkill_of_a_gateway_is_seen_as_a_broken_connection_alone(tmp_path: Path) -> None:
    process = server("gateway", tmp_path)
    with running([process]):
        load = Load(process.url, *WORK["gateway"])
        asking = asyncio.create_task(load.run())
        await load.until(30)
        process.send(signal.SIGKILL)
        await asking
    # Nothing but whole answers, and connections that broke or were refused.
    assert load.seen.keys() <= {"200", "refused", "ReadError", "RemoteProtocolError", "WriteError"}, load.seen
    assert len(load.seen) > 1


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("translation", signal.SIGTERM),
        ("alignment", signal.SIGKILL),
        ("projection", signal.SIGKILL),
        ("ner_teacher", signal.SIGKILL),
    ],
)
async def test_a_service_ends_under_load_and_returns(stage: Stage, name: str, number: signal.Signals) -> None:
    """The gateway stays: its requests are answered, or told whose fault it is; then all is as before."""
    process = stage.services[name]
    told: Counter[str] = Counter()
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            answer = await stage.project()
            fault = "" if answer.status_code == 200 else answer.json()["detail"]
            told[f"{answer.status_code} {name if name in fault else fault}".strip()] += 1

    asking = asyncio.gather(*(ask() for _ in range(4)))
    try:
        async with asyncio.timeout(30):
            while told["200"] < 10:  # noqa: ASYNC110 - the clients count.
                await asyncio.sleep(0.01)
            process.send(number)
            await ended(process)
            while not told[f"424 {name}"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            process.start()
            await asyncio.to_thread(process.wait)
            await stage.until_well()
    finally:
        done.set()
        if process.process.poll() is not None:
            process.start()
            await asyncio.to_thread(process.wait)
    await asking
    # 503 names a service that is draining, or loading its models.
    assert told.keys() <= {"200", f"424 {name}", f"503 {name}"}, told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_of_two_processes_of_a_service_one_may_end_under_load(number: signal.Signals, tmp_path: Path) -> None:
    """A rolling update, or a lost machine: the other takes over, and no request learns of it."""
    folders = [tmp_path / each for each in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    pair = [server("translation", folder) for folder in folders]
    with running(pair), proxies({"translation": [each.port for each in pair]}) as between:
        gateway = gateway_of({"translation": between["translation"].url}, tmp_path, SPANBRIDGE_GATEWAY_TIMEOUT_S="30")
        with running([gateway]):
            load = Load(gateway.url, "/v1/translate", _translate)
            asking = asyncio.create_task(load.run())
            await load.until(60)
            pair[0].send(number)
            await ended(pair[0])
            await load.until(load.seen["200"] + 100)
            gateway.send(signal.SIGTERM)
            await asking
    assert load.seen.keys() == {"200", "refused"}, load.seen


async def test_a_stopped_process_goes_on_where_it_was(stage: Stage) -> None:
    """SIGSTOP, as a machine under a debugger or out of memory: known to hang, and back by itself."""
    stage.services["alignment"].send(signal.SIGSTOP)
    try:
        answer = await stage.project()
        ready = await stage.http.get("/readyz")
    finally:
        stage.services["alignment"].send(signal.SIGCONT)
    assert answer.status_code == 424
    assert "alignment" in answer.json()["detail"]
    assert ready.status_code == 503
    await stage.until_well()


async def test_a_gateway_that_starts_before_its_services_waits_for_them(tmp_path: Path) -> None:
    services = {name: server(name, tmp_path) for name in SERVICES}
    gateway = gateway_of({name: each.url for name, each in services.items()}, tmp_path)
    try:
        gateway.start()
        async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as http, asyncio.timeout(60):
            while True:
                try:
                    ready = await http.get("/readyz")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
            assert ready.status_code == 503
            assert all(name in ready.json()["detail"] for name in SERVICES)
            early = await http.post("/v1/project", json=_label())
            assert (early.status_code, early.json()["error"]) == (424, "UpstreamFailed")
            with running(list(services.values())):
                while (await http.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - they start.
                    await asyncio.sleep(0.05)
                assert (await http.post("/v1/project", json=_label())).status_code == 200
    finally:
        gateway.end()
    assert faults_told(gateway.log) == []
