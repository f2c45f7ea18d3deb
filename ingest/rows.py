"""Words to rows of cells: what stands on one baseline stays together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter

from ingest.numbers import CLOSERS, FOOTNOTE, OPENERS, RANGE_DASHES, is_figure
from ingest.pages import Cell, Row, Seam, Word

SAME_BASELINE = 0.35
"""Baselines closer than this, in font sizes, are one."""
OFFSET_BASELINE = 0.72
"""Up to here two lines are one row if they stand beside each other: raised marks, values that
are centred beside a label of two lines. Consecutive lines of text are farther apart."""
CELL_GAP = 0.85
"""A wider gap, in font sizes, begins a new cell. A space is about a quarter."""
FIGURE_GAP = 0.12
"""Between two figures any gap does."""

PERIOD_GAP = 0.45
"""Between two column headers such as ``Fiscal 2023`` a little more than a space does."""
MARK_GAP = 0.85
"""A footnote mark this near belongs to its figure."""
NO_GAP = 0.04
"""Between the letters of a word there is no more than this, in font sizes."""
SEAM_GAP = 0.45
"""A gap that is wider than a space, in font sizes, though not as wide as one between cells."""
RANGE_GAP = 0.6
"""``34% - 37%`` is one value if its dash stands this near to both ends."""
TORN_GAP = 0.35
"""Some exports set the last letter of a bold heading apart by less than this."""
NEXT_PERIOD = re.compile(r"(?:fiscal|fy)", re.IGNORECASE)


def build_rows(words: Sequence[Word]) -> tuple[Row, ...]:
    """Rows from the top of the page to its end, each from left to right."""
    return tuple(_row(line) for line in lines_of(words))


def lines_of(words: Sequence[Word]) -> list[list[Word]]:
    """The words of each row, from left to right, as they were given."""
    return _beside_each_other(_baselines(words))


def _baselines(words: Sequence[Word]) -> list[list[Word]]:
    lines: list[list[Word]] = []
    level = size = 0.0
    for word in sorted(words, key=itemgetter(3)):
        if lines and word.y - level <= SAME_BASELINE * max(size, word.style.size):
            lines[-1].append(word)
        else:
            lines.append([word])
            level, size = word.y, word.style.size
    for line in lines:
        line.sort(key=itemgetter(1))
    return lines


def _beside_each_other(lines: list[list[Word]]) -> list[list[Word]]:
    joined: list[list[Word]] = []
    for line in lines:
        if joined:
            above = joined[-1]
            size = max(above[0].style.size, line[0].style.size)
            near = line[0].y - above[0].y <= OFFSET_BASELINE * size
            if near and not _overlap(above, line):
                above.extend(line)
                above.sort(key=itemgetter(1))
                continue
        joined.append(line)
    return joined


def _overlap(above: list[Word], below: list[Word]) -> bool:
    return any(a.x0 < b.x1 - 0.5 and b.x0 < a.x1 - 0.5 for a in above for b in below)


def _row(words: list[Word]) -> Row:
    words = _whole(words)
    styles = {word.style for word in words}
    size = max(style.size for style in styles)
    emphasis = min(style.emphasis for style in styles)
    cells: list[Cell] = []
    start_figure = False
    opened = ""
    opened_x = 0.0
    # The cell under way: most words go on with one, and a row has few.
    cell, left, right, figure = "", 0.0, 0.0, False
    seams: tuple[Seam, ...] = ()
    for index, (text, x0, x1, _, _) in enumerate(words):
        if text in OPENERS and _opens(words, index):
            if not opened:
                opened_x = x0
            opened += text
            continue
        if opened:
            text, x0, opened = opened + text, opened_x, ""
        if figure and text in CLOSERS and not _begins_words(words, index):
            closed = f"{cell} {text}" if text.isalpha() else cell + text
            if is_figure(closed):
                cell, right = closed, x1
                continue
        is_value = is_figure(text)
        if cell:
            gap = x0 - right
            if figure and gap < MARK_GAP * size and FOOTNOTE.fullmatch(text):
                cell, right = f"{cell} {text}", x1
                continue
            limit = CELL_GAP
            if is_value and start_figure and figure:
                limit = FIGURE_GAP
            elif text[0] in "Ff" and cell[-4:].isdigit() and NEXT_PERIOD.match(text):
                limit = PERIOD_GAP
            if gap <= limit * size:
                torn = emphasis == 2 and gap < TORN_GAP * size and _is_torn(cell, text)
                if gap > SEAM_GAP * size:
                    seams = (*seams, Seam(len(cell), right, x0))
                cell = f"{cell}{text}" if torn else f"{cell} {text}"
                right, figure = max(right, x1), False
                continue
            cells.append(Cell(cell, left, right, figure, seams))
        cell, left, right, figure, seams = text, x0, x1, is_value, ()
        start_figure = is_value
    if cell:
        cells.append(Cell(cell, left, right, figure, seams))
    if opened:
        cells.append(Cell(opened, opened_x, words[-1].x1, False))
    return Row(min(word.y for word in words), size, emphasis, _with_ranges(cells, size))


def _whole(words: list[Word]) -> list[Word]:
    """Words that an export set letter by letter put together: nothing is between them."""
    if all(len(word.text) > 1 for word in words):
        return words
    whole = [words[0]]
    for last, word in pairwise(words):
        before = whole[-1]
        gap = (word.x0 - before.x1) / word.style.size
        if (
            abs(gap) <= NO_GAP
            and (len(last.text) == 1 or len(word.text) == 1)
            and abs(word.y - before.y) < 0.5
            and word.text not in CLOSERS
            and not FOOTNOTE.fullmatch(word.text)
        ):
            whole[-1] = before._replace(text=before.text + word.text, x1=word.x1)
        else:
            whole.append(word)
    return whole


def _with_ranges(cells: list[Cell], size: float) -> tuple[Cell, ...]:
    for at in range(len(cells) - 2, 0, -1):
        if at + 1 >= len(cells):
            continue
        low, dash, high = cells[at - 1 : at + 2]
        if dash.text not in RANGE_DASHES or not (low.figure and high.figure):
            continue
        if max(dash.x0 - low.x1, high.x0 - dash.x1) <= RANGE_GAP * size:
            text = f"{low.text} {dash.text} {high.text}"
            cells[at - 1 : at + 2] = [Cell(text, low.x0, high.x1, True)]
    return tuple(cells)


def _opens(words: list[Word], index: int) -> bool:
    """Whether the next word is the figure that a lone ``$`` or ``(`` belongs to."""
    if index + 1 == len(words):
        return False
    text = words[index + 1].text
    return text in OPENERS or text[0].isdigit() or text[0] in "($.€£¥—–-" or is_figure(text)


def _begins_words(words: list[Word], index: int) -> bool:
    """Whether a lone ``%`` begins a header such as ``% change`` beside a year."""
    if index == 0 or index + 1 == len(words):
        return False
    before, word, after = words[index - 1 : index + 2]
    return after.text[0].isalpha() and after.x0 - word.x1 < word.x0 - before.x1


def _is_torn(before: str, text: str) -> bool:
    """Whether a lone letter is the end of the word before it."""
    lone = text.rstrip(".,:;")
    return (
        len(lone) == 1
        and "a" <= lone <= "z"
        and lone not in "ox"
        and (lone != "a" or lone != text)
        and before[-3:].isalpha()
        and before[-1].islower()
    )
