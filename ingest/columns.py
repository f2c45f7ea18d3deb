"""The columns of a table: where they stand, what stands in them, what they are called."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.numbers import is_date, is_period, is_year
from ingest.pages import Cell, Row

Span = tuple[float, float]

NARROW = 11.0
"""Points to which a narrow value, such as a dash, is widened to find its column."""


class Columns:
    """Value columns as spans of x that grow with the rows that are added."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._labelled: list[int] = []
        self._members: list[list[Cell]] = []
        self._left_edge = float("inf")

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
            cell for i, cell in enumerate(row.cells) if cell.figure or (i and is_date(cell.text))
        ]
        found = [self.over(cell) for cell in figures]
        if any(len(over) > 1 for over in found):
            return False
        taken = [over[0] for over in found if over]
        if len(set(taken)) < len(taken):
            return False
        self._left_edge = min(self._left_edge, row.x0)
        labelled = not row.cells[0].figure
        fresh: list[Cell] = []
        for cell, over in zip(figures, found, strict=True):
            if not over:
                fresh.append(cell)
                continue
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

    def take_label_column(self) -> bool:
        """Whether the first column of figures is what names the rows, such as years."""
        members = self._members[0]
        if len(self.spans) < 2 or self._labelled[0] * 2 > len(members):
            return False
        if min(cell.x0 for cell in members) > self._left_edge + 30:
            return False
        del self.spans[0], self._members[0], self._labelled[0]
        return True

    def holds(self, cell: Cell) -> bool:
        return bool(self.over(cell))

    def covers_all(self, cell: Cell) -> bool:
        """Whether a lone header cell stands over the columns together."""
        if len(self.over(cell)) > 1 and is_period(cell.text):
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
        own = _middle((cell.x0, cell.x1))
        middles = [abs(_middle(span) - own) for span in self.spans]
        return middles.index(min(middles))


def column_names(naming: Sequence[Sequence[Cell]], columns: Columns) -> tuple[str, ...]:
    """Header cells, from the top row down, joined over each column."""
    count = len(columns.spans)
    names: list[list[str]] = [[] for _ in range(count)]
    lowest = [""] * count
    for at, text in _over_columns(naming[-1], columns) if naming else []:
        lowest[at] = text
    full = next((cells for cells in reversed(naming) if len(cells) == count), ())
    repeats = len({cell.text for cell in full}) < len(full)
    for number, cells in enumerate(naming):
        last = number + 1 == len(naming)
        for at, text in _assign(cells, columns, repeats, [""] * count if last else lowest):
            if text not in names[at]:
                names[at].append(text)
    return tuple(_join(parts) for parts in names)


def _assign(
    cells: Sequence[Cell], columns: Columns, repeats: bool, lowest: Sequence[str]
) -> list[tuple[int, str]]:
    """Which header cell stands over which column; one cell may span several.

    ``repeats`` says that the lowest names recur, as they do under headers of groups.
    """
    count = len(columns.spans)
    if len(cells) >= count:
        return _over_columns(cells, columns)
    own = [_middle((cell.x0, cell.x1)) for cell in cells]
    nearest = [
        min(range(len(cells)), key=lambda i: abs(own[i] - _middle(span))) for span in columns.spans
    ]
    spanning = [is_period(cell.text) and not is_year(cell.text) for cell in cells]
    wide = all(
        spans or len(columns.over(cell)) != 1 for cell, spans in zip(cells, spanning, strict=True)
    )
    even = len(cells) > 1 and len({nearest.count(i) for i in range(len(cells))}) == 1
    if (wide and not any(lowest)) or (even and (wide or repeats)):
        return [(at, cells[i].text) for at, i in enumerate(nearest)]
    if repeats and count % len(cells) == 0 and all(is_year(cell.text) for cell in cells):
        block = count // len(cells)
        return [(at, cells[at // block].text) for at in range(count)]
    assigned = _over_columns(cells, columns)
    taken = {at for at, _ in assigned}
    # A period stands over the years beside the one that it overlaps.
    beside = [
        (at, cells[i].text)
        for at, i in enumerate(nearest)
        if spanning[i] and at not in taken and (is_year(lowest[at]) or wide or repeats)
    ]
    return sorted(assigned + beside)


def _over_columns(cells: Sequence[Cell], columns: Columns) -> list[tuple[int, str]]:
    if len(cells) == len(columns.spans):
        return [(at, cell.text) for at, cell in enumerate(cells)]
    return [
        (at, cell.text) for cell in cells for at in columns.over(cell) or [columns.nearest(cell)]
    ]


def _middle(span: Span) -> float:
    return (span[0] + span[1]) / 2


def _join(parts: Sequence[str]) -> str:
    name = ""
    for part in parts:
        if name.endswith("-") and part[0].islower():
            name = name[:-1] + part if name[-2:-1].islower() else name + part
        else:
            name = f"{name} {part}".strip()
    return name
