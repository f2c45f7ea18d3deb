"""What counts as a figure, a year, a unit line or a period in a financial table."""

from __future__ import annotations

import re
from functools import lru_cache

NUMBER = re.compile(
    r"[(\-–−+]*(?:US|C|A|HK|R|NT)?[$€£¥₩]?[(\-–−+]*"
    r"(?:\d(?:[\d,]*\d)?(?:\.\d+)?|\.\d+)(?:[-–—]\d{1,3})?"
    r"\)*(?:%|x| (?:bps|pts|years?|yrs|months|days))?\)*(?: ?\([a-z0-9]{1,2}\)|\*)*"
)
BLANK_VALUE = frozenset(
    {"—", "–", "-", "−", "--", "—%", "-%", "–%", "$—", "$-", "$–", "N/A", "n/a"}
)
NOT_MEANINGFUL = frozenset({"NM", "N/M", "nm", "n/m", "n.m.", "*", "**"})
OPENERS = frozenset(
    {"$", "€", "£", "¥", "(", "$(", "($", "US$", "C$", "A$", "€(", "(€", "£(", "(£"}
)
CLOSERS = frozenset({")", "%", ")%", "%)", "pts", "bps", "years", "year", "yrs", "months", "days"})

FOOTNOTE = re.compile(r"(?:\([a-z0-9]{1,2}\))+|\*{1,3}")

RANGE_DASHES = frozenset("-–")
YEAR = re.compile(
    r"(?:FY|fiscal )?(?:19[89]\d|20[0-4]\d)(?:\s?[-–]\s?(?:19|20)\d\d)?(?:E|(?: ?\(\w\))+|\*)?",
    re.IGNORECASE,
)
MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan\.|feb\.|mar\.|apr\.|jun\.|jul\.|aug\.|sept?\.|oct\.|nov\.|dec\.)"
)
DATE = re.compile(rf"{MONTH}\s+\d{{1,2}}\s*,?(?:\s*(?:19|20)\d\d)?", re.IGNORECASE)
PART_OF_YEAR = re.compile(
    r"(?:1st|2nd|3rd|4th|first|second|third|fourth|q[1-4]|full|total|\d{1,2}-month"
    r"|(?:less than|more than|over|after|within)?\s*\d{1,2}(?:\s?[-–]\s?\d{1,2})?(?=\s+years?))"
    r"(?:\s+(?:quarter|qtr\.?|years?|months?))?(?:\s+(?:19|20)\d\d)?",
    re.IGNORECASE,
)
PERIOD = re.compile(
    r"\b(?:(?:fiscal\s+)?(?:years?|quarters?|months|weeks|periods?)(?:\s+then)?\s+end(?:ed|ing)"
    rf"|(?:at|as\s+of|as\s+at)\s+{MONTH}|fiscal\s+years?|(?:three|six|nine|twelve)\s+months"
    rf"|{MONTH}\s+\d{{1,2}})\b",
    re.IGNORECASE,
)
UNIT = re.compile(
    r"^[(\[]?\s*(?:\$|u\.?s\.?|unaudited|all|amounts?|dollars?|dollar|shares?|currency|figures?|in\b"
    r"|expressed|tabular|millions?|thousands?|billions?|percent)"
    r".{0,80}?\b(?:millions?|thousands?|billions?|percent(?:ages?)?|per[\s-]share|dollars)\b"
    r"|^\(?(?:millions?|thousands?|billions?|unaudited)\b.{0,60}\)?$",
    re.IGNORECASE,
)


@lru_cache(maxsize=20_000)
def is_figure(text: str) -> bool:
    """Whether ``text`` is the content of a value cell: a number, a dash, ``N/A``."""
    if text[0].islower() and text[0] != "n":
        return False
    return text in BLANK_VALUE or text in NOT_MEANINGFUL or NUMBER.fullmatch(text) is not None


def is_year(text: str) -> bool:
    return YEAR.fullmatch(text) is not None


def is_unit(text: str) -> bool:
    """Whether a short line only says what the figures are in."""
    wrapped = text.endswith(")") and "(" not in text
    return len(text) <= 120 and not wrapped and UNIT.search(text) is not None


def is_period(text: str) -> bool:
    """Whether a short line only says which time the figures are for."""
    return len(text.split()) <= 10 and PERIOD.search(text) is not None


def is_date(text: str) -> bool:
    return DATE.fullmatch(text) is not None
