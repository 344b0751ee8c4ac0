"""Run a stage once: outputs appear whole or not at all, and an up-to-date output is not made again."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

RECIPE_VERSION = 1
STAMP_NAME = "stamp.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stamp:
    """What an output was made from; equal stamps mean that the stage need not run again."""

    stage: str
    options: Mapping[str, object]
    inputs: Mapping[str, str]
    recipe: int = RECIPE_VERSION


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fingerprints(root: Path, paths: list[Path]) -> dict[str, str]:
    """Map each path, relative to `root`, to its checksum, so that a stamp names no machine's folders."""
    return {path.relative_to(root).as_posix(): sha256(path) for path in sorted(paths)}


def checkpoint_files(folder: Path) -> list[Path]:
    """Return the files of a stage's output folder, less its stamp."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != STAMP_NAME)


def is_current(out: Path, stamp: Stamp) -> bool:
    """Tell whether `out` was made by this very stage, options and inputs."""
    path = out / STAMP_NAME
    if not path.is_file():
        return False
    return bool(json.loads(path.read_text("utf-8")) == json.loads(json.dumps(asdict(stamp))))


def run_stage(out: Path, stamp: Stamp, build: Callable[[Path], None], *, force: bool = False) -> bool:
    """Build `out` in a temporary folder beside it and rename it into place; return False when it was current.

    An interrupted build leaves `out` as it was. `build` receives the temporary folder, which a resumable
    stage may find holding what an interrupted run of the same stamp left.
    """
    if not force and is_current(out, stamp):
        logger.info("%s: %s is up to date", stamp.stage, out.name)
        return False
    partial = out.with_name(f".{out.name}.partial")
    if force or not is_current(partial, stamp):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        write_json(partial / STAMP_NAME, asdict(stamp))
    build(partial)
    if out.exists():
        retired = out.with_name(f".{out.name}.retired")
        shutil.rmtree(retired, ignore_errors=True)
        out.rename(retired)
        partial.rename(out)
        shutil.rmtree(retired)
    else:
        partial.rename(out)
    logger.info("%s: made %s", stamp.stage, out.name)
    return True


def write_text(path: Path, text: str) -> None:
    """Write a file under a temporary name, then rename it."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, "utf-8")
    partial.replace(path)


def write_json(path: Path, value: object, *, indent: int | None = 1) -> None:
    """Write JSON with sorted keys and non-ASCII text as it is, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=True) + "\n")
