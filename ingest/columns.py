"""The columns of a table: where they stand and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.numbers import RANGE_DASHES, is_date, is_period, is_year
from ingest.pages import Cell, Row

Span = tuple[float, float]

NARROW = 11.0
"""Points to which a narrow value, such as a dash, is widened to find its column."""


TOUCHING = 0.3
"""A figure this near to a column, in font sizes, stands in it."""
ALIGNED = 3.0
"""Points between the ends, or the middles, of cells of one column of words."""


class Columns:
    """Value columns as spans of x that grow with the rows that are added."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._labelled: list[int] = []
        self._members: list[list[Cell]] = []
        self._left_edge = float("inf")
        self.words: list[Span] = []
        """Those of ``spans`` that hold words."""
        self.label_right = 0.0
        """Right end of the longest label beside values."""

    @property
    def left(self) -> float:
        """Left end of the first value column."""
        return self.spans[0][0] if self.spans else float("inf")

    @property
    def label_zone(self) -> float:
        """Right end of where labels begin: half way to the first value column."""
        return (self._left_edge + self.left) / 2

    @property
    def right(self) -> float:
        return self.spans[-1][1] if self.spans else 0.0

    def add(self, row: Row) -> bool:
        """Take in a row's figures; False if they do not fit the columns that are there."""
        figures = [
            cell
            for i, cell in enumerate(row.cells)
            if (cell.figure and (i or not self._ends_label(cell))) or (i and is_date(cell.text))
        ]
        found = [self.over(cell) for cell in figures]
        if any(len(over) > 1 for over in found):
            return False
        taken = [over[0] for over in found if over]
        if len(set(taken)) < len(taken):
            return False
        self._left_edge = min(self._left_edge, row.x0)
        labelled = not row.cells[0].figure
        if labelled and figures and row.cells[0].x1 < figures[0].x0:
            self.label_right = max(self.label_right, row.cells[0].x1)
        fresh: list[Cell] = []
        full = set(taken)
        for cell, over in zip(figures, found, strict=True):
            if not over:
                near = self._touching(cell, row.size)
                if near is None or near in full:
                    fresh.append(cell)
                    continue
                full.add(near)
                over = [near]
            at = over[0]
            low, high = self.spans[at]
            self.spans[at] = (min(low, cell.x0), max(high, cell.x1))
            self._members[at].append(cell)
            self._labelled[at] += labelled
        for cell in fresh:
            at = sum(span[0] < cell.x0 for span in self.spans)
            self.spans.insert(at, (cell.x0, cell.x1))
            self._members.insert(at, [cell])
            self._labelled.insert(at, int(labelled))
        return True

    def _ends_label(self, cell: Cell) -> bool:
        """Whether a year is the last word of a wrapped label."""
        return is_year(cell.text) and cell.x1 < self.left < float("inf") and not self.over(cell)

    def _touching(self, cell: Cell, size: float) -> int | None:
        """A column that ends or begins right beside a cell, such as one of ``%`` that hang."""
        gaps = [max(cell.x0 - high, low - cell.x1) for low, high in self.spans]
        if not gaps or min(gaps) > TOUCHING * size:
            return None
        return gaps.index(min(gaps))

    def take_label_column(self) -> bool:
        """Whether the first column of figures is what names the rows, such as years."""
        members = self._members[0]
        if len(self.spans) < 2 or self._labelled[0] * 2 > len(members):
            return False
        if min(cell.x0 for cell in members) > self._left_edge + 30:
            return False
        del self.spans[0], self._members[0], self._labelled[0]
        return True

    def settle(self, rows: Sequence[Row]) -> None:
        """Once all rows are in: ranges become one column, columns of text are added."""
        self._join_ranges(rows)
        self._add_text(rows)

    def _join_ranges(self, rows: Sequence[Row]) -> None:
        """``29.5 - 29.9`` is set as three cells: low end, dash, high end."""
        figures = [self._by_column(row) for row in rows]
        for at in range(len(self.spans) - 2, 0, -1):
            ranges = others = 0
            for row in figures:
                own = [row.get(at + shift, "") for shift in (-1, 0, 1)]
                if own[1] in RANGE_DASHES and own[0] and own[2]:
                    ranges += 1
                elif sum(map(bool, own)) > 1:
                    others += 1
            if ranges > 0 and not others:
                low, high = self.spans[at - 1][0], self.spans[at + 1][1]
                self.spans[at - 1 : at + 2] = [(low, high)]
                figures = [self._by_column(row) for row in rows]

    def _by_column(self, row: Row) -> dict[int, str]:
        """The first figure of each column, of those that stand in one column alone."""
        found: dict[int, str] = {}
        for cell in row.cells:
            if cell.figure and len(over := self.over(cell)) == 1:
                found.setdefault(over[0], cell.text)
        return found

    def _add_text(self, rows: Sequence[Row]) -> None:
        """Columns of words, such as ``Level 2``, between the labels and the figures or beyond."""
        found: list[list[Cell]] = []
        for row in rows:
            for cell in row.cells[1:]:
                if cell.figure or self.over(cell) or not any(c.figure for c in row.cells):
                    continue
                same = next((cells for cells in found if _aligned(cells[0], cell)), None)
                if same is None:
                    found.append([cell])
                else:
                    same.append(cell)
        labels = [row.cells[0] for row in rows if not row.cells[0].figure]
        for cells in found:
            x0, x1 = min(c.x0 for c in cells), max(c.x1 for c in cells)
            free = all(x1 <= low or x0 >= high for low, high in self.spans)
            crossed = any(cell.x0 < x0 - ALIGNED and cell.x1 > x0 for cell in labels)
            if len(cells) > 1 and free and not crossed:
                self.spans.insert(sum(low < x0 for low, _ in self.spans), (x0, x1))
                self.words.append((x0, x1))

    def wraps(self, row: Row) -> bool:
        """Whether a row of words is the first line of a wrapped label and the words beside it."""
        return (
            len(row.cells) > 1
            and row.x0 < self.label_zone
            and not any(cell.figure for cell in row.cells)
            and all(
                any(abs(cell.x0 - low) <= ALIGNED for low, _ in self.words)
                for cell in row.cells[1:]
            )
        )

    def holds(self, cell: Cell) -> bool:
        return bool(self.over(cell))

    def covers_all(self, cell: Cell) -> bool:
        """Whether a lone header cell stands over the columns together."""
        if len(self.over(cell)) == len(self.spans) and is_period(cell.text):
            return True
        middle = (self.left + self.right) / 2
        own = (cell.x0 + cell.x1) / 2
        return abs(own - middle) < 0.12 * (self.right - self.left)

    def split(self, row: Row, label_column: bool) -> tuple[str, ...]:
        """A row's label followed by one string a column."""
        label: list[str] = []
        values = [""] * len(self.spans)
        for index, cell in enumerate(row.cells):
            over = self.over(cell)
            in_label = cell.x1 <= self.left or (label_column and index == 0) or (
                not cell.figure and cell.x0 < self.left
            )  # fmt: skip
            if in_label and not (over and cell.figure):
                label.append(cell.text)
                continue
            at = over[0] if over else self.nearest(cell)
            values[at] = f"{values[at]} {cell.text}".strip()
        return (" ".join(label), *values)

    def over(self, cell: Cell) -> list[int]:
        """Columns that share at least a quarter of the narrower one's width with a cell.

        A dash may hang beside the digits above it, so narrow cells count as wider.
        """
        pad = max(0.0, (NARROW - (cell.x1 - cell.x0)) / 2)
        x0, x1 = cell.x0 - pad, cell.x1 + pad
        shared = [min(high, x1) - max(low, x0) for low, high in self.spans]
        found = [
            index
            for index, (low, high) in enumerate(self.spans)
            if shared[index] > 0.25 * min(high - low, x1 - x0)
        ]
        if pad and len(found) > 1:
            return [max(found, key=shared.__getitem__)]
        return found

    def nearest(self, cell: Cell) -> int:
        own = middle((cell.x0, cell.x1))
        middles = [abs(middle(span) - own) for span in self.spans]
        return middles.index(min(middles))


def middle(span: Span) -> float:
    return (span[0] + span[1]) / 2


def _aligned(one: Cell, other: Cell) -> bool:
    return (
        abs(one.x0 - other.x0) <= ALIGNED
        or abs(one.x1 - other.x1) <= ALIGNED
        or abs(middle((one.x0, one.x1)) - middle((other.x0, other.x1))) <= ALIGNED
    )
