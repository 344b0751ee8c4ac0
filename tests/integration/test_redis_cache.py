"""What processes share through a real server: values, and who computes what."""

import asyncio
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from spanbridge_shared.errors import EmptyText, Overloaded
from spanbridge_shared.serving import single_flight
from spanbridge_shared.serving.cache import ResultCache
from spanbridge_shared.serving.cache_backends import Claim
from spanbridge_shared.serving.redis_cache import RedisCache
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_results import Model, Result, cache_log, results_at
from tests.support.tls_proxy import make_certificate, tls_proxy

pytestmark = pytest.mark.processes

Cache = ResultCache[Result]
VALUES = "spanbridge:1:results:"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(running: RedisServer) -> RedisServer:
    with running.client() as client:
        client.flushall()
        client.config_resetstat()
    return running


@pytest.fixture
async def caches(server: RedisServer) -> AsyncIterator[list[Cache]]:
    """Three processes' worth."""
    async with AsyncExitStack() as stack:
        made = [results_at(server.url) for _ in range(3)]
        for cache in made:
            stack.push_async_callback(cache.close)
        yield made


async def test_what_one_process_keeps_another_has(caches: list[Cache]) -> None:
    model = Model()
    assert await model.texts(caches[0], ["a", "c"]) == ["a", "c"]
    answers = await model.answers(caches[1], ["b", "a", "d", "c", "b"])
    assert model.asked == ["a", "c", "b", "d"]
    assert [each.value for each in answers] == [Result(text=text) for text in "badcb"]
    assert [each.cached for each in answers] == [False, True, False, True, False]


async def test_a_batch_equals_single_calls_and_may_be_long(caches: list[Cache]) -> None:
    keys = [str(number) for number in range(1_000)]
    model = Model()
    assert await model.texts(caches[0], keys) == keys
    assert [(await model.texts(caches[1], [key]))[0] for key in keys[::50]] == keys[::50]
    assert await model.texts(caches[2], keys[::-1]) == keys[::-1]
    assert model.asked == keys


async def test_a_cached_batch_costs_one_mget(server: RedisServer, caches: list[Cache]) -> None:
    keys = [str(number) for number in range(64)]
    await Model().texts(caches[0], keys)
    with server.client() as client:
        client.config_resetstat()
        await Model().texts(caches[0], keys)
        calls = {name: each["calls"] for name, each in client.info("commandstats").items()}
    calls.pop("cmdstat_config|resetstat", None)
    calls.pop("cmdstat_info", None)
    assert calls == {"cmdstat_mget": 1}


async def test_keys_have_a_schema_and_a_service_and_an_end(server: RedisServer, caches: list[Cache]) -> None:
    keys = [str(number) for number in range(200)]
    await Model().texts(caches[0], keys)
    with server.client() as client:
        assert {name.decode() for name in client.scan_iter()} == {VALUES + key for key in keys}
        left = [client.pttl(VALUES + key) / 1_000 for key in keys]
    assert 80 < min(left) < 95
    assert 105 < max(left) <= 110


async def test_two_services_share_nothing(server: RedisServer, caches: list[Cache]) -> None:
    other = results_at(server.url, service="others")
    await Model().texts(caches[0], ["a"])
    model = Model()
    await model.texts(other, ["a"])
    await other.close()
    assert model.asked == ["a"]


async def test_batches_that_overlap_in_other_orders_are_computed_once(caches: list[Cache]) -> None:
    """No deadlock: each waits for keys that another has a lease on."""
    model = Model(seconds=0.05)
    batches = [["a", "b", "c", "d"], ["d", "c", "e"], ["e", "f", "a", "a"]]
    async with asyncio.timeout(20):
        found = await asyncio.gather(
            *(model.texts(cache, keys) for cache, keys in zip(caches, batches, strict=True)),
            *(model.texts(cache, keys[::-1]) for cache, keys in zip(caches, batches, strict=True)),
        )
    assert found == batches + [keys[::-1] for keys in batches]
    assert sorted(model.asked) == ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize("seed", range(8))
async def test_however_requests_interleave_each_key_is_computed_once(caches: list[Cache], seed: int) -> None:
    chance = random.Random(seed)
    model = Model(seconds=chance.choice([0, 0.001, 0.01]))
    keys = [str(number) for number in range(40)]

    async def ask(cache: Cache) -> None:
        await asyncio.sleep(chance.random() * 0.03)
        wanted = chance.choices(keys, k=chance.randint(1, 20))
        assert await model.texts(cache, wanted) == wanted

    async with asyncio.timeout(20):
        await asyncio.gather(*(ask(chance.choice(caches)) for _ in range(30)))
    assert len(model.asked) == len(set(model.asked))


async def test_one_who_waits_for_another_process_is_answered_as_cached(caches: list[Cache]) -> None:
    first, second = Model(held=True), Model()
    computing = asyncio.create_task(first.answers(caches[0], ["a"]))
    await first.called.wait()
    waiting = asyncio.create_task(second.answers(caches[1], ["b", "a"]))
    await second.called.wait()
    first.go.set()
    assert [each.cached for each in await waiting] == [False, True]
    assert [each.cached for each in await computing] == [False]
    assert second.asked == ["b"]


async def test_a_lease_is_renewed_while_the_model_works(server: RedisServer) -> None:
    first, second = results_at(server.url, lease_s=0.6), results_at(server.url, lease_s=0.6)
    slow, never = Model(seconds=2), Model()
    computing = asyncio.create_task(slow.texts(first, ["a"]))
    await slow.called.wait()
    assert await never.texts(second, ["a"]) == ["a"]
    assert await computing == ["a"]
    assert never.asked == []
    await first.close()
    await second.close()


async def test_what_a_killed_process_was_computing_is_taken_over(server: RedisServer) -> None:
    code = (
        "import asyncio, sys\n"
        "from tests.support.shared_results import Model, results_at\n"
        "async def main():\n"
        "    model = Model(held=True)\n"
        "    asking = asyncio.create_task(model.texts(results_at(sys.argv[1], lease_s=1), ['a', 'b']))\n"
        "    await model.called.wait()\n"
        "    sys.stdout.write('computing\\n')\n"
        "    sys.stdout.flush()\n"
        "    await asking\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, server.url, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"computing\n"
    model, cache = Model(), results_at(server.url, lease_s=1)
    waiting = asyncio.create_task(model.texts(cache, ["b", "c"]))
    await model.called.wait()
    assert model.asked == ["c"]
    process.kill()
    async with asyncio.timeout(20):
        assert await waiting == ["b", "c"]
    assert model.asked == ["c", "b"]
    await cache.close()
    await process.wait()


async def test_a_failure_lets_go_of_its_leases(caches: list[Cache]) -> None:
    """The lease lasts 30 s, so whoever waits can't have waited for its end."""
    failing, working = Model(held=True, fault=Overloaded("full")), Model()
    computing = asyncio.create_task(failing.texts(caches[0], ["a", "b"]))
    await failing.called.wait()
    waiting = asyncio.create_task(working.texts(caches[1], ["b", "a"]))
    failing.go.set()
    with pytest.raises(Overloaded):
        await computing
    async with asyncio.timeout(10):
        assert await waiting == ["b", "a"]


async def test_errors_are_given_but_kept_nowhere(server: RedisServer, caches: list[Cache]) -> None:
    models = [Model(), Model(), Model()]
    async with asyncio.timeout(10):
        found = await asyncio.gather(
            *(each.answers(cache, ["bad"]) for each, cache in zip(models, caches, strict=True))
        )
    assert all(isinstance(answer.value, EmptyText) for (answer,) in found)
    assert [each.asked for each in models] == [["bad"]] * 3
    with server.client() as client:
        assert client.keys() == []


async def test_one_who_leaves_lets_go_of_its_leases(server: RedisServer, caches: list[Cache]) -> None:
    given_up, working = Model(held=True), Model()
    leaver = asyncio.create_task(given_up.texts(caches[0], ["a", "b"]))
    await given_up.called.wait()
    waiting = asyncio.create_task(working.texts(caches[1], ["b", "c"]))
    await working.called.wait()
    leaver.cancel()
    async with asyncio.timeout(10):
        assert await waiting == ["b", "c"]
    assert working.asked == ["c", "b"]
    with server.client() as client:
        assert {name.decode() for name in client.scan_iter()} == {VALUES + "b", VALUES + "c"}


async def test_one_who_leaves_while_claiming_lets_go_too(caches: list[Cache], monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: the leases, which lasted 30 s, were taken when nobody was left to let go of them."""
    claimed, told = asyncio.Event(), asyncio.Event()
    claim = RedisCache.claim

    async def slow(self: RedisCache, keys: Sequence[str]) -> Claim:
        found = await claim(self, keys)
        claimed.set()
        await told.wait()
        return found

    monkeypatch.setattr(RedisCache, "claim", slow)
    leaver = asyncio.create_task(Model().texts(caches[0], ["a"]))
    await claimed.wait()
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    told.set()
    async with asyncio.timeout(10):
        assert await Model().texts(caches[1], ["a"]) == ["a"]


async def test_a_lease_left_over_by_this_process_is_its_own(server: RedisServer, caches: list[Cache]) -> None:
    """Regression: after an exchange that broke off, a process waited for the end of its own lease."""
    with server.client() as client:
        for cache in caches[:2]:
            holder = Model(held=True)
            asking = asyncio.create_task(holder.texts(cache, ["a"]))
            await holder.called.wait()
            left_over = client.get(VALUES + "a:lease")
            holder.go.set()
            await asking
            client.delete(VALUES + "a")
            client.set(VALUES + "a:lease", left_over or b"", px=60_000)
            async with asyncio.timeout(10):
                assert await Model().texts(cache, ["a"]) == ["a"]
            assert client.delete(VALUES + "a") == 1


async def test_closing_keeps_what_is_being_computed(server: RedisServer, caches: list[Cache]) -> None:
    model = Model(held=True)
    asking = asyncio.create_task(model.texts(caches[0], ["a"]))
    await model.called.wait()
    closing = asyncio.create_task(caches[0].close())
    await asyncio.sleep(0)
    model.go.set()
    await closing
    assert await asking == ["a"]
    with server.client() as client:
        assert client.get(VALUES + "a") == b'{"text":"a"}'


async def test_closing_gives_up_what_never_ends(server: RedisServer, caches: list[Cache]) -> None:
    model = Model(held=True)
    asking = asyncio.create_task(model.texts(caches[0], ["a"]))
    await model.called.wait()
    async with asyncio.timeout(10):
        await caches[0].close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    with server.client() as client:
        assert client.keys() == []  # Its lease is gone, too.


async def test_a_process_that_hangs_is_not_waited_for_for_ever(
    caches: list[Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_flight, "_LONGEST_WAIT_S", 0.3)
    hanging, working = Model(held=True), Model()
    computing = asyncio.create_task(hanging.texts(caches[0], ["a"]))
    await hanging.called.wait()
    async with asyncio.timeout(10):
        assert await working.texts(caches[1], ["a"]) == ["a"]
    hanging.go.set()
    assert await computing == ["a"]


@pytest.mark.parametrize("damage", ["no end", "a list"])
async def test_a_lease_that_never_ends_is_nobodys(server: RedisServer, caches: list[Cache], damage: str) -> None:
    with server.client() as client:
        if damage == "no end":
            client.set(VALUES + "a:lease", "somebody")
        else:
            client.rpush(VALUES + "a:lease", "somebody")
    async with asyncio.timeout(10):
        assert await Model().texts(caches[0], ["a"]) == ["a"]


async def test_a_lease_that_was_lost_is_left_to_its_new_owner(server: RedisServer, caches: list[Cache]) -> None:
    model = Model(held=True, fault=Overloaded("full"))
    computing = asyncio.create_task(model.texts(caches[0], ["a"]))
    await model.called.wait()
    with server.client() as client:
        client.set(VALUES + "a:lease", "another", px=60_000)
        model.go.set()
        with pytest.raises(Overloaded):
            await computing
        assert client.get(VALUES + "a:lease") == b"another"


async def test_a_cache_may_be_closed_and_used_again_in_another_loop(server: RedisServer) -> None:
    cache = results_at(server.url)

    async def use() -> list[bool]:
        found = await Model().answers(cache, ["a"])
        await cache.close()
        return [each.cached for each in found]

    found = [await asyncio.to_thread(asyncio.run, use()) for _ in range(3)]
    assert found == [[False], [True], [True]]


@pytest.mark.parametrize("password", ["plain", "with /?#@:% signs"])
async def test_a_password_and_a_unix_socket(tmp_path: Path, password: str) -> None:
    socket = tmp_path / "redis.sock"
    with redis_server(tmp_path, requirepass=password, unixsocket=str(socket)) as server, cache_log() as told:
        by_port = results_at(server.url)
        by_socket = results_at(f"unix://{socket}?password={server.url.split('@')[0].partition('://:')[2]}")
        assert await Model().texts(by_port, ["a"]) == ["a"]
        never = Model()
        assert await never.texts(by_socket, ["a"]) == ["a"]
        assert never.asked == []
        await by_port.close()
        await by_socket.close()
    assert told.lines == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the command openssl makes the certificate")
async def test_tls(server: RedisServer, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    with cache_log() as told:
        async with tls_proxy(server.port, certificate, key) as port:
            trusting = results_at(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}")
            assert await Model().texts(trusting, ["a"]) == ["a"]
            await trusting.close()
            never, plain = Model(), results_at(server.url)
            assert await never.texts(plain, ["a"]) == ["a"]
            assert never.asked == []
            await plain.close()
            assert told.lines == []
            wary, model = results_at(f"rediss://127.0.0.1:{port}"), Model()
            assert await model.texts(wary, ["a"]) == ["a"]  # A certificate that nobody vouches for.
            assert model.asked == ["a"]
            await wary.close()
    assert [line.partition(" (")[0] for line in told.lines] == [
        f"results: the cache at rediss://127.0.0.1:{port} is away"
    ]
