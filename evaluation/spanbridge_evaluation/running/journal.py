"""Finished batches on the disk, so that a stopped run continues.

One JSON Lines file per run, named by a hash of all that its results depend on; a line per batch. They go away when the
whole command ends well, so that a later one measures anew.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from spanbridge_shared.errors import ConfigurationError

Outcome = dict[str, Any]
"""What is kept of one sentence: JSON values only."""


class _Batch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    start: int
    seconds: float
    outcomes: list[Outcome]


def default_folder() -> Path:
    """Return the user's cache folder for unfinished evaluations."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "spanbridge" / "evaluate"


def run_key(**parts: Any) -> str:
    """Return a name for the run that depends on all parts and on nothing else."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:32]


class Journal:
    """The finished batches of one run: `outcomes` in order, and the `seconds` that they took."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self._path = path
        self.outcomes: list[Outcome] = []
        self.seconds = 0.0
        if fresh:
            self.forget()
        self._keep(self._read())

    def _read(self) -> list[_Batch]:
        try:
            lines = self._path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        except OSError as fault:
            raise _unusable(self._path, fault) from fault
        return list(_sound(lines))

    def _keep(self, batches: list[_Batch]) -> None:
        for batch in batches:
            self.outcomes += batch.outcomes
            self.seconds += batch.seconds

    def append(self, outcomes: list[Outcome], seconds: float) -> None:
        """Keep a batch that follows those already here; raises `ConfigurationError` where that can't be written."""
        batch = _Batch(start=len(self.outcomes), seconds=seconds, outcomes=outcomes)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(b"\n" if self._is_torn() else b"")
                file.write(batch.model_dump_json().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise _unusable(self._path, fault) from fault
        self._keep([batch])

    def _is_torn(self) -> bool:
        """Say whether a line was cut off while it was written; what follows must not become part of it."""
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            return file.read(1) not in (b"", b"\n")

    def forget(self) -> None:
        """Remove it."""
        self._path.unlink(missing_ok=True)


def _sound(lines: list[bytes]) -> Iterator[_Batch]:
    """Give the batches that follow each other; a line that was cut off is none."""
    done = 0
    for line in lines:
        try:
            batch = _Batch.model_validate_json(line)
        except ValidationError:
            continue
        if batch.start == done:
            done += len(batch.outcomes)
            yield batch


def _unusable(path: Path, fault: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} can't keep finished batches: {fault.strerror}; --resume-dir names another folder"
    )
