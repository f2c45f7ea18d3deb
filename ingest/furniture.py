"""What is printed around the text: running headers and footers, page numbers, contents lists.

Works on the lines of pages alone, so that it serves whatever reads the pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from ingest.numbers import is_period, is_unit, is_year

EDGE_LINES = 4
"""Lines at the top and at the bottom of a page that may be furniture."""
PLACE = re.compile(r"(?:\d{1,4}|[ivxlIVXL]+|\d{1,2}[ABC]|[A-Z]{1,2}-\d{1,3})[.,]?")
PAGE_NUMBER = re.compile(
    r"[-–—|\s]*(?:page\s+)?(?:[A-Z]{1,2}-)?(\d{1,4})(?:\s+of\s+\d{1,4})?[-–—|\s]*", re.IGNORECASE
)
ROMAN_NUMBER = re.compile(r"[-–—\s]*[ivxl]{1,7}[-–—\s]*")
ITEM_LINE = re.compile(r"(?:part\s+[ivx]+[,.\s—–-]*)?item\s+(\d{1,2}[abc]?)\b", re.IGNORECASE)
ABOVE_CONTENTS = re.compile(
    r"(?:table\s+of\s+)?contents|index(?:\s+to\b.*)?|(?:beginning\s+)?page(?:\s+no\.?)?|beginning"
    r"|part\s+[ivx]+\b.*",
    re.IGNORECASE,
)
PAGE_AT_END = re.compile(r"(?:[\s.·…]|^)(?:[A-Z]{1,2}-)?\d{1,3}$|(?:N/A|\*)$")
LEADER = re.compile(r"(?:\.\s?){4,}\s*(?:[A-Z]{1,2}-)?\d{1,3}$")
MIN_ITEMS = 5
"""So many Items on one page are a table of contents."""


def running_lines(pages: Sequence[Sequence[str]]) -> list[tuple[set[int], set[int]]]:
    """For each page, which of its lines are a running header and which a running footer."""
    needed = 2 if len(pages) <= 4 else 3
    depth = 1 if len(pages) <= 4 else EDGE_LINES
    tops: Counter[str] = Counter()
    bottoms: Counter[str] = Counter()
    for lines in pages:
        tops.update({_pattern(line) for line in lines[:EDGE_LINES]})
        bottoms.update({_pattern(line) for line in lines[-EDGE_LINES:]})
    offsets = _page_offsets(pages)
    found = []
    for number, lines in enumerate(pages):
        is_running = partial(
            _is_running, needed=needed, pages=len(pages), number=number, offsets=offsets
        )
        indexes = range(len(lines))
        headers = _peel(indexes, lines, depth, partial(is_running, counts=tops))
        rest = [index for index in reversed(indexes) if index not in headers]
        found.append((headers, _peel(rest, lines, depth, partial(is_running, counts=bottoms))))
    return found


def _peel(
    indexes: Sequence[int], lines: Sequence[str], depth: int, is_running: Callable[[str], bool]
) -> set[int]:
    """Furniture from the edge inwards; page numbers do not count against ``depth``."""
    peeled: set[int] = set()
    left = depth
    for index in indexes:
        if left == 0 or not is_running(lines[index]):
            break
        peeled.add(index)
        left -= PAGE_NUMBER.fullmatch(lines[index]) is None
    return peeled


def contents_lines(lines: Sequence[str]) -> set[int]:
    """Which lines of one page belong to a table of contents."""
    items = [index for index, line in enumerate(lines) if ITEM_LINE.match(line)]
    leaders = [index for index, line in enumerate(lines) if LEADER.search(line)]
    numbered = [index for index in items if PAGE_AT_END.search(lines[index])]
    distinct = {match[1] for i in items if (match := ITEM_LINE.match(lines[i]))}
    if len(distinct) >= MIN_ITEMS and (len(numbered) * 2 >= len(items) or len(distinct) >= 10):
        first, last = items[0], items[-1]
    elif len(leaders) >= 3:
        first, last = leaders[0], leaders[-1]
    else:
        return set()
    while first > 0 and ABOVE_CONTENTS.fullmatch(lines[first - 1]):
        first -= 1
    while last + 1 < len(lines) and len(lines[last + 1].split()) <= 25 and (
        PAGE_AT_END.search(lines[last + 1]) and not lines[last + 1].strip().isdigit()
    ):  # fmt: skip
        last += 1
    return set(range(first, last + 1))


def _pattern(line: str) -> str:
    """A line with its page or part numbers made equal, so that repeats are seen."""
    words = line.split()
    named = len(words) > 1 and words[0].casefold() in {"part", "item", "page"}
    for place in {0, int(named), len(words) - 1}:
        if place < len(words) and PLACE.fullmatch(words[place]) and not is_year(words[place]):
            words[place] = "#"
    return " ".join(words).casefold()


def _is_running(
    line: str, *, counts: Counter[str], needed: int, pages: int, number: int, offsets: set[int]
) -> bool:
    if match := PAGE_NUMBER.fullmatch(line):
        return int(match[1]) - number in offsets
    if ROMAN_NUMBER.fullmatch(line):
        return counts[_pattern(line)] >= 2
    if len(line) > 160 or is_unit(line) or is_period(line) or is_year(line.split()[-1]):
        return counts[_pattern(line)] >= max(needed, 0.5 * pages) and len(line) <= 160
    if ITEM_LINE.match(line):
        # A page that opens with an Item's heading is no running header.
        return counts[_pattern(line)] >= max(needed, 0.3 * pages)
    return counts[_pattern(line)] >= needed


def _page_offsets(pages: Sequence[Sequence[str]]) -> set[int]:
    """Differences between printed and physical page numbers that recur."""
    offsets: Counter[int] = Counter()
    for number, lines in enumerate(pages):
        edge = {*lines[:2], *lines[-2:]}
        numbers = {int(m[1]) - number for line in edge if (m := PAGE_NUMBER.fullmatch(line))}
        offsets.update(numbers)
    return {offset for offset, count in offsets.items() if count >= 2 or offset == 1}
