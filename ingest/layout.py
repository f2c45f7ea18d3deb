"""Rows of pages to elements: headings, paragraphs, list items and tables in reading order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from ingest.elements import Piece, Rank, text_element
from ingest.furniture import contents_lines, running_lines
from ingest.headings import is_item_heading
from ingest.pages import Page, Row
from ingest.tables import Grid, find_tables

BULLET = re.compile(r"^(?:[•·▪■●○◦‣∙§–—-]|o|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s+\S")
MAX_HEADING_WORDS = 22
NEW_PARAGRAPH = 1.32
"""Lines farther apart than this many times the page's usual distance begin a paragraph."""


def lay_out(pages: Sequence[Page]) -> list[Piece]:
    """The elements of a filing, furniture and contents lists among them as Header and Footer."""
    texts = [[row.text for row in page.rows] for page in pages]
    size = _body_size(pages)
    pieces: list[Piece] = []
    above: Grid | None = None
    for page, lines, (headers, footers) in zip(pages, texts, running_lines(texts), strict=True):
        headers = headers | contents_lines(lines)
        pieces.extend(_plain("Header", lines, headers, page.number))
        body = [row for i, row in enumerate(page.rows) if i not in headers and i not in footers]
        above = _lay_out_page(body, page.number, size, above, pieces)
        pieces.extend(_plain("Footer", lines, footers, page.number))
    return pieces


def _plain(kind: str, lines: Sequence[str], chosen: set[int], page: int) -> list[Piece]:
    return [Piece(text_element(kind, lines[index], page), page) for index in sorted(chosen)]


def _lay_out_page(
    rows: Sequence[Row], page: int, size: float, above: Grid | None, pieces: list[Piece]
) -> Grid | None:
    """Add one page's pieces; ``above`` is the table that the page before ended with, if any."""
    done = 0
    last: Grid | None = None
    for region in find_tables(rows):
        pieces.extend(_text_pieces(rows[done : region.start], page, size))
        grid = region.grid
        title = ""
        if region.start <= 1 and above is not None and _goes_on(above, grid):
            grid = Grid(above.unit, above.captions, above.columns, grid.rows)
            title = next((p.title for p in reversed(pieces) if p.grid is not None), "")
        text = "\n".join("  ".join(filter(None, row)) for row in grid.rows)
        pieces.append(Piece(text_element("Table", text, page), page, grid=grid, title=title))
        done = region.end
        last = grid if done >= len(rows) - 1 else None
    pieces.extend(_text_pieces(rows[done:], page, size))
    return last


def _goes_on(above: Grid, grid: Grid) -> bool:
    """Whether a table without headers continues the one that ended the page before."""
    return len(above.columns) == len(grid.columns) and not any(grid.columns)


def _body_size(pages: Sequence[Page]) -> float:
    sizes: Counter[float] = Counter()
    for page in pages:
        for row in page.rows:
            sizes[round(row.size, 1)] += sum(len(cell.text) for cell in row.cells)
    return sizes.most_common(1)[0][0] if sizes else 10.0


@dataclass(slots=True)
class _Paragraph:
    rows: list[Row] = field(default_factory=list)
    heading: bool = False

    def text(self) -> str:
        """Lines joined; rows of several cells stay lines of their own."""
        parts: list[str] = []
        grid = False
        for row in self.rows:
            is_grid = len(row.cells) > 1 and not BULLET.match(row.text)
            line = ("  " if is_grid else " ").join(cell.text for cell in row.cells)
            if not parts:
                parts.append(line)
            elif is_grid or grid:
                parts.append("\n" + line)
            elif parts[-1][-1:] == "-" and parts[-1][-2:-1].isalpha() and line[0].islower():
                parts.append(line)
            else:
                parts.append(" " + line)
            grid = is_grid
        return "".join(parts)


def _text_pieces(rows: Sequence[Row], page: int, size: float) -> Iterator[Piece]:
    for paragraph in _paragraphs(rows, size):
        text = paragraph.text()
        if not any(character.isalnum() for character in text):
            continue
        if paragraph.heading:
            rank = _rank(paragraph.rows[0], text)
            yield Piece(text_element("Title", text, page), page, rank=rank)
        elif BULLET.match(text):
            yield Piece(text_element("ListItem", text, page), page)
        else:
            yield Piece(text_element("NarrativeText", text, page), page)


def _paragraphs(rows: Sequence[Row], size: float) -> list[_Paragraph]:
    if not rows:
        return []
    gaps = [b.y - a.y for a, b in pairwise(rows) if 0 < b.y - a.y < 3 * size]
    pitch = min(median(gaps), 1.7 * size) if gaps else 1.2 * size
    right = max(row.x1 for row in rows)
    left = min(row.x0 for row in rows)
    found: list[_Paragraph] = []
    for row in rows:
        heading = _is_heading(row, size)
        if not found or _starts(row, heading, found[-1], pitch, left, right):
            found.append(_Paragraph([row], heading))
        else:
            found[-1].rows.append(row)
    return found


def _is_heading(row: Row, size: float) -> bool:
    """A short line set apart by its type, or an Item's heading."""
    text = row.text
    if is_item_heading(text):
        return True
    words = len(text.split())
    if words > MAX_HEADING_WORDS or text[-1] in ".,;" or len(row.cells) > 2:
        return False
    if BULLET.match(text) and row.emphasis < 2:
        return False
    letters = [character for character in text if character.isalpha()]
    if len(letters) < 3 or letters[0].islower():
        return False
    if row.emphasis == 2 or row.size > 1.12 * size:
        return True
    if row.emphasis == 1 and words <= 12:
        return True
    return len(letters) >= 5 and text.upper() == text and words <= 16


def _starts(
    row: Row, heading: bool, current: _Paragraph, pitch: float, left: float, right: float
) -> bool:
    """Whether ``row`` begins a paragraph instead of going on with ``current``."""
    above = current.rows[-1]
    gap = row.y - above.y
    if gap > NEW_PARAGRAPH * max(pitch, above.size) or gap <= 0:
        return True
    if heading != current.heading or is_item_heading(row.text):
        return True
    width = right - left
    if heading:
        same = row.emphasis == above.emphasis and abs(row.size - above.size) < 0.3
        return not same or above.x1 - above.x0 < 0.6 * width or len(current.rows) > 2
    if BULLET.match(row.text):
        return True
    if above.x1 < right - 0.2 * width and above.text[-1] in ".:;?!”)":
        return True
    return len(current.rows) > 1 and row.x0 > current.rows[-1].x0 + 1.2 * row.size


def _rank(row: Row, text: str) -> Rank:
    return (round(row.size, 1), int(text.upper() == text), row.emphasis)
