"""Words, cells and rows of a page, whatever reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class Rule(NamedTuple):
    """A horizontal line that is drawn at ``y`` points from the page's top."""

    y: float
    x0: float
    x1: float


class Seam(NamedTuple):
    """A wide space in a cell: the words before it end at character ``at`` and at ``x0``."""

    at: int
    x0: float
    x1: float


class Cell(NamedTuple):
    """Words of one row that belong together; ``figure`` says that it is a value."""

    text: str
    x0: float
    x1: float
    figure: bool
    seams: tuple[Seam, ...] = ()


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


def no_rules() -> Sequence[Rule]:
    return ()


@dataclass(frozen=True, slots=True)
class Page:
    """``number`` counts from 1; ``rules`` reads its rules while its file is open.

    ``rows`` stand in reading order; where ``breaks`` say, a column of text begins or ends.
    """

    number: int
    rows: tuple[Row, ...]
    rules: Callable[[], Sequence[Rule]] = no_rules
    breaks: tuple[int, ...] = ()
