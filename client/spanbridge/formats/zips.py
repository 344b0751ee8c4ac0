"""Zips as some formats come in: read file by file, and written so that the same content gives the same bytes."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from spanbridge.formats.records import CorpusError

_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Zip:
    """An open zip; `name` is for errors."""

    name: str
    names: list[str]
    archive: zipfile.ZipFile

    def read(self, name: str) -> bytes:
        """Return a file's content; raises `CorpusError` where it is damaged."""
        try:
            return self.archive.read(name)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as fault:
            raise CorpusError(f"{self.name}: {name} can't be unpacked: {fault}") from fault


def open_zip(file: BinaryIO, name: str) -> Zip:
    """Open a zip; raises `CorpusError` where it is none."""
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as fault:
        raise CorpusError(f"{name} is no zip: {fault}") from fault
    names = [each.filename for each in archive.infolist() if not each.is_dir()]
    # What macOS adds beside every file looks like one of them.
    return Zip(name, [each for each in names if not each.startswith("__MACOSX/")], archive)


def write_zip(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """Give the bytes of a zip of files by name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    yield made.getvalue()


def unpack(content: BinaryIO, folder: Path) -> None:
    """Write the files of a zip that `write_zip` made into a new folder."""
    folder.mkdir()
    with zipfile.ZipFile(content) as archive:
        archive.extractall(folder)
