"""Amounts as filings print them: ``$ (1,234)``, ``12.5 %``, ``—``."""

import re

_CELL = re.compile(
    r"(?P<open>\()?\s*(?P<minus>[-–−])?\s*[$€£¥]?\s*(?P<open2>\()?\s*"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?)\s*%?\s*\)?\s*%?"
)
_IN_TEXT = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.,])\d+(?:\.\d+)?")


def parse_amount(cell: str) -> float | None:
    """The amount that a table cell holds, or None for anything else (text, dashes, empty)."""
    match = _CELL.fullmatch(cell.strip())
    if match is None or not match["digits"]:
        return None
    amount = float(match["digits"].replace(",", ""))
    negative = match["open"] or match["open2"] or match["minus"]
    return -amount if negative else amount


def amounts_in(text: str) -> frozenset[float]:
    """All amounts in running text, without their signs."""
    return frozenset(float(found.replace(",", "")) for found in _IN_TEXT.findall(text))
