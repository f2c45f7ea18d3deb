"""The README's chart: ``python docs/pictures.py`` draws ``images/ndcg.svg`` of ``figures.json``.

Each figure there names the line of ``RESULTS.md`` that it was taken from.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import NamedTuple

from eval.report.charts import Scale, alone, ticks
from rag_service.core.types import Interval

FOLDER = Path(__file__).parent
PICTURE = FOLDER / "images" / "ndcg.svg"
TITLE = "NDCG@10 before and after training, with 95 % intervals"
WIDTH, ROW, TOP, BOTTOM = 700, 58, 58, 30
LEFT, RIGHT = 238, 20
"""Margins of the field: labels stand left of it."""


class Row(NamedTuple):
    """One set of questions, with its figures before and after."""

    label: str
    below: str
    before: Interval
    after: Interval


def draw(rows: list[Row]) -> str:
    """The chart as SVG: a hollow mark before, a filled one after, each with its interval."""
    height = TOP + ROW * len(rows) + BOTTOM
    x = Scale(0, 0.9, LEFT, WIDTH - RIGHT)
    levels = ticks(0, 0.9)
    lines = "".join(f"M{x(t):.1f} {TOP - 8}V{height - BOTTOM}" for t in levels)
    parts = [
        f'<g class="large">{_text(12, 24, TITLE, "value")}</g>',
        _mark(LEFT + 4, 42, filled=False) + _text(LEFT + 14, 46, "before: untrained", ""),
        _mark(LEFT + 150, 42, filled=True) + _text(LEFT + 160, 46, "after: trained", ""),
        f'<path class="grid" d="{lines}"/>',
        *(_text(x(t), height - BOTTOM + 18, f"{t:.1f}", "middle") for t in levels),
    ]
    for i, row in enumerate(rows):
        top = TOP + ROW * i
        parts += [
            _text(12, top + 24, row.label, "name"),
            _text(12, top + 41, row.below, ""),
            _figure(x, row.before, top + 20, filled=False),
            _figure(x, row.after, top + 38, filled=True),
        ]
    told = "; ".join(f"{r.label}, {r.below}: {_told(r.before)} to {_told(r.after)}" for r in rows)
    return alone(
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-labelledby="title desc"><title id="title">{escape(TITLE)}</title>'
        f'<desc id="desc">{escape(told)}</desc><style>text {{ font-size: 13px !important; }} '
        f".large text {{ font-size: 16px !important; }}</style>{''.join(parts)}</svg>\n"
    )


def rows_of(figures: list[dict[str, object]]) -> list[Row]:
    return [
        Row(str(f["label"]), str(f["below"]), _interval(f["before"]), _interval(f["after"]))
        for f in figures
    ]


def _interval(taken: object) -> Interval:
    """Of a figure such as ``0.359 [0.318, 0.401]``."""
    assert isinstance(taken, dict)
    value, low, high = map(float, re.findall(r"\d\.\d+", taken["figure"]))
    return Interval(value, low, high)


def _figure(x: Scale, figure: Interval, y: float, *, filled: bool) -> str:
    low, high = x(figure.low), x(figure.high)
    strong = " strong" if filled else ""
    return (
        f'<path class="whisker{strong}" d="M{low:.1f} {y}H{high:.1f}'
        f'M{low:.1f} {y - 4}v8M{high:.1f} {y - 4}v8"/>'
        + _mark(x(figure.value), y, filled=filled)
        + _text(high + 8, y + 4.5, f"{figure.value:.3f}", "value" if filled else "name")
    )


def _mark(x: float, y: float, *, filled: bool) -> str:
    kind = "dot filled" if filled else "dot"
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y}" r="5"/>'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y}">{escape(text)}</text>'


def _told(figure: Interval) -> str:
    return f"{figure.value:.3f} (interval {figure.low:.3f} to {figure.high:.3f})"


if __name__ == "__main__":
    chart = draw(rows_of(json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))))
    PICTURE.write_text(chart, encoding="utf-8")
