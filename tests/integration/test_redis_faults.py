"""A Redis that is down, slow, full, damaged or closed to us costs time at most: answers stay right."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from spanbridge_shared.serving.cache import ResultCache
from spanbridge_shared.serving.redis_link import RedisLink
from spanbridge_translation.app import create_app
from spanbridge_translation.settings import BackendKind, TranslationSettings
from tests.support.processes import free_port
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_results import Model, Result, Told, cache_log, results_at

pytestmark = pytest.mark.processes

VALUES = "spanbridge:1:results:"
KEYS = [str(number) for number in range(20)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


@pytest.fixture
async def cache(server: RedisServer) -> AsyncIterator[ResultCache[Result]]:
    made = results_at(server.url)
    yield made
    await made.close()


@pytest.fixture
def told() -> Iterator[Told]:
    with cache_log() as log:
        yield log


def failures(reason: str, service: str = "results") -> float:
    labels = {"service": service, "reason": reason}
    return REGISTRY.get_sample_value("spanbridge_cache_failures_total", labels) or 0.0


def words(told: Told) -> list[str]:
    """What each line says happened."""
    return [line.partition("redis://127.0.0.1:")[2].partition(" ")[2].partition(" (")[0] for line in told.lines]


async def test_absent_at_the_start_and_found_later(tmp_path: Path, told: Told) -> None:
    server = RedisServer(tmp_path)
    before = failures("connection")
    caches = [results_at(server.url), results_at(server.url)]
    model = Model()
    for _ in range(3):
        assert await model.texts(caches[0], KEYS) == KEYS
    assert len(model.asked) == 3 * len(KEYS)
    assert words(told) == ["is away"]
    assert failures("connection") - before == 1
    server.start()
    try:
        await told.wait_for("is back")
        assert await Model().texts(caches[0], KEYS) == KEYS
        never = Model()
        assert await never.texts(caches[1], KEYS) == KEYS
        assert never.asked == []
        assert words(told) == ["is away", "is back"]
    finally:
        for cache in caches:
            await cache.close()
        server.kill()


async def test_killed_in_mid_batch_and_restarted(server: RedisServer, cache: ResultCache[Result], told: Told) -> None:
    other = results_at(server.url)
    holder, waiter = Model(held=True), Model()
    computing = asyncio.create_task(holder.texts(cache, KEYS))
    await holder.called.wait()
    waiting = asyncio.create_task(waiter.texts(other, KEYS[::-1]))
    await asyncio.sleep(0.05)
    server.kill()
    async with asyncio.timeout(10):
        assert await waiting == KEYS[::-1]  # Whoever waited for a lease computes by itself.
    holder.go.set()
    assert await computing == KEYS
    assert words(told) == ["is away"] * 2  # One for each process.
    server.start()
    await told.wait_for("is back", times=2)
    assert await Model().texts(cache, KEYS) == KEYS
    never = Model()
    assert await never.texts(other, KEYS) == KEYS
    assert never.asked == []
    await other.close()


async def test_restarted_between_requests(server: RedisServer, cache: ResultCache[Result], told: Told) -> None:
    """A connection that has died in the meantime is no outage."""
    assert await Model().texts(cache, KEYS) == KEYS
    server.kill()
    await asyncio.to_thread(server.start)  # Meanwhile this event loop sees that the connections are closed.
    model = Model()
    assert await model.texts(cache, KEYS) == KEYS
    assert await model.texts(cache, KEYS) == KEYS
    assert model.asked == KEYS
    assert told.lines == []


async def test_a_hung_server_costs_one_time_limit_not_one_a_batch(server: RedisServer, told: Told) -> None:
    """Five seconds of it, under steady load, through the service itself."""
    before = failures("timeout", "translation")
    settings = TranslationSettings(
        backend=BackendKind.STUB, cache_url=server.url, cache_timeout_s=0.25, log_level="WARNING"
    )
    app = create_app(settings)
    seconds: list[float] = []
    over = asyncio.Event()

    async def ask(http: httpx.AsyncClient, number: int) -> None:
        while not over.is_set():
            texts = [f"sentence {number} {len(seconds)}", "one that is always the same"]
            started = time.monotonic()
            answer = await http.post("/v1/translate", json={"texts": texts, "source_lang": "swh_Latn"})
            seconds.append(time.monotonic() - started)
            assert [each["hypotheses"][0]["text"] for each in answer.json()["translations"]] == texts
            await asyncio.sleep(0.01)

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://translation") as http,
    ):
        asking = [asyncio.create_task(ask(http, number)) for number in range(4)]
        await asyncio.sleep(0.3)
        server.pause()
        await asyncio.sleep(5)
        server.go_on()
        await told.wait_for("is back")
        over.set()
        await asyncio.gather(*asking)
        metrics = (await http.get("/metrics")).text
        repeated = await http.post(
            "/v1/translate", json={"texts": ["one that is always the same"], "source_lang": "swh_Latn"}
        )
    assert repeated.json()["translations"][0]["cached"]
    assert max(seconds) < 2.5  # Hung for five; the limit is a quarter.
    # What each of four clients was doing when it hung, not the sixty that the limits of five seconds would allow.
    assert 1 <= failures("timeout", "translation") - before <= 8
    assert len(seconds) > 100
    assert words(told) == ["is away", "is back"]
    assert 'spanbridge_cache_failures_total{reason="timeout",service="translation"}' in metrics


async def test_a_busy_loop_is_not_taken_for_a_slow_server(server: RedisServer, told: Told) -> None:
    """Time in which this process does something else doesn't count."""
    cache = results_at(server.url, timeout_s=0.1)

    async def hog() -> None:
        for _ in range(6):
            time.sleep(0.2)  # noqa: ASYNC251 - as a model call that keeps the event loop would.
            await asyncio.sleep(0)

    await Model().texts(cache, ["0"])
    await asyncio.gather(*(Model().texts(cache, [key]) for key in KEYS), hog())
    await cache.close()
    assert told.lines == []


async def test_a_full_server_is_read_and_later_written_again(
    server: RedisServer, cache: ResultCache[Result], told: Told
) -> None:
    before = failures("refused")
    assert await Model().texts(cache, KEYS) == KEYS
    with server.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        model = Model()
        for _ in range(3):
            found = await model.answers(cache, [*KEYS, "new"])
            assert [each.value for each in found] == [Result(text=key) for key in [*KEYS, "new"]]
            assert [each.cached for each in found] == [True] * len(KEYS) + [False]
        assert model.asked == ["new"] * 3
        assert words(told) == ["refuses writes"]
        assert "OutOfMemory" in told.lines[0]
        assert failures("refused") > before
        client.config_set("maxmemory", 0)
    for number in range(500):
        await Model().answers(cache, [f"newer {number}"])
        if len(told.lines) == 2:
            break
        await asyncio.sleep(0.02)
    assert (await Model().answers(cache, [f"newer {number}"]))[0].cached
    assert words(told) == ["refuses writes", "takes writes again"]


async def test_writes_to_a_full_server_are_rarely_tried(
    server: RedisServer, cache: ResultCache[Result], told: Told
) -> None:
    """Regression: a server that is full for long cost each batch two refused commands, and the log two lines each."""
    with server.client() as client:
        client.config_set("maxmemory", 1)
        client.config_resetstat()
        for number in range(100):
            await Model().texts(cache, [f"full {number}"])
        tried = client.info("commandstats").get("cmdstat_eval", {"calls": 0})["calls"]
    assert tried < 20
    assert len(told.lines) == 1


async def test_many_refusals_at_once_are_one(server: RedisServer, cache: ResultCache[Result], told: Told) -> None:
    """Regression: each doubled the rest, so that thirty at once stopped all writes for a minute."""
    with server.client() as client:
        client.config_set("maxmemory", 1)
        await asyncio.gather(*(Model().texts(cache, [f"full {number}"]) for number in range(30)))
        client.config_set("maxmemory", 0)
    await asyncio.sleep(0.2)
    assert not (await Model().answers(cache, ["later"]))[0].cached
    assert (await Model().answers(cache, ["later"]))[0].cached
    assert words(told) == ["refuses writes", "takes writes again"]


async def test_a_user_of_one_service_sees_the_server_come_back(server: RedisServer, told: Told) -> None:
    """Regression: what was asked of a server that may be back was a key that such a user may not read."""
    with server.client() as client:
        client.execute_command(f"ACL SETUSER one on >secret ~{VALUES}* +@all")
    cache = results_at(f"redis://one:secret@127.0.0.1:{server.port}", timeout_s=0.5)
    server.pause()
    assert await Model().texts(cache, KEYS) == KEYS
    server.go_on()
    await told.wait_for("is back")
    assert await Model().texts(cache, KEYS) == KEYS
    never = Model()
    assert await never.texts(cache, KEYS) == KEYS
    assert never.asked == []
    await cache.close()


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"null", b'{"other": 1}', b"\xff\xfe", b'{"text": 7}', b"[]", b'{"text": "half']
)
async def test_damaged_values_are_computed_anew_and_replaced(
    server: RedisServer, cache: ResultCache[Result], damage: bytes
) -> None:
    before = failures("unreadable")
    with server.client() as client:
        for key in KEYS[::2]:
            client.set(VALUES + key, damage)
        model = Model()
        assert await model.texts(cache, KEYS) == KEYS
        assert sorted(model.asked) == sorted(KEYS)
        assert failures("unreadable") > before
        assert await model.texts(cache, KEYS) == KEYS
        assert sorted(model.asked) == sorted(KEYS)
        assert client.get(VALUES + KEYS[0]) == b'{"text":"0"}'


async def test_keys_of_another_type_are_computed_anew_and_replaced(
    server: RedisServer, cache: ResultCache[Result], told: Told
) -> None:
    with server.client() as client:
        client.rpush(VALUES + "0", "a", "list")
        client.hset(VALUES + "1", "a", "hash")
        model = Model()
        assert await model.texts(cache, KEYS) == KEYS
        assert await model.texts(cache, KEYS) == KEYS
        assert model.asked == KEYS
        assert client.get(VALUES + "0") == b'{"text":"0"}'
    assert told.lines == []


@pytest.mark.parametrize("given", ["wr#ong/secret", ""])
async def test_a_wrong_password_is_an_outage_that_shows_no_password(tmp_path: Path, told: Told, given: str) -> None:
    with redis_server(tmp_path, requirepass="right") as server:
        user = f":{quote(given, safe='')}@" if given else ""
        cache = results_at(f"redis://{user}127.0.0.1:{server.port}/0")
        assert await Model().texts(cache, KEYS) == KEYS
        assert words(told) == ["is away"]
        assert "Authentication" in told.lines[0]
        assert "secret" not in told.lines[0]
        with server.client() as client:
            client.config_set("requirepass", given)
        await told.wait_for("is back")
        assert await Model().texts(cache, KEYS) == KEYS
        await cache.close()


async def test_a_user_who_may_not_write_reads(server: RedisServer, told: Told) -> None:
    writer = results_at(server.url)
    await Model().texts(writer, ["0"])
    await writer.close()
    with server.client() as client:
        client.execute_command("ACL SETUSER reader on >secret ~* +@read +@connection")
    cache = results_at(f"redis://reader:secret@127.0.0.1:{server.port}")
    model = Model()
    assert await model.texts(cache, ["0", "1"]) == ["0", "1"]
    assert model.asked == ["1"]
    assert words(told) == ["refuses writes"]
    await cache.close()


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*99999999\r\n", b"$-7\r\n", b":1\r\n", b"+OK\r\n+OK\r\n+OK\r\n", b""],
)
async def test_what_is_no_redis_at_all_costs_no_answer(told: Told, answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        await writer.drain()
        writer.close()

    other = await asyncio.start_server(talk, "127.0.0.1", 0)
    cache = results_at(f"redis://127.0.0.1:{other.sockets[0].getsockname()[1]}", timeout_s=0.5, retry_s=60)
    async with asyncio.timeout(20):
        assert await Model().texts(cache, KEYS) == KEYS
        assert await Model().texts(cache, KEYS) == KEYS
        await cache.close()
    assert words(told) == ["is away"]
    other.close()


async def test_more_requests_than_connections(server: RedisServer, cache: ResultCache[Result], told: Told) -> None:
    """Regression: redis-py refuses the 101st connection, which would have passed for an outage."""
    model = Model()
    found = await asyncio.gather(*(model.texts(cache, [f"{number}"]) for number in range(400)))
    assert found == [[f"{number}"] for number in range(400)]
    with server.client() as client:
        assert client.info("clients")["connected_clients"] < 100
    assert told.lines == []


async def test_a_crowd_is_not_taken_for_a_slow_server(server: RedisServer, told: Told) -> None:
    """Regression: waiting for one of 32 connections counted as the server's time, so that a burst turned it off."""
    link = RedisLink(server.url, service="results", own_key=VALUES, timeout_s=0.5, retry_s=60)

    async def slowly(client: Redis) -> bool:
        await asyncio.sleep(0.2)
        return bool(await client.ping())

    assert await asyncio.gather(*(link.read(slowly) for _ in range(100))) == [True] * 100
    assert told.lines == []
    await link.close()


async def test_nobody_listens_at_the_port(told: Told) -> None:
    cache = results_at(f"redis://127.0.0.1:{free_port()}")
    model = Model()
    found = await asyncio.gather(*(model.texts(cache, KEYS) for _ in range(10)))
    assert found == [KEYS] * 10
    assert sorted(model.asked) == sorted(KEYS)  # Within a process, still once.
    await cache.close()
