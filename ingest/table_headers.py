"""The rows above a table's values: units, captions, the names of its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.column_names import column_names
from ingest.columns import Columns
from ingest.headings import is_section_heading, statement_of
from ingest.numbers import FOOTNOTE, PART_OF_YEAR, is_date, is_period, is_unit, is_year
from ingest.pages import Cell, Row, Rule

MAX_HEADER_ROWS = 9
WRAPPED = 1.6
"""Lines of one row are closer than this, in font sizes."""
MAX_LABELS_BELOW = 4
"""Section labels between the header and the first values."""


def header_rows(rows: Sequence[Row], done: int, start: int, columns: Columns) -> tuple[int, int]:
    """First header row and first body row; section labels may stand between header and values."""
    lowest = max(done, start - MAX_HEADER_ROWS)
    while (
        start > lowest
        and columns.wraps(rows[start - 1])
        and (rows[start].y - rows[start - 1].y < WRAPPED * rows[start].size)
    ):
        start -= 1
    first = start
    labels = 0
    while first - labels > lowest and labels <= MAX_LABELS_BELOW:
        row = rows[first - labels - 1]
        if _far(row, rows[first - labels]):
            break
        if _names_columns(row, columns) or (is_unit(row.text) and not stands_left(row, columns)):
            first -= labels
            break
        if is_unit(row.text) or is_section_heading(row.text) or not is_label(row, columns):
            break
        labels += 1
    top = first
    while top > lowest and not _far(rows[top - 1], rows[top]):
        above = rows[top - 1]
        if (
            is_section_heading(above.text)
            or _names_statement(above)
            or not (_names_columns(above, columns) or _is_caption(above))
        ):
            break
        top -= 1
    return top, first


def _names_statement(row: Row) -> bool:
    """Whether a row is the title of a statement, centred over the columns as it may be."""
    return len(row.cells) == 1 and bool(statement_of(row.text))


def _far(row: Row, below: Row) -> bool:
    return below.y - row.y > 3.4 * max(row.size, below.size, 8)


def _is_caption(row: Row) -> bool:
    text = row.text
    return is_unit(text) or (
        is_period(text) and text[-1] not in ".:;" and len(row.cells) == 1 and not text[0].islower()
    )


def _names_columns(row: Row, columns: Columns) -> bool:
    if stands_left(row, columns):
        return False
    if is_header(row):
        return True
    if len(row.cells) <= 2 < len(columns.spans) and _crosses(row.cells[0], columns, row.size):
        return False
    over = [cell for cell in row.cells if cell.x1 > columns.left - row.size]
    if not over or any(len(cell.text.split()) > 9 for cell in over):
        return False
    figures = [cell.text for cell in over if cell.figure]
    if not all(is_year(text) or FOOTNOTE.fullmatch(text) or _is_spoken(text) for text in figures):
        return False
    if len(row.cells) == 1 and not is_period(row.text):
        beyond = 0 < columns.label_right <= row.x0 and columns.holds(row.cells[0])
        return beyond or row.x0 >= columns.left - row.size
    if 0 < columns.label_right <= row.x0:
        return True
    if len(over) == len(row.cells):
        if 1 < len(over) == len(columns.spans) and over[0].x0 > columns.label_zone:
            return True
        held = sum(columns.holds(cell) for cell in over)
        return over[0].x0 >= columns.left - 4 * row.size or (held > 1 and 2 * held >= len(over))
    return len(over) > 1 or over[0].x0 >= columns.left - row.size or columns.holds(over[0])


def _crosses(cell: Cell, columns: Columns, size: float) -> bool:
    """Whether a title begins above the labels and reaches beyond them."""
    begins_left = cell.x0 < columns.label_zone
    reaches = cell.x1 > columns.label_right + size
    return begins_left and reaches and not (is_unit(cell.text) or is_period(cell.text))


def _is_spoken(text: str) -> bool:
    """Whether a figure is part of a name, such as ``1 year``."""
    return any(character.isalpha() for character in text)


def read_header(
    rows: Sequence[Row], body: Row, columns: Columns, rules: Callable[[], Sequence[Rule]]
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Unit line, captions over all columns and one name a column, from the rows above ``body``."""
    unit = ""
    captions: list[str] = []
    naming: list[Row] = []
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
        if cells:
            naming.append(row._replace(cells=tuple(cells)))
    if not naming:
        return unit, tuple(captions), ("",) * len(columns.spans)
    over_all, names = column_names(naming, body, columns, rules)
    return unit, (*captions, *over_all), names


def _heads_labels(cells: Sequence[Cell], columns: Columns, size: float) -> bool:
    """Whether the first of some header cells stands over the labels, not over a column."""
    first = cells[0]
    if first.x0 >= columns.label_right > 0 and not is_unit(first.text):
        return False
    if is_year(first.text) or columns.holds(first) or first.x1 > columns.left + size:
        return False
    return is_unit(first.text) or len(cells) != len(columns.spans) or (
        first.x1 < columns.left - 2 * size and not is_date(first.text)
    )  # fmt: skip


def is_header(row: Row) -> bool:
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


def stands_left(row: Row, columns: Columns) -> bool:
    """Whether a row is one cell of the label column, such as a year over its quarters."""
    return len(row.cells) == 1 and row.x1 <= columns.left and row.x0 < columns.label_zone


def is_label(row: Row, columns: Columns) -> bool:
    """Text of the label column with nothing beside it."""
    if stands_left(row, columns) and is_year(row.text):
        return True
    if any(cell.figure for cell in row.cells):
        return False
    words = len(row.text.split())
    if row.x1 <= columns.left + row.size:
        return words <= 25
    return row.x0 < columns.left and row.x1 < columns.right * 0.75 and words <= 16 and (
        row.text[-1] not in ".;"
    )  # fmt: skip
