"""UIMA CAS as XMI, as INCEpTION imports and exports it: a document whose sentences are the texts.

cassis turns UTF-16 offsets into code points as it reads, and back as it writes.
"""

import io
import re
import warnings
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from spanbridge.formats.documents import Document, Mark, in_order, offsets_of
from spanbridge.formats.records import CorpusError
from spanbridge.formats.zips import open_zip, write_zip
from spanbridge_shared.errors import InvalidRequest
from spanbridge_shared.text.sentences import trim
from spanbridge_shared.text.spans import Span

_TYPES = "TypeSystem.xml"
_SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"
_TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
# What XML 1.0 has no way to write.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def read_inception(file: BinaryIO, name: str) -> Iterator[Document]:
    """Give each sentence of an XMI file, or of the XMI files in a zip, with the named entities inside it.

    Types come from `TypeSystem.xml`, in the zip or beside the file, else they are those of DKPro Core. Raises
    `CorpusError`, naming the file.
    """
    start = file.read(2)
    file.seek(0)
    if start != b"PK":
        beside = Path(name).parent / _TYPES
        yield from _documents(name, file.read(), beside.read_bytes() if beside.is_file() else None)
        return
    zip_ = open_zip(file, name)
    types = next((zip_.read(each) for each in zip_.names if each.rpartition("/")[2] == _TYPES), None)
    for each in zip_.names:
        if each.endswith(".xmi"):
            yield from _documents(f"{name}, {each}", zip_.read(each), types)


def _documents(name: str, xmi: bytes, types: bytes | None) -> Iterator[Document]:
    cas = _load(name, xmi, types)
    text: str = cas.sofa_string or ""
    entities, tokens = _of_type(cas, _ENTITY), _of_type(cas, _TOKEN)
    for number, each in enumerate(_of_type(cas, _SENTENCE), start=1):
        # Other tools may have the line break in the sentence.
        span = Span(each.begin, each.end) if each.id else trim(text, Span(each.begin, each.end))
        words = tuple(text[one.begin : one.end] for one in _inside(tokens, span))
        marks = in_order(
            Mark(one.begin - span.start, one.end - span.start, one.value)
            for one in _inside(entities, span)
            if one.value and one.begin < one.end
        )
        place = f"{name}, sentence {number}"
        yield Document(place, each.id or str(number), text[span.start : span.end], marks, words or None)


def _inside(annotations: list[Any], span: Span) -> list[Any]:
    """Return the annotations inside a span; all are in the order of their beginnings."""
    first = bisect_left(annotations, span.start, key=lambda each: each.begin)
    last = bisect_left(annotations, span.end, key=lambda each: each.begin)
    return [each for each in annotations[first:last] if each.end <= span.end]


def _load(name: str, xmi: bytes, types: bytes | None) -> Any:
    from cassis import load_cas_from_xmi, load_typesystem
    from lxml import etree

    from spanbridge_gateway.integrations.inception.xml_checks import check_type_system, check_xmi

    try:
        check_xmi(xmi.decode("utf-8-sig"))
        known = _dkpro()
        if types is not None:
            check_type_system(types.decode("utf-8-sig"))
            known = load_typesystem(io.BytesIO(types))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Types that aren't known are left out, and each would be told.
            return load_cas_from_xmi(io.BytesIO(xmi), typesystem=known, lenient=True)
    except InvalidRequest as fault:
        raise CorpusError(f"{name}: {fault.detail}") from fault
    except (
        ArithmeticError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError, etree.LxmlError,
    ) as fault:  # fmt: skip
        hint = "" if types is not None else f"; put the {_TYPES} that was exported with it beside it"
        raise CorpusError(f"{name} can't be read as XMI: {str(fault)[:200]}{hint}") from fault


@cache
def _dkpro() -> Any:
    from cassis import load_dkpro_core_typesystem

    return load_dkpro_core_typesystem()


def _of_type(cas: Any, name: str) -> list[Any]:
    found = cas.select(name) if cas.typesystem.contains_type(name, match_exactly=True) else []
    return [each for each in found if each.begin is not None and each.end is not None]


def build_inception(documents: Iterable[Document], *, bare: bool) -> Iterator[bytes]:
    """Give a zip of an XMI file and its type system, or the bare XMI: one document, a sentence each text."""
    from cassis import Cas

    types = _dkpro()
    texts: list[str] = []
    cas = Cas(types)
    place = 0
    for document in documents:
        written = "".join([document.text, str(document.id), *(mark.label for mark in document.marks)])
        if (found := _NOT_XML.search(written)) is not None:
            raise CorpusError(f"{document.place}: XML can't hold the character {found.group()!r}; remove it")
        _add(cas, types, document, place)
        texts.append(document.text)
        place += len(document.text) + 1
    cas.sofa_string = "\n".join(texts)
    cas.sofa_mime = "text/plain"
    xmi = cas.to_xmi().encode()
    if bare:
        return iter([xmi])
    return write_zip([("spanbridge.xmi", xmi), (_TYPES, types.to_xml().encode())])


def _add(cas: Any, types: Any, document: Document, start: int) -> None:
    sentence = types.get_type(_SENTENCE)
    cas.add(sentence(begin=start, end=start + len(document.text), id=str(document.id)))
    for place in offsets_of(document):
        cas.add(types.get_type(_TOKEN)(begin=start + place.start, end=start + place.end))
    for mark in document.marks:
        cas.add(types.get_type(_ENTITY)(begin=start + mark.start, end=start + mark.end, value=mark.label))
