"""Text that a page sets in columns, read column by column.

Only prose counts: sentences on both sides of an empty strip, line below line. Tables, labels
beside values, lists and blocks of signatures stay rows across the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from ingest.pages import Cell, Row, Word
from ingest.rows import build_rows

MIN_WIDTH = 80.0
"""Points from the start of one column to the start of the next."""
MIN_LINES = 4
MIN_STARTS = 5
"""So many lines that begin at one place make it the start of a column."""
GUTTER = 0.8
"""Width of the empty strip between columns, at least, in font sizes."""
ALIGNED = 4.0
"""Points by which lines of a column may begin before its start."""
MIN_LOWER = 0.4
"""Share of a column's lines that begin inside a sentence."""
MIN_FILLED = 0.62
"""Width of a column's usual line, of its longest one."""
MAX_FIGURES = 0.1
MAX_TORN = 0.25
"""Share of a column's lines with wide gaps in them."""
FAR = 1.45
"""Lines farther apart than this many times the usual distance begin a paragraph."""
APART = 1.9
"""The same, for headers and footers of the page."""
EDGE_ROWS = 2
HEADING_ROWS = 2
ROOM = 2.2
TOGETHER = 0.75
"""Share of the paragraphs that begin beside one another where the columns are a table's."""

Lines = list[tuple[int, Cell]]
"""A column's cells with the places of their rows."""


class Band(NamedTuple):
    """Rows ``first`` to ``end`` (exclusive) of a page, set in columns that begin at ``starts``."""

    first: int
    end: int
    starts: tuple[float, ...]
    cuts: tuple[int, ...]
    """Rows where all columns begin anew, as the rows of a table do."""


def read_rows(words: Sequence[Word]) -> tuple[tuple[Row, ...], tuple[int, ...]]:
    """A page's rows in reading order, and which of them begin a column or end the last one."""
    rows = build_rows(words)
    bands = find_bands(rows)
    if not bands:
        return rows, ()
    ordered: list[Row] = []
    breaks: list[int] = []
    for block in _blocks(words, rows, bands):
        breaks.append(len(ordered))
        ordered.extend(build_rows(block))
    return tuple(ordered), tuple(breaks[1:])


def _blocks(
    words: Sequence[Word], rows: Sequence[Row], bands: Sequence[Band]
) -> Iterator[list[Word]]:
    """The words of a page, cut at the edges of its columns."""
    tops: list[tuple[float, Band | None]] = [(float("-inf"), None)]
    for band in bands:
        tops.extend((rows[row].y, band) for row in (band.first, *band.cuts))
        if band.end < len(rows):
            tops.append((rows[band.end].y, None))
    for (top, columned), (bottom, _) in pairwise([*tops, (float("inf"), None)]):
        inside = [word for word in words if top - 0.01 <= word.y < bottom - 0.01]
        columns = _split(inside, columned.starts) if columned else [inside]
        yield from filter(None, columns)


def _split(words: Sequence[Word], starts: Sequence[float]) -> list[list[Word]]:
    columns: list[list[Word]] = [[] for _ in starts]
    for word in words:
        columns[max(_column(word.x0, starts), 0)].append(word)
    return columns


def _column(x: float, starts: Sequence[float]) -> int:
    """Which column a place stands in, -1 left of all."""
    return sum(start - ALIGNED <= x for start in starts) - 1


def find_bands(rows: Sequence[Row]) -> list[Band]:
    """The parts of a page that are set in columns of prose, from top to bottom."""
    starts = _starts(rows)
    if len(starts) < 2:
        return []
    choices = [starts, *((starts[0], start) for start in starts[1:] if len(starts) > 2)]
    bands: list[Band] = []
    for choice in choices:
        for first, end in _runs(rows, choice):
            free = all(end <= other.first or other.end <= first for other in bands)
            if free and (band := _band(rows, first, end, choice)):
                bands.append(band)
    return sorted(bands)


def _starts(rows: Sequence[Row]) -> tuple[float, ...]:
    """Where columns may begin, from left to right; fewer than two on an ordinary page."""
    if len(rows) < MIN_LINES:
        return ()
    left = min(row.cells[0].x0 for row in rows)
    far = [cell for row in rows for cell in row.cells if cell.x0 > left + MIN_WIDTH]
    if sum(cell.text.count(" ") > 1 and not cell.figure for cell in far) < MIN_LINES - 1:
        return ()
    inner = [cell.x0 for cell in far if not cell.figure]
    outer = [row.x0 for row in rows if row.x0 <= left + MIN_WIDTH]
    places: list[float] = []
    for start in _clusters(outer)[:1] + _clusters(inner):
        if not places or start - places[-1] >= MIN_WIDTH:
            places.append(start)
    return tuple(places)


def _clusters(places: Sequence[float]) -> list[float]:
    """Places that many lines begin at, from left to right."""
    counts = Counter(round(place / ALIGNED) for place in places)
    found = []
    for key in sorted(counts):
        if counts[key] + counts[key + 1] >= MIN_STARTS:
            found.append(min(p for p in places if round(p / ALIGNED) in {key, key + 1}))
    return found


def _runs(rows: Sequence[Row], starts: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Runs of rows that leave the strips between the columns empty."""
    fits = [_fits(row, starts) for row in rows]
    first = 0
    for index in range(len(rows) + 1):
        if index == len(rows) or not fits[index]:
            if index - first >= MIN_LINES:
                hangs = (_hangs(rows[i], starts) for i in (first - 1, index) if 0 <= i < len(rows))
                if not any(hangs):
                    yield first, index
            first = index + 1


def _fits(row: Row, starts: Sequence[float]) -> bool:
    """Whether a row leaves the strips empty, and begins no column with a table's value."""
    last = -1
    for cell in row.cells:
        column = _column(cell.x0, starts)
        if column < 0 or (cell.figure and column != last):
            return False
        last = column
        if column + 1 < len(starts) and cell.x1 > starts[column + 1] - GUTTER * row.size:
            return False
    return True


def _hangs(row: Row, starts: Sequence[float]) -> bool:
    """Whether a row has a label that stands out to the left of columns that it fits else."""
    inside = [cell for cell in row.cells if _column(cell.x0, starts) >= 0]
    return 0 < len(inside) < len(row.cells) and _fits(row._replace(cells=tuple(inside)), starts)


def _band(rows: Sequence[Row], first: int, end: int, starts: tuple[float, ...]) -> Band | None:
    first, end = _trimmed(rows, first, end, starts)
    if end - first < MIN_LINES:
        return None
    columns = _columns(rows, first, end, starts)
    used = [(start, lines) for start, lines in zip(starts, columns, strict=True) if lines]
    if len(used) < 2 or not all(_is_prose(lines) for _, lines in used):
        return None
    return Band(
        first, end, tuple(start for start, _ in used), _cuts(rows, [lines for _, lines in used])
    )


def _columns(rows: Sequence[Row], first: int, end: int, starts: Sequence[float]) -> list[Lines]:
    columns: list[Lines] = [[] for _ in starts]
    for index in range(first, end):
        for cell in rows[index].cells:
            columns[_column(cell.x0, starts)].append((index, cell))
    return columns


def _trimmed(rows: Sequence[Row], first: int, end: int, starts: Sequence[float]) -> tuple[int, int]:
    """The run without the page's header and footer, and without a heading of what is below."""
    gaps = [below.y - above.y for above, below in pairwise(rows[first:end])]
    pitch = median(gaps)
    for index in range(first, min(EDGE_ROWS, end - 1)):
        if rows[index + 1].y - rows[index].y > APART * pitch:
            first = index + 1
    for index in range(max(first + 1, len(rows) - EDGE_ROWS), end):
        if rows[index].y - rows[index - 1].y > APART * pitch:
            end = index
            break
    # A short left line alone below both columns may head what follows them.
    for index in range(end - 1, max(first, end - 1 - HEADING_ROWS), -1):
        if _column(rows[index].x1, starts) > 0:
            break
        if rows[index].y - rows[index - 1].y > FAR * pitch:
            return first, index
    return first, end


def _is_prose(lines: Lines) -> bool:
    """Whether a column's lines are sentences that fill its width."""
    own = Counter(index for index, _ in lines)
    if len(own) < MIN_LINES:
        return False
    figures = sum(cell.figure for _, cell in lines)
    torn = sum(count > 1 for count in own.values())
    if figures > MAX_FIGURES * len(lines) or torn > MAX_TORN * len(own):
        return False
    left: dict[int, Cell] = {}
    right: dict[int, float] = {}
    for index, cell in lines:
        left.setdefault(index, cell)
        right[index] = cell.x1
    widths = [right[index] - left[index].x0 for index in left]
    if median(widths) < MIN_FILLED * max(widths):
        return False
    lower = sum(cell.text[0].islower() for cell in left.values())
    words = sum(cell.text.count(" ") + 1 for _, cell in lines)
    stops = sum(cell.text.count(".") + cell.text.count(";") for _, cell in lines)
    return lower >= MIN_LOWER * len(own) and words >= 3.2 * len(own) and stops > 0


def _cuts(rows: Sequence[Row], columns: Sequence[Lines]) -> tuple[int, ...]:
    """Rows where the paragraphs of all columns begin together, if most do."""
    begins = [_paragraphs(rows, lines) for lines in columns]
    common = set.intersection(*map(set, begins))
    few = len(common) < TOGETHER * min(map(len, begins))
    # Two paragraphs may begin side by side by chance, but not with much room above them.
    chance = len(common) == 1 and any(begin[row] < ROOM for begin in begins for row in common)
    return () if few or chance else tuple(sorted(common))


def _paragraphs(rows: Sequence[Row], lines: Lines) -> dict[int, float]:
    """Rows where paragraphs begin, and the room above them in usual distances of lines."""
    own = sorted({index for index, _ in lines})
    gaps = [rows[below].y - rows[above].y for above, below in pairwise(own)]
    pitch = median(gaps)
    return {
        below: gap / pitch
        for (_, below), gap in zip(pairwise(own), gaps, strict=True)
        if gap > FAR * pitch
    }
