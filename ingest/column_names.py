"""What a table's columns are called: the header cells that stand over each of them.

A rule under a header says how far it reaches. Where none is drawn, places and wording do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ingest.columns import Columns, middle
from ingest.numbers import is_period, is_year
from ingest.pages import Cell, Row, Rule

BELOW, ABOVE = 0.1, 0.45
"""A header's rule lies at least this far, in font sizes, below its baseline, and above that of
the row under the header."""
WRAPPED = 1.6
"""Lines of one caption are closer than this, in font sizes."""
TOUCHING = 1.5
"""Points between pieces of one rule, and between rules of one level."""


class _Header(NamedTuple):
    row: Row
    cell: Cell


def column_names(
    naming: Sequence[Row], body: Row, columns: Columns, rules: Callable[[], Sequence[Rule]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Captions over all columns, and one name a column.

    Args:
        naming: Header rows, from the top.
        body: The first row under them.
    """
    count = len(columns.spans)
    naming = [
        row._replace(cells=tuple(part for cell in row.cells for part in _parts(cell, columns)))
        for row in naming
    ]
    headers = [_Header(row, cell) for row in naming for cell in row.cells]
    levels: list[list[Rule]] = []
    if count > 1 and any(_is_open(row, columns) for row in naming):
        levels = _levels(rules(), naming[0], body)
    lowest = [""] * count
    for cell, over in zip(naming[-1].cells, _nearest(naming[-1].cells, columns), strict=True):
        for at in over:
            lowest[at] = cell.text
    full = next((row.cells for row in reversed(naming) if len(row.cells) == count), ())
    repeats = len({cell.text for cell in full}) < len(full)
    captions: list[str] = []
    names: list[list[str]] = [[] for _ in range(count)]
    above: Row | None = None
    """The caption that the row before was."""
    for row in naming:
        if len(row.cells) == 1 and _plainly_over_all(row.cells[0], columns):
            _add_caption(captions, row, above)
            above = row
            continue
        ruled = [_under_rule(_Header(row, c), headers, levels, columns) for c in row.cells]
        below = [""] * count if row is naming[-1] else lowest
        placed = ruled if all(ruled) else _with_guesses(
            ruled, _guess(row.cells, columns, repeats, below)
        )  # fmt: skip
        if len(row.cells) == 1 and len(placed[0]) == count > 1:
            _add_caption(captions, row, above)
            above = row
            continue
        above = None
        for cell, over in zip(row.cells, placed, strict=True):
            for at in over:
                if cell.text not in names[at]:
                    names[at].append(cell.text)
    return tuple(captions), tuple(_join(parts) for parts in names)


def _is_open(row: Row, columns: Columns) -> bool:
    """Whether places alone leave open which columns a header row stands over."""
    if len(row.cells) == 1:
        return not _plainly_over_all(row.cells[0], columns)
    return len(row.cells) != len(columns.spans)


def _parts(cell: Cell, columns: Columns) -> list[Cell]:
    """A header cell cut at its wide spaces if each part stands over a column of its own."""
    starts = [(0, cell.x0), *((seam.at + 1, seam.x1) for seam in cell.seams)]
    ends = [*((seam.at, seam.x0) for seam in cell.seams), (len(cell.text), cell.x1)]
    parts = [
        Cell(cell.text[start:end], x0, x1, False)
        for (start, x0), (end, x1) in zip(starts, ends, strict=True)
    ]
    over = [columns.over(part) for part in parts]
    apart = all(len(own) == 1 for own in over) and len({own[0] for own in over}) == len(over)
    return parts if len(parts) > 1 and apart else [cell]


def _plainly_over_all(cell: Cell, columns: Columns) -> bool:
    spans_all = len(columns.spans) > 1 and is_period(cell.text) and columns.covers_all(cell)
    return spans_all or len(cell.text.split()) > 9


def _add_caption(captions: list[str], row: Row, above: Row | None) -> None:
    """A caption, or the rest of one that is wrapped."""
    if above is not None and row.y - above.y < WRAPPED * row.size:
        captions[-1] += f" {row.text}"
    else:
        captions.append(row.text)


def _levels(rules: Sequence[Rule], top: Row, body: Row) -> list[list[Rule]]:
    """Rules between the header's first row and the body, by height, with pieces also as one."""
    highest, deepest = top.y + BELOW * top.size, body.y - ABOVE * body.size
    levels: list[list[Rule]] = []
    for rule in sorted(rule for rule in rules if highest < rule.y < deepest):
        if levels and rule.y - levels[-1][0].y <= TOUCHING:
            levels[-1].append(rule)
        else:
            levels.append([rule])
    return [[*level, *_joined(level)] for level in levels]


def _joined(level: Sequence[Rule]) -> Iterator[Rule]:
    y, left, right = level[0]
    for rule in sorted(level, key=lambda rule: rule.x0):
        if rule.x0 > right + TOUCHING:
            yield Rule(y, left, right)
            left = rule.x0
        right = max(right, rule.x1) if left != rule.x0 else rule.x1
    yield Rule(y, left, right)


def _under_rule(
    header: _Header, headers: Sequence[_Header], levels: Sequence[Sequence[Rule]], columns: Columns
) -> list[int]:
    """Columns under the widest rule that is drawn for this header cell alone."""
    row, cell = header
    size = cell.x1 - cell.x0
    for level in levels:
        if level[0].y <= row.y + BELOW * row.size:
            continue
        own = [
            rule
            for rule in level
            if min(rule.x1, cell.x1) - max(rule.x0, cell.x0) >= 0.5 * size
            and not any(_beside(other, header, rule) for other in headers)
        ]
        if not own:
            continue
        widest = max(own, key=lambda rule: rule.x1 - rule.x0)
        if widest.x0 < columns.label_right and widest.x1 >= columns.right:
            return []
        return [
            at
            for at, (low, high) in enumerate(columns.spans)
            if min(high, widest.x1) - max(low, widest.x0) >= 0.5 * (high - low)
        ]
    return []


def _beside(other: _Header, header: _Header, rule: Rule) -> bool:
    """Whether another header cell stands over the same rule, not above or below this one."""
    row, cell = header
    if not row.y - 0.5 * row.size <= other.row.y < rule.y:
        return False
    apart = other.cell.x1 < cell.x0 or other.cell.x0 > cell.x1
    return apart and rule.x0 - 2 <= middle((other.cell.x0, other.cell.x1)) <= rule.x1 + 2


def _with_guesses(ruled: Sequence[list[int]], guesses: Sequence[list[int]]) -> list[list[int]]:
    taken = {at for over in ruled for at in over}
    return [
        over or [at for at in guess if at not in taken]
        for over, guess in zip(ruled, guesses, strict=True)
    ]


def _guess(
    cells: Sequence[Cell], columns: Columns, repeats: bool, lowest: Sequence[str]
) -> list[list[int]]:
    """Columns under each header cell, where no rule tells; one cell may span several.

    ``repeats`` says that the lowest names recur, as they do under headers of groups.
    """
    count = len(columns.spans)
    if len(cells) >= count:
        return _nearest(cells, columns)
    own = [middle((cell.x0, cell.x1)) for cell in cells]
    nearest = [
        min(range(len(cells)), key=lambda i: abs(own[i] - middle(span))) for span in columns.spans
    ]
    groups = [[at for at, i in enumerate(nearest) if i == cell] for cell in range(len(cells))]
    spanning = [is_period(cell.text) and not is_year(cell.text) for cell in cells]
    wide = all(
        spans or len(columns.over(cell)) != 1 for cell, spans in zip(cells, spanning, strict=True)
    )
    even = len(cells) > 1 and len({len(group) for group in groups}) == 1
    if (wide and not any(lowest)) or (even and (wide or repeats)):
        return groups
    if repeats and count % len(cells) == 0 and all(is_year(cell.text) for cell in cells):
        block = count // len(cells)
        return [list(range(i * block, (i + 1) * block)) for i in range(len(cells))]
    placed = _nearest(cells, columns)
    taken = {at for over in placed for at in over}
    # A period stands over the years beside the one that it overlaps.
    for i, group in enumerate(groups):
        if spanning[i]:
            beside = [at for at in group if is_year(lowest[at]) or wide or repeats]
            placed[i] = sorted({*placed[i], *(at for at in beside if at not in taken)})
    return placed


def _nearest(cells: Sequence[Cell], columns: Columns) -> list[list[int]]:
    if len(cells) == len(columns.spans):
        return [[at] for at in range(len(cells))]
    return [columns.over(cell) or [columns.nearest(cell)] for cell in cells]


def _join(parts: Sequence[str]) -> str:
    name = ""
    for part in parts:
        if name.endswith("-") and part[0].islower():
            name = name[:-1] + part if name[-2:-1].islower() else name + part
        else:
            name = f"{name} {part}".strip()
    return name
