"""Between a document's text and brat's JSON, pure. Both count code points."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from spanbridge_shared.contracts.gateway import Entity
from spanbridge_shared.errors import InvalidText
from spanbridge_shared.text.spans import Span


class Annotation(BaseModel):
    """A text-bound annotation; more than one span where it goes over a line's end, which brat's can't."""

    model_config = ConfigDict(frozen=True)

    type: str
    offsets: list[tuple[int, int]]
    texts: list[str]


def read_text(body: bytes) -> str:
    """Return a document; raises `InvalidText` where it isn't UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError as fault:
        raise InvalidText(f"the body is not UTF-8 (byte 0x{body[fault.start]:02x} at {fault.start})") from fault


def annotations(text: str, labelled: Iterable[tuple[Span, Sequence[Entity]]]) -> dict[str, Annotation]:
    """Return brat's answer for the entities of each piece of a text, numbered from T0.

    >>> entity = Entity(start=0, end=7, text="Dar\\nes S", label="LOC", score=0.9)
    >>> annotations("In Dar\\nes S", [(Span(3, 11), [entity])])["T0"].offsets
    [(3, 6), (7, 10)]
    """
    found: dict[str, Annotation] = {}
    for piece, entities in labelled:
        for entity in entities:
            lines = line_spans(text, Span(entity.start, entity.end).shifted(piece.start))
            found[f"T{len(found)}"] = Annotation(
                type=entity.label, offsets=[(each.start, each.end) for each in lines],
                texts=[text[each.start : each.end] for each in lines],
            )  # fmt: skip
    return found


def line_spans(text: str, span: Span) -> list[Span]:
    """Return the parts of a span on each line, none empty, in order."""
    parts: list[Span] = []
    start = span.start
    for place in range(span.start, span.end + 1):
        if place == span.end or text[place] in "\r\n":
            if place > start:
                parts.append(Span(start, place))
            start = place + 1
    return parts
