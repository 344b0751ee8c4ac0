"""Lines of a text file, and the one error of everything that reads data."""

from collections.abc import Iterator
from pathlib import Path

from spanbridge_shared.errors import SpanbridgeError


class DataError(SpanbridgeError):
    """A data file can't be used; the message names the file and, where there is one, the line."""


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Give each line with its number from 1, without its end; raises `DataError` for what isn't UTF-8 text.

    Only LF and CRLF end a line: other separators of Unicode are part of the text.
    """
    try:
        file = path.open("rb")
    except OSError as fault:
        raise DataError(f"{path} can't be read: {fault.strerror}") from fault
    with file:
        for number, raw in enumerate(file, start=1):
            yield number, _decoded(raw, path, number).removesuffix("\n").removesuffix("\r")


def _decoded(raw: bytes, path: Path, number: int) -> str:
    if number == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path}:1: the file is in UTF-16; convert it to UTF-8")
    try:
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as fault:
        raise DataError(
            f"{path}:{number}: not UTF-8 (byte 0x{raw[fault.start]:02x} at position {fault.start + 1}); "
            "convert the whole file to UTF-8"
        ) from fault
    if "\0" in line:
        raise DataError(f"{path}:{number}: a NUL character at position {line.index(chr(0)) + 1}; this is no text file")
    return line
