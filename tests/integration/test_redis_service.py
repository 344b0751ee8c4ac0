"""A service process with a Redis: what it tells at its start, and what its log shows."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.support.processes import free_port, wait_until_ready
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.processes

COMMAND = [sys.executable, "-m", "spanbridge_translation"]
SECRET = "hunter2"


def _environment(url: str, port: int) -> dict[str, str]:
    own = {"BACKEND": "stub", "CACHE_URL": url, "PORT": str(port)}
    return os.environ | {f"SPANBRIDGE_TRANSLATION_{name}": value for name, value in own.items()}


def test_a_wrong_url_ends_the_start_with_one_line() -> None:
    environment = _environment(f"redis://:{SECRET}/x@localhost", free_port())
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("spanbridge: SPANBRIDGE_TRANSLATION_CACHE_URL: a Redis URL can't be read")
    assert SECRET not in line


def test_a_service_starts_and_answers_without_its_redis_and_finds_it_later(tmp_path: Path) -> None:
    redis, port, log = RedisServer(tmp_path, requirepass=SECRET), free_port(), tmp_path / "service.log"
    request = {"texts": ["Habari za asubuhi", "Habari za asubuhi", "Kwaheri"], "source_lang": "swh_Latn"}
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as written:
        process = subprocess.Popen(COMMAND, env=_environment(redis.url, port), stdout=written, stderr=written)
    try:
        wait_until_ready(url, process)
        answers = [httpx.post(f"{url}/v1/translate", json=request).json() for _ in range(2)]
        assert answers[0] == answers[1]
        assert [each["hypotheses"][0]["text"] for each in answers[0]["translations"]] == request["texts"]
        assert [each["cached"] for each in answers[0]["translations"]] == [False, False, False]
        assert 'spanbridge_cache_failures_total{reason="connection",service="translation"} 1.0' in (
            httpx.get(f"{url}/metrics").text
        )
        redis.start()
        deadline = time.monotonic() + 30
        while True:
            answer = httpx.post(f"{url}/v1/translate", json=request).json()
            if answer["translations"][0]["cached"] or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        assert [each["cached"] for each in answer["translations"]] == [True, True, True]
    finally:
        redis.kill()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    told = [json.loads(line) for line in log.read_text().splitlines()]
    messages = [line["message"] for line in told if line["logger"] == "spanbridge.cache"]
    assert messages == [
        f"translation: the cache at redis://127.0.0.1:{redis.port}/0 is away (ConnectionError); "
        "answers are computed without it",
        f"translation: the cache at redis://127.0.0.1:{redis.port}/0 is back",
    ]
    assert SECRET not in log.read_text()
    assert "Traceback" not in log.read_text()
