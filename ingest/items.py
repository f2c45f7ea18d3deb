"""Where the Items of a form begin, told apart from contents lists and references by their order."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from ingest.elements import Piece
from ingest.headings import ITEM_MARK, item_of, part_of

NUMBER = re.compile(r"Item ([\d.]+)(\w?)")
PART_TWO = re.compile(
    r"legal\s+proceedings|risk\s+factors|unregistered|defaults|mine\s+safety|submission|other\s+inf"
    r"|exhibits|purchases\s+of|\(?reserved|\(?removed",
    re.IGNORECASE,
)
"""Titles of a quarterly report's second Part."""
IN_BOTH_PARTS = frozenset({"Item 1", "Item 2", "Item 3", "Item 4"})
ROMAN = ("", "I", "II", "III", "IV")


class Place(NamedTuple):
    """An Item's name, such as ``Item 7`` or ``Part II, Item 1``, and its Part, if any is known."""

    section: str
    part: str


class _Candidate(NamedTuple):
    place: int
    item: str
    part: int
    number: float
    letter: str
    title: str

    @property
    def order(self) -> tuple[int, float, str]:
        return self.part, self.number, self.letter


def place_items(pieces: Sequence[Piece]) -> dict[int, Place]:
    """Items by the place of their headings among ``pieces``.

    Of all lines that look like one, the longest run in the order of the form is taken, as late
    as it can be: what contents lists and references add stands outside that order. The Items of
    a quarterly report, whose numbers stand for other things in its two Parts, name their Part.
    """
    candidates = _with_parts(_candidates(pieces))
    keys = [candidate.order for candidate in candidates]
    chosen: list[_Candidate] = []
    for at in longest_rising(keys):
        # The same heading may be printed again on later pages of its Item: the first one counts.
        while at > 0 and keys[at - 1] == keys[at]:
            at -= 1
        chosen.append(candidates[at])
    items = [candidate.item for candidate in chosen]
    quarterly = len(set(items)) < len(items)
    return {
        c.place: Place(
            f"Part {ROMAN[c.part]}, {c.item}"
            if quarterly and c.part and c.item in IN_BOTH_PARTS
            else c.item,
            f"Part {ROMAN[c.part]}" if c.part else "",
        )
        for c in chosen
    }


def _candidates(pieces: Sequence[Piece]) -> list[_Candidate]:
    found: list[_Candidate] = []
    part = 0
    for index, piece in enumerate(pieces):
        if piece.grid is not None:
            continue
        text = piece.element.text.strip()
        part = part_of(text) or part
        item = item_of(text)
        if item is not None and (match := NUMBER.match(item)):
            number = float(match[1].rstrip("."))
            found.append(_Candidate(index, item, part, number, match[2], ITEM_MARK.sub("", text)))
    return found


def _with_parts(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """A quarterly report without headings of its Parts shows them by the titles of its Items."""
    if any(candidate.part for candidate in candidates):
        return list(candidates)
    numbers = [c.item for c in candidates]
    if numbers.count("Item 1") < 2 or max((c.number for c in candidates), default=0) > 6:
        return list(candidates)
    return [c._replace(part=1 + (PART_TWO.match(c.title) is not None)) for c in candidates]


def longest_rising(keys: Sequence[Any]) -> list[int]:
    """Places of a longest rising subsequence, the latest of equals (patience sorting)."""
    tails: list[tuple[Any, int]] = []
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
