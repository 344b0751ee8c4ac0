"""CoNLL-U: ten columns a word, entities as `NER=B-PER` in the last; comments and all other columns stay as they are."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, Words, from_tags, words_of
from spanbridge.formats.records import CorpusError, lines_of

KEY = "conllu"
"""The key of `meta` under which a sentence's comments and rows are kept, where they say more than its words."""

_COLUMNS, _FORM, _MISC = 10, 1, 9
_TAG, _SCORE = "NER", "NERScore"
_TAG_KEYS = ("ner", "ne", "entity_tag")
_ESCAPES = {" ": "\\s", "\t": "\\t", "\n": "\\n", "\r": "\\r", "|": "\\p", "\\": "\\\\"}
_UNESCAPE = re.compile(r"\\([stnrp\\])")
_OF_ESCAPE = {value[1]: key for key, value in _ESCAPES.items()}
_ID, _META, _TEXT, _LANG = "sent_id", "spanbridge_meta", "text", "lang"
_OWN = (_ID, _META, _TEXT, _LANG)
_COMMENT = re.compile(r"#\s*([A-Za-z_]+)\s*=\s?(.*)", re.DOTALL)

Row = list[str]


def read_conllu(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each sentence by its surface words: of a multiword token (`1-2`) the token itself, and no empty nodes.

    Its id is `sent_id`, else its number. Raises `CorpusError`, naming the line.
    """
    for number, (place, comments, rows) in enumerate(_sentences(file, name), start=1):
        yield _document(place, str(number), comments, rows)


def _sentences(file: BinaryIO, name: str) -> Iterator[tuple[str, list[str], list[Row]]]:
    comments: list[str] = []
    rows: list[Row] = []
    first = 0
    for number, line in [*lines_of(file, name), (0, "")]:
        if line.strip(" \t\r"):
            first = first or number
            if line.startswith("#") and not rows:
                comments.append(line)
                continue
            row = line.split("\t")
            if len(row) != _COLUMNS or not row[_FORM]:
                raise CorpusError(f"{name}:{number}: {len(row)} columns; CoNLL-U has {_COLUMNS}, with tabs between")
            rows.append(row)
            continue
        if rows:
            yield f"{name}:{first}", comments, rows
            comments, rows, first = [], [], 0


def _document(place: str, number: str, comments: list[str], rows: list[Row]) -> Document:
    told = {match[1]: match[2] for each in comments if (match := _COMMENT.fullmatch(each))}
    surface = _surface(rows)
    misc = [_misc(row) for row in surface]
    tags = [next((row[key] for key in row if key.lower() in _TAG_KEYS), "O") for row in misc]
    scores = iter([row.get(_SCORE) for row, tag in zip(misc, tags, strict=True) if tag.startswith("B-")])
    text = told.get(_TEXT, _spelled([row[_FORM] for row in surface], misc))
    meta = _meta(place, told.get(_META))
    others = [each for each in comments if not ((match := _COMMENT.fullmatch(each)) and match[1] in _OWN)]
    if others or len(surface) != len(rows) or any(_says_more(row) for row in rows):
        meta[KEY] = {"comments": comments, "rows": ["\t".join(row) for row in rows]}
    id_ = told.get(_ID, number)
    document = from_tags(place, id_, [row[_FORM] for row in surface], tags, text=text, lang=told.get(_LANG), meta=meta)
    marks = tuple(replace(mark, score=_score(next(scores, None))) for mark in document.marks)
    return replace(document, marks=marks)


def _surface(rows: Sequence[Row]) -> list[Row]:
    found: list[Row] = []
    covered = 0
    for row in rows:
        number = row[0]
        if "-" in number:
            covered = int(number.partition("-")[2]) if number.partition("-")[2].isdecimal() else covered
            found.append(row)
        elif "." not in number and not (number.isdecimal() and int(number) <= covered):
            found.append(row)
    return found


def _misc(row: Row) -> dict[str, str]:
    pairs = (each.partition("=") for each in row[_MISC].split("|") if each != "_")
    return {key: value for key, _, value in pairs}


def _says_more(row: Row) -> bool:
    own = {_TAG, _SCORE, "SpaceAfter", "SpacesAfter", "SpacesBefore"}
    return any(each != "_" for each in row[2:_MISC]) or not own.issuperset(_misc(row))


def _spelled(tokens: Sequence[str], misc: Sequence[dict[str, str]]) -> str:
    """Return the text that words and their `SpaceAfter`, `SpacesAfter` and `SpacesBefore` make."""
    parts: list[str] = []
    for token, row in zip(tokens, misc, strict=True):
        after = "" if row.get("SpaceAfter") == "No" else _unescape(row.get("SpacesAfter", "\\s"))
        parts += [_unescape(row.get("SpacesBefore", "")), token, after]
    return "".join(parts) if misc and "SpacesAfter" in misc[-1] else "".join(parts).rstrip(" ")


def _unescape(written: str) -> str:
    return _UNESCAPE.sub(lambda match: _OF_ESCAPE[match[1]], written)


def _escape(spaces: str) -> str:
    return "".join(_ESCAPES.get(each, each) for each in spaces)


def _meta(place: str, written: str | None) -> dict[str, Any]:
    if written is None:
        return {}
    try:
        return dict(json.loads(written))
    except (ValueError, TypeError) as fault:
        raise CorpusError(f"{place}: the comment {_META} isn't a JSON object") from fault


def _score(written: str | None) -> float | None:
    try:
        return None if written is None else float(written)
    except ValueError:
        return None


def build_conllu(documents: Iterable[Document]) -> Iterator[bytes]:
    """Give each document as a sentence; raises `CorpusError` where a column or a comment can't hold something."""
    for document in documents:
        words = words_of(document)
        lines = _kept(document, words) or _fresh(document, words)
        yield "".join(f"{line}\n" for line in [*lines, ""]).encode("utf-8", "backslashreplace")


def _fresh(document: Document, words: Words) -> list[str]:
    id_ = str(document.id)
    if "\n" in id_ or "\r" in id_:
        raise CorpusError(f"{document.place}: the id {id_[:40]!r} has a line break, which a comment can't hold")
    comments = [f"# {_ID} = {id_}"]
    if document.text == document.text.strip() and not re.search(r"[\n\r]", document.text):
        comments.append(f"# {_TEXT} = {document.text}")
    if document.lang:
        comments.append(f"# {_LANG} = {document.lang}")
    meta = {key: value for key, value in document.meta.items() if key != KEY}
    if meta:
        comments.append(f"# {_META} = {json.dumps(meta)}")
    rows = []
    for number, (token, spaces) in enumerate(zip(words.tokens, _spaces(document, words), strict=True)):
        if re.search(r"[\t\n\r]", token):
            raise CorpusError(f"{document.place}: the token {token[:40]!r} has a tab or a line break in it")
        misc = [*_entity(document, words, number), *spaces]
        rows.append("\t".join([str(number + 1), token, *["_"] * 7, "|".join(misc) or "_"]))
    return [*comments, *rows]


def _spaces(document: Document, words: Words) -> list[list[str]]:
    """Return what MISC says of the white space around each word."""
    found: list[list[str]] = []
    for number, place in enumerate(words.offsets):
        last = number + 1 == len(words.offsets)
        after = document.text[place.end : len(document.text) if last else words.offsets[number + 1].start]
        said = [] if after == " " or (last and not after) else [f"SpacesAfter={_escape(after)}"]
        if not after and not last:
            said = ["SpaceAfter=No"]
        if last and after == " ":
            said = ["SpacesAfter=\\s"]
        if number == 0 and place.start:
            said.append(f"SpacesBefore={_escape(document.text[: place.start])}")
        found.append(said)
    return found


def _entity(document: Document, words: Words, number: int) -> list[str]:
    tag = words.tags[number]
    if tag == "O":
        return []
    if "|" in tag:
        raise CorpusError(f"{document.place}: the label {tag[2:]!r} has a |, which MISC can't hold")
    start = words.offsets[number].start
    score = next((mark.score for mark in document.marks if mark.start == start), None)
    return [f"{_TAG}={tag}", *([] if score is None else [f"{_SCORE}={score}"])]


def _kept(document: Document, words: Words) -> list[str] | None:
    """Return a sentence's own comments and rows with new entities, None where it has none that fit its words."""
    kept = document.meta.get(KEY)
    if not isinstance(kept, dict):
        return None
    rows = [str(row).split("\t") for row in kept.get("rows", [])]
    if any(len(row) != _COLUMNS for row in rows) or [row[_FORM] for row in _surface(rows)] != words.tokens:
        return None
    for number, row in enumerate(_surface(rows)):
        others = [each for each in row[_MISC].split("|") if each != "_" and not _is_entity(each)]
        row[_MISC] = "|".join([*_entity(document, words, number), *others]) or "_"
    return [*map(str, kept.get("comments", [])), *("\t".join(row) for row in rows)]


def _is_entity(pair: str) -> bool:
    key = pair.partition("=")[0]
    return key.lower() in _TAG_KEYS or key == _SCORE
