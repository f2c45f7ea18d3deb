"""The fiscal years that a question means, by name or by the date on which they end."""

from __future__ import annotations

import re

from rag_service.core.fiscal_years import (
    DATE,
    MONTH_DAY,
    MONTHS,
    fiscal_years_named,
    lateness,
    years,
)
from rag_service.core.types import FilingFacts

_NAMED = r"(?:(?:FY\s?['’]?|fiscal (?:years? )?)?(?:19|20)\d{2}|FY\s?['’]?\d{2})"
_RANGE = re.compile(
    rf"\b{_NAMED}\s*(?:[-–—]|to|thru|through|until)\s*(?:the end of\s+)?{_NAMED}\b", re.I
)
_INTERIM = re.compile(
    r"\bQ[1-4]\b|\b[1-4]Q|\bquarter(?:ly|s)?\b|\b(?:three|six|nine|3|6|9)[- ]months?\b"
    r"|\bhalf[- ]year\b",
    re.I,
)
_LAST = re.compile(
    r"\b(?:(?:last|latest|most recent|this|past|current) (?:fiscal |financial )?year)\b", re.I
)
_PRIOR = re.compile(r"\b(?:prior|previous|preceding) (?:fiscal |financial )?year\b|\ba year (?:ago|"
                    r"earlier|before)\b", re.I)  # fmt: skip
_WEEKS = re.compile(
    r"\b(?!5[23]\b)(?<!fifty[- ])\d{1,2}[- ]weeks?\b"
    r"|(?<!fifty[- ])\b(?:twelve|thirteen|fourteen|sixteen|seventeen|"
    r"(?:twenty|thirty|forty)[- ]\w+)[- ]weeks?\b",
    re.I,
)
_PART_OF_YEAR = re.compile(r"\b(?:first|second|third|fourth|1st|2nd|3rd|4th|half|i{1,3}|iv)\b")
_YEAR = re.compile(r"\b(?:FY\s?['’]?)?(?:19|20)\d{2}\b|\bFY\s?['’]?\d{2}\b", re.I)
MOST_YEARS = 15
"""In a span: filings state no more."""


def fiscal_years(text: str, facts: FilingFacts) -> tuple[int, ...]:
    """The fiscal years that ``text`` names, in order of time.

    A date means the fiscal year that ends about then: ``January 28, 2023`` is fiscal 2022 where
    the filing says so. Without a year, ``last year`` is the filing's own.
    """
    found = set(fiscal_years_named(text, facts))
    if not found and _LAST.search(text):
        found.add(facts.fiscal_year)
    if len(found) <= 1 and _PRIOR.search(text):
        latest = max(found, default=facts.fiscal_year)
        found |= {latest, latest - 1}
    return tuple(sorted(found - {0}))


def column_year(name: str, caption: str, facts: FilingFacts) -> int:
    """The fiscal year of a table's column, or 0 if it is not of one whole year.

    ``caption`` is what stands over all columns: ``January 28,`` over ``2023``, or the only year.
    """
    head = f"{name} {caption}"
    if _INTERIM.search(head) or _WEEKS.search(head) or _PART_OF_YEAR.search(name.casefold()):
        return 0
    if off_date(name, facts) or (MONTH_DAY.search(name) is None and off_date(head, facts)):
        return 0
    named, above = years(name), years(caption)
    if not named and len(above) == 1:
        named, name = above, caption
    elif not above and not MONTH_DAY.search(name):
        name = f"{caption} {name}"
    if len(named) != 1:
        return 0
    dated = DATE.search(name)
    if dated is not None:
        return int(dated.group(2)) - lateness(dated.group(1), facts)
    month = MONTH_DAY.search(name)
    return next(iter(named)) - (lateness(month.group(), facts) if month else 0)


def span(text: str, found: tuple[int, ...]) -> tuple[int, ...]:
    """``found``, with the years between where ``text`` names only the ends of a range."""
    match = _RANGE.search(text)
    between = re.search(r"\bbetween\b|\bover\b|\bfrom\b", text, re.I)
    if len(found) == 2 and (match or between) and found[1] - found[0] < MOST_YEARS:
        return tuple(range(found[0], found[1] + 1))
    return found


def interim(text: str) -> str:
    """The part of a year that ``text`` asks about, or ``""``: annual tables do not state it."""
    match = _INTERIM.search(text)
    return match.group() if match else ""


def off_date(text: str, facts: FilingFacts) -> str:
    """A date in ``text`` on which no fiscal year of the company ends, or ``""``."""
    if not facts.period_end:
        return ""
    end = int(facts.period_end[5:7])
    dates = [(match, match.group(1)) for match in DATE.finditer(text)]
    dates += [(match, match.group()) for match in MONTH_DAY.finditer(DATE.sub(" ", text))]
    for match, month in dates:
        # Years of 52 or 53 weeks end some days earlier or later, perhaps in another month.
        apart = abs(MONTHS.index(month[:3].lower()) + 1 - end)
        if min(apart, 12 - apart) > 1:
            return match.group()
    return ""


def without_periods(text: str) -> str:
    """``text`` without its dates."""
    return _PRIOR.sub(" ", _LAST.sub(" ", DATE.sub(" ", text)))


def without_years(text: str) -> str:
    """``text`` without its dates and years."""
    return _YEAR.sub(" ", _RANGE.sub(" ", without_periods(text)))
