"""Resuming: what has been written so far, kept beside the output in `OUTPUT.progress`.

Results are appended and synced before the progress file says so. Bytes beyond what it says are a batch that an
interruption cut off: they are dropped and labelled again.
"""

import os
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from spanbridge.formats.records import CorpusError, InputFormat, OutputFormat


class RunSettings(BaseModel):
    """All that the results depend on beside the input and the models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lang: str
    method: str
    labels: list[str]
    options: dict[str, Any]
    include: list[str]
    input_format: InputFormat
    output_format: OutputFormat
    complete_only: bool = False


class Failure(BaseModel):
    """A sentence that has no entities because of its own fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str | int
    error: str
    detail: str


class Progress(BaseModel):
    """The content of the progress file.

    `done` counts sentences of the input, `bytes` those of the output; `lang` is what "auto" was found to be; `lost`
    counts entities that got lost in translation, `incomplete` the sentences that lack some; `failures` are the first
    few of `failed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
    MOST_FAILURES: ClassVar[int] = 10

    format: Literal[1] = 1
    input_sha256: str
    settings: RunSettings
    total: int
    model_version: str | None = None
    lang: str | None = None
    done: int = 0
    bytes: int = 0
    entities: int = 0
    lost: int = 0
    incomplete: int = 0
    failed: int = 0
    failures: list[Failure] = []

    def differences(self, other: "Progress") -> list[str]:
        """Say in what another run differs, empty where it is the same work."""
        told = [] if self.input_sha256 == other.input_sha256 else ["another input"]
        mine, others = self.settings.model_dump(mode="json"), other.settings.model_dump(mode="json")
        return told + [f"{key} {mine[key]!r}, not {others[key]!r}" for key in mine if mine[key] != others[key]]


class Journal:
    """The growing output and its progress file; without a progress file (stdout) nothing can be resumed."""

    def __init__(self, file: BinaryIO | None, path: Path | None, sidecar: Path | None, progress: Progress) -> None:
        self._file = file
        self._path = path
        self._sidecar = sidecar
        self.progress = progress

    @classmethod
    def streaming(cls, file: BinaryIO, fresh: Progress) -> Self:
        """Return a journal that only writes."""
        return cls(file, None, None, fresh)

    @classmethod
    def open(cls, path: Path, output: Path, fresh: Progress, *, overwrite: bool) -> Self:
        """Continue an interrupted run into `path`, or begin a new one; `output` is where the results end up.

        Nothing on the disk changes before the first batch. Raises `CorpusError` where `output` is finished, of another
        run, or can't be written.
        """
        sidecar = sidecar_of(output)
        if output.is_dir() or not os.access(output.parent, os.W_OK):
            raise CorpusError(f"{output} can't be written: its folder is missing or closed, or it is a folder itself")
        found = None if overwrite else _unfinished(path, sidecar, fresh)
        if found is None:
            if not overwrite and not sidecar.exists() and output.exists() and output.stat().st_size > 0:
                raise CorpusError(f"{output} is there already, and finished; --overwrite replaces it")
            return cls(None, path, sidecar, fresh)
        try:
            file = path.open("r+b")
            file.truncate(found.bytes)
            file.seek(0, os.SEEK_END)
        except OSError as fault:
            raise _unwritable(path, fault) from fault
        return cls(file, path, sidecar, found)

    @property
    def can_continue(self) -> bool:
        """Say whether there is something that the same command would continue."""
        return self._sidecar is not None and self.progress.done > 0

    def append(self, data: bytes, progress: Progress) -> None:
        """Write a batch of results, then that they are written."""
        progress = progress.model_copy(update={"bytes": self.progress.bytes + len(data)})
        try:
            file = self._file or self._begin()
            file.write(data)
            file.flush()
            if self._sidecar is not None:
                os.fsync(file.fileno())
                _write_atomically(self._sidecar, progress.model_dump_json(indent=1).encode())
        except BrokenPipeError:
            raise
        except OSError as fault:
            raise _unwritable(self._path, fault) from fault
        self.progress = progress

    def _begin(self) -> BinaryIO:
        if self._path is None or self._sidecar is None:
            raise RuntimeError("a stream has no beginning")
        # First of all, so that an interruption from here on isn't taken for a finished run.
        _write_atomically(self._sidecar, self.progress.model_dump_json(indent=1).encode())
        self._file = self._path.open("wb")
        return self._file

    def close(self) -> None:
        """Close the output, as far as it is a file."""
        if self._file is not None and self._sidecar is not None:
            self._file.close()

    def finish(self) -> None:
        """Forget the progress, because all is done."""
        self.close()
        if self._sidecar is not None:
            self._sidecar.unlink(missing_ok=True)


def sidecar_of(output: Path) -> Path:
    """Return the place of the progress file."""
    return output.with_name(f"{output.name}.progress")


def _unfinished(path: Path, sidecar: Path, fresh: Progress) -> Progress | None:
    if not sidecar.exists():
        return None
    try:
        found = Progress.model_validate_json(sidecar.read_bytes())
    except ValidationError as fault:
        raise CorpusError(f"{sidecar} is not a progress file of this version; --overwrite starts again") from fault
    if found.done == 0:
        return None
    if told := found.differences(fresh):
        raise CorpusError(
            f"{sidecar} belongs to an unfinished run with {'; '.join(told)}; repeat that command to continue it, "
            "or start again with --overwrite"
        )
    if not path.is_file() or path.stat().st_size < found.bytes:
        raise CorpusError(
            f"{path} has lost results that {sidecar.name} counts ({found.done:,} sentences); --overwrite starts again"
        )
    return found


def _write_atomically(path: Path, data: bytes) -> None:
    draft = path.with_name(f"{path.name}.new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _unwritable(path: Path | None, fault: OSError) -> CorpusError:
    return CorpusError(f"{path or 'stdout'} can't be written: {fault.strerror}")
