"""A stage is a folder made whole or not at all, and made again only when its inputs or options changed."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.nmt.errors import StageError

logger = logging.getLogger(__name__)

STAMP = "stamp.json"
# Raised when a stage writes something else from the same inputs and options.
FORMAT = 1


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and file.name != STAMP)


def stamp_of(inputs: Sequence[Path], options: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage's output depends on: file hashes by name, and options as JSON would give them back."""
    missing = [path.name for path in inputs if not path.exists()]
    if missing:
        raise StageError(f"missing input {', '.join(missing)}: run the stage before this one, or check --data")
    hashes = {f"{path.name}/{file.relative_to(path)}": sha256(file) for path in inputs for file in _files(path)}
    stamp: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, "inputs": hashes, "options": dict(options)}))
    return stamp


def read_stamp(folder: Path) -> dict[str, Any] | None:
    """The stamp of a finished stage, or None."""
    path = folder / STAMP
    if not path.is_file():
        return None
    stamp: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return stamp


def write_json(path: Path, value: object) -> None:
    """Write JSON under a temporary name and rename it: a reader sees the old file or the new one."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def run_stage(
    output: Path,
    *,
    inputs: Sequence[Path],
    options: Mapping[str, Any],
    build: Callable[[Path], None],
    force: bool = False,
) -> bool:
    """Let `build` fill a temporary folder, stamp it and rename it to `output`; False when nothing had to be done."""
    stamp = stamp_of(inputs, options)
    if not force and read_stamp(output) == stamp:
        logger.info("%s is up to date", output.name)
        return False
    partial, old = output.with_name(output.name + ".partial"), output.with_name(output.name + ".old")
    for leftover in (partial, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    partial.mkdir(parents=True)
    build(partial)
    write_json(partial / STAMP, stamp)
    if output.exists():
        output.rename(old)
    partial.rename(output)
    if old.exists():
        shutil.rmtree(old)
    logger.info("%s is done", output.name)
    return True


def begin_run(folder: Path, inputs: Sequence[Path], options: Mapping[str, Any], final: str) -> bool:
    """Stamp a folder that a training fills over several calls; False when it holds `final`: the training is done.

    Raises StageError when it was begun with other data or options: going on would mix two runs.
    """
    stamp = stamp_of(inputs, options)
    if read_stamp(folder) not in (None, stamp):
        raise StageError(f"{folder.name} was begun with other data or options: use another --work, or --force")
    if (folder / final).exists():
        logger.info("%s is up to date", folder.name)
        return False
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / STAMP, stamp)
    return True
