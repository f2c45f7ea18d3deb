"""Runs of rows that are a table: a label and figures in aligned columns, below their headers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.columns import Columns, column_names
from ingest.headings import is_item_heading
from ingest.numbers import FOOTNOTE, PART_OF_YEAR, is_date, is_period, is_unit, is_year
from ingest.pages import Cell, Row

MAX_HEADER_ROWS = 9
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
    return figures > 0 and not _is_header(row)


def _is_header(row: Row) -> bool:
    """Whether years or dates are all that stands over the columns."""
    named = [cell for cell in row.cells if _is_time(cell.text)]
    if not named:
        return False
    rest = row.cells[: len(row.cells) - len(named)]
    if tuple(named) != row.cells[len(rest) :] and not all(
        _is_heading_cell(cell) for cell in row.cells[1:]
    ):
        return False
    if not any(is_year(cell.text) or is_date(cell.text) for cell in named) and len(named) < 3:
        return False
    if len(named) == 1:
        return all(is_unit(cell.text) or is_period(cell.text) for cell in rest)
    return all(_is_heading_cell(cell) for cell in row.cells)


def _is_heading_cell(cell: Cell) -> bool:
    return not cell.figure or _is_time(cell.text)


def _is_time(text: str) -> bool:
    return is_year(text) or is_date(text) or PART_OF_YEAR.fullmatch(text) is not None


def _body(rows: Sequence[Row], start: int) -> _Body:
    columns = Columns()
    values = 0
    end = index = start
    labels = 0
    while index < len(rows):
        row = rows[index]
        if index > start and row.y - rows[index - 1].y > FAR * max(row.size, 6):
            break
        if _is_header(row) and not _stands_left(row, columns):
            break
        if _is_values(row, columns):
            if not columns.add(row):
                break
            values += 1
            labels = 0
            end = index + 1
        elif _is_label(row, columns):
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


def _stands_left(row: Row, columns: Columns) -> bool:
    """Whether a row is one cell of the label column, such as a year over its quarters."""
    return len(row.cells) == 1 and row.x1 <= columns.left


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


def _is_label(row: Row, columns: Columns) -> bool:
    """Text of the label column with nothing beside it."""
    if _stands_left(row, columns) and is_year(row.text):
        return True
    if any(cell.figure for cell in row.cells):
        return False
    words = len(row.text.split())
    if row.x1 <= columns.left + row.size:
        return words <= 25
    return row.x0 < columns.left and row.x1 < columns.right * 0.75 and words <= 16 and (
        row.text[-1] not in ".;"
    )  # fmt: skip


def _continues(above: Row, below: Row) -> bool:
    text = below.text
    near = below.y - above.y < 1.6 * max(below.size, above.size)
    return near and (text[0].islower() or (text[0] == "(" and not is_unit(text)))


def _region(rows: Sequence[Row], done: int, start: int, body: _Body) -> Region | None:
    columns = body.columns
    if not columns.spans:
        return None
    label_column = columns.take_label_column()
    top, first = _header_rows(rows, done, start, columns)
    unit, captions, names = _header(rows[top:first], columns)
    if body.values < 2 and not any(names):
        return None
    own = rows[first : body.end]
    lines = [columns.split(row, label_column) for row in own]
    return Region(top, body.end, Grid(unit, captions, names, _join_labels(lines, own)))


def _header_rows(
    rows: Sequence[Row], done: int, start: int, columns: Columns
) -> tuple[int, int]:
    """First header row and first body row; section labels may stand between header and values."""
    lowest = max(done, start - MAX_HEADER_ROWS)
    first = start
    labels = 0
    while first - labels > lowest and labels < 5:
        row = rows[first - labels - 1]
        if _far(row, rows[first - labels]):
            break
        if _names_columns(row, columns) or (is_unit(row.text) and not _stands_left(row, columns)):
            first -= labels
            break
        if is_unit(row.text) or is_item_heading(row.text) or not _is_label(row, columns):
            break
        labels += 1
    top = first
    while top > lowest and not _far(rows[top - 1], rows[top]):
        above = rows[top - 1]
        if is_item_heading(above.text) or not (
            _names_columns(above, columns) or _is_caption(above)
        ):
            break
        top -= 1
    return top, first


def _far(row: Row, below: Row) -> bool:
    return below.y - row.y > 3.4 * max(row.size, below.size, 8)


def _is_caption(row: Row) -> bool:
    text = row.text
    return is_unit(text) or (
        is_period(text) and text[-1] not in ".:;" and len(row.cells) == 1 and not text[0].islower()
    )


def _names_columns(row: Row, columns: Columns) -> bool:
    if _stands_left(row, columns):
        return False
    if _is_header(row):
        return True
    over = [cell for cell in row.cells if cell.x1 > columns.left - row.size]
    if not over or any(len(cell.text.split()) > 9 for cell in over):
        return False
    if any(cell.figure and not is_year(cell.text) and not FOOTNOTE.fullmatch(cell.text)
           for cell in over):  # fmt: skip
        return False
    if len(row.cells) == 1 and not is_period(row.text):
        return row.x0 >= columns.left - row.size
    if len(over) == len(row.cells):
        held = sum(columns.holds(cell) for cell in over)
        return over[0].x0 >= columns.left - 4 * row.size or (held > 1 and 2 * held > len(over))
    return len(over) > 1 or over[0].x0 >= columns.left - row.size or columns.holds(over[0])


def _header(rows: Sequence[Row], columns: Columns) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    unit = ""
    captions: list[str] = []
    naming: list[tuple[Cell, ...]] = []
    for row in rows:
        whole = row.text
        if is_unit(whole) and row.x1 < columns.right and len(row.cells) == 1:
            unit = f"{unit} {whole}".strip()
            continue
        cells = list(row.cells)
        while cells and _heads_labels(cells, columns, row.size):
            text = cells.pop(0).text
            if is_unit(text):
                unit = f"{unit} {text}".strip()
            else:
                captions.append(text)
        if not cells:
            continue
        if len(cells) == 1 and len(columns.spans) > 1 and columns.covers_all(cells[0]):
            captions.append(cells[0].text)
        elif len(cells) == 1 and len(cells[0].text.split()) > 9:
            captions.append(cells[0].text)
        else:
            naming.append(tuple(cells))
    return unit, tuple(captions), column_names(naming, columns)


def _heads_labels(cells: Sequence[Cell], columns: Columns, size: float) -> bool:
    """Whether the first of some header cells stands over the labels, not over a column."""
    first = cells[0]
    if is_year(first.text) or columns.holds(first) or first.x1 > columns.left + size:
        return False
    return is_unit(first.text) or len(cells) != len(columns.spans) or (
        first.x1 < columns.left - 2 * size and not is_date(first.text)
    )  # fmt: skip


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
