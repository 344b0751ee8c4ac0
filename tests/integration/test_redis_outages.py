"""Processes that share a Redis while it, or one of them, dies under load: no answer is wrong or missing."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.support.redis_server import redis_server
from tests.support.two_gateways import batches_of_sentences, reached_the_model, translations, two_gateways

pytestmark = pytest.mark.processes


async def test_redis_dies_and_returns_under_load(tmp_path: Path) -> None:
    batches = batches_of_sentences("outage", distinct=4_200, repeated=1_800, size=60)
    expected = {text: text for batch in batches for text in batch}
    with redis_server(tmp_path) as redis, two_gateways(redis.url, tmp_path, log_level="INFO") as gateways:

        async def disturb() -> None:
            for _ in range(3):
                await asyncio.sleep(0.3)
                redis.kill()
                await asyncio.sleep(0.3)
                await asyncio.to_thread(redis.start)

        *found, _ = await asyncio.gather(*(translations(each.url, batches) for each in gateways), disturb())
        assert found == [expected, expected]
        for gateway in gateways:
            await _until_cached(gateway.url)
        # All is shared again: the second of them computes nothing.
        fresh = batches_of_sentences("fresh", distinct=500, repeated=0, size=100)
        before = reached_the_model("translation", gateways)
        for gateway in gateways:
            await translations(gateway.url, fresh)
        assert reached_the_model("translation", gateways) - before == 500
    told = "".join(gateway.log.read_text() for gateway in gateways)
    assert "is away" in told
    assert "Traceback" not in told


async def test_a_gateway_dies_under_load(tmp_path: Path) -> None:
    """What it was computing is taken over once its leases end."""
    batches = batches_of_sentences("death", distinct=4_200, repeated=1_800, size=60)
    with (
        redis_server(tmp_path) as redis,
        two_gateways(redis.url, tmp_path, cache_lease_s="1", cache_timeout_s="5") as gateways,
    ):
        dying = asyncio.create_task(translations(gateways[0].url, batches))
        living = asyncio.create_task(translations(gateways[1].url, batches[::-1]))
        with redis.client() as client:
            for _ in range(3_000):
                if client.dbsize() > 600:
                    break
                await asyncio.sleep(0.01)
        gateways[0].process.kill()
        assert await living == {text: text for batch in batches for text in batch}
        with pytest.raises(httpx.TransportError):
            await dying


async def _until_cached(url: str) -> None:
    """Wait until what this gateway keeps comes from its cache again."""
    request = {"texts": [f"probe of {url}"], "source_lang": "swh_Latn"}
    async with asyncio.timeout(30), httpx.AsyncClient(base_url=url) as http:
        for _ in range(1_000):
            if (await http.post("/v1/translate", json=request)).json()["translations"][0]["cached"]:
                return
            await asyncio.sleep(0.02)
