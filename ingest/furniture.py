"""What is printed around the text: running headers and footers, page numbers.

Works on the lines of pages alone, so that it serves whatever reads the pages.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ingest.headings import is_notes_heading, is_part_heading, note_of
from ingest.numbers import is_period, is_unit, is_year

NUMBER = "\0"
"""Stands for the number of the page in the key of a line."""
EDGE_LINES = 4
"""Lines at the top and at the bottom of a page that may be furniture."""
FREQUENT = 0.3
"""What stands on so many of all pages is furniture wherever it stands."""
NEAR = 2
"""Pages: with a step of two, left and right pages may have headers of their own."""
MIN_RUN = {"top": 3, "bottom": 5}
"""So many pages near one another that open or end with the same line."""
COMPANY = re.compile(r"\b(?:inc|co|corp|ltd|l\.?p|s\.?a|n\.?[va])\.$", re.IGNORECASE)
MAX_CHARS = 160
MAX_WORDS = 14
PAGE_NUMBER = re.compile(
    r"[-–—|\s]*(?:page\s+)?(?:[A-Z]{1,2}-)?(\d{1,4})(?:\s+of\s+\d{1,4})?[-–—|\s]*", re.IGNORECASE
)
ROMAN_NUMBER = re.compile(r"[-–—\s]*([ivxl]{1,7})[-–—\s]*", re.IGNORECASE)
NUMBER_AT_EDGE = re.compile(r"^(\d{1,4})[|.\s–—-]+(?=\D)|(?<=\D)[|\s–—-]+(\d{1,4})$")
PLACE_LINE = re.compile(
    r"(?=[pi])(?:part\s+[ivx]+(?:\s*(?:,|and|&)\s*[ivx]+)*)?[\s,.:—–-]*(?:items?\s+\d{1,2}[abc]?(?:\s*(?:,|and|&)\s*\d{1,2}[abc]?)*)?[\s,.]*",
    re.IGNORECASE,
)
"""A line that gives a Part, an Item or both, and no title."""
LINK = re.compile(
    r"(?:back\s+to\s+|return\s+to\s+)?(?:(?:table\s+of\s+)?contents|index|toc)(?:\s+page)?", re.I
)
COPYRIGHT = re.compile(r"(?:©|\(c\)|copyright)\s.{0,80}$", re.IGNORECASE)
TO_NOTES = re.compile(
    r"(?:\(?(?:see|refer\s+to|the)\s+)?(?:the\s+)?(?:accompanying\s+)?notes\s+to\s.{0,80}|(?:see|refer\s+to)"
    r"\s+(?:the\s+)?accompanying\s+notes.{0,80}|the\s+accompanying\s+notes\s.{0,120}",
    re.IGNORECASE,
)
INTEGRAL = re.compile(
    r"^(?:see|refer\s+to)\b|\bintegral\s+part\b|^the\s+accompanying\s+notes", re.IGNORECASE
)


def running_lines(pages: Sequence[Sequence[str]]) -> list[tuple[set[int], set[int]]]:
    """For each page, which of its lines are a running header and which a running footer.

    A line is furniture if it holds the page's number, if it recurs on a good part of all pages,
    or if pages near one another open with it; of these the first keeps it, for it may be a
    heading.
    """
    offsets = _page_offsets(pages)
    keys = [_keys(lines, number, offsets) for number, lines in enumerate(pages)]
    top = _Edge.of("top", keys)
    bottom = _Edge.of("bottom", keys)
    found = []
    for number, lines in enumerate(pages):
        headers = _peel(range(len(lines)), lines, keys[number], number, top)
        rest = [index for index in range(len(lines) - 1, -1, -1) if index not in headers]
        found.append((headers, _peel(rest, lines, keys[number], number, bottom)))
    return found


def _keys(lines: Sequence[str], number: int, offsets: _Offsets) -> dict[int, str]:
    """Lines near the edges in a form that is equal on all pages."""
    count = len(lines)
    edges = {*range(min(EDGE_LINES, count)), *range(max(0, count - EDGE_LINES), count)}
    return {
        index: _key(lines[index], number, offsets)
        for index in edges
        if len(lines[index]) <= MAX_CHARS
    }


def _key(line: str, number: int, offsets: _Offsets) -> str:
    if match := PAGE_NUMBER.fullmatch(line):
        return NUMBER if int(match[1]) - number in offsets.alone else line
    if match := ROMAN_NUMBER.fullmatch(line):
        return NUMBER if _roman(match[1]) - number in offsets.roman else line
    for match in NUMBER_AT_EDGE.finditer(line):
        text = _around(line, match)
        if int(match[1] or match[2]) - number in offsets.beside.get(text, ()):
            return f"{NUMBER} {text}"
    return " ".join(line.split()).casefold()


def _around(line: str, match: re.Match[str]) -> str:
    return " ".join((line[: match.start()] + line[match.end() :]).split()).casefold()


@dataclass(slots=True)
class _Offsets:
    """Differences between printed and physical page numbers that recur."""

    alone: set[int]
    roman: set[int]
    beside: dict[str, set[int]]
    """By the words beside the number."""


def _page_offsets(pages: Sequence[Sequence[str]]) -> _Offsets:
    alone: Counter[int] = Counter()
    roman: Counter[int] = Counter()
    beside: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for number, lines in enumerate(pages):
        for line in {*lines[:2], *lines[-2:]}:
            if len(line) > MAX_CHARS:
                continue
            if match := PAGE_NUMBER.fullmatch(line):
                alone[int(match[1]) - number] += 1
            elif match := ROMAN_NUMBER.fullmatch(line):
                roman[_roman(match[1]) - number] += 1
        for line in {*lines[:EDGE_LINES], *lines[-EDGE_LINES:]}:
            if len(line) > MAX_CHARS:
                continue
            for match in NUMBER_AT_EDGE.finditer(line):
                value = match[1] or match[2]
                if not is_year(value):
                    beside[_around(line, match)][int(value) - number] += 1
    few = len(pages) <= 4
    return _Offsets(
        {offset for offset, count in alone.items() if count >= 2 or offset == 1},
        {offset for offset, count in roman.items() if count >= 2},
        {
            text: {offset for offset, count in counts.items() if count >= 3 - few}
            for text, counts in beside.items()
            if sum(counts.values()) >= 3 - few
        },
    )


def _roman(numeral: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50}[letter] for letter in numeral.lower()]
    return sum(-value if value < after else value for value, after in pairwise([*values, 0]))


@dataclass(slots=True)
class _Edge:
    """What stands at the tops or at the bottoms of all pages."""

    name: str
    pages: int
    places: dict[str, list[int]] = field(default_factory=dict)
    """Pages, by the key of a line."""
    marked: bool = False
    """Whether a good part of the pages say which Part or Item they belong to."""
    kept: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, name: str, keys: Sequence[dict[int, str]]) -> _Edge:
        edge = cls(name, len(keys))
        marks = 0
        for number, lines in enumerate(keys):
            count = max(lines, default=-1) + 1
            near = [
                key
                for index, key in lines.items()
                if (index < EDGE_LINES if name == "top" else index >= count - EDGE_LINES)
            ]
            for key in set(near):
                edge.places.setdefault(key, []).append(number)
            marks += any(map(PLACE_LINE.fullmatch, near))
        edge.marked = marks >= max(3, FREQUENT * edge.pages)
        return edge

    def is_running(self, key: str, line: str, number: int) -> bool:
        if key.startswith(NUMBER):
            return True
        pages = self.places[key]
        few = self.pages <= 4
        if LINK.fullmatch(line) or COPYRIGHT.match(line):
            return len(pages) >= 2
        if TO_NOTES.fullmatch(line) and INTEGRAL.search(line):
            return True
        if self.marked and PLACE_LINE.fullmatch(line):
            return True
        frequent = len(pages) >= (2 if few else max(3, FREQUENT * self.pages))
        if is_unit(line) or is_period(line) or is_year(line.split()[-1]):
            return frequent and len(pages) >= 0.5 * self.pages
        if frequent:
            return True
        if len(line.split()) > MAX_WORDS or _is_sentence(line) or line.count("  ") > 1:
            return False
        return self._run(pages, number) >= MIN_RUN[self.name]

    def _run(self, pages: Sequence[int], number: int) -> int:
        """How many pages near one another, this one among them, have the line."""
        at = pages.index(number)
        first = last = at
        while first > 0 and pages[first] - pages[first - 1] <= NEAR:
            first -= 1
        while last + 1 < len(pages) and pages[last + 1] - pages[last] <= NEAR:
            last += 1
        return last - first + 1

    def keeps(self, key: str, line: str, number: int) -> bool:
        """Whether this page is the one that keeps the line, as the heading that it may be."""
        if key.startswith(NUMBER) or LINK.fullmatch(line) or COPYRIGHT.match(line):
            return False
        pages = self.places[key]
        if is_part_heading(line) or is_notes_heading(line) or note_of(line):
            return pages[0] == number
        if TO_NOTES.fullmatch(line) or PLACE_LINE.fullmatch(line):
            return False
        if len(pages) >= FREQUENT * self.pages:
            return False
        at = pages.index(number)
        return at == 0 or pages[at] - pages[at - 1] > NEAR


def _is_sentence(line: str) -> bool:
    """Whether a line ends as text does, and not as the name of a company."""
    return line[-1] in ",;:" or (line[-1] == "." and not COMPANY.search(line))


def _peel(
    indexes: Sequence[int], lines: Sequence[str], keys: dict[int, str], number: int, edge: _Edge
) -> set[int]:
    """Furniture from the edge inwards; page numbers do not count against the depth."""
    peeled: set[int] = set()
    left = 1 if edge.pages <= 4 else EDGE_LINES
    for index in indexes:
        key = keys.get(index)
        if left == 0 or key is None or key not in edge.places:
            break
        if number not in edge.places[key] or not edge.is_running(key, lines[index], number):
            break
        if not edge.keeps(key, lines[index], number):
            peeled.add(index)
        left -= key != NUMBER
    return peeled
