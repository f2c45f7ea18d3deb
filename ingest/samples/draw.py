"""Drawing blocks onto letter-size pages, in the manner of a printed annual report."""

import re
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any

from reportlab.lib.pagesizes import letter
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from ingest.samples.blocks import (
    Block,
    Contents,
    Gap,
    Grid,
    Heading,
    PageBreak,
    Paragraph,
    Row,
    Rule,
    Table,
)
from ingest.samples.profile import Look

WIDTH, HEIGHT = letter
LEFT, RIGHT = 62.0, WIDTH - 62.0
TOP, BOTTOM = HEIGHT - 66.0, 62.0
LINE = RIGHT - LEFT

_FONTS = {
    "Times": ("Times-Roman", "Times-Bold", "Times-Italic"),
    "Helvetica": ("Helvetica", "Helvetica-Bold", "Helvetica-Oblique"),
}


def draw_filing(blocks: Sequence[Block], look: Look, name: str, title: str) -> bytes:
    """The PDF of a filing, the same bytes for the same blocks.

    Pages are left uncompressed, because compressed bytes differ between builds of zlib.

    Args:
        blocks: The filing from cover to signatures.
        look: Typography.
        name: The registrant, for the running head and the document's author.
        title: The document's title.
    """
    first = _Typesetter(look, name, title, {})
    first.draw(blocks)
    # A second pass, because the table of contents stands before the pages that it lists.
    second = _Typesetter(look, name, title, first.entries)
    second.draw(blocks)
    return second.finish()


class _Typesetter:
    """A cursor that moves down the pages."""

    def __init__(self, look: Look, name: str, title: str, entries: dict[str, str]) -> None:
        self.look = look
        self.name = name
        self.listed = entries
        self.entries: dict[str, str] = {}
        self.regular, self.bold, self.italic = _FONTS[look.family]
        self.size = look.size
        self.lead = look.size * 1.2
        self.page = 1
        self.y = TOP
        self.buffer = BytesIO()
        self.canvas: Any = Canvas(self.buffer, pagesize=letter, invariant=1, pageCompression=0)
        self.canvas.setTitle(title)
        self.canvas.setAuthor(name)
        self.canvas.setLineWidth(0.5)

    def draw(self, blocks: Sequence[Block]) -> None:
        for number, block in enumerate(blocks):
            if isinstance(block, Heading | Paragraph):
                self._keep_with_table(blocks[number : number + 5])
            match block:
                case Heading():
                    self._heading(block)
                case Paragraph():
                    self._paragraph(block)
                case Table():
                    self._table(block)
                case Grid():
                    self._grid(block)
                case Contents():
                    self._contents()
                case Rule():
                    self._rule(block)
                case Gap():
                    self.y -= block.points
                case PageBreak():
                    self._next_page()

    def finish(self) -> bytes:
        self._foot()
        self.canvas.showPage()
        self.canvas.save()
        return self.buffer.getvalue()

    def _next_page(self) -> None:
        self._foot()
        self.canvas.showPage()
        self.page += 1
        self.y = TOP
        self.canvas.setLineWidth(0.5)
        self._head()

    def _head(self) -> None:
        head = HEIGHT - 44
        self.canvas.setFont(self.regular, self.size - 1.5)
        self.canvas.drawString(LEFT, head, self.name)
        self.canvas.drawRightString(RIGHT, head, "Form 10-K")
        self.canvas.line(LEFT, head - 4, RIGHT, head - 4)

    def _foot(self) -> None:
        """The folio; the cover has none, the contents a roman one."""
        if self.page > 1:
            self.canvas.setFont(self.regular, self.size - 1.5)
            self.canvas.drawCentredString(WIDTH / 2, 40, self._folio())

    def _folio(self) -> str:
        return "i" if self.page == 2 else str(self.page - 2)

    def _need(self, points: float) -> None:
        if points > TOP - BOTTOM:
            raise ValueError(f"a block of {points:.0f} points does not fit a page")
        if self.y - points < BOTTOM:
            self._next_page()

    def _keep_with_table(self, blocks: Sequence[Block]) -> None:
        """Starts a new page if a table, with the heads and short text before it, does not fit."""
        points = 0.0
        for number, block in enumerate(blocks):
            match block:
                case Table():
                    points += self._table_height(block)
                case Grid():
                    points += self._grid_height(block)
                case Heading() if number == 0 or isinstance(blocks[number - 1], Heading):
                    points += self.size * 1.25 + 16
                    continue
                case Paragraph() if number == 0 or isinstance(blocks[number - 1], Heading):
                    lines = len(_wrap(block.text, self.regular, self.size, LINE))
                    points += lines * self.lead + 6
                    if lines <= 3:
                        continue
                    return
                case _:
                    return
            if points < TOP - BOTTOM:
                self._need(points)
            return

    def _heading(self, heading: Heading) -> None:
        size = self.size + {1: 2.0, 2: 1.0, 3: 0.0, 4: 0.0}[heading.level]
        font = self.italic if heading.level == 4 else self.bold
        lines = _wrap(_curl(heading.text), font, size, LINE)
        lead = size * 1.25
        # A heading keeps at least three lines of what follows with it.
        follow = 10 if heading.level == 1 else 4
        self._need(len(lines) * lead + 12 + follow * self.lead)
        if self.y < TOP:
            self.y -= 9 if heading.level < 3 else 4
        if heading.entry:
            self.entries[heading.entry] = self._folio()
        for line in lines:
            self.y -= lead
            self.canvas.setFont(font, size)
            if heading.level == 1:
                self.canvas.drawCentredString(WIDTH / 2, self.y, line)
            else:
                self.canvas.drawString(LEFT, self.y, line)
        self.y -= 5

    def _paragraph(self, paragraph: Paragraph) -> None:
        style = paragraph.style
        centered = style in ("center", "center_bold", "title")
        font = self.bold if style in ("bold", "center_bold", "title") else self.regular
        font = self.italic if style == "italic" else font
        size = self.size + {"small": -1.2, "title": 7.0}.get(style, 0.0)
        lead = size * 1.2
        lines = _wrap(_curl(paragraph.text), font, size, LINE)
        if style in ("bold", "italic"):
            self._need(len(lines) * lead + 3 * self.lead)
        elif len(lines) <= 3:
            self._need(len(lines) * lead)
        for number, line in enumerate(lines):
            # Neither the first nor the last line of a paragraph stands alone on a page.
            alone = number == 0 or number == len(lines) - 2
            self._need(lead * 2 if alone and len(lines) > 3 else lead)
            self.y -= lead
            self.canvas.setFont(font, size)
            if centered:
                self.canvas.drawCentredString(WIDTH / 2, self.y, line)
                continue
            last = number == len(lines) - 1
            gaps = line.count(" ")
            slack = LINE - _width(line, font, size)
            spread = slack / gaps if self.look.justify and gaps and not last else 0.0
            self.canvas.drawString(LEFT, self.y, line, wordSpace=round(spread, 3))
        self.y -= 2 if style in ("center", "center_bold", "title") else 6

    def _rule(self, rule: Rule) -> None:
        self._need(10)
        self.y -= 5
        half = LINE * rule.share / 2
        self.canvas.line(WIDTH / 2 - half, self.y, WIDTH / 2 + half, self.y)
        self.y -= 5

    def _contents(self) -> None:
        for entry, folio in self.listed.items():
            part = entry.startswith("PART")
            font = self.bold if part else self.regular
            self.y -= self.lead * (1.7 if part else 1.45)
            self.canvas.setFont(font, self.size)
            entry = _curl(entry)
            self.canvas.drawString(LEFT + (0 if part else 12), self.y, entry)
            if part:
                continue
            self.canvas.drawRightString(RIGHT, self.y, folio)
            start = LEFT + 12 + _width(entry, font, self.size) + 4
            dot = _width(" .", font, self.size)
            dots = int((RIGHT - 22 - start) / dot)
            # Dots end at one edge so that they stand in columns.
            self.canvas.drawRightString(RIGHT - 20, self.y, " ." * dots)

    def _grid(self, grid: Grid) -> None:
        size, lead = self.size - 0.7, (self.size - 0.7) * 1.2
        edges, wrapped = self._grid_cells(grid)
        heights = [max(len(cell) for cell in cells) * lead + 3 for cells in wrapped]
        if self._grid_height(grid) < TOP - BOTTOM:
            self._need(self._grid_height(grid))
        self.y -= 2
        for number, (cells, height) in enumerate(zip(wrapped, heights, strict=True)):
            self._need(height)
            self.canvas.setFont(self.regular if number else self.bold, size)
            for index, lines in enumerate(cells):
                for depth, line in enumerate(lines):
                    y = self.y - lead * (depth + 1)
                    if index in grid.right:
                        self.canvas.drawRightString(edges[index + 1] - 10, y, line)
                    else:
                        self.canvas.drawString(edges[index], y, line)
            self.y -= height
            if number == 0:
                self.canvas.line(LEFT, self.y, RIGHT, self.y)
                self.y -= 2
        self.y -= 8

    def _grid_cells(self, grid: Grid) -> tuple[list[float], list[list[list[str]]]]:
        """The edges of the columns, and the wrapped lines of each cell, the heads first."""
        edges = [LEFT]
        for width in grid.widths:
            edges.append(edges[-1] + width * LINE)
        lines = [(self.bold, grid.heads), *((self.regular, row) for row in grid.rows)]
        wrapped = [
            [
                _wrap(_curl(cell), font, self.size - 0.7, edges[i + 1] - edges[i] - 10)
                for i, cell in enumerate(cells)
            ]
            for font, cells in lines
        ]
        return edges, wrapped

    def _grid_height(self, grid: Grid) -> float:
        lead = (self.size - 0.7) * 1.2
        _, wrapped = self._grid_cells(grid)
        return sum(max(len(cell) for cell in cells) * lead + 3 for cells in wrapped) + 12

    def _table(self, table: Table) -> None:
        size, lead = self.size - 0.5, (self.size - 0.5) * 1.22
        columns = _columns(len(table.heads))
        labels = [self._label(row, size, columns[0][0] - LEFT - 6) for row in table.rows]
        heads = [head.split("\n") for head in table.heads]
        head_lines = max((len(head) for head in heads), default=0)
        notes = [_wrap(_curl(note), self.regular, size - 1, LINE) for note in table.notes]
        self._need(self._table_height(table))
        if table.unit:
            self.y -= lead
            self.canvas.setFont(self.italic, size - 0.5)
            self.canvas.drawString(LEFT, self.y, table.unit)
        self._table_head(table.span, heads, head_lines, columns, size, lead)
        for row, lines in zip(table.rows, labels, strict=True):
            self._row(row, lines, columns, size, lead)
        if notes:
            self.y -= 5
        for note in notes:
            for line in note:
                self.y -= size
                self.canvas.setFont(self.regular, size - 1)
                self.canvas.drawString(LEFT, self.y, line)
        self.y -= 10

    def _table_height(self, table: Table) -> float:
        size = self.size - 0.5
        width = _columns(len(table.heads))[0][0] - LEFT - 6
        lines = sum(len(self._label(row, size, width)) for row in table.rows)
        lines += max((head.count("\n") + 1 for head in table.heads), default=0)
        lines += bool(table.span) + bool(table.unit)
        gaps = sum(3.5 if row.rule == "double" else 1.0 for row in table.rows)
        notes = sum(len(_wrap(note, self.regular, size - 1, LINE)) * size for note in table.notes)
        return lines * size * 1.22 + gaps + notes + 20

    def _label(self, row: Row, size: float, width: float) -> list[str]:
        font = self.bold if row.bold else self.regular
        return _wrap(_curl(row.label), font, size, width - 10 * row.indent - 8)

    def _table_head(
        self,
        span: str,
        heads: list[list[str]],
        head_lines: int,
        columns: list[tuple[float, float]],
        size: float,
        lead: float,
    ) -> None:
        self.canvas.setFont(self.bold, size - 0.5)
        if span:
            self.y -= lead
            start, end = columns[0][0] + 6, columns[-1][1]
            self.canvas.drawCentredString((start + end) / 2, self.y, span)
            self.canvas.line(start, self.y - 2.5, end, self.y - 2.5)
            self.y -= 1.5
        for (start, end), lines in zip(columns, heads, strict=True):
            # Short heads stand at the bottom of the row.
            first = head_lines - len(lines) + 1
            for depth, line in enumerate(lines, first):
                self.canvas.drawCentredString((start + 6 + end) / 2, self.y - lead * depth, line)
        self.y -= lead * head_lines + 2.5
        for (start, end), lines in zip(columns, heads, strict=True):
            if any(lines):
                self.canvas.line(start + 6, self.y, end, self.y)

    def _row(
        self,
        row: Row,
        lines: list[str],
        columns: list[tuple[float, float]],
        size: float,
        lead: float,
    ) -> None:
        font = self.bold if row.bold else self.regular
        for depth, line in enumerate(lines):
            self.y -= lead
            self.canvas.setFont(font, size)
            # Continuation lines hang, so that they are not taken for rows of their own.
            indent = 10 * row.indent + (8 if depth else 0)
            self.canvas.drawString(LEFT + indent, self.y, line)
        for (start, end), cell in zip(columns, row.cells, strict=False):
            if not cell:
                continue
            if row.rule != "none":
                self.canvas.line(start + 6, self.y + size - 0.6, end, self.y + size - 0.6)
            if row.rule == "double":
                self.canvas.line(start + 6, self.y - 2.4, end, self.y - 2.4)
                self.canvas.line(start + 6, self.y - 4.0, end, self.y - 4.0)
            self._number(cell, start + 8, end - 9, font, size)
        self.y -= 3.5 if row.rule == "double" else 1

    def _number(self, cell: str, left: float, right: float, font: str, size: float) -> None:
        if cell.startswith("$"):
            self.canvas.drawString(left, self.y, "$")
            cell = cell[1:]
        digits = cell.rstrip(")%")
        hang = _width(cell, font, size) - _width(digits, font, size)
        self.canvas.drawRightString(right + hang, self.y, cell)


def _columns(count: int) -> list[tuple[float, float]]:
    """Left and right edge of each column of numbers; the label takes what is left."""
    width = {1: 92.0, 2: 88.0, 3: 80.0, 4: 70.0}.get(count, (LINE - 148) / max(count, 1))
    return [(RIGHT - width * (count - i), RIGHT - width * (count - i - 1)) for i in range(count)]


def _curl(text: str) -> str:
    """Typographic quotation marks and apostrophes, as typesetters of filings use."""
    text = re.sub(r'(^|[\s(])"', r"\1“", text)
    return text.replace('"', "”").replace("'", "’")


def _wrap(text: str, font: str, size: float, width: float) -> list[str]:
    lines: list[str] = []
    line, used = "", 0.0
    space = _width(" ", font, size)
    for word in text.split():
        wide = _width(word, font, size)
        if line and used + space + wide > width:
            lines.append(line)
            line, used = word, wide
        else:
            line = f"{line} {word}" if line else word
            used += wide + (space if used else 0.0)
    return [*lines, line]


@lru_cache(maxsize=50_000)
def _width(text: str, font: str, size: float) -> float:
    return float(stringWidth(text, font, size))
