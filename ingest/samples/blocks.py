"""What a filing is made of before it is drawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

TextStyle = Literal["body", "bold", "italic", "small", "center", "center_bold", "title"]
RowRule = Literal["none", "single", "double"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is a Part, 2 an Item, 3 a bold and 4 an italic run within an Item.

    Headings with an `entry` appear in the table of contents.
    """

    text: str
    level: Literal[1, 2, 3, 4]
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; white space in it does not matter."""

    text: str
    style: TextStyle = "body"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a financial table. A cell that begins with `$` has the sign drawn apart.

    `rule` is the line at the numbers: `single` above a subtotal, `double` above and below a total.
    """

    label: str
    cells: tuple[str, ...] = ()
    indent: int = 0
    rule: RowRule = "none"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A borderless table of numbers under a unit line, a spanning head and column heads."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    span: str = ""
    unit: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text: widths are shares of the line, cells wrap."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Contents:
    """The table of contents, filled from the headings that have an entry."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A thin line across the page, or across a share of it in the middle."""

    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Gap:
    """Vertical space in points."""

    points: float


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows starts on a new page."""


Block = Heading | Paragraph | Table | Grid | Contents | Rule | Gap | PageBreak


def dollars(cells: Iterable[str]) -> tuple[str, ...]:
    """The same cells with a dollar sign, as on the first and the total rows of a statement."""
    return tuple(f"${cell}" if cell else "" for cell in cells)


def percent(part: float, whole: float) -> str:
    """A percentage with one decimal for a table cell, negatives in parentheses."""
    value = round(100 * part / whole, 1) if whole else 0.0
    if abs(value) > 999:
        return "NM"
    if value == 0:
        return "—%"
    return f"({-value:.1f})%" if value < 0 else f"{value:.1f}%"
