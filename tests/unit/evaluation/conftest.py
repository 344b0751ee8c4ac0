from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from spanbridge.cli import main
from tests.unit.evaluation.contest_fakes import ContestClient
from tests.unit.evaluation.evaluation_fakes import FakeClient, opened


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeClient:
    """The fake client, in the place of the real one; unfinished runs are kept below the test's folder."""
    fake = FakeClient()
    for module in ("opening", "measuring"):
        monkeypatch.setattr(f"spanbridge_evaluation.{module}.open_client", lambda url, caches: opened(fake))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SPANBRIDGE_URL", raising=False)
    return fake


@pytest.fixture
def contest_client(client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> ContestClient:
    """A fake client with every method, in the place of the real one."""
    fake = ContestClient()
    monkeypatch.setattr("spanbridge_evaluation.opening.open_client", lambda url, caches: opened(fake))
    return fake


@pytest.fixture
def evaluate(client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `spanbridge evaluate` in the test's folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["evaluate", *arguments])
