"""Tables in EDGAR's HTML: which hold data, and which only place text on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ingest.contents import ITEM_LINE, PAGE_AT_END, contents_lines
from ingest.edgar_lines import Block, BlockCell
from ingest.headings import is_section_heading
from ingest.html_tables import TableCell, join_cells
from ingest.numbers import is_figure, is_period, is_unit, is_year

MARKER = re.compile(r"[•·▪■●○◦‣∙§–—*-]|o|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|\*{1,3}|[¹²³⁴-⁹]")
HEADING_MARK = re.compile(r"(?:part|item|note)s?\s+[\dIVX]+[\d.]*[A-C]?\W*", re.IGNORECASE)
SIGNED = re.compile(r"/s/|^by\s*:", re.IGNORECASE)
BOX = re.compile(r"[☐☑☒]")
MIN_LISTED = 3
MAX_WORDS = 30
"""A table of words whose cells commonly hold more is prose in columns."""
WIDE = 0.5
"""A title spans so much of its table."""
NOTE_WORDS = 12
"""A lone cell below the figures with so many words is a note to the table."""


def read_table(table: Block) -> list[Block]:
    """The blocks of a table that only places text, or its title, itself and its notes.

    An empty list for a table of contents.
    """
    rows = table.rows
    joined = [join_cells([cell.cell for cell in row]) for row in rows]
    if _is_contents(rows, joined):
        return []
    if not _holds_data(joined):
        return list(_texts(rows, joined, table.page))
    first = next(index for index, row in enumerate(joined) if len(row) > 1)
    width = max(cell.end for row in joined for cell in row)
    while first and not _is_title(rows[first - 1], joined[first - 1][0], width):
        first -= 1
    last = len(joined)
    while last > first and _is_note(joined[last - 1]):
        last -= 1
    return [
        *_texts(rows[:first], joined[:first], table.page),
        replace(table, rows=rows[first:last]),
        *_texts(rows[last:], joined[last:], table.page),
    ]


def _is_contents(
    rows: Sequence[Sequence[BlockCell]], joined: Sequence[Sequence[TableCell]]
) -> bool:
    """Whether a table lists what stands on which page of this file."""
    texts = [" ".join(cell.text for cell in row) for row in joined]
    linked = sum(any(b.linked for cell in row for b in cell.blocks) for row in rows)
    paged = sum(bool(PAGE_AT_END.search(text) or ITEM_LINE.match(text)) for text in texts)
    many = [text for text in texts if len(text.split()) > 1]
    if linked >= MIN_LISTED and 2 * linked >= len(many) and 2 * paged >= len(many):
        return True
    listed = contents_lines(texts)
    return len(listed) >= MIN_LISTED and 2 * len(listed) >= len(texts)


def _holds_data(rows: Sequence[Sequence[TableCell]]) -> bool:
    several = [row for row in rows if len(row) > 1]
    texts = [cell.text for row in several for cell in row]
    if not several or any(SIGNED.search(text) or BOX.search(text) for text in texts):
        return False
    if all(len(row) == 2 and _is_marked(row) for row in several):
        return False
    if any(is_figure(cell.text) for row in several for cell in row[1:]):
        return len(rows) > 1 or sum(is_figure(text) for text in texts) > 1
    words = sorted(len(text.split()) for text in texts)
    columns = max(map(len, several))
    if words[len(words) // 2] > MAX_WORDS or (columns == 2 and words[-1] > 3 * MAX_WORDS):
        return False
    return len(several) > (2 if columns == 2 else 1)


def _is_marked(row: Sequence[TableCell]) -> bool:
    """Whether a row is a bullet or a number and the text that it marks."""
    mark, text = row[0].text, row[1].text
    marked = MARKER.fullmatch(mark) or HEADING_MARK.fullmatch(mark)
    return marked is not None and not (is_figure(text) and not is_year(text))


def _texts(
    rows: Sequence[Sequence[BlockCell]], joined: Sequence[Sequence[TableCell]], page: int
) -> Iterator[Block]:
    for row, cells in zip(rows, joined, strict=True):
        if len(row) == 1:
            yield from row[0].blocks
            continue
        blocks = [block for cell in row for block in cell.blocks]
        long = sum(len(cell.text.split()) > MAX_WORDS for cell in cells)
        if long > 1:
            yield from blocks
            continue
        whole = replace(
            blocks[-1] if MARKER.fullmatch(cells[0].text) else blocks[0],
            page=page,
            text=" ".join(cell.text for cell in cells),
            emphasis=min(block.emphasis for block in blocks if any(map(str.isalpha, block.text)))
            if any(c.isalpha() for block in blocks for c in block.text)
            else 0,
            linked=all(block.linked for block in blocks),
        )
        if len(row[-1].blocks) > 1 and MARKER.fullmatch(cells[0].text):
            # The mark belongs to the first paragraph beside it.
            whole.text = f"{cells[0].text} {row[-1].blocks[0].text}"
            yield whole
            yield from row[-1].blocks[1:]
        else:
            yield whole


def _is_title(row: Sequence[BlockCell], cell: TableCell, width: int) -> bool:
    """Whether a lone cell above the columns names the table."""
    text = cell.text
    if is_section_heading(text):
        return True
    spans = cell.end - cell.start >= WIDE * width
    stands_out = all(block.emphasis == 2 or text.isupper() for block in row[0].blocks)
    return spans and stands_out and not (is_unit(text) or is_period(text) or is_year(text))


def _is_note(row: Sequence[TableCell]) -> bool:
    words = sum(len(cell.text.split()) for cell in row)
    if len(row) == 2:
        return MARKER.fullmatch(row[0].text) is not None and words >= NOTE_WORDS // 2
    return len(row) == 1 and words >= NOTE_WORDS
