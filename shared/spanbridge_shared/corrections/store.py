"""A folder with one file of corrections, which is only ever appended to, by any number of processes at once."""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spanbridge_shared.contracts.corrections import ENTRY, Entry
from spanbridge_shared.errors import ConfigurationError

FILE = "corrections.jsonl"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_AS_IT_CAME = ("others", "raw")


@dataclass(frozen=True, slots=True)
class Kept:
    """A store's entries in the order in which they came, and the numbers of lines that can't be read, from 1."""

    entries: tuple[Entry, ...]
    damaged: tuple[int, ...]


class CorrectionStore:
    """The store in a folder; methods raise `ConfigurationError` where the system refuses the file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE

    @property
    def is_there(self) -> bool:
        """Whether anything was ever kept."""
        try:
            return self.path.is_file()
        except OSError as fault:
            raise self._refused("read", fault) from fault

    def prepare(self) -> None:
        """Make the folder and the file, for their owner alone, unless they are there."""
        self.append([])

    def append(self, entries: Iterable[Entry]) -> None:
        """Add entries, all or none of them; they are on the disk when this returns."""
        data = b"".join(map(encode, entries))
        try:
            self.folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
            try:
                # One write can be cut in two by another process's; a lock can't.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                _append(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError as fault:
            raise self._refused("written", fault) from fault

    def missing(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the entries that aren't there yet word for word, such as those of a file that is added again."""
        there = set(map(encode, self.read().entries)) if self.is_there else set()
        return [each for each in entries if encode(each) not in there]

    def read(self) -> Kept:
        """Return all that was kept; raises `ConfigurationError` where there is no store."""
        entries: list[Entry] = []
        damaged: list[int] = []
        for number, line in enumerate(self._lines(), start=1):
            try:
                entries.append(decode(line))
            except ValueError:
                damaged.append(number)
        return Kept(tuple(entries), tuple(damaged))

    def _lines(self) -> list[bytes]:
        try:
            with self.path.open("rb") as file:
                # So that no line is seen that is still being written.
                fcntl.flock(file, fcntl.LOCK_SH)
                content = file.read()
        except FileNotFoundError as fault:
            raise ConfigurationError(f"{self.folder} is no corrections store: it has no {FILE}") from fault
        except OSError as fault:
            raise self._refused("read", fault) from fault
        lines = content.split(b"\n")
        # A writer that died leaves the beginning of a line, which the next one ends.
        return lines if lines[-1] else lines[:-1]

    def _refused(self, what: str, fault: OSError) -> ConfigurationError:
        return ConfigurationError(f"the corrections in {self.path} can't be {what}: {fault.strerror}")


def encode(entry: Entry) -> bytes:
    """Return an entry's line; lone surrogates, which tools may send, are escaped."""
    # What came from a tool as it is may be nested deeper than pydantic dumps.
    as_it_came = {name: getattr(entry, name) for name in _AS_IT_CAME if hasattr(entry, name)}
    fields = entry.model_dump(exclude={"kind", "time", *_AS_IT_CAME})
    line = {"kind": entry.kind, "time": entry.time.isoformat(), **fields, **as_it_came}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def decode(line: bytes) -> Entry:
    """Return the entry of a line; raises `ValueError` where it is none."""
    try:
        return ENTRY.validate_python(json.loads(line))
    except RecursionError as fault:
        raise ValueError("nested too deeply") from fault


def _append(descriptor: int, data: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if data and size and os.pread(descriptor, 1, size - 1) != b"\n":
        data = b"\n" + data
    try:
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)  # A full disk leaves no half of a line.
        raise
