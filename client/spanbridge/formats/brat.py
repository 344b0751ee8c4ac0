"""brat's standoff: a text and its annotations in files beside each other, in a folder or a zip of it."""

import io
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, Mark, in_order, read_id, read_lang, read_mark
from spanbridge.formats.json_files import dump, object_of, read_objects
from spanbridge.formats.records import CorpusError, lines_of
from spanbridge.formats.zips import Zip, open_zip, write_zip

MANIFEST = "spanbridge.jsonl"
"""A file beside the texts, which brat doesn't look at, with what standoff can't hold: ids, languages, `meta`."""

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_TYPE = re.compile(r"[A-Za-z0-9_-]+")
_TEXT_BOUND = re.compile(r"(T\S+)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)", re.DOTALL)
_NOTE = re.compile(r"#\S*\tAnnotatorNotes (T\S+)\tscore ([0-9.eE+-]+)")


@dataclass(frozen=True, slots=True)
class _Standoff:
    """What an `.ann` file holds: marks, and the lines that aren't marks."""

    marks: list[Mark]
    others: list[str]


def read_brat(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each text of a zip, in the order of the manifest, else of the names; its id is its name without `.txt`.

    Relations, events and other lines are kept in `meta` as `brat`. Raises `CorpusError`, naming file and line.
    """
    zip_ = open_zip(file, name)
    told = {each["file"]: each for each in _manifest(zip_)}
    stems = [each.removesuffix(".txt") for each in zip_.names if each.endswith(".txt")]
    order = {stem: number for number, stem in enumerate(told)}
    for stem in sorted(stems, key=lambda each: (order.get(each, len(order)), each)):
        place = f"{name}, {stem}"
        try:
            text = zip_.read(f"{stem}.txt").decode()
        except UnicodeDecodeError as fault:
            raise CorpusError(f"{place}.txt: not UTF-8; convert it") from fault
        known = told.get(stem, {})
        found = _standoff(zip_, stem, text) if f"{stem}.ann" in zip_.names else _Standoff([], [])
        meta = dict(known.get("meta") or {}) | ({"brat": found.others} if found.others else {})
        id_, lang = read_id(place, known.get("id"), stem), read_lang(place, known.get("lang"))
        yield Document(place, id_, text, in_order(found.marks), lang=lang, meta=meta)


def _manifest(zip_: Zip) -> Iterator[dict[str, Any]]:
    if MANIFEST in zip_.names:
        for place, _, fields in read_objects(io.BytesIO(zip_.read(MANIFEST)), f"{zip_.name}, {MANIFEST}"):
            if not isinstance(fields.get("file"), str):
                raise CorpusError(f"{place}: 'file' must be a string")
            object_of(place, fields.get("meta") or {}, "'meta'")
            yield fields


def _standoff(zip_: Zip, stem: str, text: str) -> _Standoff:
    name = f"{zip_.name}, {stem}.ann"
    marks: dict[str, Mark] = {}
    scores: dict[str, float] = {}
    others: list[str] = []
    for number, line in lines_of(io.BytesIO(zip_.read(f"{stem}.ann")), name):
        place = f"{name}:{number}"
        if (bound := _TEXT_BOUND.fullmatch(line)) is not None:
            mark = _mark(place, text, bound)
            if mark is None:
                others.append(line)
            else:
                marks[bound[1]] = mark
        elif (note := _NOTE.fullmatch(line)) is not None:
            scores[note[1]] = float(note[2])
        elif line.startswith("T"):
            raise CorpusError(f"{place}: not an annotation; one looks like `T1<tab>PER 0 5<tab>Samia`")
        elif line.strip():
            others.append(line)
    return _Standoff([Mark(m.start, m.end, m.label, scores.get(key)) for key, m in marks.items()], others)


def _mark(place: str, text: str, bound: re.Match[str]) -> Mark | None:
    """Return a text-bound annotation; None where it has gaps with words in them, which no mark can have."""
    parts = [tuple(map(int, each.split(" "))) for each in bound[3].split(";")]
    mark = read_mark(place, text, parts[0][0], parts[-1][1], bound[2])
    gaps = [text[before[1] : after[0]] for before, after in itertools.pairwise(parts)]
    if any(gap.strip() for gap in gaps):
        return None
    if _one_line(text[mark.start : mark.end]).split() != _one_line(bound[4]).split():
        raise CorpusError(f"{place}: {bound[4][:40]!r} isn't what the text has at [{mark.start}, {mark.end})")
    return mark


def build_brat(documents: Iterable[Document]) -> Iterator[bytes]:
    """Give a zip of a folder for brat: texts, annotations, the labels in `annotation.conf`, and the manifest."""
    return write_zip(_files(documents))


def _files(documents: Iterable[Document]) -> Iterator[tuple[str, bytes]]:
    taken: set[str] = set()
    labels: dict[str, None] = {}
    manifest: list[bytes] = []
    for number, document in enumerate(documents, start=1):
        stem = _stem(document, number, taken)
        labels |= dict.fromkeys(mark.label for mark in document.marks)
        shown = {"file": stem, "id": document.id, "lang": document.lang}
        manifest.append(dump(shown | {"meta": dict(document.meta)} if document.meta else shown) + b"\n")
        try:
            yield f"{stem}.txt", document.text.encode()
        except UnicodeEncodeError as fault:
            raise CorpusError(f"{document.place}: the text has a lone surrogate, which UTF-8 can't hold") from fault
        yield f"{stem}.ann", "".join(_lines(document)).encode()
    yield MANIFEST, b"".join(manifest)
    entities = "".join(f"{label}\n" for label in sorted(labels))
    yield "annotation.conf", f"[entities]\n{entities}\n[relations]\n\n[events]\n\n[attributes]\n".encode()


def _stem(document: Document, number: int, taken: set[str]) -> str:
    """Return a file name for a document: its id where it is fit for one."""
    wanted = str(document.id)
    if _SAFE.fullmatch(wanted) is None or wanted.lower() in taken or wanted.lower() in ("annotation", "spanbridge"):
        wanted = f"text-{number:05d}"
        while wanted in taken:
            wanted += "-"
    taken.add(wanted.lower())
    return wanted


def _lines(document: Document) -> Iterator[str]:
    for number, mark in enumerate(document.marks, start=1):
        if _TYPE.fullmatch(mark.label) is None:
            raise CorpusError(
                f"{document.place}: brat can't hold the label {mark.label!r}; it takes letters, digits, _ and -"
            )
        parts = list(_line_parts(document.text, mark))
        places = ";".join(f"{start} {end}" for start, end in parts)
        shown = _one_line(" ".join(document.text[start:end] for start, end in parts))
        yield f"T{number}\t{mark.label} {places}\t{shown}\n"
        if mark.score is not None:
            yield f"#{number}\tAnnotatorNotes T{number}\tscore {mark.score}\n"


def _line_parts(text: str, mark: Mark) -> Iterator[tuple[int, int]]:
    """Give the parts of a mark on each line: brat draws none over a line's end."""
    for found in re.finditer(r"[^\r\n]+", text[mark.start : mark.end]):
        yield mark.start + found.start(), mark.start + found.end()


def _one_line(text: str) -> str:
    """Return the text with a space for everything that brat's reader takes for a line's end."""
    return "".join(" " if each in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029" else each for each in text)


def pack_folder(folder: Path) -> bytes:
    """Return a folder's texts and annotations as a zip, the same bytes for the same files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in (".txt", ".ann", ".jsonl"))
    names = ((PurePosixPath(path.relative_to(folder)).as_posix(), path) for path in files)
    return b"".join(write_zip((name, path.read_bytes()) for name, path in names))
