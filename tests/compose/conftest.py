"""`make test-compose`: an engine, the images, the containers; and the figures on the last line."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.compose import stand_ins
from tests.compose.engine import EngineMissing, open_engine
from tests.compose.stack import SERVICES, Stack
from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
ASKED = os.environ.get("REQUIRE_ENGINE") == "1"
EXPECTED = ("images", "start", "memory", "sentences", "without a service", "restarted", "without Redis")
_FIGURES: dict[str, str] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests where nobody asked for them: they build images for minutes."""
    for item in items:
        if not ASKED and item.get_closest_marker("compose"):
            item.add_marker(pytest.mark.skip(reason="builds container images: `make test-compose` asks for that"))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """All containers, healthy. COMPOSE_ENGINE_DIR keeps the tests' own engine and its images for the next run."""
    with ExitStack() as end:
        kept = os.environ.get("COMPOSE_ENGINE_DIR")
        folder = Path(kept) if kept else Path(end.enter_context(tempfile.TemporaryDirectory(prefix="engine-")))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            engine = end.enter_context(open_engine(folder))
            made = stand_ins.provide(engine, folder)
        except EngineMissing as fault:
            pytest.fail(f"REQUIRE_ENGINE=1, and there is no engine: {fault}", pytrace=False)
        port = free_port()
        os.environ |= {"SPANBRIDGE_PORT": str(port), "SPANBRIDGE_BIND": "127.0.0.1", "SPANBRIDGE_TAG": "test"}
        os.environ["SPANBRIDGE_SECRET"] = "a secret that the tests made up"
        stack = Stack(engine, ROOT, f"spanbridge-test-{port}", port, _FIGURES)
        if made:
            _FIGURES["base images"] = f"stand-ins for {' and '.join(made)}"
        for service in SERVICES:  # One at a time: a build takes all cores of a small machine.
            stack.compose("build", service)
        end.callback(stack.compose, "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "20")
        start = time.monotonic()
        try:
            stack.compose("up", "--wait", "--no-build")
        except RuntimeError as fault:
            pytest.fail(f"{fault}\n{stack.compose('logs', '--tail', '20')}", pytrace=False)
        _FIGURES["start"] = f"all healthy after {time.monotonic() - start:.0f} s"
        yield stack


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where a figure is missing: a test that measures was left out or never got so far."""
    if ASKED and _missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the figures below pytest's own summary."""
    if not ASKED:
        return
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    told = "; ".join(f"{name}: {value}" for name, value in _FIGURES.items())
    missing = f"; MISSING: {', '.join(_missing())}" if _missing() else ""
    if reporter is not None:
        reporter.write_line(f"compose: {told}{missing}")


def _missing() -> list[str]:
    return [name for name in EXPECTED if name not in _FIGURES]
