"""Clients that break HTTP itself, against a real gateway: none takes a place from the others, none crashes it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import fresh
from tests.faults.remote import Server, faults_told, running, server

pytestmark = pytest.mark.processes

PATH = "/v1/project"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    process = server("gateway", tmp_path_factory.mktemp("wire"), SPANBRIDGE_GATEWAY_MAX_BODY_BYTES="100000")
    with running([process]):
        yield process
    assert faults_told(process.log) == []


@pytest.fixture(autouse=True)
async def others_are_served(gateway: Server) -> AsyncIterator[None]:
    """Whatever a test did, the next client is served, and no request is left behind."""
    yield
    async with httpx.AsyncClient(base_url=gateway.url, timeout=10) as http:
        answer = await http.post(PATH, json={"sentences": [fresh()], "lang": "swh_Latn"})
        assert answer.status_code == 200
        async with asyncio.timeout(10):
            while 'in_flight{service="gateway"} 1.0' not in (await http.get("/metrics")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def body() -> bytes:
    return json.dumps({"sentences": [fresh()], "lang": "swh_Latn"}).encode()


def head(*lines: str, verb: str = "POST") -> bytes:
    told = [f"{verb} {PATH} HTTP/1.1", "Host: gateway", "Content-Type: application/json", *lines]
    return "\r\n".join([*told, "", ""]).encode("latin-1")


async def sent(gateway: Server, *parts: bytes, pause: float = 0.0, end: bool = False) -> bytes:
    """Send parts one after the other; return all that comes until the server closes or is silent for a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if end:
            writer.write_eof()
        found = b""
        with suppress(TimeoutError, ConnectionResetError):
            while True:
                # A whole answer may be followed by another one.
                async with asyncio.timeout(0.4 if found.endswith((b"}", b"received.", b"long.")) else 10):
                    more = await reader.read(65_536)
                if not more:
                    break
                found += more
        return found
    finally:
        writer.close()


def statuses(answers: bytes) -> list[int]:
    return [int(each[:3]) for each in answers.split(b"HTTP/1.1 ")[1:]]


async def test_pipelined_requests_are_answered_in_order(gateway: Server) -> None:
    bodies = [body() for _ in range(5)]
    together = b"".join(head(f"Content-Length: {len(each)}") + each for each in bodies)
    answers = await sent(gateway, together)
    assert statuses(answers) == [200] * 5
    places = [answers.index(json.loads(each)["sentences"][0]["text"].encode()) for each in bodies]
    assert places == sorted(places)


async def test_a_body_in_slow_pieces_is_answered(gateway: Server) -> None:
    whole = body()
    pieces = [whole[start : start + 12] for start in range(0, len(whole), 12)]
    assert statuses(await sent(gateway, head(f"Content-Length: {len(whole)}"), *pieces, pause=0.05)) == [200]


async def test_chunked_bodies(gateway: Server) -> None:
    whole = body()
    chunks = [whole[start : start + 7] for start in range(0, len(whole), 7)]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"
    assert statuses(await sent(gateway, head("Transfer-Encoding: chunked"), coded)) == [200]


@pytest.mark.parametrize(
    ("lines", "content", "wanted"),
    [
        (["Content-Length: 5"], b'{"a":1}', {400}),
        (["Content-Length: 99999999999"], b"{}", {413}),
        (["Content-Length: -1"], b"{}", {400}),
        (["Content-Length: 1e3"], b"{}", {400}),
        (["Content-Length: 2", "Content-Length: 3"], b"{}", {400}),
        (["Transfer-Encoding: gzip"], b"{}", {400, 501}),
        (["Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n", {400}),
        (["Transfer-Encoding: chunked"], b"186a1\r\n" + b" " * 100_001 + b"\r\n0\r\n\r\n", {413}),
        (["X-Bad\x01: 1", "Content-Length: 2"], b"{}", {400}),
        (["X-Long: " + "x" * 2_000_000, "Content-Length: 2"], b"{}", {400, 431}),
        ([], b"", {400, 422}),
    ],
)
async def test_lies_about_the_body_are_refused(
    gateway: Server, lines: list[str], content: bytes, wanted: set[int]
) -> None:
    found = statuses(await sent(gateway, head(*lines), content))
    assert found
    assert found[0] in wanted
    assert all(each < 500 or each == 501 for each in found)


@pytest.mark.parametrize(
    "content", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\nPOST\r\n\r\n", b"\x00" * 5_000]
)
async def test_what_is_no_http_is_refused(gateway: Server, content: bytes) -> None:
    assert set(statuses(await sent(gateway, content))) <= {400, 505}


async def test_a_head_without_end_is_cut_off(gateway: Server) -> None:
    """Regression: the parser kept whatever came until the head was complete."""
    before = gateway.resident_mb()
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET / HTTP/1.1\r\n")
    sent_mb = 0
    with suppress(ConnectionError):
        for _ in range(100):
            writer.write(b"X-More: " + b"x" * 1_000_000 + b"\r\n")
            await writer.drain()
            sent_mb += 1
    writer.close()
    assert sent_mb < 20
    assert gateway.resident_mb() - before < 30


async def test_half_requests_hold_nothing_that_others_need(gateway: Server) -> None:
    """300 clients stop in mid-head or mid-body: all others are served meanwhile; then those leave."""
    whole = body()
    halves = [head(f"Content-Length: {len(whole)}") + whole[:10], b"POST /v1/project HTTP/1.1\r\nHost: g"]
    connections = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(300)]
    for place, (_, writer) in enumerate(connections):
        writer.write(halves[place % 2])
        await writer.drain()
    async with httpx.AsyncClient(base_url=gateway.url, timeout=10) as http:
        for _ in range(10):
            assert (await http.post(PATH, content=body(), headers={"content-type": "application/json"})).is_success
    for _, writer in connections:
        writer.close()


async def test_clients_that_leave_in_the_middle(gateway: Server) -> None:
    whole = body()
    request = head(f"Content-Length: {len(whole)}") + whole
    for end in range(1, len(request) + 1, 9):
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(request[:end])
        await writer.drain()
        writer.transport.abort()


def test_the_gateway_has_a_log_without_a_fault(gateway: Server) -> None:
    assert Path(gateway.log).is_file()
    assert faults_told(gateway.log) == []
