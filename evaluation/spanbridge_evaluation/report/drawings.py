"""A sentence pair drawn: tokens of both sides, links as lines, entities as brackets."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from spanbridge_evaluation.report.markup import text, width
from spanbridge_shared.text.bio import LabelledSpan

_GAP, _MARGIN = 14.0, 78.0
_SOURCE_Y, _TARGET_Y, _GOLD_Y, _FOUND_Y = 44.0, 124.0, 140.0, 166.0
_BRACKET = 5.0
_WEAK = 0.5
COLOURS = 6
"""Colours for labels that the page's style has, `c0` to `c5`."""


class LinkKind(StrEnum):
    """How a link is drawn: one found, one of an entity's words; or judged by gold links."""

    FOUND = "found"
    ENTITY = "entity-link"
    RIGHT = "right"
    WRONG = "wrong"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class DrawnLink:
    """A line from source to target token, dashed where it weighs less than a half."""

    source: int
    target: int
    kind: LinkKind = LinkKind.FOUND
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """One pair; without `source` only the target side is drawn. Entities are in tokens of their side."""

    source: Sequence[str]
    target: Sequence[str]
    links: Sequence[DrawnLink] = ()
    source_entities: Sequence[LabelledSpan] = ()
    gold: Sequence[LabelledSpan] = ()
    predicted: Sequence[LabelledSpan] = ()
    labels: Sequence[str] = ()


def draw(drawing: Drawing, source_name: str, target_name: str) -> str:
    """Return an SVG element."""
    source, target = _Row(drawing.source, _SOURCE_Y), _Row(drawing.target, _TARGET_Y)
    parts = [_name(source_name, _SOURCE_Y), _name(target_name, _TARGET_Y)]
    if drawing.gold or drawing.predicted:
        parts += [_name("gold", _GOLD_Y + 12), _name("predicted", _FOUND_Y + 12)]
    for link in drawing.links:
        line = f'x1="{source.middle(link.source):.1f}" y1="{_SOURCE_Y + 6}"'
        line += f' x2="{target.middle(link.target):.1f}" y2="{_TARGET_Y - 15}"'
        weak = ' stroke-dasharray="3 3"' if link.weight < _WEAK else ""
        parts.append(f'<line class="link {link.kind}" {line}{weak}/>')
    parts += [source.draw(), target.draw()]
    colours = {label: f"c{place % COLOURS}" for place, label in enumerate(drawing.labels)}
    parts += [_bracket(source, each, _SOURCE_Y - 18, -1, colours) for each in drawing.source_entities]
    parts += [_bracket(target, each, _GOLD_Y, 1, colours) for each in drawing.gold]
    parts += [_bracket(target, each, _FOUND_Y, 1, colours) for each in drawing.predicted]
    bottom = _FOUND_Y + 24 if drawing.gold or drawing.predicted else _TARGET_Y + 14
    # Without a source side there is nothing above the target's tokens.
    top = 0.0 if drawing.source else _TARGET_Y - 24
    size = f'width="{max(source.end, target.end):.0f}" height="{bottom - top:.0f}"'
    view = f'viewBox="0 {top:.0f} {max(source.end, target.end):.0f} {bottom - top:.0f}"'
    title = f"<title>{text(' '.join(drawing.target))}</title>"
    return f'<svg role="img" {size} {view}>{title}{"".join(parts if drawing.source else parts[1:])}</svg>'


class _Row:
    """Tokens beside each other at a height."""

    def __init__(self, tokens: Sequence[str], y: float) -> None:
        self._tokens, self._y = tokens, y
        self._places: list[tuple[float, float]] = []
        self.end = _MARGIN
        for token in tokens:
            wide = max(width(token), 8.0)
            self._places.append((self.end, self.end + wide))
            self.end += wide + _GAP

    def middle(self, place: int) -> float:
        return sum(self._places[place]) / 2

    def edges(self, entity: LabelledSpan) -> tuple[float, float]:
        return self._places[entity.span.start][0], self._places[entity.span.end - 1][1]

    def draw(self) -> str:
        drawn = (
            f'<text class="token" x="{self.middle(place):.1f}" y="{self._y}">{text(token)}</text>'
            for place, token in enumerate(self._tokens)
        )
        return "".join(drawn)


def _name(name: str, y: float) -> str:
    return f'<text class="side" x="0" y="{y:.0f}">{text(name)}</text>'


def _bracket(row: _Row, entity: LabelledSpan, y: float, down: int, colours: dict[str, str]) -> str:
    """Draw an entity's bracket; `down` is 1 where it lies below its tokens, -1 above them."""
    left, right = row.edges(entity)
    depth = y + down * _BRACKET
    path = f"M{left:.1f} {y}V{depth}H{right:.1f}V{y}"
    # The label's baseline: under the bracket its letters hang below it, above it they stand on it.
    label_y = depth + 12 if down > 0 else depth - 4
    label = f'<text x="{(left + right) / 2:.1f}" y="{label_y}">{text(entity.label)}</text>'
    return f'<g class="entity {colours.get(entity.label, "c0")}"><path d="{path}"/>{label}</g>'
