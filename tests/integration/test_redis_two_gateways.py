"""Two gateway processes that share one Redis translate each sentence once, however their requests overlap."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.support.redis_server import RedisServer, redis_server
from tests.support.two_gateways import (
    Running,
    batches_of_sentences,
    reached_the_model,
    translations,
    two_gateways,
)

pytestmark = pytest.mark.processes

SENTENCES = 10_000
DISTINCT = 7_000


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def gateways(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    folder = tmp_path_factory.mktemp("gateways")
    with two_gateways(redis.url, folder, cache_timeout_s="5", cache_lease_s="60") as running:
        yield running
    assert "".join(gateway.log.read_text() for gateway in running) == ""


@pytest.mark.parametrize("order", ["same order", "other order"])
async def test_each_of_10_000_sentences_is_translated_once(gateways: list[Running], order: str) -> None:
    batches = batches_of_sentences(order, distinct=DISTINCT, repeated=SENTENCES - DISTINCT, size=100)
    assert sum(map(len, batches)) == SENTENCES
    # Batches that overlap in different orders: what one gateway has leases on, the other waits for, and vice versa.
    swapped = [[*reversed(texts)] for pair in zip(batches[1::2], batches[::2], strict=True) for texts in pair]
    before = reached_the_model("translation", gateways)
    first, second = await asyncio.gather(
        translations(gateways[0].url, batches),
        translations(gateways[1].url, batches if order == "same order" else swapped),
    )
    translated = reached_the_model("translation", gateways) - before
    assert translated == DISTINCT
    assert first == second == {text: text for batch in batches for text in batch}


async def test_labelled_sentences_are_translated_and_read_once(gateways: list[Running], redis: RedisServer) -> None:
    """The whole pipeline through both gateways; leases end with their values."""
    sentences = [{"text": f"Samia visited town {number % 70} with Ruto"} for number in range(100)]
    before = [reached_the_model(service, gateways) for service in ("translation", "ner_teacher")]
    async with httpx.AsyncClient(timeout=60) as http:
        request = {"sentences": sentences, "lang": "swh_Latn", "method": "heuristic"}
        answers = await asyncio.gather(*(http.post(f"{each.url}/v1/project", json=request) for each in gateways * 3))
    found = [[each["entities"] for each in answer.json()["results"]] for answer in answers]
    assert all(each == found[0] for each in found)
    assert all(found[0])
    after = [reached_the_model(service, gateways) for service in ("translation", "ner_teacher")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [70, 70]
    with redis.client() as client:
        assert [*client.scan_iter("spanbridge:1:translation:*", count=10_000)]
        assert not [*client.scan_iter("*:lease", count=10_000)]
