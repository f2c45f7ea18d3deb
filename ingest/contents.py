"""Tables of contents and indexes of statements: lists of what stands on which page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

ITEM_LINE = re.compile(r"(?:part\s+[ivx]+[,.\s—–-]*)?item\s+(\d{1,2}[abc]?)\b", re.IGNORECASE)
ABOVE_CONTENTS = re.compile(
    r"(?:table\s+of\s+)?contents|index(?:\s+to\b.*)?|(?:beginning\s+)?page(?:\(s\)|s)?(?:\s+no\.?|"
    r"\s+numbers?)?|beginning|part\s+[ivx]+\b.*",
    re.IGNORECASE,
)
PAGE_AT_END = re.compile(r"(?:[\s.·…]|^)(?:[A-Z]{1,2}-)?\d{1,3}$|(?:N/A|\*)$")
ENTRY = re.compile(
    r"(?P<name>.*?(?:\D|\b(?:19|20)\d\d))[\s.·…]+(?:(?P<prefix>[A-Z]{1,2})-)?(?P<page>\d{1,3})$"
)
LEADER = re.compile(r"(?:\.\s?){4,}\s*(?:[A-Z]{1,2}-)?\d{1,3}$")
LISTED = re.compile(
    r"(?:\(?\d{1,2}[.)]\s+|\([a-z]\)\s+)?(?:note\s+\d|notes\s+to|item\s+\d|part\s+[ivx]+\b|signatures?\b"
    r"|exhibits?\b|schedule\b|reports?\s+of|management[’'`]|independent|consolidated|condensed|combined"
    r"|statements?\s+of|balance\s+sheets?|financial\s+statement|(?:\w+\s+){1,3}statements\b|index)",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"\(?(\d{1,2})[.)]?\s+[A-Z]")
MAX_CHARS = 400
MIN_ITEMS = 5
"""So many Items on one page are a table of contents."""
MIN_ENTRIES = 4
MAX_BETWEEN = 2
"""Lines between two entries: the rest of a long one, or a heading in the list."""


def contents_lines(lines: Sequence[str]) -> set[int]:
    """Which lines of one page belong to a table of contents or to an index of statements."""
    lines = [line if len(line) <= MAX_CHARS else line[:MAX_CHARS] + "…" for line in lines]
    return _items(lines) | _leaders(lines) | _index(lines)


def _items(lines: Sequence[str]) -> set[int]:
    """From the first to the last Item of a list of many."""
    items = [index for index, line in enumerate(lines) if ITEM_LINE.match(line)]
    numbered = [index for index in items if PAGE_AT_END.search(lines[index])]
    distinct = {match[1] for i in items if (match := ITEM_LINE.match(lines[i]))}
    if len(distinct) < MIN_ITEMS or (len(numbered) * 2 < len(items) and len(distinct) < 10):
        return set()
    last = items[-1]
    while last + 1 < len(lines) and len(lines[last + 1].split()) <= 25 and (
        PAGE_AT_END.search(lines[last + 1]) and not lines[last + 1].strip().isdigit()
    ):  # fmt: skip
        last += 1
    return _with_heads(lines, set(range(items[0], last + 1)))


def _leaders(lines: Sequence[str]) -> set[int]:
    """Entries with dots up to their page."""
    leaders = [index for index, line in enumerate(lines) if LEADER.search(line)]
    return _with_heads(lines, _with_rests(lines, leaders)) if len(leaders) >= 3 else set()


def _index(lines: Sequence[str]) -> set[int]:
    """Runs of entries without dots: names that a filing's index lists, on pages that rise."""
    found: set[int] = set()
    run: list[int] = []
    page = 0
    for index, line in enumerate(lines):
        match = ENTRY.fullmatch(line) if line[-1].isdigit() else None
        if match is None or not _names(match["name"]):
            continue
        if run and (int(match["page"]) < page or index - run[-1] - 1 > MAX_BETWEEN):
            found |= _run(lines, run)
            run = []
        run.append(index)
        page = int(match["page"])
    return found | _run(lines, run)


def _names(name: str) -> bool:
    words = name.split()
    return len(words) <= 25 and (words[0][0].isalnum() or words[0][0] == "(")


def _run(lines: Sequence[str], run: Sequence[int]) -> set[int]:
    starts = [above + 1 for above in run[:-1]]
    listed = sum(
        any(LISTED.match(line) for line in lines[start : index + 1])
        for start, index in zip([*run[:1], *starts], run, strict=True)
    )
    numbers = [match[1] for index in run if (match := NUMBERED.match(lines[index]))]
    in_order = len(numbers) >= MIN_ENTRIES and numbers == [str(n + 1) for n in range(len(numbers))]
    if len(run) < MIN_ENTRIES or (2 * listed < len(run) and not in_order):
        return set()
    return _with_heads(lines, _with_rests(lines, run))


def _with_rests(lines: Sequence[str], entries: Sequence[int]) -> set[int]:
    """Entries with the lines between them that are no sentences."""
    marked = set(entries)
    for above, below in pairwise(entries):
        between = range(above + 1, below)
        if len(between) <= MAX_BETWEEN and all(
            len(lines[index].split()) <= 16 and lines[index][-1] not in ".;" for index in between
        ):
            marked.update(between)
    return marked


def _with_heads(lines: Sequence[str], marked: set[int]) -> set[int]:
    """The words that stand above a list, such as ``Page``, go with it."""
    heads = set(marked)
    for index in sorted(marked):
        above = index - 1
        while above >= 0 and above not in heads and ABOVE_CONTENTS.fullmatch(lines[above]):
            heads.add(above)
            above -= 1
    return heads
