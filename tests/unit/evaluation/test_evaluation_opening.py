"""Caches: off where settings are compared, and the environment as it was afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spanbridge_evaluation.opening import environment, open_client
from spanbridge_evaluation.results import Caches

SERVICES = ("TRANSLATION", "ALIGNMENT", "NER_TEACHER")


def named() -> list[str | None]:
    return [os.environ.get(f"SPANBRIDGE_{name}_CACHE_URL") for name in SERVICES]


@pytest.mark.parametrize(("caches", "expected"), [(Caches.OFF, "none://"), (Caches.FRESH, "memory://")])
def test_services_open_with_the_caches_asked_for(
    monkeypatch: pytest.MonkeyPatch, caches: Caches, expected: str
) -> None:
    seen: list[list[str | None]] = []

    @contextmanager
    def session(url: str | None) -> Iterator[None]:
        seen.append(named())
        yield

    monkeypatch.setattr("spanbridge.cli.session.opened", session)
    for name in SERVICES:
        monkeypatch.setenv(f"SPANBRIDGE_{name}_CACHE_URL", "memory://")
    with open_client(None, caches):
        pass
    assert seen == [[expected] * 3]
    assert named() == ["memory://"] * 3


def test_what_was_not_there_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPANBRIDGE_X", raising=False)
    monkeypatch.setenv("SPANBRIDGE_Y", "1")
    with environment({"SPANBRIDGE_X": "2", "SPANBRIDGE_Y": "2"}):
        assert os.environ["SPANBRIDGE_X"] == os.environ["SPANBRIDGE_Y"] == "2"
    assert "SPANBRIDGE_X" not in os.environ
    assert os.environ["SPANBRIDGE_Y"] == "1"
