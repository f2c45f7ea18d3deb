"""Abbreviations that stand in parentheses behind what they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NOTE = re.compile(r"\s*\(\s*[\"“'‘]?([A-Za-z][A-Za-z&./-]{1,9})[\"”'’]?\s*\)")
_QUALIFIES = frozenset(
    re.findall(
        r"\w+",
        """us usa uk eu eea emea apac latam anz gaap ifrs lifo fifo nci usd eur gbp dtc ttm ltm ytd
        loss losses net gross benefit benefits gain gains income expense expenses deficit decrease
        increase used unaudited audited restated total basic diluted current noncurrent payable
        receivable provided note notes credit debit other""",
    )
)
"""What in parentheses tells one line from another."""
_WORD = re.compile(r"[A-Za-z]+")


def without_aliases(text: str) -> str:
    """``text`` without abbreviations in parentheses of what stands before them.

    ``Cost of sales (COGS)`` is cost of sales; ``Net income (loss)`` stays as it is.
    """
    for note, _ in _aliases(text):
        text = text.replace(note, "", 1)
    return text


def aliases(text: str) -> tuple[str, ...]:
    """The abbreviations that `without_aliases` leaves out."""
    return tuple(alias for _, alias in _aliases(text))


def _aliases(text: str) -> Iterator[tuple[str, str]]:
    for match in _NOTE.finditer(text):
        before, short = text[: match.start()], match.group(1)
        plain = "".join(filter(str.isalpha, short)).casefold()
        if plain in _QUALIFIES or not before.strip():
            continue
        # In a line of capitals, capitals say nothing.
        capitals = short.removesuffix("s").isupper() and any(map(str.islower, before))
        if capitals or abbreviates(plain, before):
            yield match.group(), short


def abbreviates(short: str, text: str) -> bool:
    """Whether ``short`` is made of the beginnings of two or more words of ``text``, in order."""
    words = [word.casefold() for word in _WORD.findall(text)][-8:]

    def made(rest: str, start: int, used: int) -> bool:
        if not rest:
            return used > 1
        return any(
            made(rest[length:], place + 1, used + 1)
            for place in range(start, len(words))
            for length in range(1, len(rest) + 1)
            if words[place].startswith(rest[:length])
        )

    return made(short.casefold(), 0, 0)
