"""Small charts as inline SVG: one function a kind, coloured by the classes of the report's page.

Shape says what colour says: a filled mark is the one that counts, a hollow one what it is
compared with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from rag_service.core.types import Interval

COLOURS = """<style>
  svg { background: #fff; }
  text { font: 11px system-ui, sans-serif; fill: #5c636b; font-variant-numeric: tabular-nums; }
  .middle { text-anchor: middle; }
  .end { text-anchor: end; }
  .value { fill: #1d2126; font-weight: 600; paint-order: stroke; stroke: #fff; stroke-width: 3px; }
  .name { fill: #1d2126; }
  .grid { stroke: #dcd8cf; fill: none; }
  .link { stroke: #dcd8cf; stroke-width: 2; fill: none; }
  .whisker { stroke: #5c636b; stroke-width: 1.6; fill: none; }
  .strong { stroke: #1f5f8b; }
  .dot { fill: #fff; stroke: #1f5f8b; stroke-width: 2; }
  .filled { fill: #1f5f8b; }
</style>"""
"""Of a chart that stands alone; on the report's page its own style holds, light and dark."""
WIDTH, HEIGHT = 360, 214
CURVE_WIDTH = 284
"""Four curves of a training stand side by side."""
LEFT, RIGHT, TOP, BOTTOM = 42, 14, 20, 42
"""Margins around the field that data are drawn in."""
PER_MARK = 46
"""Room for a mark with its labels, in pixels: a chart of many is wider."""


class Mark(NamedTuple):
    """A figure with its interval, over a label of up to two lines."""

    label: str
    below: str
    figure: Interval
    filled: bool


class Scale(NamedTuple):
    """Where a value stands between two pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def interval_chart(marks: Sequence[Mark], *, name: str, title: str, ceiling: float) -> str:
    """Figures between 0 and ``ceiling`` with their intervals as whiskers, from left to right.

    ``name`` is what the ids of the chart begin with; no two charts of a page have the same.
    """
    width = max(WIDTH, LEFT + RIGHT + PER_MARK * len(marks))
    y = Scale(0, ceiling, HEIGHT - BOTTOM, TOP)
    places = [LEFT + (width - LEFT - RIGHT) * (i + 0.5) / len(marks) for i, _ in enumerate(marks)]
    parts = [_levels(y, ticks(0, ceiling), width)]
    line = " ".join(f"{x:.1f},{y(m.figure.value):.1f}" for x, m in zip(places, marks, strict=True))
    if len(marks) > 1:
        parts.append(f'<polyline class="link" points="{line}"/>')
    for x, mark in zip(places, marks, strict=True):
        low, high = y(mark.figure.low), y(mark.figure.high)
        parts.append(
            f'<path class="whisker" d="M{x:.1f} {low:.1f}V{high:.1f}'
            f'M{x - 5:.1f} {low:.1f}h10M{x - 5:.1f} {high:.1f}h10"/>'
            + _dot(x, y(mark.figure.value), filled=mark.filled)
            + _text(x, high - 6, f"{mark.figure.value:.3f}", "value middle")
            + _text(x, HEIGHT - BOTTOM + 16, mark.label, "name middle")
            + _text(x, HEIGHT - BOTTOM + 30, mark.below, "middle")
        )
    told = "; ".join(
        f"{mark.label} {mark.figure.value:.3f}, interval {mark.figure.low:.3f} to "
        f"{mark.figure.high:.3f}, {mark.below}"
        for mark in marks
    )
    return _svg(width, HEIGHT, name, title, told, parts)


def curve_chart(
    points: Sequence[tuple[float, float]],
    *,
    name: str,
    title: str,
    across: str,
    chosen: float | None = None,
    reference: tuple[str, float] | None = None,
    from_zero: bool = False,
    digits: int = 3,
) -> str:
    """A line through ``points`` (x, y), x ascending, with its first, last and chosen y told.

    Args:
        points: at least one.
        name: what the ids of the chart begin with.
        title: what is drawn.
        across: what x is.
        chosen: the x of the point that was chosen.
        reference: name and height of a level to compare with, drawn dashed.
        from_zero: whether y begins at 0.
        digits: decimals of y.
    """
    heights = [value for _, value in points] + ([reference[1]] if reference else [])
    bottom, top = _span(heights, least=0.5 * 10 ** (2 - digits), from_zero=from_zero)
    y = Scale(bottom, top, HEIGHT - BOTTOM, TOP)
    first, last = points[0][0], points[-1][0]
    x = Scale(first, last if last > first else first + 1, LEFT + 20, CURVE_WIDTH - RIGHT - 16)
    parts = [_levels(y, ticks(bottom, top), CURVE_WIDTH)]
    if reference:
        level = y(reference[1])
        told_level = f"{reference[0]} {reference[1]:.{digits}f}"
        parts.append(
            f'<path class="level" d="M{LEFT} {level:.1f}H{CURVE_WIDTH - RIGHT}"/>'
            + _text(CURVE_WIDTH - RIGHT, level + 13, told_level, "end")
        )
    line = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
    if len(points) > 1:
        parts.append(f'<polyline class="curve" points="{line}"/>')
    labelled = {0, len(points) - 1, *(i for i, (a, _) in enumerate(points) if a == chosen)}
    few = len(points) <= 5
    for i, (a, b) in enumerate(points):
        if len(points) <= 12 or i in labelled:
            parts.append(_dot(x(a), y(b), filled=a == chosen))
        if few or i in labelled:
            label = _text(x(a), y(b) - 9, f"{b:.{digits}f}", "value middle")
            parts.append(label)
        if few:
            parts.append(_text(x(a), HEIGHT - BOTTOM + 16, f"{a:g}", "middle"))
    if not few:
        steps = [t for t in ticks(first, last) if first <= t <= last]
        parts += [_text(x(t), HEIGHT - BOTTOM + 16, f"{t:g}", "middle") for t in steps]
    parts.append(_text((LEFT + CURVE_WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 32, across, "middle"))
    told = "; ".join(f"{across} {a:g}: {b:.{digits}f}" for a, b in _thinned(points))
    if chosen is not None:
        told += f"; chosen: {across} {chosen:g}"
    if reference:
        told += f"; {reference[0]}: {reference[1]:.{digits}f}"
    return _svg(CURVE_WIDTH, HEIGHT, name, title, told, parts)


def pair_strip(before: Interval, after: Interval, ceiling: float) -> str:
    """Two figures with whiskers on one line each, for a row of a table that tells them in words."""
    width, height = 190, 26
    x = Scale(0, ceiling, 6, width - 6)
    parts = [f'<path class="grid" d="M6 {height}V0M{width - 6} {height}V0"/>']
    for level, figure, filled in ((8, before, False), (18, after, True)):
        low, high = x(figure.low), x(figure.high)
        kind = "whisker strong" if filled else "whisker"
        parts.append(
            f'<path class="{kind}" d="M{low:.1f} {level}H{high:.1f}"/>'
            + _dot(x(figure.value), level, filled=filled, radius=3.5)
        )
    return (
        f'<svg class="strip" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'aria-hidden="true" focusable="false">{"".join(parts)}</svg>'
    )


def alone(chart: str) -> str:
    """A chart as a file of its own, on white."""
    namespace = ' xmlns="http://www.w3.org/2000/svg"'
    return chart.replace("<svg", f"<svg{namespace}", 1).replace("</desc>", f"</desc>{COLOURS}", 1)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values from ``low`` to ``high``, at most ``most`` + 1 of them."""
    if high <= low:
        return [low]
    rough = (high - low) / most
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * part for part in (1, 2, 2.5, 5, 10) if size * part >= rough * 0.9999)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [round((first + i) * step, 10) for i in range(count)]


def _span(values: Sequence[float], *, least: float, from_zero: bool) -> tuple[float, float]:
    """Limits at least ``least`` apart, with room above for labels."""
    low, high = (0.0 if from_zero else min(values)), max(values)
    room = max(high - low, least)
    low, high = (low, low + room) if from_zero else (low, max(high, low + room / 2))
    low = low if from_zero else max(0.0, low - 0.25 * room) if low >= 0 else low - 0.25 * room
    return low, high + 0.2 * room


def _levels(y: Scale, values: Sequence[float], width: int) -> str:
    """Horizontal lines at round values, and the values left of them."""
    digits = _digits(values)
    lines = "".join(f"M{LEFT} {y(value):.1f}H{width - RIGHT}" for value in values)
    told = "".join(_text(LEFT - 6, y(v) + 4, f"{v:.{digits}f}", "end") for v in values)
    return f'<path class="grid" d="{lines}"/>{told}'


def _digits(values: Sequence[float]) -> int:
    """Decimals that tell all of ``values`` apart from what they are not."""
    return next((d for d in range(5) if all(abs(v - round(v, d)) < 1e-9 for v in values)), 5)


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most about a dozen points, first and last among them."""
    every = max(1, math.ceil(len(points) / 12))
    return [p for i, p in enumerate(points) if i % every == 0 or i == len(points) - 1]


def _dot(x: float, y: float, *, filled: bool, radius: float = 4.5) -> str:
    kind = "dot filled" if filled else "dot"
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>' if text else ""


def _svg(width: int, height: int, name: str, title: str, told: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(told)}</desc>{"".join(parts)}</svg>'
    )
