"""Dot plots: a line per method, grouped by language, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_evaluation.report.markup import text, width

_LINE, _HEAD, _RIGHT, _PLOT, _TOP = 20, 26, 70, 520, 24


@dataclass(frozen=True, slots=True)
class Dot:
    """One value with its interval, if it has one; `best` marks the best of its group."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Groups of dots on one axis from 0 to `top`; `digits` after the point are shown."""

    title: str
    top: float
    digits: int
    groups: dict[str, list[Dot]]


def draw_plot(plot: Plot) -> str:
    """Return an SVG element. With one dot per group, groups have no heading of their own."""
    single = all(len(dots) == 1 for dots in plot.groups.values())
    lines = [(name, dot) for name, dots in plot.groups.items() for dot in dots]
    # The best one is in bold, which is wider.
    left = 24 + 1.12 * max(width(name if single else dot.label) for name, dot in lines)
    parts: list[str] = []
    y = float(_TOP)
    for name, dots in plot.groups.items():
        if not single:
            y += _HEAD
            parts.append(f'<text class="group" x="0" y="{y - 8:.0f}">{text(name)}</text>')
        for dot in dots:
            y += _LINE
            parts.append(_draw_dot(plot, dot, name if single else dot.label, left, y - _LINE / 2))
    grid = _grid(plot, left, y)
    size = f'width="{left + _PLOT + _RIGHT:.0f}" height="{y + 8:.0f}"'
    return f'<svg role="img" {size}><title>{text(plot.title)}</title>{grid}{"".join(parts)}</svg>'


def _grid(plot: Plot, left: float, bottom: float) -> str:
    parts = []
    for step in range(6):
        x = left + _PLOT * step / 5
        value = f"{plot.top * step / 5:.{1 if plot.top <= 1 else 0}f}"
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom:.0f}"/>')
        parts.append(f'<text class="axis" x="{x:.1f}" y="{_TOP - 8}" text-anchor="middle">{value}</text>')
    return "".join(parts)


def _draw_dot(plot: Plot, dot: Dot, label: str, left: float, y: float) -> str:
    def place(value: float) -> float:
        return left + _PLOT * min(max(value / plot.top, 0.0), 1.0)

    shown = f"{dot.value:.{plot.digits}f}"
    kind = ' class="best"' if dot.best else ""
    between = ""
    end = place(dot.value)
    if dot.low is not None and dot.high is not None:
        end = place(dot.high)
        between = f'<line class="interval" x1="{place(dot.low):.1f}" x2="{end:.1f}" y1="{y}" y2="{y}"/>'
    return (
        f'<g{kind}><text class="label" x="{left - 12:.0f}" y="{y + 4}" text-anchor="end">{text(label)}</text>{between}'
        f'<circle class="dot" cx="{place(dot.value):.1f}" cy="{y}" r="5"/>'
        f'<text class="value" x="{end + 10:.1f}" y="{y + 4}">{shown}</text></g>'
    )


def mark_best(dots: Sequence[Dot], *, more: bool) -> list[Dot]:
    """Return the dots with the best one marked, where there are several."""
    if len(dots) < 2:
        return list(dots)
    best = (max if more else min)(dots, key=lambda dot: dot.value)
    return [Dot(dot.label, dot.value, dot.low, dot.high, best=dot is best) for dot in dots]
