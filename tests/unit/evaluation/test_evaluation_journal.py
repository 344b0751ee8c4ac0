"""Finished batches: kept, continued, and never mixed up with others."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from spanbridge_evaluation.running.batches import run_batches
from spanbridge_evaluation.running.journal import Journal, Outcome, default_folder, run_key
from spanbridge_shared.errors import ConfigurationError


def double(part: Sequence[int]) -> list[Outcome]:
    return [{"n": 2 * each, "error": "Odd" if each % 2 else None} for each in part]


def refuse(part: Sequence[int]) -> list[Outcome]:
    raise AssertionError(f"{part} was there already")


def ignore(_: int) -> None: ...


def test_a_run_in_batches(tmp_path: Path) -> None:
    seen: list[int] = []
    sizes: list[int] = []
    run = run_batches(
        range(5), lambda part: (sizes.append(len(part)), double(part))[1], Journal(tmp_path / "a"), 2, seen.append
    )
    assert run.outcomes == double(range(5))
    assert (sizes, seen) == ([2, 2, 1], [0, 2, 4, 5])
    assert run.rate == 5 / run.seconds
    assert run.faults == {"Odd": 2}


def test_what_is_kept_is_not_computed_again(tmp_path: Path) -> None:
    path = tmp_path / "below" / "a.jsonl"
    Journal(path).append(double(range(3)), 1.5)
    again = Journal(path)
    run = run_batches(range(4), double, again, 2, ignore)
    assert run.outcomes == double(range(4))
    assert run.seconds > 1.5
    assert run_batches(range(4), refuse, Journal(path), 64, ignore).outcomes == double(range(4))
    assert Journal(path, fresh=True).outcomes == []
    assert not path.exists()


@pytest.mark.parametrize("torn", ['{"start":2,"seconds":1,"outc', '{"start":9,"seconds":1,"outcomes":[{}]}\n', "[]\n"])
def test_what_does_not_follow_is_ignored(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "a.jsonl"
    Journal(path).append(double(range(2)), 1.0)
    with path.open("a", encoding="utf-8") as file:
        file.write(torn)
    assert run_batches(range(4), double, Journal(path), 2, ignore).outcomes == double(range(4))
    assert Journal(path).outcomes == double(range(4))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="--resume-dir names another"):
        Journal(tmp_path / "file" / "a.jsonl").append([], 1.0)


def test_keys_depend_on_every_part() -> None:
    assert run_key(a=1, b="x") == run_key(b="x", a=1)
    assert len({run_key(a=1, b="x"), run_key(a=1, b="y"), run_key(a=2, b="x"), run_key(a=1)}) == 4


def test_the_default_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "spanbridge" / "evaluate"
