"""What every reader gives and every writer takes, and which format a file is in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from spanbridge_shared.contracts.gateway import Sentence
from spanbridge_shared.contracts.translate_train import EnglishSentence
from spanbridge_shared.errors import SpanbridgeError


class CorpusError(SpanbridgeError):
    """A file can't be read or written; the message names it and, where there is one, the line."""


class InputFormat(StrEnum):
    """What a corpus comes in."""

    TEXT = "text"
    JSONL = "jsonl"
    CONLL = "conll"
    CONLLU = "conllu"
    SPACY = "spacy"
    HUGGINGFACE = "huggingface"
    BRAT = "brat"
    LABEL_STUDIO = "label-studio"
    DOCCANO = "doccano"
    PRODIGY = "prodigy"
    ARGILLA = "argilla"
    DATASAUR = "datasaur"
    INCEPTION = "inception"


class OutputFormat(StrEnum):
    """What results are written in."""

    JSONL = "jsonl"
    CONLL = "conll"
    CONLLU = "conllu"
    SPACY = "spacy"
    HUGGINGFACE = "huggingface"
    BRAT = "brat"
    LABEL_STUDIO = "label-studio"
    DOCCANO = "doccano"
    DOCCANO_RELATIONS = "doccano-relations"
    PRODIGY = "prodigy"
    ARGILLA = "argilla"
    DATASAUR = "datasaur"
    INCEPTION = "inception"


@dataclass(frozen=True, slots=True)
class Record:
    """One sentence of a corpus, with an id, and all else that its file says of it."""

    sentence: Sentence
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelledRecord:
    """One labelled English sentence of a corpus, as `Record` holds one without labels."""

    sentence: EnglishSentence
    meta: dict[str, Any] = field(default_factory=dict)


AnyRecord = Record | LabelledRecord


_SUFFIXES = {
    **dict.fromkeys((".conll", ".conll03", ".bio", ".iob", ".iob2"), "conll"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    ".conllu": "conllu",
    ".spacy": "spacy",
    ".xmi": "inception",
    ".zip": "brat",
}


_READ_AS = {OutputFormat.DOCCANO_RELATIONS.value: InputFormat.DOCCANO.value}
"""Forms of one format that are told apart where they are written alone."""


def guess_input(path: Path) -> InputFormat:
    """Return the format that a file's name stands for; text where it says nothing, brat's for a folder.

    >>> guess_input(Path("dev.conll")), guess_input(Path("tasks.doccano.jsonl")), guess_input(Path("corpus"))
    (<InputFormat.CONLL: 'conll'>, <InputFormat.DOCCANO: 'doccano'>, <InputFormat.TEXT: 'text'>)
    """
    named = _named(path, [*(each.value for each in InputFormat), *_READ_AS])
    if named is None:
        return InputFormat.BRAT if path.is_dir() else InputFormat.TEXT
    return InputFormat(_READ_AS.get(named, named))


def guess_output(path: Path) -> OutputFormat:
    """Return the format that a file's name stands for; JSONL where it says nothing."""
    return OutputFormat(_named(path, [each.value for each in OutputFormat]) or "jsonl")


def _named(path: Path, known: list[str]) -> str | None:
    """Return the format that a suffix stands for, of `tasks.doccano.jsonl` the inner one."""
    suffixes = [each.lower() for each in path.suffixes]
    if len(suffixes) > 1 and suffixes[-2][1:] in known:
        return suffixes[-2][1:]
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def lines_of(file: BinaryIO, name: str) -> Iterator[tuple[int, str]]:
    """Give each line with its number from 1, without its end; raises `CorpusError` where it isn't UTF-8.

    Only LF and CRLF end a line: other separators of Unicode are part of the text.
    """
    for number, raw in enumerate(file, start=1):
        if number == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise CorpusError(f"{name} is in UTF-16; convert it to UTF-8")
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as fault:
            raise CorpusError(
                f"{name}:{number}: not UTF-8 (byte 0x{raw[fault.start]:02x} at position {fault.start + 1}); "
                "convert the file to UTF-8"
            ) from fault
        yield number, line.removesuffix("\n").removesuffix("\r")
