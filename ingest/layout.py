"""Rows of pages to elements: headings, paragraphs, list items and tables in reading order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from ingest.contents import contents_lines
from ingest.elements import Piece, Rank, text_element
from ingest.furniture import running_lines
from ingest.headings import is_section_heading
from ingest.hyphens import Hyphens
from ingest.pages import Page, Row
from ingest.tables import Grid, find_tables

BULLET = re.compile(r"^(?:[•·▪■●○◦‣∙§–—-]|o|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s+\S")
TEXTS = frozenset({"NarrativeText", "ListItem"})
MAX_HEADING_WORDS = 22
NEW_PARAGRAPH = 1.32
"""Lines farther apart than this many times the page's usual distance begin a paragraph."""


def lay_out(pages: Sequence[Page]) -> list[Piece]:
    """The elements of a filing, furniture and contents lists among them as Header and Footer."""
    texts = [["  ".join(cell.text for cell in row.cells) for row in page.rows] for page in pages]
    sizes = [_sizes(page.rows) for page in pages]
    size = _usual(sum(sizes, Counter()))
    hyphens = Hyphens(lambda: (line for lines in texts for line in lines))
    pieces: list[Piece] = []
    above: Grid | None = None
    for page, lines, own, (headers, footers) in zip(
        pages, texts, sizes, running_lines(texts), strict=True
    ):
        headers = headers | contents_lines(lines)
        pieces.extend(_plain("Header", lines, headers, page.number))
        # An exhibit may be set larger than the filing: its text is no heading for that.
        usual = max(size, _usual(own))
        for first, end in pairwise((0, *page.breaks, len(lines))):
            body = [page.rows[i] for i in range(first, end) if i not in headers | footers]
            at = len(pieces)
            block = _Block(replace(page, rows=tuple(body)), usual, hyphens)
            above = _lay_out_block(block, above, pieces)
            if first:
                _join_columns(pieces, at, hyphens)
        pieces.extend(_plain("Footer", lines, footers, page.number))
    return pieces


def _plain(kind: str, lines: Sequence[str], chosen: set[int], page: int) -> list[Piece]:
    return [Piece(text_element(kind, lines[index], page), page) for index in sorted(chosen)]


class _Block:
    """The rows of a page, or of one of its columns, and what is usual among them."""

    def __init__(self, page: Page, size: float, hyphens: Hyphens) -> None:
        self.page = page
        self.size = size
        self.hyphens = hyphens
        self.left = min((row.x0 for row in page.rows), default=0.0)
        self.right = max((row.x1 for row in page.rows), default=0.0)


def _lay_out_block(block: _Block, above: Grid | None, pieces: list[Piece]) -> Grid | None:
    """Add a block's pieces; ``above`` is the table that the one before ended with, if any."""
    rows, page = block.page.rows, block.page.number
    done = 0
    last: Grid | None = None
    for region in find_tables(rows, block.page.rules):
        pieces.extend(_text_pieces(rows[done : region.start], block))
        grid = region.grid
        title = ""
        if region.start <= 1 and above is not None and _goes_on(above, grid):
            grid = Grid(above.unit, above.captions, above.columns, grid.rows)
            title = next((p.title for p in reversed(pieces) if p.grid is not None), "")
        text = "\n".join("  ".join(filter(None, row)) for row in grid.rows)
        pieces.append(Piece(text_element("Table", text, page), page, grid=grid, title=title))
        done = region.end
        last = grid if done >= len(rows) - 1 else None
    pieces.extend(_text_pieces(rows[done:], block))
    return last


def _join_columns(pieces: list[Piece], at: int, hyphens: Hyphens) -> None:
    """Make a paragraph whole that ends in the column before the one that begins at ``at``."""
    if not 0 < at < len(pieces):
        return
    above, below = pieces[at - 1], pieces[at]
    first, second = above.element, below.element
    texts = type(first).__name__ in TEXTS and type(second).__name__ == "NarrativeText"
    if texts and first.text[-1] not in '.:;!?”"' and second.text[0].islower():
        first.text = hyphens.join(first.text, second.text)
        del pieces[at]


def _goes_on(above: Grid, grid: Grid) -> bool:
    """Whether a table without headers continues the one that ended the page before."""
    return len(above.columns) == len(grid.columns) and not any(grid.columns)


def _sizes(rows: Sequence[Row]) -> Counter[float]:
    """Characters by the size of their type."""
    sizes: Counter[float] = Counter()
    for row in rows:
        sizes[round(row.size, 1)] += sum(len(cell.text) for cell in row.cells)
    return sizes


def _usual(sizes: Counter[float]) -> float:
    return max(sizes, key=sizes.__getitem__) if sizes else 10.0


@dataclass(slots=True)
class _Paragraph:
    rows: list[Row] = field(default_factory=list)
    heading: bool = False

    def text(self, hyphens: Hyphens) -> str:
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
            elif parts[-1][-1] == "-":
                parts[-1] = hyphens.join(parts[-1], line)
            else:
                parts.append(" " + line)
            grid = is_grid
        return "".join(parts)


def _text_pieces(rows: Sequence[Row], block: _Block) -> Iterator[Piece]:
    page = block.page.number
    for paragraph in _paragraphs(rows, block):
        text = paragraph.text(block.hyphens)
        if not any(character.isalnum() for character in text):
            continue
        if paragraph.heading:
            rank = _rank(paragraph.rows[0], text)
            yield Piece(text_element("Title", text, page), page, rank=rank)
        elif BULLET.match(text):
            yield Piece(text_element("ListItem", text, page), page)
        else:
            yield Piece(text_element("NarrativeText", text, page), page)


def _paragraphs(rows: Sequence[Row], block: _Block) -> list[_Paragraph]:
    if not rows:
        return []
    size = block.size
    gaps = [b.y - a.y for a, b in pairwise(rows) if 0 < b.y - a.y < 3 * size]
    pitch = min(median(gaps), 1.7 * size) if gaps else 1.2 * size
    found: list[_Paragraph] = []
    for row in rows:
        heading = _is_heading(row, size) and not (found and _ends_reference(row, found[-1], pitch))
        if not found or _starts(row, heading, found[-1], pitch, block):
            found.append(_Paragraph([row], heading))
        else:
            found[-1].rows.append(row)
    return found


def _is_heading(row: Row, size: float) -> bool:
    """A short line set apart by its type, or an Item's heading."""
    text = row.text
    if is_section_heading(text):
        return True
    words = len(text.split())
    if words > MAX_HEADING_WORDS or text[-1] in ".,;" or len(row.cells) > 2:
        return False
    if BULLET.match(text) and row.emphasis < 2 and not text.isupper():
        return False
    letters = [character for character in text if character.isalpha()]
    if len(letters) < 3 or letters[0].islower():
        return False
    if row.emphasis == 2 or row.size > 1.12 * size:
        return True
    if row.emphasis == 1 and words <= 12:
        return True
    return len(letters) >= 5 and text.upper() == text and words <= 16


def _ends_reference(row: Row, current: _Paragraph, pitch: float) -> bool:
    """Whether a line such as ``Item 1A - Risk Factors.`` is the end of the sentence above it."""
    above = current.rows[-1]
    near = 0 < row.y - above.y <= NEW_PARAGRAPH * max(pitch, above.size)
    plain = row.emphasis < 2 and not row.text.isupper() and row.size <= above.size + 0.3
    return near and plain and not current.heading and above.text[-1] not in '.:;!?”"'


def _starts(row: Row, heading: bool, current: _Paragraph, pitch: float, block: _Block) -> bool:
    """Whether ``row`` begins a paragraph instead of going on with ``current``."""
    above = current.rows[-1]
    gap = row.y - above.y
    if gap > NEW_PARAGRAPH * max(pitch, above.size) or gap <= 0:
        return True
    if heading != current.heading or (heading and is_section_heading(row.text)):
        return True
    width = block.right - block.left
    if heading:
        same = row.emphasis == above.emphasis and abs(row.size - above.size) < 0.3
        return not same or above.x1 - above.x0 < 0.6 * width or len(current.rows) > 2
    if BULLET.match(row.text):
        return True
    if above.x1 < block.right - 0.2 * width and above.text[-1] in ".:;?!”)":
        return True
    return len(current.rows) > 1 and row.x0 > current.rows[-1].x0 + 1.2 * row.size


def _rank(row: Row, text: str) -> Rank:
    return (round(row.size, 1), int(text.upper() == text), row.emphasis)
