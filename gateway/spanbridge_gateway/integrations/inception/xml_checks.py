"""What XML must be before cassis reads it: no entities, no names that become code, no offsets outside the text.

cassis compiles a class per type, from the names that the type system gives, and for an offset outside the text it warns
by copying a table as long as the text. Neither may be left to whoever can send a request.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from lxml import etree

from spanbridge_shared.errors import InvalidRequest

_MAX_TYPES = 1_000
_MAX_DEPTH = 50
_MAX_COPIES = 20_000
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*(?:\.[A-Za-z_$][A-Za-z0-9_$]*)*")
_ENCODING = re.compile(r"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']")
_XMI = "{http://www.omg.org/XMI}"
_SOFA = "{http:///uima/cas.ecore}Sofa"
_VIEW = "{http:///uima/cas.ecore}View"


def check_type_system(xml: str) -> None:
    """Raise `InvalidRequest` where a type system has entities, names that are none, or more than any project has."""
    parents: dict[str, str] = {}
    features: dict[str, int] = defaultdict(int)
    for element in _elements(xml, "typeSystem", "{*}typeDescription"):
        name = _name(element)
        parents[name] = (element.findtext("{*}supertypeName") or "").strip()
        for feature in element.iterfind("{*}features/{*}featureDescription"):
            _name(feature)
            features[name] += 1
        element.clear()
        if len(parents) > _MAX_TYPES:
            raise InvalidRequest(f"typeSystem: more than {_MAX_TYPES:,} types; no project has as many")
    # cassis copies every feature to every type that inherits it, one by one.
    copies = sum(features[ancestor] for name in parents for ancestor in _line_of(name, parents))
    if copies > _MAX_COPIES:
        raise InvalidRequest(f"typeSystem: types inherit {copies:,} features, at most {_MAX_COPIES:,} are allowed")


def _name(element: Any) -> str:
    name = (element.findtext("{*}name") or "").strip()
    if _NAME.fullmatch(name) is None:
        raise InvalidRequest(f"typeSystem: {name[:40]!r} is no name of a type or feature")
    return name


def _line_of(name: str, parents: Mapping[str, str]) -> list[str]:
    """Return a type and the types above it."""
    line = [name]
    while (parent := parents.get(line[-1])) is not None:
        line.append(parent)
        if len(line) > _MAX_DEPTH:
            raise InvalidRequest(f"typeSystem: {name} has more than {_MAX_DEPTH} types above it, or itself")
    return line


def check_xmi(xml: str) -> None:
    """Raise `InvalidRequest` where XMI has entities, offsets outside its text, or an annotation indexed twice."""
    texts: dict[str | None, str] = {}
    spans: list[tuple[str | None, int, int]] = []
    for element in _elements(xml, "document.xmi", None):
        if element.tag == _SOFA:
            texts[element.get(f"{_XMI}id")] = element.get("sofaString", "")
        elif element.tag == _VIEW:
            members = element.get("members", "").split()
            if len(members) != len(set(members)):
                raise InvalidRequest("document.xmi: a view lists a member twice")
        elif element.get("begin") is not None and element.get("end") is not None:
            spans.append((element.get("sofa"), _number(element, "begin"), _number(element, "end")))
    inside = {key: _Offsets(text) for key, text in texts.items()}
    for sofa, begin, end in spans:
        if sofa not in inside or not (begin <= end and begin in inside[sofa] and end in inside[sofa]):
            raise InvalidRequest(f"document.xmi: [{begin}, {end}) is no span of its text; offsets count UTF-16 units")


class _Offsets:
    """The places of a text in UTF-16 units at which a character begins, and its end."""

    def __init__(self, text: str) -> None:
        self._inner: set[int] = set()
        place = 0
        for character in text:
            if ord(character) > 0xFFFF:
                self._inner.add(place + 1)
                place += 1
            place += 1
        self._length = place

    def __contains__(self, offset: int) -> bool:
        return 0 <= offset <= self._length and offset not in self._inner


def _number(element: Any, name: str) -> int:
    value = element.get(name)
    if re.fullmatch(r"[0-9]{1,9}", value) is None:
        raise InvalidRequest(f"document.xmi: {name}={value[:40]!r} is no offset")
    return int(value)


def _elements(xml: str, what: str, tag: str | None) -> Iterator[Any]:
    """Give each element as it ends; raises `InvalidRequest`, with the line, where this isn't XML as tools write it."""
    declared = _ENCODING.match(xml)
    if declared is not None and declared[1].upper() not in ("UTF-8", "UTF8", "US-ASCII"):
        raise InvalidRequest(f"{what}: the XML says that it is in {declared[1][:20]!r}; send UTF-8")
    # In UTF-8 a bare "<!D" can only be a declaration: attributes and texts can't hold a "<".
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise InvalidRequest(f"{what}: the XML has a DOCTYPE or entities, which a CAS never has; leave them out")
    try:
        parser = etree.iterparse(
            BytesIO(xml.encode()), events=("end",), tag=tag, resolve_entities=False, no_network=True, load_dtd=False
        )
        yield from (element for _, element in parser)
    except UnicodeEncodeError as fault:
        raise InvalidRequest(f"{what}: a lone surrogate; send valid Unicode") from fault
    except etree.XMLSyntaxError as fault:
        raise InvalidRequest(f"{what} isn't well-formed XML: {str(fault)[:200]}") from fault
