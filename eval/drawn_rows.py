"""Rows of tables drawn at random from PDFs, to measure a reader that knows nothing of this one.

Characters come from pdfminer.six, not from the reader under test. The draw is wide on purpose: a
person looks at each row on the page's picture, strikes out what is no row of a table, and writes
down the names of its columns. ``python -m eval.drawn_rows FOLDER SEED`` prints a draw.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SAME_LINE = 2.0
"""Points between baselines of one line."""
WORD_GAP = 0.16
CELL_GAP = 0.9
"""Gaps, in font sizes, that part words and cells."""
FIGURE = re.compile(r"[-–—]|\(?-?[$€£]?\(?\d[\d,]*(?:\.\d+)?\)?%?\)?")
LOOSE_MARKS = frozenset("$€£()%") | {")%", "%)"}
MIN_ROWS = 3
"""A page with fewer rows is passed over."""


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A line with a label and two or more figures; ``page`` counts from 1, ``y`` is in points
    from the page's top."""

    file: str
    page: int
    y: int
    label: str
    figures: tuple[str, ...]


def draw_rows(
    path: Path, pages: int, rows_per_page: int, generator: random.Random
) -> Iterator[list[DrawnRow]]:
    """Rows of ``pages`` random pages of one PDF, those of a page together, top to bottom."""
    from pdfminer.pdfpage import PDFPage

    with path.open("rb") as file:
        count = sum(1 for _ in PDFPage.get_pages(file))
    numbers = list(range(1, count + 1))
    generator.shuffle(numbers)
    found = 0
    for number in numbers:
        if found == pages:
            return
        rows = rows_of_page(path, number)
        if len(rows) >= MIN_ROWS:
            found += 1
            chosen = generator.sample(rows, min(rows_per_page, len(rows)))
            yield sorted(chosen, key=lambda row: row.y)


def rows_of_page(path: Path, number: int) -> list[DrawnRow]:
    """Lines of page ``number`` (from 1) that hold a label and then two or more figures."""
    from pdfminer.high_level import extract_pages

    (page,) = extract_pages(str(path), page_numbers=[number - 1])
    lines: dict[float, list[Any]] = {}
    for character in _characters(page):
        level = next((y for y in lines if abs(y - character.y0) <= SAME_LINE), character.y0)
        lines.setdefault(level, []).append(character)
    rows = []
    for y in sorted(lines, reverse=True):
        cells = _cells(sorted(lines[y], key=lambda c: c.x0))
        first = next((i for i, text in enumerate(cells) if FIGURE.fullmatch(text)), 0)
        label = " ".join(cells[:first])
        figures = tuple(cells[first:])
        if (
            len(figures) >= 2
            and sum(letter.isalpha() for letter in label) >= 3
            and all(FIGURE.fullmatch(text) for text in figures)
        ):
            rows.append(DrawnRow(path.name, number, round(page.height - y), label, figures))
    return rows


def _characters(item: Any) -> Iterator[Any]:
    from pdfminer.layout import LTChar, LTContainer

    if isinstance(item, LTChar):
        yield item
    elif isinstance(item, LTContainer):
        for child in item:
            yield from _characters(child)


def _cells(characters: Sequence[Any]) -> list[str]:
    cells: list[str] = []
    end = 0.0
    for character in characters:
        text = character.get_text()
        if not text.strip():
            continue
        gap = (character.x0 - end) / max(character.size, 1.0)
        if not cells or gap > CELL_GAP:
            cells.append(text)
        else:
            cells[-1] += (" " if gap > WORD_GAP else "") + text
        end = character.x1
    joined: list[str] = []
    for text in cells:
        if joined and (joined[-1] in LOOSE_MARKS or text in LOOSE_MARKS):
            joined[-1] += text
        else:
            joined.append(text)
    return ["".join(t.split()) if FIGURE.fullmatch("".join(t.split())) else t for t in joined]


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw rows of tables from the PDFs of a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("seed")
    parser.add_argument("--pages", type=int, default=6, help="pages of each PDF")
    parser.add_argument("--rows", type=int, default=3, help="rows of each page")
    parser.add_argument("--without", type=Path, nargs="*", default=[], help="rows drawn before")
    given = parser.parse_args()
    seen = {
        (record["file"], record["page"])
        for path in given.without
        for record in map(json.loads, path.read_text().splitlines())
    }
    for path in sorted(given.folder.glob("*.pdf")):
        left = given.pages
        generator = random.Random(f"{given.seed}:{path.name}")
        for rows in draw_rows(path, given.pages + len(seen), given.rows, generator):
            if left == 0:
                break
            if (rows[0].file, rows[0].page) in seen:
                continue
            left -= 1
            for row in rows:
                sys.stdout.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
