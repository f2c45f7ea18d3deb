"""Elements to passages that know their Item, their headings and their pages."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Literal

from ingest.elements import Piece, Rank
from ingest.headings import PART, item_of
from ingest.numbers import is_period, is_unit
from ingest.tables import Grid

CONTINUED = re.compile(r"\s*[(\[]?\bcontinued\b\.?[)\]]?\s*$", re.IGNORECASE)
ITEM_MARK = re.compile(
    r"^(?:part\s+[ivx]+[\s,.:—–-]*)?items?\s+\d{1,2}(?:\.\d\d)?\s?[abc]?\s*[.:—–-]*\s*",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.;!?])\s+(?=[A-Z“\"(])")
FURNITURE = frozenset({"Header", "Footer", "PageBreak"})
MAX_HEADING_CHARS = 90
MAX_LEAD_WORDS = 45


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading, a paragraph or a table, with where it stands."""

    kind: Literal["heading", "prose", "table"]
    text: str
    page_start: int
    page_end: int
    section: str
    heading: str
    grid: Grid | None = None
    title: str = ""


def outline(pieces: Sequence[Piece]) -> list[Passage]:
    """Passages in reading order; headers, footers and contents lists are left out."""
    pieces = [
        piece for piece in pieces if _category(piece) not in {"Header", "Footer", "PageBreak"}
    ]
    items = _items(pieces)
    levels = _levels(pieces)
    passages: list[Passage] = []
    path: list[tuple[int, str]] = []
    section = ""
    untitled = False
    for index, piece in enumerate(pieces):
        text = piece.element.text.strip()
        page = piece.page
        if piece.grid is not None:
            if _lists_pages(piece.grid, passages):
                continue
            title = piece.title or _table_title(passages, piece.grid, page, path)
            piece.title = title
            heading = _path(path)
            passages.append(Passage("table", text, page, page, section, heading, piece.grid, title))
            untitled = False
            continue
        if not text:
            continue
        if index in items or _category(piece) == "Title":
            name = CONTINUED.sub("", " ".join(text.split()))
            if index in items:
                section = items[index]
                name = ITEM_MARK.sub("", name).rstrip(".")
                path = [(-1, name)] if name else []
                untitled = not name
            elif not PART.match(text):
                level = -1 if untitled else levels.get(piece.rank, _depth(piece))
                untitled = False
                path = [*((at, h) for at, h in path if at < level), (level, name)]
            passages.append(Passage("heading", text, page, page, section, _path(path)))
            continue
        untitled = False
        if passages and _goes_on(passages[-1], text, page):
            passages[-1] = _join(passages[-1], text, page)
        else:
            passages.append(Passage("prose", text, page, page, section, _path(path)))
    return passages


def _category(piece: Piece) -> str:
    return type(piece.element).__name__


def _items(pieces: Sequence[Piece]) -> dict[int, str]:
    """Items by the place of their headings.

    Of all lines that look like one, the longest run in the order of the form is taken, as late
    as it can be: what contents lists and references add stands outside that order.
    """
    candidates: list[tuple[int, str, tuple[int, float, str]]] = []
    part = 0
    for index, piece in enumerate(pieces):
        if piece.grid is not None:
            continue
        text = piece.element.text.strip()
        if PART.match(text):
            part = _roman(text.split()[1])
        elif item := item_of(text):
            if text[0] in "Pp":
                part = _roman(re.split(r"[\s,.:—–-]+", text)[1])
            number = re.match(r"Item ([\d.]+)(\w?)", item)
            if number is not None:
                candidates.append((index, item, (part, float(number[1].rstrip(".")), number[2])))
    keys = [key for _, _, key in candidates]
    chosen: list[int] = []
    for at in _longest_rising(keys):
        # The same heading may be printed again on later pages of its Item: the first one counts.
        while at > 0 and keys[at - 1] == keys[at]:
            at -= 1
        chosen.append(at)
    return {candidates[i][0]: candidates[i][1] for i in chosen}


def _roman(numeral: str) -> int:
    return {"I": 1, "II": 2, "III": 3, "IV": 4}.get(re.sub(r"\W", "", numeral).upper(), 0)


def _longest_rising(keys: Sequence[tuple[int, float, str]]) -> list[int]:
    """Places of a longest rising subsequence, the latest of equals (patience sorting)."""
    tails: list[tuple[tuple[int, float, str], int]] = []
    before: list[int] = []
    for index, key in enumerate(keys):
        at = bisect_left(tails, key, key=itemgetter(0))
        before.append(tails[at - 1][1] if at else -1)
        tails[at : at + 1] = [(key, index)]
    chosen: list[int] = []
    index = tails[-1][1] if tails else -1
    while index >= 0:
        chosen.append(index)
        index = before[index]
    return chosen[::-1]


def _levels(pieces: Sequence[Piece]) -> dict[Rank | None, int]:
    ranks = sorted({piece.rank for piece in pieces if piece.rank is not None}, reverse=True)
    return {rank: level for level, rank in enumerate(ranks)}


def _depth(piece: Piece) -> int:
    return int(piece.element.metadata.category_depth or 0)


def _path(path: Sequence[tuple[int, str]]) -> str:
    """The nearest two headings, the outer first."""
    names = [name if len(name) <= MAX_HEADING_CHARS else name[:MAX_HEADING_CHARS].rsplit(" ", 1)[0]
             for _, name in path[-2:]]  # fmt: skip
    return " > ".join(dict.fromkeys(filter(None, names)))


def _table_title(
    passages: Sequence[Passage], grid: Grid, page: int, path: Sequence[tuple[int, str]]
) -> str:
    """The nearest short line above, the sentence that leads in, or the heading."""
    for passage in reversed(passages[-3:]):
        if passage.page_end != page or passage.kind == "table":
            break
        if passage.kind == "heading":
            if not (is_unit(passage.text) or is_period(passage.text)):
                return CONTINUED.sub("", " ".join(passage.text.split()))
            continue
        if passage.text[-1] in ":—-" or len(passage.text.split()) <= 12:
            lead = SENTENCE_END.split(passage.text)[-1]
            if len(lead.split()) <= MAX_LEAD_WORDS:
                return " ".join(lead.split()).rstrip(":")
        break
    own = next((caption for caption in grid.captions if not is_period(caption)), "")
    return own or (path[-1][1] if path else "")


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
    return (
        above.kind == "prose"
        and above.page_end < page
        and above.text[-1] not in '.:;!?”"'
        and (text[0].islower() or text[0].isdigit() or text[0] in "$(“")
    )


def _join(above: Passage, text: str, page: int) -> Passage:
    glue = "" if above.text.endswith("-") else " "
    return replace(above, text=f"{above.text}{glue}{text}", page_end=page)
