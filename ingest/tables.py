"""Runs of rows that are a table: a label and figures in aligned columns, below their headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from ingest.columns import Columns, Span
from ingest.headings import is_section_heading
from ingest.numbers import FOOTNOTE, is_figure, is_unit, is_year
from ingest.pages import Row, Rule, no_rules
from ingest.table_headers import header_rows, is_header, is_label, read_header, stands_left

MAX_LABEL_ROWS = 4
"""Label-only rows in a row inside a table: section labels and wrapped labels."""
MAX_LABELS_BETWEEN = 8
"""Label-only rows between two parts of one table."""
SPOKEN_WORDS = 5
"""A label of so many words is none that stands over labels."""
WORDY = 0.7
"""Share of the characters beside the labels."""
TIGHT, CLOSE = 0.8, 1.1
"""Lines of one label are closer than this share of the usual distance between rows, and than
this many font sizes."""
YEAR_AND_BEFORE = re.compile(r".*\b(?:19|20)\d\d\b")
LAST_TIME = re.compile(r"\s*\b(?:19|20)\d\d(?:\s+vs\.?\s+(?:19|20)\d\d)?$")
"""The years that a second part of a table puts in place of the first one's."""
FAR = 4.5
"""Rows farther apart than this, in font sizes, are not one table."""
JOINING = re.compile(
    r"(?:[,;(–—-]|\b(?:and|or|of|to|for|in|the|a|an|on|by|from|with|net|per|as|at|its|our|than))$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's cells as data.

    ``columns`` name the value columns; a row is its label and one string a column. ``captions``
    are the header lines that stand over all columns, such as ``Years ended December 31``.
    """

    unit: str
    captions: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Region:
    """Rows ``start`` to ``end`` (exclusive) of a page, as a table."""

    start: int
    end: int
    grid: Grid
    spans: tuple[Span, ...]
    """Where its value columns stand."""


def find_tables(
    rows: Sequence[Row], rules: Callable[[], Sequence[Rule]] = no_rules
) -> list[Region]:
    """The tables of a page, from top to bottom; ``rules`` is asked where headers span columns."""
    regions: list[Region] = []
    done = index = 0
    while index < len(rows):
        if not _begins_body(rows[index]) or _ends_header(rows, index):
            index += 1
            continue
        body = _body(rows, index)
        region = _region(rows, done, index, body, rules)
        if region is None:
            index += 1
            continue
        names = region.grid.columns
        if regions and (not all(names) or len(set(names)) < len(names)):
            region = _with_names_above(rows, regions[-1], region)
        regions.append(region)
        done = index = region.end
    return regions


def _with_names_above(rows: Sequence[Row], above: Region, region: Region) -> Region:
    """A table below one with columns at the same places goes under the same names."""
    own, other = region.grid, above.grid
    between = rows[above.end : region.start]
    apart = len(between) > MAX_LABELS_BETWEEN or any(
        row.x1 > region.spans[0][0] or row.text[-1] == "." for row in between
    )
    aligned = len(own.columns) == len(other.columns) and all(
        min(high, other_high) - max(low, other_low) > 0.5 * min(high - low, other_high - other_low)
        for (low, high), (other_low, other_high) in zip(region.spans, above.spans, strict=True)
    )
    if apart or not aligned:
        return region
    new = any(name and not LAST_TIME.fullmatch(name) for name in own.columns)
    names = tuple(_renamed(a, b, new) for a, b in zip(other.columns, own.columns, strict=True))
    captions = own.captions or (() if any(own.columns) else other.captions)
    grid = replace(own, unit=own.unit or other.unit, captions=captions, columns=names)
    return replace(region, grid=grid)


def _renamed(above: str, own: str, new: bool) -> str:
    """A column's name in a second part of a table, which may put other words under its years.

    ``new`` says that the second part has words of its own: the first one's lowest are not its.
    """
    if own and LAST_TIME.fullmatch(own):
        return f"{LAST_TIME.sub('', above)} {own}".strip()
    if new and (year := YEAR_AND_BEFORE.match(above)):
        return f"{year[0]} {own}".strip()
    return own or above


@dataclass(slots=True)
class _Body:
    end: int
    columns: Columns
    values: int


def _begins_body(row: Row) -> bool:
    """A row with a figure at its end, or mostly of figures, that is not a header of years."""
    if len(row.cells) < 2:
        return False
    figures = sum(cell.figure for cell in row.cells)
    marks = sum(cell.figure and FOOTNOTE.fullmatch(cell.text) is not None for cell in row.cells)
    if figures == marks and len(row.cells) - marks > 2:
        return False
    if not row.cells[-1].figure and (figures < 2 or 2 * figures < len(row.cells)):
        return False
    return figures > 0 and not is_header(row)


def _ends_header(rows: Sequence[Row], index: int) -> bool:
    """Whether years are the last words of column names, far from where the labels stand."""
    row = rows[index]
    if not all(is_year(cell.text) for cell in row.cells if cell.figure):
        return False
    below = next((r for r in rows[index + 1 : index + 4] if any(c.figure for c in r.cells)), None)
    return below is not None and not below.cells[0].figure and row.x0 > below.cells[0].x1


def _body(rows: Sequence[Row], start: int) -> _Body:
    columns = Columns()
    values = 0
    end = index = start
    labels = 0
    while index < len(rows):
        row = rows[index]
        if index > start and row.y - rows[index - 1].y > FAR * max(row.size, 6):
            break
        if is_section_heading(row.text):
            break
        if is_header(row) and not (stands_left(row, columns) or _has_years(rows, index, columns)):
            break
        if _is_values(row, columns):
            if not columns.add(row):
                break
            values += 1
            labels = 0
            end = index + 1
        elif is_label(row, columns) or _is_beside(rows, index, columns):
            labels += 1
            if labels > MAX_LABEL_ROWS:
                break
        else:
            break
        index += 1
    # A last label that is only the rest of the one above it belongs to the table.
    while end < min(index, len(rows)) and _continues(rows[end - 1], rows[end]):
        end += 1
    return _Body(end, columns, values)


def _has_years(rows: Sequence[Row], index: int, columns: Columns) -> bool:
    """Whether years are the values of a row, such as the years in which something is reached."""
    row = rows[index]
    above = rows[index - 1]
    return (
        index > 0
        and bool(columns.spans)
        and (row.text[0].islower() or len(row.cells[0].text.split()) >= SPOKEN_WORDS)
        and row.x0 < columns.label_zone
        and row.emphasis == above.emphasis
        and row.y - above.y < 1.8 * row.size
        and not is_unit(row.cells[0].text)
        and all(is_year(cell.text) and columns.holds(cell) for cell in row.cells[1:])
    )


def _is_values(row: Row, columns: Columns) -> bool:
    if _begins_body(row) or (len(row.cells) > 1 and all(is_year(c.text) for c in row.cells[1:])):
        return True
    if not columns.spans or not any(cell.x0 >= columns.left - row.size for cell in row.cells):
        return False
    values = [cell for cell in row.cells if cell.x1 > columns.left]
    if len(row.cells) == 1:
        return row.cells[0].figure and columns.holds(row.cells[0])
    if values and values[0] is row.cells[0]:
        return all(cell.figure for cell in values)
    if row.x0 > columns.label_zone:
        return False
    return all(columns.holds(cell) and len(cell.text) <= 40 for cell in values)


def _is_beside(rows: Sequence[Row], index: int, columns: Columns) -> bool:
    """Whether a line is the first of words that are wrapped right of the figures."""
    row = rows[index]
    return (
        len(row.cells) == 1
        and columns.right < row.x0
        and index + 1 < len(rows)
        and _is_values(rows[index + 1], columns)
    )


def _continues(above: Row, below: Row) -> bool:
    text = below.text
    near = below.y - above.y < 1.6 * max(below.size, above.size)
    return near and (text[0].islower() or (text[0] == "(" and not is_unit(text)))


def _region(
    rows: Sequence[Row],
    done: int,
    start: int,
    body: _Body,
    rules: Callable[[], Sequence[Rule]],
) -> Region | None:
    columns = body.columns
    if not columns.spans:
        return None
    label_column = columns.take_label_column()
    columns.settle(rows[start : body.end])
    top, first = header_rows(rows, done, start, columns)
    unit, captions, names = read_header(rows[top:first], rows[first], columns, rules)
    if body.values < 2 and not any(names):
        return None
    own = rows[first : body.end]
    lines, kept = _join_words([columns.split(row, label_column) for row in own], own)
    if not any(names) and _is_wordy(lines):
        return None
    return Region(
        top, body.end, Grid(unit, captions, names, _join_labels(lines, kept)), tuple(columns.spans)
    )


def _is_wordy(lines: Sequence[tuple[str, ...]]) -> bool:
    """Whether what stands beside the labels is text, as in a list of exhibits."""
    values = [value for line in lines for value in line[1:] if value]
    words = sum(len(value) for value in values if not is_figure(value))
    return words > WORDY * sum(len(value) for value in values)


def _join_words(
    lines: Sequence[tuple[str, ...]], rows: Sequence[Row]
) -> tuple[list[tuple[str, ...]], list[Row]]:
    """Rows whose words beside the label were wrapped made whole: the nearer row takes the rest."""
    joined: list[tuple[str, ...]] = []
    kept: list[Row] = []
    waiting: tuple[str, ...] = ()
    for index, (line, row) in enumerate(zip(lines, rows, strict=True)):
        if not line[0] and any(line) and not any(is_figure(value) for value in line if value):
            below = rows[index + 1].y - row.y if index + 1 < len(rows) else float("inf")
            if kept and not waiting and row.y - rows[index - 1].y <= below:
                joined[-1] = _beside(joined[-1], line)
                continue
            if below < float("inf"):
                waiting = _beside(waiting, line) if waiting else line
                continue
        joined.append(_beside(waiting, line) if waiting else line)
        kept.append(row)
        waiting = ()
    return joined, kept


def _beside(above: tuple[str, ...], below: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{a} {b}".strip() for a, b in zip(above, below, strict=True))


def _join_labels(
    lines: Sequence[tuple[str, ...]], rows: Sequence[Row]
) -> tuple[tuple[str, ...], ...]:
    """Rows with labels that were wrapped onto several lines made whole."""
    right = max((row.cells[0].x1 for row in rows if not row.cells[0].figure), default=0.0)
    joined: list[tuple[str, ...]] = []
    bare = False
    full = False
    gaps = [below.y - above.y for above, below in pairwise(rows)]
    tight = TIGHT * median(gaps) if len(gaps) > 2 else 0.0
    level = 0.0
    for line, row in zip(lines, rows, strict=True):
        label, values = line[0], line[1:]
        empty = not any(values)
        wordy = not any(is_figure(value) for value in values if value)
        if joined and label:
            above = joined[-1]
            wraps = label[0].islower() or (bare and JOINING.search(above[0]) is not None)
            wraps = wraps or (label[0] == "(" and (full or (bare and label[-1] == ")")))
            near = row.y - level < min(tight, CLOSE * row.size)
            wraps = wraps or (bare and near and above[0][-1] != ":")
            wraps = wraps or (empty and full and JOINING.search(above[0]) is not None)
            if wraps and (bare or empty):
                joined[-1] = _beside(above, line)
                bare = bare and wordy
                level = row.y
                continue
        joined.append(line)
        level = row.y
        bare = wordy
        full = row.cells[0].x1 > right - 4 * row.size
    return tuple(joined)
