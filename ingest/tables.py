"""Runs of rows that are a table: a label and figures in aligned columns, below their headers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.columns import Columns
from ingest.numbers import is_unit
from ingest.pages import Row
from ingest.table_headers import header_rows, is_header, is_label, read_header, stands_left

MAX_LABEL_ROWS = 4
"""Label-only rows in a row inside a table: section labels and wrapped labels."""
FAR = 4.5
"""Rows farther apart than this, in font sizes, are not one table."""
JOINING = re.compile(
    r"(?:[,(–—-]|\b(?:and|or|of|to|for|in|the|a|an|on|by|from|with|net|per|as|at|its|our|than))$",
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


def find_tables(rows: Sequence[Row]) -> list[Region]:
    """The tables of a page, from top to bottom."""
    regions: list[Region] = []
    done = index = 0
    while index < len(rows):
        if not _begins_body(rows[index]):
            index += 1
            continue
        body = _body(rows, index)
        region = _region(rows, done, index, body)
        if region is None:
            index += 1
            continue
        if regions and not any(region.grid.columns):
            region = _with_names_above(rows, regions[-1], region)
        regions.append(region)
        done = index = region.end
    return regions


def _with_names_above(rows: Sequence[Row], above: Region, region: Region) -> Region:
    """A table right below one of as many columns goes under the same names."""
    own, other = region.grid, above.grid
    if len(own.columns) != len(other.columns) or region.start - above.end > 2:
        return region
    if abs(rows[region.end - 1].x1 - rows[above.end - 1].x1) > 3 * rows[region.start].size:
        return region
    grid = replace(own, unit=own.unit or other.unit, columns=other.columns)
    return replace(region, grid=grid)


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
    if not row.cells[-1].figure and (figures < 2 or 2 * figures < len(row.cells)):
        return False
    return figures > 0 and not is_header(row)


def _body(rows: Sequence[Row], start: int) -> _Body:
    columns = Columns()
    values = 0
    end = index = start
    labels = 0
    while index < len(rows):
        row = rows[index]
        if index > start and row.y - rows[index - 1].y > FAR * max(row.size, 6):
            break
        if is_header(row) and not stands_left(row, columns):
            break
        if _is_values(row, columns):
            if not columns.add(row):
                break
            values += 1
            labels = 0
            end = index + 1
        elif is_label(row, columns):
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


def _is_values(row: Row, columns: Columns) -> bool:
    if _begins_body(row):
        return True
    if not columns.spans or not any(cell.x0 >= columns.left - row.size for cell in row.cells):
        return False
    values = [cell for cell in row.cells if cell.x1 > columns.left]
    if len(row.cells) == 1:
        return row.cells[0].figure and columns.holds(row.cells[0])
    if values and values[0] is row.cells[0]:
        return all(cell.figure for cell in values)
    return all(columns.holds(cell) and len(cell.text) <= 40 for cell in values)


def _continues(above: Row, below: Row) -> bool:
    text = below.text
    near = below.y - above.y < 1.6 * max(below.size, above.size)
    return near and (text[0].islower() or (text[0] == "(" and not is_unit(text)))


def _region(rows: Sequence[Row], done: int, start: int, body: _Body) -> Region | None:
    columns = body.columns
    if not columns.spans:
        return None
    label_column = columns.take_label_column()
    top, first = header_rows(rows, done, start, columns)
    unit, captions, names = read_header(rows[top:first], columns)
    if body.values < 2 and not any(names):
        return None
    own = rows[first : body.end]
    lines = [columns.split(row, label_column) for row in own]
    return Region(top, body.end, Grid(unit, captions, names, _join_labels(lines, own)))


def _join_labels(
    lines: Sequence[tuple[str, ...]], rows: Sequence[Row]
) -> tuple[tuple[str, ...], ...]:
    """Rows with labels that were wrapped onto several lines made whole."""
    right = max((row.cells[0].x1 for row in rows if not row.cells[0].figure), default=0.0)
    joined: list[tuple[str, ...]] = []
    bare = False
    full = False
    for line, row in zip(lines, rows, strict=True):
        label, values = line[0], line[1:]
        empty = not any(values)
        if joined and label:
            above = joined[-1]
            wraps = label[0].islower() or (bare and JOINING.search(above[0]) is not None)
            wraps = wraps or (label[0] == "(" and full)
            if wraps and (bare or empty):
                joined[-1] = (f"{above[0]} {label}".strip(), *(values if bare else above[1:]))
                bare = bare and empty
                continue
        joined.append(line)
        bare = empty
        full = row.cells[0].x1 > right - 4 * row.size
    return tuple(joined)
