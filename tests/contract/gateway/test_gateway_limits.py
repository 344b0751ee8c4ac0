"""How much is let in: the door's bound, the keys' rates, and that refused work costs little."""

import asyncio
import time

import httpx
import pytest

from spanbridge_gateway.admission import Door, Limiter, Ticket
from spanbridge_shared.errors import Overloaded, RateLimited
from spanbridge_shared.serving.api_keys import make_key, read_key
from spanbridge_shared.serving.rate_limit import MemoryBuckets
from spanbridge_shared.serving.throughput import Throughput
from tests.support.gateway import STUBS
from tests.support.held_translation import HeldBackend, held_translation, opened
from tests.support.redis_server import redis_server
from tests.support.serving import served, until

KEY = {"x-api-key": "sb_ann"}


@pytest.fixture(autouse=True)
def stubs(monkeypatch):
    for name, value in STUBS.items():
        monkeypatch.setenv(name, value)


def request_of(number, text="Juma anakwenda {}"):
    return {"sentences": [{"text": text.format(each)} for each in range(number)], "lang": "swh_Latn"}


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    lines = [make_key("ann", "sb_ann").line() + ":0.5:10", make_key("free", "sb_free").line()]
    path.write_text("\n".join(lines))
    return str(path)


async def test_a_key_may_send_its_rate_and_no_more(keys):
    async with opened(keys=keys) as (_, http):
        first = await http.post("/v1/project", json=request_of(6), headers=KEY)
        assert first.status_code == 200
        told = [first.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset")]
        assert told == ["10", "4", "12"]
        second = await http.post("/v1/project", json=request_of(6), headers=KEY)
        assert (second.status_code, second.json()["error"]) == (429, "RateLimited")
        assert 3 <= int(second.headers["retry-after"]) <= 4
        assert second.headers["ratelimit-remaining"] == "4"
        free = await http.post("/v1/project", json=request_of(60), headers={"x-api-key": "sb_free"})
        assert free.status_code == 200
        assert "ratelimit-limit" not in free.headers
        assert (await http.post("/v1/project", json=request_of(4), headers=KEY)).status_code == 200
        # Now it has none left: it is told so before its body is looked at.
        unread = await http.post("/v1/project", content=b"{", headers=KEY)
        assert (unread.status_code, unread.json()["error"]) == (429, "RateLimited")
        assert int(unread.headers["retry-after"]) <= 2
        assert unread.headers["ratelimit-remaining"] == "0"
        assert (await http.get("/v1/methods", headers=KEY)).status_code == 200


async def test_a_request_above_the_burst_is_served_and_paid_off(keys):
    async with opened(keys=keys) as (_, http):
        large = await http.post("/v1/project", json=request_of(50), headers=KEY)
        assert large.status_code == 200
        assert int(large.headers["ratelimit-reset"]) in (99, 100)
        refused = await http.post("/v1/project", json=request_of(1), headers=KEY)
        assert refused.status_code == 429
        assert 80 <= int(refused.headers["retry-after"]) <= 82


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/translate", {"texts": ["a", "b", "c"], "source_lang": "swh_Latn", "target_lang": "eng_Latn"}),
        ("/v1/align", {"pairs": [{"source_tokens": ["a"], "target_tokens": ["a"]}] * 3}),
        ("/v1/ner", {"sentences": [{"text": "a"}] * 3, "lang": "eng_Latn"}),
        ("/v1/translate-train", {"sentences": [{"text": "a"}] * 3, "lang": "swh_Latn"}),
        ("/v1/compare", {"sentences": [{"text": "a"}] * 3, "lang": "swh_Latn", "methods": ["candidates"]}),
    ],
)
async def test_every_path_is_charged_by_its_sentences(keys, path, body):
    async with opened(keys=keys) as (_, http):
        response = await http.post(path, json=body, headers=KEY)
        assert (response.status_code, response.headers["ratelimit-remaining"]) == (200, "7")


async def test_a_refused_request_costs_no_sentences(keys):
    async with opened(keys=keys) as (_, http):
        bad = {"sentences": [{"text": "a"}] * 3, "lang": "klingon"}
        assert (await http.post("/v1/project", json=bad, headers=KEY)).status_code == 422
        response = await http.post("/v1/project", json=request_of(1), headers=KEY)
        assert response.headers["ratelimit-remaining"] == "9"


async def test_gateways_share_a_keys_rate_and_survive_redis(keys, tmp_path):
    with redis_server(tmp_path) as server:
        async with (
            opened(keys=keys, limits_url=server.url) as (_, one),
            opened(keys=keys, limits_url=server.url) as (_, two),
        ):
            assert (await one.post("/v1/project", json=request_of(6), headers=KEY)).status_code == 200
            assert (await two.post("/v1/project", json=request_of(6), headers=KEY)).status_code == 429
            server.kill()
            assert (await two.post("/v1/project", json=request_of(6), headers=KEY)).status_code == 200
            assert (await two.post("/v1/project", json=request_of(6), headers=KEY)).status_code == 429


async def test_the_door_shuts_at_its_bound_and_opens_again():
    backend = HeldBackend()
    async with (
        served(held_translation(backend)) as translation,
        opened(translation_url=translation, max_in_flight=4) as (
            _,
            http,
        ),
    ):
        await http.get("/v1/languages")
        backend.texts.clear()
        backend.held = True
        # Larger than the bound, and let in: nothing else is in work.
        large = asyncio.create_task(http.post("/v1/project", json=request_of(9)))
        await until(lambda: backend.texts)
        for body in (b"{", b"x" * 100_000):
            refused = await http.post("/v1/project", content=body)
            assert (refused.status_code, refused.json()["error"]) == (429, "Overloaded")
            assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert (await http.get("/v1/methods")).status_code == 200
        backend.gate.set()
        assert (await large).status_code == 200
        assert (await http.post("/v1/project", json=request_of(3))).status_code == 200
        leaving = asyncio.create_task(http.post("/v1/project", json=request_of(9, "Asha {}")))
        backend.gate.clear()
        await until(lambda: any("Asha" in text for text in backend.texts))
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        backend.gate.set()
        assert (await http.post("/v1/project", json=request_of(1))).status_code == 200


async def test_a_service_that_is_full_for_a_moment_costs_no_request():
    """Regression: a stage that was full threw away what the stages before it had computed."""
    backend = HeldBackend()
    async with (
        served(held_translation(backend, max_queue=3)) as translation,
        opened(translation_url=translation) as (_, http),
    ):
        backend.held = True
        first = asyncio.create_task(http.post("/v1/project", json=request_of(3)))
        await until(lambda: len(backend.texts) > 1)
        second = asyncio.create_task(http.post("/v1/project", json=request_of(3, "Asha {}")))
        await asyncio.sleep(0.05)
        assert not second.done()
        backend.gate.set()
        assert (await first).status_code == (await second).status_code == 200


async def test_a_request_in_parts_is_let_in_once_and_charged_for_all():
    door = Door(5)
    key = make_key("ann", "sb_ann", 1.0)
    first = Ticket(door, Limiter(MemoryBuckets()), key)
    await first.admit(4)
    other = Ticket(door, Limiter(MemoryBuckets()), None)
    await other.admit(1)
    with pytest.raises(Overloaded):
        await Ticket(door, Limiter(MemoryBuckets()), None).admit(1)
    await first.admit(4)  # Never in the middle.
    await first.admit(90)
    assert first.allowance.tokens == pytest.approx(60 - 98, abs=1)
    first.release()
    other.release()
    fresh = Ticket(door, Limiter(MemoryBuckets()), None)
    fresh.arrive()
    await fresh.admit(5)
    with pytest.raises(Overloaded):
        Ticket(door, Limiter(MemoryBuckets()), None).arrive()


async def test_of_many_that_arrive_at_once_no_more_come_in_than_there_is_room_for():
    """Regression: whoever arrived before the first had been counted passed the door, and only then was refused."""
    door, limiter = Door(5), Limiter(MemoryBuckets())
    tickets = [Ticket(door, limiter, None) for _ in range(5)]
    for ticket in tickets:
        ticket.arrive()
    with pytest.raises(Overloaded):
        Ticket(door, limiter, None).arrive()
    tickets[0].release()  # It had no sentences.
    for ticket in tickets[1:]:
        await ticket.admit(1)
    last = Ticket(door, limiter, None)
    last.arrive()
    with pytest.raises(Overloaded):
        Ticket(door, limiter, None).arrive()
    for ticket in (*tickets, last):
        ticket.release()
        ticket.release()  # Twice changes nothing.
    for _ in range(5):
        Ticket(door, limiter, None).arrive()
    with pytest.raises(Overloaded):
        Ticket(door, limiter, None).arrive()


async def test_a_tool_that_takes_a_refusal_for_a_broken_server_gets_in_while_the_door_is_shut():
    """Regression: Label Studio's setup and webhooks, which label nothing, were refused with 429."""
    backend = HeldBackend()
    async with (
        served(held_translation(backend)) as translation,
        opened(translation_url=translation, max_in_flight=1) as (_, http),
    ):
        await http.get("/v1/languages")
        backend.texts.clear()
        backend.held = True
        inside = asyncio.create_task(http.post("/v1/project", json=request_of(1)))
        await until(lambda: backend.texts)
        assert (await http.post("/v1/project", json=request_of(1))).status_code == 429
        event = {"action": "PROJECT_UPDATED", "project": {"id": 1}}
        assert (await http.post("/integrations/label-studio/webhook", json=event)).status_code == 200
        backend.gate.set()
        assert (await inside).status_code == 200


async def test_behind_a_prefix_the_same_paths_are_let_in():
    """Regression: under a proxy's prefix Label Studio was turned away while the door was shut."""
    async with opened(max_in_flight=1) as (app, _):
        transport = httpx.ASGITransport(app=app, root_path="/label")
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway/label/") as http:
            door = next(each.kwargs["door"] for each in app.user_middleware if "door" in each.kwargs)
            door.enter(1)
            assert (await http.post("v1/project", json=request_of(1))).status_code == 429
            event = {"action": "PROJECT_UPDATED", "project": {"id": 1}}
            assert (await http.post("integrations/label-studio/webhook", json=event)).status_code == 200
            door.leave(1)


@pytest.mark.parametrize("more", ["", ":999999999:999999999"])
async def test_a_key_that_may_send_more_now_is_let_in_at_once(more):
    """Regression: a key in debt was held to the rate that it had when it ran out, for hours."""
    limiter = Limiter(MemoryBuckets())
    before, after = (read_key("ann:" + "0" * 64 + each) for each in (":0.01:10", more))
    await limiter.charge(before, 5_000, force=False)
    assert limiter.check(before) is not None
    await asyncio.sleep(0.01)
    assert limiter.check(after) is None


async def test_what_a_rate_refused_is_not_counted_as_done():
    """Regression: thousands of refused sentences a millisecond made all others be told to come back at once."""
    now = 0.0
    door, limiter = Door(10), Limiter(MemoryBuckets())
    door._throughput = Throughput(lambda: now)
    slow = Ticket(door, limiter, None)
    await slow.admit(10)
    now = 10.0
    slow.release()  # A sentence a second.
    ann = read_key("ann:" + "0" * 64 + ":1:10")
    await limiter.charge(ann, 5, force=False)
    greedy = Ticket(door, limiter, ann)
    with pytest.raises(RateLimited):
        await greedy.admit(5_000)
    greedy.release()
    await Ticket(door, limiter, None).admit(30)
    with pytest.raises(Overloaded) as refused:
        door.check()
    assert refused.value.retry_after == 21


async def test_who_is_refused_by_rate_holds_no_place():
    door, limiter = Door(5), Limiter(MemoryBuckets())
    key = make_key("ann", "sb_ann", 0.01)
    first = Ticket(door, limiter, key)
    await first.admit(1)
    first.release()
    second = Ticket(door, limiter, key)
    with pytest.raises(RateLimited):
        second.arrive()
    with pytest.raises(RateLimited):
        await second.admit(5)
    second.release()
    Ticket(door, limiter, None).arrive()


async def test_far_above_its_capacity_a_gateway_goes_on_to_serve():
    """Of ten times what it can do, it does most of what it could; the exact share is `make bench`'s to measure."""
    backend = HeldBackend()
    own = backend.translate

    def slow(decoding, sources):
        time.sleep(0.01 * len(sources))
        return own(decoding, sources)

    backend.translate = slow
    statuses: list[int] = []

    async def client(http, name):
        for number in range(4):
            response = await http.post("/v1/project", json=request_of(2, f"N{name} {number} {{}}"))
            statuses.append(response.status_code)
            assert response.status_code in (200, 429)

    service = held_translation(backend, cache_url="none://")
    async with served(service) as url, opened(translation_url=url, max_in_flight=20) as (_, http):
        await asyncio.gather(*(client(http, name) for name in range(60)))
    computed = backend.texts[1:]  # The first is the model's own to warm up.
    # All that was begun was finished: no sentence was computed for an answer that was refused.
    assert statuses.count(200) * 2 == len(set(computed)) == len(computed)
    assert statuses.count(200) >= 10
    assert statuses.count(429) >= 10
