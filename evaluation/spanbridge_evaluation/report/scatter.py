"""A scatter plot of methods: how fast, how good, and how heavy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_evaluation.report.markup import text, width

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 760.0, 360.0, 56.0, 16.0, 44.0
_LEAST_RADIUS = 5.0
_AREA_OF_MB = 6.0
"""Square pixels that a megabyte takes."""
_ROOM = 12.0


@dataclass(frozen=True, slots=True)
class Mark:
    """One method: `x` sentences a second, above 0; `y` F1 in [0, 1]; `size` in MB, None where it isn't known."""

    label: str
    x: float
    y: float
    size: float | None = None


def draw_scatter(title: str, marks: Sequence[Mark]) -> str:
    """Return an SVG element; sentences a second are on a logarithmic axis, an area says how many MB."""
    least, most = math.floor(math.log10(min(m.x for m in marks))), math.ceil(math.log10(max(m.x for m in marks)))
    most = max(most, least + 1)
    # Tenths, with room above and below; from 0 on, methods that differ by hundredths would lie on each other.
    low = max(0, math.floor(10 * min(mark.y for mark in marks) - 0.3))
    top = min(10, math.ceil(10 * max(mark.y for mark in marks) + 0.3))

    def across(x: float) -> float:
        return _LEFT + (_WIDTH - _LEFT) * (math.log10(x) - least) / (most - least)

    def down(y: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (top - 10 * y) / (top - low)

    parts = [_vertical(across(10.0**power), f"{10.0**power:g}") for power in range(least, most + 1)]
    parts += [_horizontal(down(step / 10), f"{step / 10:.1f}") for step in range(low, top + 1)]
    parts.append(f'<text class="axis" x="{_WIDTH:.0f}" y="{_HEIGHT - 8:.0f}" text-anchor="end">sentences/s</text>')
    parts.append(f'<text class="axis" x="0" y="{_TOP - 4:.0f}">F1</text>')
    taken: list[tuple[float, float, float]] = []
    drawn = [_draw(mark, across(mark.x), down(mark.y), taken) for mark in sorted(marks, key=lambda each: -each.y)]
    parts += [dot for dot, _ in drawn] + [name for _, name in drawn]  # No dot on a name.
    # Names of the fastest, and half of the last number, stand to the right of the plot's edge.
    wide = max([_WIDTH + _ROOM, *(end for _, end, _ in taken)]) + 8
    size = f'width="{wide:.0f}" height="{_HEIGHT:.0f}"'
    return f'<svg role="img" {size}><title>{text(title)}</title>{"".join(parts)}</svg>'


def _draw(mark: Mark, x: float, y: float, taken: list[tuple[float, float, float]]) -> tuple[str, str]:
    radius = max(_LEAST_RADIUS, math.sqrt(_AREA_OF_MB * (mark.size or 0.0) / math.pi))
    start = x + radius + 6
    end, line = start + width(mark.label), y + 4
    # Names are moved down where they would run into another one.
    while any(start < right and left < end and abs(line - other) < _ROOM for left, right, other in taken):
        line += _ROOM
    taken.append((start, end, line))
    shown = "" if mark.size is None else f", {mark.size:.1f} MB"
    told = f"{mark.label}: F1 {mark.y:.3f}, {mark.x:.1f} sentences/s{shown}"
    return (
        f'<g><title>{text(told)}</title><circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/></g>',
        f'<text class="label" x="{start:.1f}" y="{line:.1f}">{text(mark.label)}</text>',
    )


def _vertical(x: float, value: str) -> str:
    bottom = _HEIGHT - _BOTTOM
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
        f'<text class="axis" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value}</text>'
    )


def _horizontal(y: float, value: str) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
    )
