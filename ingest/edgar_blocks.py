"""HTML to the blocks that a browser shows one below the other, however it is nested."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml import etree

from ingest.edgar_faces import Face, face_in
from ingest.edgar_lines import Block, BlockCell, Run, paragraphs
from ingest.html_tables import TableCell, span_of

NOT_SHOWN = frozenset(
    {"head", "script", "style", "title", "meta", "link", "noscript", "template", "object", "svg",
     "select", "textarea", "audio", "video", "iframe", "xml", "ix:header", "ix:hidden",
     "ix:references", "ix:resources"}
)  # fmt: skip
BLOCKS = frozenset(
    {"html", "body", "p", "div", "center", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl",
     "li", "dt", "dd", "blockquote", "address", "article", "section", "header", "footer", "main",
     "form", "fieldset", "figure", "caption", "hr", "pre", "table"}
)  # fmt: skip
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
BREAK = re.compile(
    r"(?:page-)?break-(before|after)\s*:\s*(?:always|page|left|right|recto|verso)", re.IGNORECASE
)
MARK = re.compile(r"\d{1,2}|[a-z]|\*{1,3}")
UNIT_BEFORE = re.compile(r"\b(?:[kc]?m|ft|in)$", re.IGNORECASE)
CHARACTERS = {
    **{code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)},
    0xAD: None, 0x200B: None, 0x2060: None, 0xFEFF: None, 0xE000: None,
}  # fmt: skip
"""Old files name the characters of Windows-1252 by their bytes; others are not seen."""
CHUNK = 2**20
NUMBER_ALONE = re.compile(r"[-–—\s]*(?:page\s+)?(?:[A-Z]{1,2}-)?\d{1,3}[-–—\s]*", re.IGNORECASE)


def read_blocks(html: str) -> Iterator[Block]:
    """What a file shows, in reading order, each on its page, counted by its page breaks."""
    reader = _Reader()
    # lxml calls the reader for each tag and builds no tree, however deep tags are nested.
    parser = etree.HTMLParser(target=reader, huge_tree=True, encoding="utf-8")
    content = html.encode("utf-8", errors="replace")
    for at in range(0, len(content), CHUNK):
        parser.feed(content[at : at + CHUNK])
        yield from reader.take()
    parser.close()
    yield from reader.take()


class _Open(NamedTuple):
    """A tag that is not closed yet."""

    tag: str
    face: Face
    breaks_after: bool


@dataclass(slots=True)
class _Cell:
    start: int
    end: int
    rows: int
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class _Table:
    rows: list[list[BlockCell]] = field(default_factory=list)
    cell: _Cell | None = None
    column: int = 0
    spanned: dict[int, int] = field(default_factory=dict)
    """Rows below that a cell goes on to cover, by column."""


class _Reader:
    """Called by the parser; nested tables end the one around them, which goes on afterwards."""

    def __init__(self) -> None:
        self._page = 1
        self._filled = False
        self._skipped = 0
        self._open: list[_Open] = []
        self._face = Face()
        self._runs: list[Run | None] = []
        """Text of the block that is being read; None is the end of a line."""
        self._tables: list[_Table] = []
        self._done: list[Block] = []
        self._last = ""
        """Text of the last paragraph or cell."""

    def take(self) -> list[Block]:
        """The blocks that are complete."""
        done, self._done = self._done, []
        return done

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        style = attributes.get("style", "")
        if self._skipped or tag in NOT_SHOWN or (style and HIDDEN.search(style)):
            self._skipped += 1
            return
        if tag in BLOCKS:
            self._flush()
        breaks = (
            {match[1].lower() for match in BREAK.finditer(style)} if "break" in style else set()
        )
        if "before" in breaks:
            self._break_page()
        self._open.append(_Open(tag, self._face, "after" in breaks))
        self._face = face_in(self._face, tag, attributes)
        if tag == "br":
            self._runs.append(None)
        elif tag == "hr":
            self._rule(bool(breaks))
        elif tag == "table":
            self._begin_table()
        elif tag == "tr":
            self._begin_row()
        elif tag in {"td", "th"}:
            self._begin_cell(attributes)

    def end(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        if not self._open:
            return
        opened = self._open.pop()
        if tag in {"td", "th"}:
            self._end_cell()
        elif tag == "table":
            self._end_table()
        elif tag in BLOCKS:
            self._flush()
        self._face = opened.face
        if opened.breaks_after:
            self._break_page()

    def data(self, text: str) -> None:
        if self._skipped:
            return
        if self._tables and self._tables[-1].cell is None and not text.strip():
            return
        text = text.translate(CHARACTERS)
        if self._face.raised and MARK.fullmatch(text.strip()) and self._runs:
            before = self._runs[-1]
            if before is not None and not UNIT_BEFORE.search(before[0]):
                # A raised 1 beside 4,210 must not make 42,101 of it.
                text = f" ({text.strip()})" if text.strip()[0] != "*" else f" {text.strip()}"
        self._runs.append((text, self._face))

    def close(self) -> None:
        self._flush()
        while self._tables:
            self._end_table()

    def _emit(self, block: Block) -> None:
        cell = self._tables[-1].cell if self._tables else None
        if cell is not None:
            cell.blocks.append(block)
            return
        self._done.append(block)
        self._last = block.text
        self._filled = True

    def _flush(self) -> None:
        runs, self._runs = self._runs, []
        if runs and self._face.verbatim:
            text = "".join("\n" if run is None else run[0] for run in runs)
            if text.strip():
                self._emit(Block(self._page, text.strip("\n"), verbatim=True))
            return
        for block in paragraphs(runs, self._page):
            self._emit(block)

    def _break_page(self) -> None:
        self._flush()
        if any(table.cell and table.cell.blocks for table in self._tables):
            # The page ends inside a table for layout: what was read of it stands before.
            self._cut_tables()
        if self._filled:
            self._page += 1
            self._filled = False

    def _rule(self, breaks: bool) -> None:
        """A line across the page; without a style it ends one if the page's number is above."""
        if breaks or (not self._tables and NUMBER_ALONE.fullmatch(self._last)):
            self._break_page()

    def _begin_table(self) -> None:
        if self._tables:
            self._cut_tables()
        self._tables.append(_Table())

    def _cut_tables(self) -> None:
        """Give out the rows read so far of the innermost table, its open cell among them."""
        table = self._tables[-1]
        if table.cell is not None:
            cell = table.cell
            self._keep(table, cell)
            table.cell = _Cell(cell.start, cell.end, 1)
        self._give(table)
        table.rows = [[]]

    def _begin_row(self) -> None:
        if self._tables:
            table = self._tables[-1]
            self._end_cell()
            table.rows.append([])
            table.column = 0
            table.spanned = {at: left - 1 for at, left in table.spanned.items() if left > 1}

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        if not self._tables:
            self._flush()
            return
        table = self._tables[-1]
        self._end_cell()
        while table.column in table.spanned:
            table.column += 1
        end = table.column + span_of(attributes.get("colspan"))
        table.cell = _Cell(table.column, end, span_of(attributes.get("rowspan")))
        table.column = end

    def _end_cell(self) -> None:
        self._flush()
        table = self._tables[-1] if self._tables else None
        if table is None or table.cell is None:
            return
        cell = table.cell
        table.cell = None
        if cell.rows > 1:
            # Counted down at the next row: the cell's own row is the first of them.
            table.spanned.update(dict.fromkeys(range(cell.start, cell.end), cell.rows))
        self._keep(table, cell)

    def _keep(self, table: _Table, cell: _Cell) -> None:
        text = " ".join(block.text for block in cell.blocks)
        if text:
            if not table.rows:
                table.rows.append([])
            placed = TableCell(text, cell.start, cell.end)
            table.rows[-1].append(BlockCell(placed, tuple(cell.blocks)))

    def _end_table(self) -> None:
        if self._tables:
            self._end_cell()
            self._give(self._tables.pop())

    def _give(self, table: _Table) -> None:
        rows = [row for row in table.rows if row]
        if rows:
            self._done.append(Block(self._page, rows=rows))
            self._last = rows[-1][-1].cell.text
            self._filled = True
