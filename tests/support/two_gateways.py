"""Two gateway processes with stubs behind them that share one Redis, and what to send them."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.gateway import STUBS
from tests.support.processes import free_port, wait_until_ready

_IN_FLIGHT = 6


@dataclass(frozen=True)
class Running:
    """A gateway, its process and its log."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path


@contextmanager
def two_gateways(redis_url: str, folder: Path, **settings: str) -> Iterator[list[Running]]:
    """Both, ready; `settings` are those of each service's cache."""
    environment = os.environ | STUBS | {"SPANBRIDGE_GATEWAY_LOG_LEVEL": "WARNING"}
    environment["SPANBRIDGE_GATEWAY_MAX_IN_FLIGHT"] = "20000"  # The clients here send all at once, and don't come back.
    for service in ("TRANSLATION", "ALIGNMENT", "NER_TEACHER"):
        for name, value in {"cache_url": redis_url, "max_queue": "20000", **settings}.items():
            environment[f"SPANBRIDGE_{service}_{name.upper()}"] = value
    gateways: list[Running] = []
    try:
        for number in range(2):
            port, log = free_port(), folder / f"gateway-{number}.log"
            with log.open("wb") as written:
                command = [sys.executable, "-m", "spanbridge_gateway"]
                own = environment | {"SPANBRIDGE_GATEWAY_PORT": str(port)}
                process = subprocess.Popen(command, env=own, stdout=written, stderr=written)
            gateways.append(Running(f"http://127.0.0.1:{port}", process, log))
        for gateway in gateways:
            wait_until_ready(gateway.url, gateway.process)
        yield gateways
    finally:
        for gateway in gateways:
            gateway.process.send_signal(signal.SIGTERM)
        for gateway in gateways:
            gateway.process.wait(timeout=60)


def batches_of_sentences(name: str, *, distinct: int, repeated: int, size: int) -> list[list[str]]:
    """Sentences, some of them repetitions of others, shuffled and cut into batches."""
    chance = random.Random(20)
    texts = [f"{name} sentence number {number} about Nairobi" for number in range(distinct)]
    texts += chance.sample(texts, repeated)
    chance.shuffle(texts)
    return [texts[start : start + size] for start in range(0, len(texts), size)]


async def translations(url: str, batches: Sequence[Sequence[str]]) -> dict[str, str]:
    """Send the batches, a few at a time, in order; return each text's translation."""
    answers: dict[str, str] = {}
    slots = asyncio.Semaphore(_IN_FLIGHT)

    async def translate(http: httpx.AsyncClient, texts: Sequence[str]) -> None:
        async with slots:
            answer = await http.post("/v1/translate", json={"texts": [*texts], "source_lang": "swh_Latn"})
        assert answer.status_code == 200, answer.text
        for text, each in zip(texts, answer.json()["translations"], strict=True):
            assert each["error"] is None
            answers[text] = each["hypotheses"][0]["text"]

    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        await asyncio.gather(*(translate(http, texts) for texts in batches))
    return answers


def reached_the_model(service: str, gateways: Sequence[Running]) -> int:
    """Say how many sentences the service's model has seen, in both gateways together."""
    found = [
        re.search(rf'^spanbridge_batch_sentences_sum{{service="{service}"}} (\S+)$', page, re.MULTILINE)
        for page in (httpx.get(f"{gateway.url}/metrics").text for gateway in gateways)
    ]
    return sum(int(float(each[1])) for each in found if each is not None)
