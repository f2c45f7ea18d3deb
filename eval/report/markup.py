"""Pieces of markup that the report's sections share; whatever comes from data is escaped here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from rag_service.core.types import Difference, Interval, Run

MEASURE = "NDCG@10"
"""The headline measure as people read it."""
JOB = re.compile(r"(?P<kind>[a-z]+)-(?P<day>\d{8})T(?P<time>\d{6})Z-[0-9a-f]{4}")
"""A question set of held-out documents is named after the job that made it."""


def figure(value: Interval) -> str:
    """``0.451 [0.398, 0.502]``, the interval quieter."""
    return f"{value.value:.3f} {_quiet(f'[{value.low:.3f}, {value.high:.3f}]')}"


def difference(value: Difference, *, p: bool = True) -> str:
    """``+0.211 [+0.169, +0.254], p = 0.0002``; marked where the interval leaves out zero."""
    kind = "up" if value.low > 0 else "down" if value.high < 0 else "open"
    bounds = f"[{value.low:+.3f}, {value.high:+.3f}]".replace("-", "−")
    told = f'<b class="{kind}">{signed(value.value)}</b> {_quiet(bounds)}'
    return f"{told}, p = {value.p:.4f}" if p else told


def signed(value: float) -> str:
    told = f"{value:+.3f}".replace("-", "−")
    return "0.000" if told.endswith("0.000") else told


def count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def moment(time: str) -> str:
    """``2026-11-23 02:40 UTC`` of an ISO time to the second; any other text as it is."""
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\dZ$", r"\1 \2 UTC", time)


def set_name(run: Run) -> str:
    """A question set's name for people, with the split; that of a job tells kind and time."""
    if job := JOB.fullmatch(run.question_set):
        day, time = job["day"], job["time"]
        when = f"{day[:4]}-{day[4:6]}-{day[6:]} {time[:2]}:{time[2:4]}"
        told = f"held-out, {job['kind']} of {when}"
        return f'<span title="{escape(run.question_set)}">{escape(told)}</span>'
    return escape(f"{run.question_set}/{run.split}")


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A list of names and values; values are markup, empty ones are left out."""
    listed = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in rows if value
    )
    return f'<dl class="facts">{listed}</dl>\n'


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of markup; the first column names the rows. A row of one cell heads those below."""
    first, *others = columns
    head = _column(first, "first") + "".join(_column(name, "") for name in others)
    body = "".join(_row(row, len(columns)) for row in rows)
    if not body:
        return ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
    )


def chart(drawn: str, caption: str, *, wide: bool = False) -> str:
    """A chart, with markup over it that says what it shows."""
    return (
        f'<figure class="plot{" wide" if wide else ""}"><figcaption>{caption}</figcaption>'
        f'<div class="scroll">{drawn}</div></figure>\n'
    )


def section(key: str, title: str, body: str) -> str:
    return (
        f'<section class="part" id="{key}" aria-labelledby="{key}-title">\n'
        f'<h2 id="{key}-title">{title}</h2>\n{body}</section>\n'
    )


def _column(name: str, kind: str) -> str:
    if not name:
        return "<td></td>"
    return f'<th scope="col"{f" class={kind}" if kind else ""}>{escape(name)}</th>'


def _row(cells: Sequence[str], width: int) -> str:
    if len(cells) == 1:
        head = f'<th scope="rowgroup" colspan="{width}">{cells[0]}</th>'
        return f'</tbody>\n<tbody><tr class="group">{head}</tr>\n'
    first, *others = cells
    return f'<tr><th scope="row">{first}</th>{"".join(map(_cell, others))}</tr>\n'


def _cell(cell: str) -> str:
    return f"<td>{cell}</td>"


def _quiet(text: str) -> str:
    return f'<span class="bounds">{text}</span>'
