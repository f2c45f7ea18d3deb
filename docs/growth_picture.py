"""The chart of growth: ``python docs/growth_picture.py`` draws ``images/growth.svg``.

Of ``growth.json``, which ``ragloop bench growth --output docs/growth.json`` writes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from eval.report.charts import Scale, alone, ticks
from rag_service.core.types import Interval

FOLDER = Path(__file__).parent
FIGURES = FOLDER / "growth.json"
PICTURE = FOLDER / "images" / "growth.svg"
TITLE = "A store as it grows, with 95 % intervals"
WIDTH, PANEL, TOP = 720, 232, 40
FIELD = (52, 20, 58, 30)
"""Margins around the field of a panel: left, right, above, below."""


class Line(NamedTuple):
    """A figure at each size; hollow marks and dashes tell lines of one panel apart."""

    label: str
    figures: dict[int, Interval]
    filled: bool = True
    dashed: bool = False


class Panel(NamedTuple):
    """Lines on one field; without ``floor``, heights are logarithms."""

    title: str
    lines: Sequence[Line]
    digits: int
    floor: float | None = None


def draw(report: dict[str, Any]) -> str:
    """The chart as SVG: two panels in each of two rows."""
    panels = panels_of(report)
    height = TOP + PANEL * 2
    parts = [f'<g class="large">{_text(12, 24, TITLE, "value")}</g>']
    for place, panel in enumerate(panels):
        left, top = place % 2 * WIDTH / 2, TOP + place // 2 * PANEL
        parts.append(f'<g transform="translate({left:.0f} {top})">{_drawn(panel)}</g>')
    told = "; ".join(
        f"{panel.title}, {line.label}, {size} chunks: {_told(figure, panel.digits)}"
        for panel in panels
        for line in panel.lines
        for size, figure in line.figures.items()
    )
    return alone(
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-labelledby="title desc"><title id="title">{escape(TITLE)}</title>'
        f'<desc id="desc">{escape(told)}</desc><style>text {{ font-size: 12px !important; }} '
        f".large text {{ font-size: 16px !important; }}</style>{''.join(parts)}</svg>\n"
    )


def panels_of(report: dict[str, Any]) -> list[Panel]:
    """What is drawn of what the benchmark wrote."""
    sizes, exponents = report["sizes"], report["exponents"]

    def power(name: str) -> str:
        return f"∝ n^{exponents[name]['value']:.2f}" if name in exponents else ""

    def line(label: str, *path: str, **look: bool) -> Line:
        figures = {at["chunks"]: _interval(at, path) for at in sizes}
        return Line(label, {n: f for n, f in figures.items() if f}, **look)

    searches = [
        line(f"{told} {q[:3]} {power(f'{way}_{q}')}", way, q, filled=q[1:3] == "99", dashed=dashed)
        for way, told, dashed in (("hybrid", "- - hybrid", True), ("vectors", "vectors", False))
        for q in ("p99_ms", "p50_ms")
    ]
    return [
        Panel("Search, ms", searches, 1),
        Panel(
            "Chunks a second",
            [
                line(f"ingest {power('ingest_chunks_per_second')}", "ingest_chunks_per_second"),
                line(
                    f"reindex {power('reindex_chunks_per_second')}",
                    "reindex_chunks_per_second",
                    filled=False,
                ),
            ],
            0,
            floor=0,
        ),
        Panel(
            f"Recall@{report['wanted']['k']} of exact search",
            [line("", "recall")],
            4,
            floor=min(0.98, *(at["recall"]["low"] for at in sizes)),
        ),
        Panel(
            "Redis memory, bytes a chunk",
            [
                line("chunks and one index", "bytes_per_chunk"),
                line("an index more", "index_bytes_per_chunk", filled=False),
            ],
            0,
            floor=0,
        ),
    ]


def _drawn(panel: Panel) -> str:
    left, right, above, below = FIELD
    across = sorted({size for line in panel.lines for size in line.figures})
    figures = [figure for line in panel.lines for figure in line.figures.values()]
    low, high = min(f.low for f in figures), max(f.high for f in figures)
    x = Scale(math.log(across[0]), math.log(across[-1]), left + 6, WIDTH / 2 - right - 6)
    of: Callable[[float], float]
    if panel.floor is None:
        of, low, high = math.log, low / 1.2, high * 1.2
        levels = _decades(low, high)
    else:
        of, low, high = float, panel.floor, high + 0.05 * (high - panel.floor)
        levels = ticks(low, high)
    axis = Scale(of(low), of(high), PANEL - below, above)

    def y(value: float) -> float:
        return axis(of(value))

    grid = "".join(f"M{left} {y(t):.1f}H{WIDTH / 2 - right:.0f}" for t in levels)
    parts = [
        _text(12, 14, panel.title, "name"),
        f'<path class="grid" d="{grid}"/>',
        *(_text(left - 6, y(t) + 4, f"{t:,.10g}", "end") for t in levels),
        *(_text(x(math.log(n)), PANEL - 10, f"{n // 1000}k", "middle") for n in across),
    ]
    for i, line in enumerate(panel.lines if len(panel.lines) > 1 else ()):
        column, row = 16 + i % 2 * 168, 28 + i // 2 * 15
        parts.append(_mark(column, row, filled=line.filled))
        parts.append(_text(column + 9, row + 4, line.label, ""))
    for line in panel.lines:
        points = [(x(math.log(n)), figure) for n, figure in line.figures.items()]
        joined = " ".join(f"{at:.1f},{y(figure.value):.1f}" for at, figure in points)
        dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
        parts.append(f'<polyline class="whisker strong"{dashes} points="{joined}"/>')
        for at, figure in points:
            if figure.high > figure.low:
                ends = f"M{at:.1f} {y(figure.low):.1f}V{y(figure.high):.1f}"
                parts.append(f'<path class="whisker" d="{ends}"/>')
            parts.append(_mark(at, y(figure.value), filled=line.filled))
    return "".join(parts)


def _interval(at: dict[str, Any], path: Sequence[str]) -> Interval | None:
    """A figure of one size; what has no interval is its own."""
    found: Any = at
    for name in path:
        found = found[name]
    if isinstance(found, dict):
        return Interval(found["value"], found["low"], found["high"])
    return None if found is None else Interval(found, found, found)


def _decades(low: float, high: float) -> list[float]:
    """1, 3, 10, 30 and so on between two limits."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    values = (part * 10.0**power for power in range(first, last + 1) for part in (1, 3))
    return [value for value in values if low <= value <= high]


def _mark(x: float, y: float, *, filled: bool) -> str:
    kind = "dot filled" if filled else "dot"
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>' if text else ""


def _told(figure: Interval, digits: int) -> str:
    told = f"{figure.value:.{digits}f}"
    if figure.high > figure.low:
        told += f" (interval {figure.low:.{digits}f} to {figure.high:.{digits}f})"
    return told


if __name__ == "__main__":
    chart = draw(json.loads(FIGURES.read_text(encoding="utf-8")))
    PICTURE.write_text(chart, encoding="utf-8")
