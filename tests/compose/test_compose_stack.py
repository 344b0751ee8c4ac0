"""The containers of docker-compose.yml, for real: what they hold, what they may do, what they answer, how they fail."""

import itertools
import json
from functools import partial

import pytest

from spanbridge import Spanbridge
from tests.compose.stack import SERVICES, Stack

pytestmark = pytest.mark.compose

MAX_IMAGE_BYTES = 500_000_000
SENTENCE = "Rais Samia alitembelea Nairobi jana."
WANTED = {("Samia", "PER", 5, 10), ("Nairobi", "LOC", 23, 30)}
MODELS = ("translation", "alignment", "ner-teacher")
ALL = (*SERVICES, "redis")
PORTS = {"translation": 8001, "alignment": 8002, "projection": 8003, "ner-teacher": 8004}


def test_images_are_small_and_hold_no_torch(stack: Stack) -> None:
    sizes: dict[str, int] = {}
    for service in SERVICES:
        whole = int(stack.engine.docker("image", "inspect", "-f", "{{.Size}}", stack.inspect(service)["Image"]).stdout)
        weights = sum(int(line.split()[0]) for line in stack.inside(service, "du", "-sb", "/opt/models").splitlines())
        sizes[service] = whole - weights
        code = "import importlib.util as u; print([n for n in ('torch', 'transformers', 'pip') if u.find_spec(n)])"
        assert stack.inside(service, "/opt/venv/bin/python", "-c", code) == "[]"
    told = ", ".join(f"{service} {size / 1e6:.0f}" for service, size in sizes.items())
    assert max(sizes.values()) <= MAX_IMAGE_BYTES, told
    stack.figures["images"] = f"{told} MB without weights"


@pytest.mark.parametrize("service", ALL)
def test_containers_may_do_little(stack: Stack, service: str) -> None:
    assert stack.inside(service, "id", "-u") != "0"
    assert stack.inside(service, "sh", "-c", "touch /here 2>/dev/null || echo refused") == "refused"
    about = stack.inspect(service)
    host = about["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert any(each.startswith("no-new-privileges") for each in host["SecurityOpt"])
    assert host["Memory"] > 0
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    published = {port: places for port, places in about["NetworkSettings"]["Ports"].items() if places}
    if service == "gateway":
        assert published == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(stack.port)}]}
    else:
        assert published == {}
        networks = list(about["NetworkSettings"]["Networks"])
        (inside,) = json.loads(stack.engine.docker("network", "inspect", *networks).stdout)
        assert inside["Internal"] is True


def test_services_serve_their_gateway_alone(stack: Stack) -> None:
    code = (
        "import sys, urllib.error, urllib.request\n"
        "try:\n    print(urllib.request.urlopen(sys.argv[1]).status)\n"
        "except urllib.error.HTTPError as refused:\n    print(refused.code)"
    )
    for service, port in PORTS.items():
        assert stack.inside("gateway", "python", "-c", code, f"http://{service}:{port}/v1/info") == "403"
        assert stack.inside("gateway", "python", "-c", code, f"http://{service}:{port}/readyz") == "200"


def test_memory_stays_below_the_limits(stack: Stack) -> None:
    stack.result(SENTENCE)
    told: list[str] = []
    for service in ALL:
        # Of cgroup 2, or of 1.
        script = "cat /sys/fs/cgroup/memory.current 2>/dev/null || cat /sys/fs/cgroup/memory/memory.usage_in_bytes"
        used = int(stack.inside(service, "sh", "-c", script))
        limit = stack.inspect(service)["HostConfig"]["Memory"]
        assert used < limit
        told.append(f"{service} {used / 2**20:.0f} of {limit / 2**20:.0f}")
    stack.figures["memory"] = f"{', '.join(told)} MiB"


def test_sentences_get_their_entities(stack: Stack) -> None:
    with Spanbridge(url=stack.url) as bridge:
        (found,) = bridge.project([SENTENCE], lang="swh_Latn")
    assert {(each.text, each.label, each.start, each.end) for each in found.entities} == WANTED
    methods = ("candidates", "heuristic", "transfer", "student", "ensemble")
    for method in methods:
        assert stack.result(SENTENCE, method=method)["entities"], method
    stack.figures["sentences"] = f"entities found by {len(methods)} of {len(methods)} methods"


def test_a_killed_service_is_named_while_it_is_away_and_comes_back(stack: Stack) -> None:
    told: list[str] = []
    for service in MODELS:
        text = f"Rais Samia alitembelea {service.capitalize()} na Nairobi jana."  # Not in any cache.
        container = stack.container(service)
        stack.engine.docker("kill", container)
        away = stack.post(text)
        assert away.status_code in (424, 503), away.text
        assert service.replace("-", "_") in away.json()["detail"]
        stack.engine.docker("start", container)
        seconds = stack.wait_until(partial(stack.answers, text), f"an answer with {service}")
        told.append(f"{service} {away.status_code}, back after {seconds:.0f} s")
    stack.figures["without a service"] = ", ".join(told)


def test_a_service_that_ends_by_itself_is_restarted(stack: Stack) -> None:
    before = stack.inspect("ner-teacher")["RestartCount"]
    stack.inside("ner-teacher", "python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")
    stack.wait_until(lambda: stack.inspect("ner-teacher")["RestartCount"] > before, "a restart")
    seconds = stack.wait_until(lambda: stack.health("ner-teacher") == "healthy", "health")
    assert stack.result("Wangari Maathai aliishi Nairobi.")["error"] is None
    stack.figures["restarted"] = f"ner-teacher healthy again after {seconds:.0f} s"


def test_redis_goes_and_comes_while_sentences_are_answered(stack: Stack) -> None:
    assert not all(stack.result("Amina Juma alikwenda Dodoma.")["cached"].values())
    assert int(stack.inside("redis", "redis-cli", "dbsize")) > 0
    # What is in Redis outlives the process that put it there.
    stack.compose("restart", "translation", "alignment")
    for service in ("translation", "alignment"):
        stack.wait_until(partial(stack.is_healthy, service), f"the health of {service}")
    # Asked otherwise, the gateway has no answer of its own, and the services are asked again.
    again = stack.result("Amina Juma alikwenda Dodoma.", include=["tokens"])
    assert again["cached"] == {"translation": True, "alignment": True}
    assert again["timings_ms"]
    stack.compose("stop", "redis")
    answers = [stack.post(f"Rais Ruto alifika Mombasa tarehe {day}.") for day in range(10)]
    answered = sum(each.status_code == 200 for each in answers)
    assert answered == 10, [each.text for each in answers if each.status_code != 200]
    stack.compose("start", "redis")
    stack.wait_until(lambda: stack.health("redis") == "healthy", "Redis")

    fresh = itertools.count()

    def is_used_again() -> bool:
        stack.result(f"Rais Samia alifika Kampala saa {next(fresh)}.")
        return int(stack.inside("redis", "redis-cli", "dbsize")) > 0

    seconds = stack.wait_until(is_used_again, "an entry in Redis")
    stack.figures["without Redis"] = (
        f"{answered} of 10 sentences answered, used again {seconds:.0f} s after it was back"
    )
