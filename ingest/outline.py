"""Elements to passages that know their Item, their note, their headings and their pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ingest.elements import Piece, Rank
from ingest.heading_path import HeadingPath, Role
from ingest.headings import (
    INDEX,
    ITEM_MARK,
    Note,
    is_end_matter,
    is_notes_heading,
    is_part_heading,
    item_of,
    part_of,
    statement_of,
    without_continued,
)
from ingest.hyphens import Hyphens
from ingest.items import ROMAN, Place, place_items
from ingest.notes import place_notes
from ingest.numbers import is_period, is_unit
from ingest.tables import Grid
from rag_service.core.types import PageBreaks

SENTENCE_END = re.compile(r"(?<=[.;!?])\s+(?=[A-Z“\"(])")
FURNITURE = frozenset({"Header", "Footer", "PageBreak"})
EXHIBIT = re.compile(r"exhibit\s+(?:no\.?\s*)?\d", re.IGNORECASE)
MAX_LEAD_WORDS = 45
TOP_OF_PAGE = 3
"""Among so many headings at a page's top those that were printed before say nothing new."""
AUDIT = re.compile(r"report\s+of\s+(?:the\s+)?independent|independent", re.IGNORECASE)
REPORT = re.compile(r"report|management", re.IGNORECASE)
WITH_STATEMENTS = re.compile(
    r"(?:condensed\s+|consolidated\s+|interim\s+|unaudited\s+)*financial\s+statements|exhibits?"
    r"|form\s+10-k\s+summary|results\s+of\s+operations",
    re.IGNORECASE,
)
"""Titles of Items that may hold financial statements; elsewhere their names are plain headings."""
CAPTION_WORDS = frozenset(
    {"year", "years", "month", "months", "week", "weeks", "quarter", "quarters", "fiscal", "ended",
     "ending", "end", "period", "periods", "as", "of", "at", "and", "or", "the", "for", "in",
     "january", "february", "march", "april", "may", "june", "july", "august", "september",
     "october", "november", "december", "three", "six", "nine", "twelve", "first", "second",
     "third", "fourth", "unaudited"}
)  # fmt: skip
JOINING = re.compile(
    r"(?:,|\b(?:and|or|of|to|for|in|the|a|an|on|by|from|with|as|at|our|its|their|that|which|under"
    r"|is|are|was|were|we|not|than|such|this|these|per|be|been|has|have|had|will|may|between))$"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading, a paragraph or a table, with where it stands.

    A heading's ``level`` is 0 for a Part, 1 for an Item and 2 or more below; that of prose and
    tables is 0 and means nothing. ``heading`` is the path of headings above, its own name last
    for a heading: the note, statement, report or exhibit that it stands in and the nearest one.
    """

    kind: Literal["heading", "prose", "table"]
    text: str
    page_start: int
    page_end: int
    section: str
    heading: str
    grid: Grid | None = None
    title: str = ""
    level: int = 0
    part: str = ""
    page_breaks: PageBreaks = ()
    """Where in its text the pages after ``page_start`` begin."""


def outline(pieces: Sequence[Piece]) -> list[Passage]:
    """Passages in reading order.

    Left out are headers, footers, contents lists, and headings that are only printed again.
    """
    pieces = [piece for piece in pieces if _category(piece) not in FURNITURE]
    items = place_items(pieces)
    reader = _Reader(_levels(pieces), Hyphens(lambda: (p.element.text for p in pieces)))
    notes = place_notes(pieces, items)
    page = place = 0
    for index, piece in enumerate(pieces):
        place = place + 1 if piece.page == page else 0
        page = piece.page
        text = piece.element.text.strip()
        if piece.grid is not None:
            reader.table(piece, piece.grid, text)
        elif not text:
            continue
        elif index in items:
            reader.item(text, page, items[index])
        elif is_part_heading(text):
            ahead = next((at for at in range(index + 1, index + 3) if at in items), None)
            if ahead is not None:
                # A Part's heading stands with the Item that it opens.
                reader.enter(pieces[ahead].element.text, items[ahead])
            reader.part_heading(text, page)
        elif _category(piece) != "Title" and index not in notes:
            reader.prose(text, page)
        elif not reader.repeats(text, at_top=place < TOP_OF_PAGE):
            reader.heading(text, piece, notes.get(index))
    return reader.passages


@dataclass(slots=True)
class _Reader:
    """What was read so far, and where it stands."""

    levels: dict[Rank | None, int]
    hyphens: Hyphens
    passages: list[Passage] = field(default_factory=list)
    path: HeadingPath = field(default_factory=HeadingPath)
    section: str = ""
    part: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    """Titles of the Items."""
    untitled: bool = False
    """Whether the heading above gave a number alone."""

    def table(self, piece: Piece, grid: Grid, text: str) -> None:
        if _lists_pages(grid, self.passages):
            return
        self.untitled = False
        title = piece.title or self._statement_above(grid, piece.page)
        title = title or _table_title(self.passages, grid, piece.page, self.path.nearest)
        piece.title = title
        self._add("table", text, piece.page, grid=grid, title=title)

    def _statement_above(self, grid: Grid, page: int) -> str:
        """The name of a statement that stands centred over its columns as one more header."""
        if not self._may_hold_statements():
            return ""
        for caption in grid.captions:
            name = statement_of(caption)
            if name and not self.path.inside(name):
                self._leave_summary()
                self.path.open(Role.STATEMENT, name)
                self._add("heading", caption, page, level=self.path.depth)
                return caption
        return ""

    def prose(self, text: str, page: int) -> None:
        self.untitled = False
        if self.passages and _goes_on(self.passages[-1], text, page):
            above = self.passages[-1]
            whole = self.hyphens.join(above.text, text)
            self.passages[-1] = replace(
                above,
                text=whole,
                page_end=page,
                page_breaks=(*above.page_breaks, (len(whole) - len(text), page)),
            )
        else:
            self._add("prose", text, page)

    def part_heading(self, text: str, page: int) -> None:
        part = f"Part {ROMAN[part_of(text)]}"
        if part != self.part:
            self.part = part
            self._add("heading", text, page, level=0)

    def item(self, text: str, page: int, place: Place) -> None:
        self.untitled = not self.enter(text, place)
        self.part = place.part or self.part
        self._add("heading", text, page, level=1)

    def enter(self, text: str, place: Place) -> str:
        """Go on in an Item; gives its title."""
        self.section = place.section
        name = ITEM_MARK.sub("", without_continued(text.strip())).rstrip(".")
        self.titles[self.section] = name
        self.path.open(Role.ITEM, name)
        return name

    def repeats(self, text: str, *, at_top: bool) -> bool:
        """Whether a heading only says what the text goes on with."""
        name = without_continued(text)
        if name != " ".join(text.split()):
            return self.path.holds(name) or item_of(name) == self.section.rpartition(", ")[2]
        same_item = item_of(text) is not None and item_of(text) == self.section.rpartition(", ")[2]
        return at_top and (same_item or self.path.inside(name))

    def heading(self, text: str, piece: Piece, note: Note | None) -> None:
        name = without_continued(text)
        if self.untitled and note is None:
            self.path.rename(ITEM_MARK.sub("", name) if item_of(name) else name)
            self.titles.setdefault(self.section, name)
            self.untitled = False
        elif note is not None:
            self.path.open(Role.NOTE, name)
            self.untitled = not note.title
        elif _is_caption(text):
            self._add("heading", text, piece.page, level=self.path.depth + 1)
            return
        else:
            role, name = self._role(text, name)
            attached = {Role.NOTES, Role.STATEMENT, Role.AUDIT, Role.REPORT}
            if role in attached or INDEX.match(name) or EXHIBIT.match(name):
                self._leave_summary()
            self.path.open(role, name, self.levels.get(piece.rank, _depth(piece)))
        self._add("heading", text, piece.page, level=self.path.depth)

    def _role(self, text: str, name: str) -> tuple[Role, str]:
        if is_notes_heading(name):
            return Role.NOTES, name
        if is_end_matter(name):
            if AUDIT.match(name):
                return Role.AUDIT, name
            return Role.REPORT if REPORT.match(name) else Role.EXHIBIT, name
        if self._may_hold_statements() and (statement := statement_of(text)):
            return Role.STATEMENT, statement
        return Role.OTHER, name

    def _may_hold_statements(self) -> bool:
        title = self.titles.get(self.section, "")
        return not self.path.note and (not title or WITH_STATEMENTS.match(title) is not None)

    def _leave_summary(self) -> None:
        """Statements and exhibits that are bound behind Item 16 are those that Item 15 lists."""
        if self.section == "Item 16" and "Item 15" in self.titles:
            self.section = "Item 15"
            self.path.open(Role.ITEM, self.titles[self.section])

    def _add(
        self,
        kind: Literal["heading", "prose", "table"],
        text: str,
        page: int,
        grid: Grid | None = None,
        title: str = "",
        level: int = 0,
    ) -> None:
        self.passages.append(
            Passage(
                kind, text, page, page, self.section, str(self.path), grid, title, level, self.part
            )
        )


def _category(piece: Piece) -> str:
    return type(piece.element).__name__


def _levels(pieces: Sequence[Piece]) -> dict[Rank | None, int]:
    ranks = sorted({piece.rank for piece in pieces if piece.rank is not None}, reverse=True)
    return {rank: level for level, rank in enumerate(ranks)}


def _depth(piece: Piece) -> int:
    return int(piece.element.metadata.category_depth or 0)


def _is_caption(text: str) -> bool:
    """Whether a line only says the unit or the time of the figures below."""
    words = re.findall(r"[a-z]+", text.lower())
    return is_unit(text) or (is_period(text) and CAPTION_WORDS.issuperset(words))


def _table_title(passages: Sequence[Passage], grid: Grid, page: int, nearest: str) -> str:
    """The nearest short line above, the sentence that leads in, or the heading."""
    for passage in reversed(passages[-3:]):
        if passage.page_end != page or passage.kind == "table":
            break
        if passage.kind == "heading":
            if not (is_unit(passage.text) or is_period(passage.text)):
                return without_continued(passage.text)
            continue
        if passage.text[-1] in ":—-" or len(passage.text.split()) <= 12:
            lead = SENTENCE_END.split(passage.text)[-1]
            if len(lead.split()) <= MAX_LEAD_WORDS:
                return " ".join(lead.split()).rstrip(":")
        break
    own = next((caption for caption in grid.captions if not is_period(caption)), "")
    return own or nearest


def _lists_pages(grid: Grid, passages: Sequence[Passage]) -> bool:
    """Whether a table is an index: rising page numbers below the word ``Page``."""
    above = passages[-1].text if passages and passages[-1].kind == "heading" else ""
    headed = any("page" in text.lower().split() for text in (above, *grid.captions, *grid.columns))
    numbers = [row[1] for row in grid.rows if row[1]]
    return (
        headed
        and len(grid.columns) == 1
        and len(numbers) > 2
        and all(re.fullmatch(r"(?:[A-Z]{1,2}-)?\d{1,3}", number) for number in numbers)
    )


def _goes_on(above: Passage, text: str, page: int) -> bool:
    """Whether ``text`` is the rest of a paragraph that a page's end cut."""
    if above.kind != "prose" or above.page_end >= page or above.text[-1] in '.:;!?”"':
        return False
    first = text[0]
    return (
        first.islower()
        or first.isdigit()
        or first in "$(“"
        or bool(JOINING.search(above.text[-12:]))
    )
