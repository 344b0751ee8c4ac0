"""What every test runs under: no network but loopback, no model hub, and the same examples each time.

Only this process is kept from the network: what a test starts as a process of its own inherits the hub's offline
switches through the environment, and nothing else.
"""

import importlib.util
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

MODELS = Path(__file__).resolve().parents[1] / "models"

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
os.environ |= {"HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=60)
settings.register_profile("searching", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(autouse=True)
def _settings_of_one_test_alone() -> Iterator[None]:
    """Undo what a command that a test runs in this process leaves in the environment: how to log, for one."""
    before = {name: value for name, value in os.environ.items() if name.startswith("SPANBRIDGE_")}
    yield
    for name in [name for name in os.environ if name.startswith("SPANBRIDGE_")]:
        del os.environ[name]
    os.environ.update(before)


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine. Not an `OSError`, so that no retry or fallback swallows it."""


def _check(host: object) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is None or name in ("", "localhost"):
        return
    try:
        inside = ipaddress.ip_address(str(name).partition("%")[0]).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise NetworkBlocked(f"tests may reach loopback only, not {name!r}; use a stub, or a server on 127.0.0.1")


def _guarded(original: Callable[..., Any], address: Callable[[tuple[Any, ...]], Any]) -> Callable[..., Any]:
    def guard(first: Any, *rest: Any, **options: Any) -> Any:
        target = address((first, *rest))
        if isinstance(first, socket.socket):
            # Unix sockets have a path for an address.
            if first.family in (socket.AF_INET, socket.AF_INET6):
                _check(target[0])
        else:
            _check(target)
        return original(first, *rest, **options)

    return guard


def _block_network() -> None:
    for method in ("connect", "connect_ex"):
        setattr(socket.socket, method, _guarded(getattr(socket.socket, method), lambda given: given[1]))
    # The address comes last: sendto(data, address) or sendto(data, flags, address).
    setattr(socket.socket, "sendto", _guarded(socket.socket.sendto, lambda given: given[-1]))  # noqa: B010
    for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(socket, function, _guarded(getattr(socket, function), lambda given: given[0]))


_block_network()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what can't run here, saying why. Missing models are a failure unless `ALLOW_MISSING_MODELS=1`."""
    no_torch = importlib.util.find_spec("torch") is None
    no_models = os.environ.get("ALLOW_MISSING_MODELS") == "1" and not (MODELS / "nmt" / "spanbridge.json").is_file()
    for item in items:
        if no_torch and item.get_closest_marker("torch"):
            item.add_marker(pytest.mark.skip(reason="torch isn't installed (the convert extra)"))
        if no_models and item.get_closest_marker("models"):
            item.add_marker(pytest.mark.skip(reason="models/nmt is missing and ALLOW_MISSING_MODELS=1"))
