"""Words, cells and rows of a page, whatever reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Style(NamedTuple):
    """How a line is set; ``emphasis`` is 2 bold, 1 italic, 0 plain."""

    size: float
    emphasis: int


class Word(NamedTuple):
    """A word with its place: ``y`` is the baseline, counted from the top, in points."""

    text: str
    x0: float
    x1: float
    y: float
    style: Style


class Cell(NamedTuple):
    """Words of one row that belong together; ``figure`` says that it is a value."""

    text: str
    x0: float
    x1: float
    figure: bool


class Row(NamedTuple):
    """Everything on one baseline, from left to right."""

    y: float
    size: float
    emphasis: int
    cells: tuple[Cell, ...]

    @property
    def text(self) -> str:
        return " ".join(cell.text for cell in self.cells)

    @property
    def x0(self) -> float:
        return self.cells[0].x0

    @property
    def x1(self) -> float:
        return self.cells[-1].x1


@dataclass(frozen=True, slots=True)
class Page:
    """``number`` counts from 1."""

    number: int
    rows: tuple[Row, ...]
