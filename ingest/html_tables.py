"""HTML tables to grids, by the same rules as tables on a page."""

from __future__ import annotations

from html.parser import HTMLParser

from ingest.numbers import CLOSERS, OPENERS, is_figure
from ingest.pages import Cell, Row
from ingest.tables import Grid, find_tables

CELL_WIDTH = 20.0
ROW_HEIGHT = 12.0
SIZE = 10.0


def grid_of(html: str) -> Grid | None:
    """The grid of one ``<table>``; None if it holds no figures in columns."""
    reader = _TableReader()
    reader.feed(html)
    reader.close()
    rows = [_row(cells, number * ROW_HEIGHT) for number, cells in enumerate(reader.rows)]
    laid = [row for row in rows if row is not None]
    regions = find_tables(laid)
    if len(regions) != 1:
        return _plain(laid)
    region = regions[0]
    before = tuple(row.text for row in laid[: region.start])
    after = tuple((row.text, *[""] * len(region.grid.columns)) for row in laid[region.end :])
    grid = region.grid
    return Grid(grid.unit, (*before, *grid.captions), grid.columns, (*grid.rows, *after))


def _plain(rows: list[Row]) -> Grid | None:
    """A grid without headers, so that rows still stay whole."""
    width = max((len(row.cells) for row in rows), default=0)
    if width < 2:
        return None
    lines = tuple(
        (*(cell.text for cell in row.cells), *[""] * (width - len(row.cells))) for row in rows
    )
    return Grid("", (), ("",) * (width - 1), lines)


class _TableReader(HTMLParser):
    """Cells of each row with the grid column that they begin and end in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[tuple[str, int, int]]] = []
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
            span = dict(attrs).get("colspan") or "1"
            self._span = min(max(int(span), 1), 200) if span.isdigit() else 1
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
        if text:
            self.rows[-1].append((text, self._column, self._column + self._span))
        self._column += self._span


def _row(cells: list[tuple[str, int, int]], y: float) -> Row | None:
    joined: list[tuple[str, int, int]] = []
    opened = ""
    for text, start, end in cells:
        if text in OPENERS:
            opened += text
            continue
        if opened:
            text, opened = opened + text, ""
        if joined and text in CLOSERS and is_figure(joined[-1][0] + text):
            before, first, _ = joined[-1]
            joined[-1] = (before + text, first, end)
        else:
            joined.append((text, start, end))
    if opened:
        joined.append((opened, cells[-1][1], cells[-1][2]))
    if not joined:
        return None
    return Row(y, SIZE, 0, tuple(
        Cell(text, start * CELL_WIDTH, end * CELL_WIDTH - 2, is_figure(text))
        for text, start, end in joined
    ))  # fmt: skip
