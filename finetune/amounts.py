"""Amounts as filings print them: ``$ (1,234)``, ``12.5 %``, ``—``."""

import re

_CELL = re.compile(
    r"(?P<open>\()?\s*(?P<minus>[-–−])?\s*[$€£¥]?\s*(?P<open2>\()?\s*"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?)\s*%?\s*\)?\s*%?"
)


def parse_amount(cell: str) -> float | None:
    """The amount that a table cell holds, or None for anything else (text, dashes, empty)."""
    match = _CELL.fullmatch(cell.strip())
    if match is None or not match["digits"]:
        return None
    amount = float(match["digits"].replace(",", ""))
    negative = match["open"] or match["open2"] or match["minus"]
    return -amount if negative else amount
