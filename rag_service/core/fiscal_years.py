"""The years that texts name, and the fiscal year that a date means in a filing."""

from __future__ import annotations

import re

from rag_service.core.types import FilingFacts

_YEAR = re.compile(r"(?<![A-Za-z\d.,$])(?:FY\s?['’]?)?((?:19|20)\d{2})(?![\d%]|[.,]\d)", re.I)
_SHORT_YEAR = re.compile(r"\bFY\s?['’]?(\d{2})(?!\d)", re.I)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"\b(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
DATE = re.compile(rf"{_MONTH}\s+(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s+)?((?:19|20)\d{{2}})\b", re.I)
_LATE_DECEMBER, _EARLY_JANUARY = "12-20", "01-10"
MONTH_DAY = re.compile(rf"{_MONTH}(?=\s*\d)", re.I)


def years(text: str) -> frozenset[int]:
    """Calendar and fiscal years that ``text`` names: ``2018``, ``FY2018``, ``FY18``."""
    found = {int(year) for year in _YEAR.findall(text)}
    return frozenset(found | {2000 + int(year) for year in _SHORT_YEAR.findall(text)})


def fiscal_years_named(text: str, facts: FilingFacts) -> frozenset[int]:
    """The fiscal years that ``text`` names, such as a column's head, by year or by date.

    A date means the fiscal year of ``facts``' company that ends about then: ``January 28, 2023``
    is fiscal 2022 where the filing says so. A month that stands apart dates all years: ``Year
    ended January 28,`` over ``2023``.
    """
    dated = {int(year) - lateness(month, facts) for month, year in DATE.findall(text)}
    rest = DATE.sub(" ", text)
    apart = MONTH_DAY.search(rest)
    late = lateness(apart.group(), facts) if apart else 0
    return frozenset(dated | {year - late for year in years(rest)})


def lateness(month: str, facts: FilingFacts) -> int:
    """By how much the calendar year of a fiscal year's last day, in ``month``, is above its name.

    A year of 52 or 53 weeks that ends about New Year does so in either calendar year: one that
    ends on December 30, 2023 is fiscal 2023, as one that ended on January 1, 2023 is fiscal 2022.
    """
    if not (facts.fiscal_year and facts.period_end):
        return 0
    late = int(facts.period_end[:4]) - facts.fiscal_year
    if (facts.period_end[5:] >= _LATE_DECEMBER and late == 0) or (
        facts.period_end[5:] <= _EARLY_JANUARY and late == 1
    ):
        return int(month[:3].lower() in ("jan", "feb"))
    return late
