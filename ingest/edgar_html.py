"""EDGAR's HTML made plain: what a browser shows, as headings, paragraphs, tables and pages.

Such files have no heading tags, pages inside one document, hidden facts, and tables for layout.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from itertools import groupby

from ingest.edgar_blocks import read_blocks
from ingest.edgar_lines import Block, BlockCell
from ingest.edgar_tables import read_table
from ingest.furniture import LINK, PAGE_NUMBER, ROMAN_NUMBER
from ingest.headings import is_section_heading
from ingest.html_tables import SPAN, TableCell
from ingest.numbers import is_period, is_unit

BULLET = re.compile(r"^(?:[•·▪■●○◦‣∙§–—*-]|o|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s+\S")
MAX_HEADING_WORDS = 22
MAX_SENTENCE_WORDS = 12
MAX_CAPTIONS = 3
MAX_DIGITS = 3
DEPTHS = 6
LARGER = 1.12
"""Type this many times the usual size makes a heading."""


def prepare_html(html: str) -> str:
    """A filing as HTML of headings, paragraphs, list items and tables, each page in a ``div``.

    A page's ``data-page-number`` counts from 1. Hidden content, page numbers, links back to the
    contents and contents tables are left out. Tables for layout are text. In the others a cell
    of ``SPAN`` alone says that the one before it stands over its column too.
    """
    blocks: list[Block] = []
    for _, group in groupby(read_blocks(html), key=lambda block: block.page):
        page = [part for block in group for part in _parts(block)]
        blocks.extend(_with_captions(_without_numbers(page)))
    usual = _usual_size(blocks)
    headings = [_is_heading(block, usual) for block in blocks]
    depths = _depths(block for block, heading in zip(blocks, headings, strict=True) if heading)
    written: list[str] = []
    number = 0
    for block, heading in zip(blocks, headings, strict=True):
        if block.page != number:
            written.append(f'{"</div>" if number else ""}<div data-page-number="{block.page}">')
            number = block.page
        written.append(_written(block, depths[block.rank] if heading else 0))
    return f"<html><body>{''.join(written)}</div></body></html>"


def _parts(block: Block) -> Sequence[Block]:
    return read_table(block) if block.rows else (block,)


def _without_numbers(page: list[Block]) -> list[Block]:
    """A page without its printed number and without links to the contents."""
    kept = [block for block in page if block.rows or not LINK.fullmatch(block.text)]
    for at in (-1, 0):
        if kept and not kept[at].rows and is_page_number(kept[at].text):
            del kept[at]
    return kept


def _with_captions(page: Sequence[Block]) -> list[Block]:
    """A page whose tables hold the lines above them that say what the figures are in or for."""
    kept: list[Block] = []
    for block in page:
        if block.rows:
            above: list[list[BlockCell]] = []
            while kept and len(above) < MAX_CAPTIONS and _is_caption(kept[-1]):
                caption = kept.pop()
                above.insert(0, [BlockCell(TableCell(caption.text, 0, 1), (caption,))])
            block = replace(block, rows=[*above, *block.rows])
        kept.append(block)
    return kept


def _is_caption(block: Block) -> bool:
    text = block.text
    if block.rows or text[-1] in ".:;" or len(text.split()) > MAX_SENTENCE_WORDS:
        return False
    return is_unit(text) or (is_period(text) and (block.centred or block.emphasis == 2))


def is_page_number(text: str) -> bool:
    """Whether a line alone at the edge of a page is its number: ``12``, ``F-3``, ``iv``."""
    match = PAGE_NUMBER.fullmatch(text)
    if match is not None:
        return len(match[1]) <= MAX_DIGITS
    return ROMAN_NUMBER.fullmatch(text) is not None


def _usual_size(blocks: Iterable[Block]) -> float:
    sizes: Counter[float] = Counter()
    for block in blocks:
        if not block.rows:
            sizes[block.size] += len(block.text)
    return max(sizes, key=sizes.__getitem__, default=10.0)


def _is_heading(block: Block, usual: float) -> bool:
    """A short line set apart by its type, or an Item's heading."""
    text = block.text
    if block.rows or block.verbatim:
        return False
    if block.level or is_section_heading(text):
        return True
    words = len(text.split())
    if words > MAX_HEADING_WORDS or text[-1] in ",;":
        return False
    if text[-1] == "." and (words > MAX_SENTENCE_WORDS or block.emphasis < 2):
        return False
    if BULLET.match(text) and block.emphasis < 2 and not text.isupper():
        return False
    letters = [character for character in text if character.isalpha()]
    if len(letters) < 3 or letters[0].islower():
        return False
    if block.emphasis == 2 or block.size > LARGER * usual:
        return True
    if block.emphasis == 1 and words <= MAX_SENTENCE_WORDS:
        return True
    return len(letters) >= 5 and text.upper() == text and words <= 16


def _depths(headings: Iterable[Block]) -> dict[tuple[float, int, int], int]:
    """Levels of headings by their type: what stands out most is 1."""
    ranks = sorted({block.rank for block in headings}, reverse=True)
    return {rank: min(DEPTHS, 1 + at) for at, rank in enumerate(ranks)}


def _written(block: Block, depth: int) -> str:
    if block.rows:
        return f"<table>{''.join(map(_written_row, block.rows))}</table>"
    text = escape(block.text, quote=False)
    if block.verbatim:
        return f"<pre>\n{text}\n</pre>"
    if depth:
        return f"<h{depth}>{text}</h{depth}>"
    return f"<li>{text}</li>" if block.item or BULLET.match(block.text) else f"<p>{text}</p>"


def _written_row(row: Sequence[BlockCell]) -> str:
    cells: list[str] = []
    at = 0
    for cell, _ in row:
        cells.append("<td/>" * (cell.start - at))
        cells.append(f"<td>{escape(cell.text, quote=False)}</td>")
        cells.append(f"<td>{SPAN}</td>" * (cell.end - cell.start - 1))
        at = cell.end
    return f"<tr>{''.join(cells)}</tr>"
