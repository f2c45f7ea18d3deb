"""Runs of text inside a block of HTML to the paragraphs that it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.edgar_faces import Face
from ingest.headings import is_section_heading
from ingest.html_tables import TableCell

MAX_LINE_WORDS = 16
Run = tuple[str, Face]
"""Text that is set in one way."""


@dataclass(slots=True)
class Block:
    """A paragraph, or a table with ``rows``; ``emphasis`` is 2 bold, 1 italic or underlined."""

    page: int
    text: str = ""
    size: float = 10.0
    emphasis: int = 0
    centred: bool = False
    linked: bool = False
    """Whether all of it links to a place in this file."""
    level: int = 0
    """That of its heading tag, 0 without one."""
    item: bool = False
    verbatim: bool = False
    rows: list[list[BlockCell]] = field(default_factory=list)

    @property
    def rank(self) -> tuple[float, int, int]:
        """How much it stands out among headings; greater stands above."""
        size = 100.0 - self.level if self.level else round(self.size, 1)
        return (size, int(self.text.upper() == self.text), self.emphasis)


class BlockCell(NamedTuple):
    """A cell and the blocks in it."""

    cell: TableCell
    blocks: tuple[Block, ...]


def paragraphs(runs: Sequence[Run | None], page: int) -> Iterator[Block]:
    """Lines that breaks inside a block end go on as one text, unless they stand alone."""
    current: Block | None = None
    for line in _lines(runs, page):
        if line is None:
            if current is not None:
                yield current
            current = None
        elif current is None:
            current = line
        elif _stands_alone(current, line):
            yield current
            current = line
        else:
            current.text = f"{current.text} {line.text}"
            current.emphasis = min(current.emphasis, line.emphasis)
            current.linked = current.linked and line.linked
    if current is not None:
        yield current


def _lines(runs: Sequence[Run | None], page: int) -> Iterator[Block | None]:
    """The lines of a block, None for an empty one."""
    line: list[Run] = []
    for run in [*runs, None]:
        if run is not None:
            line.append(run)
            continue
        yield _line(line, page)
        line = []


def _line(runs: list[Run], page: int) -> Block | None:
    text = " ".join("".join(text for text, _ in runs).split())
    if not text:
        return None
    shown = [(sum(c.isalnum() for c in text), len(text.split()), face) for text, face in runs]
    letters = sum(count for count, _, _ in shown) or 1
    bold = sum(count for count, _, face in shown if face.bold)
    italic = sum(count for count, _, face in shown if face.italic)
    first = next(face for _, words, face in shown if words)
    sizes: dict[float, int] = {}
    for count, words, face in shown:
        sizes[face.size] = sizes.get(face.size, 0) + count + words
    emphasis = 2 if bold >= 0.95 * letters else int(italic >= 0.95 * letters)
    return Block(
        page, text, max(sizes, key=sizes.__getitem__), emphasis, first.centred,
        all(face.linked for _, words, face in shown if words), first.level, first.item,
    )  # fmt: skip


def _stands_alone(above: Block, below: Block) -> bool:
    if above.emphasis != below.emphasis and len(above.text.split()) <= MAX_LINE_WORDS:
        return True
    if above.centred and len(above.text.split()) <= MAX_LINE_WORDS:
        return True
    return is_section_heading(above.text) or is_section_heading(below.text)
