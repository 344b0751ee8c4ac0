"""What needs no engine to be seen: the compose file's promises, and what goes into which image."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
MEMBERS = ("gateway", "translation", "alignment", "projection", "ner_teacher")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def test_every_container_may_do_little(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name != "models":
            assert service["restart"] == "unless-stopped", name
            assert "mem_limit" in service, name
            assert "healthcheck" in service, name


def test_only_the_gateway_is_seen_from_outside(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"gateway", "gateway-dev"}
    outside = {name for name, service in services.items() if "outside" in service["networks"]}
    assert outside == {"gateway", "gateway-dev", "models"}


@pytest.mark.parametrize("profile", ["cpu", "gpu", "dev"])
def test_every_profile_has_each_service_once(services: dict[str, dict[str, Any]], profile: str) -> None:
    chosen = {name: service for name, service in services.items() if profile in service["profiles"]}
    plain = sorted(name.removesuffix("-gpu").removesuffix("-dev") for name in chosen)
    assert plain == ["alignment", "gateway", "ner-teacher", "projection", "redis", "translation"]
    for name, service in chosen.items():
        if (known := name.removesuffix("-gpu").removesuffix("-dev")) not in (name, "gateway"):
            assert service["networks"] == {"inside": {"aliases": [known]}}


def test_plain_up_starts_the_cpu_profile() -> None:
    assert "COMPOSE_PROFILES=cpu" in (ROOT / ".env").read_text().splitlines()


def test_the_dockerfile_needs_no_buildkit() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert not re.search(r"^# *syntax=|--mount|<<|COPY .*--(chmod|link|exclude)", text, re.MULTILINE)


def requirements(member: str) -> set[str]:
    command = [sys.executable, str(ROOT / "deploy/docker/requirements.py"), member]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {Requirement(line).name for line in told.splitlines()}


def test_images_get_what_their_members_need_and_no_torch() -> None:
    found = {member: requirements(member) for member in MEMBERS}
    for names in found.values():
        assert {"fastapi", "uvicorn", "redis", "opentelemetry-sdk"} <= names
        assert not names & {"torch", "transformers", "sentencepiece"}
    assert {"ctranslate2", "tokenizers"} <= found["translation"] & found["alignment"] & found["ner_teacher"]
    assert {name for name, needed in found.items() if "spacy" in needed} == {"ner_teacher"}
    assert {name for name, needed in found.items() if "highspy" in needed} == {"projection"}
    assert {"torch", "transformers", "sentencepiece", "ctranslate2"} <= requirements("client[convert]")


def test_every_requirement_is_pinned() -> None:
    pinned = {Requirement(line).name for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    for member in (*MEMBERS, "client[convert]"):
        assert requirements(member) <= pinned, member


def test_an_unknown_member_is_told() -> None:
    command = [sys.executable, str(ROOT / "deploy/docker/requirements.py"), "gatway"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there is no member 'gatway'; there are alignment, client" in done.stderr
