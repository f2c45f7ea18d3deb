"""Chunks before they have ids: lines that know their pages, cut where they pass the limit."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from ingest.splitting import TokenCounts, split_text
from rag_service.core.types import Kind, PageBreaks, TableCells


class Line(NamedTuple):
    """A text and the pages that it is from."""

    text: str
    pages: PageBreaks
    """Where each of its pages begins; the first at 0."""
    origin: int
    """Page on which begins what it is cut from: ids hold to it wherever that is cut."""


@dataclass(slots=True)
class Draft:
    """A chunk before it has its id."""

    kind: Kind
    lines: list[Line]
    tokens: int
    section: str
    heading: str
    context: str
    cells: TableCells | None = None
    lead: int = 0
    """Lines before a table's own that stand before its first chunk alone."""

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def origin(self) -> int:
        return min(line.origin for line in self.lines)

    @property
    def page_start(self) -> int:
        return min(page for line in self.lines for _, page in line.pages)

    @property
    def page_end(self) -> int:
        return max(page for line in self.lines for _, page in line.pages)

    @property
    def page_breaks(self) -> PageBreaks:
        breaks: list[tuple[int, int]] = []
        offset, page = 0, self.page_start
        for line in self.lines:
            for at, next_page in line.pages:
                if next_page != page:
                    breaks.append((offset + at, next_page))
                    page = next_page
            offset += len(line.text) + 1
        return tuple(breaks)


def within(drafts: Sequence[Draft], limit: int, counts: TokenCounts) -> list[Draft]:
    """Drafts whose whole is longer than the sum of its parts, cut once more.

    A tokenizer may take a token more where two lines meet; only drafts near the limit are
    counted again.
    """
    near = [
        draft
        for draft in drafts
        if draft.tokens + counts.of(draft.context) + counts.overhead + draft.text.count("\n") + 1
        > limit - 2
    ]
    counts.learn(f"{draft.context}\n{draft.text}" for draft in near)
    kept: list[Draft] = []
    checked = set(map(id, near))
    for draft in drafts:
        whole = f"{draft.context}\n{draft.text}"
        if id(draft) in checked and counts.of(whole) + counts.overhead > limit:
            kept.extend(_cut(draft, limit, counts))
        else:
            kept.append(draft)
    return kept


def _cut(draft: Draft, limit: int, counts: TokenCounts) -> list[Draft]:
    if draft.cells is None:
        return list(_cut_prose(draft, draft.lines, limit, counts))
    if len(draft.cells.rows) > 1:
        halves = _halves(draft, draft.cells)
        return [kept for half in halves for kept in within([half], limit, counts)]
    return _cut_row(draft, limit, counts)


def _cut_prose(
    draft: Draft, lines: Sequence[Line], limit: int, counts: TokenCounts
) -> Iterator[Draft]:
    for part in parts(lines, limit - counts.overhead, counts, draft.context):
        tokens = counts.of(part.text)
        yield replace(draft, kind="prose", lines=[part], tokens=tokens, cells=None, lead=0)


def _cut_row(draft: Draft, limit: int, counts: TokenCounts) -> list[Draft]:
    """A row that fits no chunk: what is too much of its beginning goes before it as prose.

    So its figures stay together below the names of their columns.
    """
    header, row = draft.lines[draft.lead : -1], draft.lines[-1]
    above = "\n".join([draft.context, *(line.text for line in header)])

    def fits(start: int) -> bool:
        return counts.of(f"{above}\n{row.text[start:]}") + counts.overhead <= limit

    words = [match.start() for match in re.finditer(r"\S+", row.text)] or [0]
    if fits(words[-1]):
        start = words[bisect_left(words, True, key=fits)]
    else:
        rest = range(words[-1], len(row.text) + 1)
        start = rest[min(bisect_left(rest, True, key=fits), len(rest) - 1)]
    beginning = draft.lines[: draft.lead]
    if start:
        beginning = [*draft.lines[:-1], row._replace(text=row.text[:start])]
    return [
        *_cut_prose(draft, beginning, limit, counts),
        replace(draft, lines=[*header, row._replace(text=row.text[start:])], lead=0),
    ]


def _halves(draft: Draft, cells: TableCells) -> list[Draft]:
    """A table's draft as two, both under its header."""
    middle = len(cells.rows) // 2
    lines = len(draft.lines) - len(cells.rows) + middle
    header = draft.lines[draft.lead : lines - middle]
    return [
        replace(draft, lines=draft.lines[:lines], cells=replace(cells, rows=cells.rows[:middle])),
        replace(
            draft,
            lines=[*header, *draft.lines[lines:]],
            cells=replace(cells, rows=cells.rows[middle:]),
            lead=0,
        ),
    ]


def parts(
    lines: Sequence[Line], limit: int, counts: TokenCounts, above: str = ""
) -> Iterator[Line]:
    """Lines cut anew, each part with the pages of the lines that it is from."""
    ends = list(accumulate(_length(line.text) for line in lines))
    pages = [
        (end - _length(line.text[at:]), page)
        for line, end in zip(lines, ends, strict=True)
        for at, page in line.pages
    ]
    start = 0
    for part in split_text("\n".join(line.text for line in lines), limit, counts, above):
        end = start + _length(part)
        source = lines[bisect_right(ends, start) : bisect_left(ends, end) + 1]
        first = bisect_right(pages, start, key=itemgetter(0)) - 1
        last = bisect_left(pages, end, key=itemgetter(0))
        inside = ((_offset(part, at - start), page) for at, page in pages[first + 1 : last])
        yield Line(part, ((0, pages[first][1]), *inside), min(line.origin for line in source))
        start = end


def _length(text: str) -> int:
    """Characters that are not white space."""
    return sum(map(len, text.split()))


def _offset(text: str, length: int) -> int:
    """Where in ``text`` stands the character that so many before it are not white space."""
    for word in re.finditer(r"\S+", text):
        if length < len(word[0]):
            return word.start() + length
        length -= len(word[0])
    raise ValueError("the text is not so long")
