"""Writing documents into a file of any format, so that it is whole or not there."""

import io
import shutil
from collections.abc import Iterable
from pathlib import Path

from spanbridge.formats.documents import Document
from spanbridge.formats.records import CorpusError, OutputFormat
from spanbridge.formats.registry import BUILDERS, FOLDERS, Target
from spanbridge.formats.zips import unpack


def write_documents(documents: Iterable[Document], format_: OutputFormat, to: Target) -> None:
    """Write documents; a format of several files goes into a folder where the output's name has no suffix.

    Raises `CorpusError` where the format can't hold a document, naming its line, or the output can't be written.
    """
    draft = to.output.with_name(f"{to.output.name}.new")
    chunks = BUILDERS[format_](documents, to)
    try:
        if format_ in FOLDERS and not to.output.suffix:
            _clear(draft)
            unpack(io.BytesIO(b"".join(chunks)), draft)
        else:
            with draft.open("wb") as file:
                file.writelines(chunks)
        draft.replace(to.output)
    except OSError as fault:
        raise CorpusError(f"{to.output} can't be written: {fault.strerror}") from fault
    finally:
        _clear(draft)  # There only where something failed.


def _clear(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft)
    draft.unlink(missing_ok=True)
