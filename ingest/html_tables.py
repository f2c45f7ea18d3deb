"""HTML tables to grids, by the same rules as tables on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import NamedTuple

from ingest.numbers import CLOSERS, OPENERS, is_figure
from ingest.pages import Cell, Row
from ingest.tables import Grid, Region, find_tables

CELL_WIDTH = 20.0
ROW_HEIGHT = 18.0
"""Rows of an HTML table are whole: none is so near to the next that it may be a wrapped line."""
SIZE = 10.0
LABEL_ROOM = 60.0
"""Space beyond the labels, which are the wide column of a table on paper."""
SPAN = "\ue000"
"""Alone in a cell: the one before it spans this column too."""


class TableCell(NamedTuple):
    """A cell's text and the columns from ``start`` to ``end`` (exclusive) that it stands in."""

    text: str
    start: int
    end: int


def grids_of(html: str) -> list[Grid]:
    """The grids of one ``<table>``, none if it has one column alone.

    A table is one grid unless other columns begin in its midst. Every row is in one of them.
    """
    reader = _TableReader()
    reader.feed(html)
    reader.close()
    rows = [joined for cells in reader.rows if (joined := join_cells(cells))]
    edge = _label_edge(rows)
    laid = [_row(cells, number * ROW_HEIGHT, edge) for number, cells in enumerate(rows)]
    regions = find_tables(laid)
    if not regions:
        plain = _plain(rows)
        return [plain] if plain else []
    return list(_grids(laid, regions))


def join_cells(cells: Sequence[TableCell]) -> list[TableCell]:
    """Cells with text, a lone ``$``, ``(``, ``)`` or ``%`` joined to the figure beside it."""
    joined: list[TableCell] = []
    opened = ""
    for cell in cells:
        text = cell.text
        if not text:
            continue
        if text in OPENERS:
            opened += text
            continue
        if opened:
            text, opened = opened + text, ""
        closed = _closed(joined[-1].text, text) if joined and text in CLOSERS else ""
        if closed and is_figure(closed):
            joined[-1] = joined[-1]._replace(text=closed, end=cell.end)
        else:
            joined.append(cell._replace(text=text))
    if opened:
        joined.append(TableCell(opened, cells[-1].start, cells[-1].end))
    return joined


def _closed(text: str, closer: str) -> str:
    return f"{text} {closer}" if closer.isalpha() else text + closer


def _grids(rows: Sequence[Row], regions: Sequence[Region]) -> Iterator[Grid]:
    """Each region with the rows around it; regions of equal columns are one."""
    grid = regions[0].grid
    before = tuple(row.text for row in rows[: regions[0].start])
    grid = replace(grid, captions=(*before, *grid.captions))
    for above, region in pairwise(regions):
        between = rows[above.end : region.start]
        if region.grid.columns in {grid.columns, ("",) * len(grid.columns)}:
            labels = (*_as_rows(between, grid), *_as_rows_of(region.grid.captions, grid))
            grid = replace(grid, rows=(*grid.rows, *labels, *region.grid.rows))
            continue
        yield grid
        captions = (*(row.text for row in between), *region.grid.captions)
        grid = replace(region.grid, unit=region.grid.unit or grid.unit, captions=captions)
    yield replace(grid, rows=(*grid.rows, *_as_rows(rows[regions[-1].end :], grid)))


def _as_rows(rows: Sequence[Row], grid: Grid) -> Iterator[tuple[str, ...]]:
    return _as_rows_of([row.text for row in rows], grid)


def _as_rows_of(texts: Sequence[str], grid: Grid) -> Iterator[tuple[str, ...]]:
    return ((text, *[""] * len(grid.columns)) for text in texts)


def _plain(rows: Sequence[Sequence[TableCell]]) -> Grid | None:
    """A table of words: columns where cells begin, without headers, so that rows stay whole."""
    starts = sorted({cell.start for row in rows for cell in row})
    columns: list[int] = []
    for start in starts:
        # Cells that never share a row may stand in one column.
        if not columns or any(
            sum(columns[-1] <= cell.start <= start for cell in row) > 1 for row in rows
        ):
            columns.append(start)
    if len(columns) < 2:
        return None
    lines = []
    for row in rows:
        line = [""] * len(columns)
        for cell in row:
            at = max(i for i, start in enumerate(columns) if start <= cell.start)
            line[at] = f"{line[at]} {cell.text}".strip()
        lines.append(tuple(line))
    return Grid("", (), ("",) * (len(columns) - 1), tuple(lines))


def _label_edge(rows: Sequence[Sequence[TableCell]]) -> int:
    """The column where labels commonly end."""
    ends = Counter(row[0].end for row in rows if len(row) > 1 and row[0].start == 0)
    return ends.most_common(1)[0][0] if ends else 1


def _row(cells: Sequence[TableCell], y: float, edge: int) -> Row:
    return Row(y, SIZE, 0, tuple(
        Cell(text, _place(start, start >= edge), _place(end, end > edge) - 2, is_figure(text))
        for text, start, end in cells
    ))  # fmt: skip


def _place(column: int, beyond: bool) -> float:
    return column * CELL_WIDTH + (LABEL_ROOM if beyond else 0.0)


class _TableReader(HTMLParser):
    """Cells of each row with the grid columns that they begin and end in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[TableCell]] = []
        self._column = 0
        self._span = 1
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._close_cell()
            self.rows.append([])
            self._column = 0
        elif tag in {"td", "th"}:
            self._close_cell()
            self._span = span_of(dict(attrs).get("colspan"))
            self._text = []
        elif tag == "br" and self._text is not None:
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th", "tr", "table"}:
            self._close_cell()

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _close_cell(self) -> None:
        if self._text is None:
            return
        text = " ".join("".join(self._text).split())
        self._text = None
        if not self.rows:
            self.rows.append([])
        row = self.rows[-1]
        end = self._column + self._span
        if text == SPAN and row:
            row[-1] = row[-1]._replace(end=end)
        elif text:
            row.append(TableCell(text, self._column, end))
        self._column = end


def span_of(attribute: str | None) -> int:
    """Columns or rows that a cell spans."""
    text = (attribute or "").strip()
    return min(max(int(text), 1), 200) if text.isdecimal() else 1
