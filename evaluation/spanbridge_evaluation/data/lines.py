"""Lines of a text file, and the one error of everything that reads data."""

from collections.abc import Iterator
from pathlib import Path

from spanbridge_shared.errors import SpanbridgeError

_BOM = "\ufeff"


class DataError(SpanbridgeError):
    """A data file can't be used; the message names the file and, where there is one, the line."""


def is_file(path: Path) -> bool:
    """Say whether there is such a file; raises `DataError` where that can't be known."""
    try:
        return path.is_file()
    except OSError as fault:  # A name too long, or a folder that may not be entered.
        raise unreadable(path, fault) from fault


def is_folder(path: Path) -> bool:
    """Say whether there is such a folder; raises `DataError` where that can't be known."""
    try:
        return path.is_dir()
    except OSError as fault:
        raise unreadable(path, fault) from fault


def unreadable(path: Path, fault: OSError) -> DataError:
    """Return the error of a file that the system refuses."""
    return DataError(f"{path} can't be read: {fault.strerror}")


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Give each line with its number from 1, without its end; raises `DataError` for what isn't UTF-8 text.

    Only LF and CRLF end a line: other separators of Unicode are part of the text.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                yield number, _decoded(raw, path, number)
    except OSError as fault:
        raise unreadable(path, fault) from fault


def _decoded(raw: bytes, path: Path, number: int) -> str:
    if number == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path}:1: the file is in UTF-16; convert it to UTF-8")
    try:
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as fault:
        raise DataError(
            f"{path}:{number}: not UTF-8 (byte 0x{raw[fault.start]:02x} at position {fault.start + 1}); "
            "convert the whole file to UTF-8"
        ) from fault
    if "\0" in line:
        raise DataError(f"{path}:{number}: a NUL character at position {line.index(chr(0)) + 1}; this is no text file")
    if "\r" in line:
        raise DataError(
            f"{path}:{number}: a carriage return at position {line.index(chr(13)) + 1}; lines must end in LF or CRLF"
        )
    if line.startswith(_BOM):
        raise DataError(f"{path}:{number}: a byte order mark inside the file; files were joined without removing it")
    return line
