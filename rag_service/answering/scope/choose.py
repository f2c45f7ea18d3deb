"""The filings of a company that can answer for a period, the best first, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rag_service.answering.scope.index import Company, Filing
from rag_service.answering.scope.types import Candidate, Confidence, Family

COMPARATIVE_YEARS = 2
"""Years before its own that an annual report states: two of income and cash flow, one of assets."""
_WEIGHTS = {0: 1.0, 1: 0.6, 2: 0.4}
_NEAR_DAYS = 7
_EARNINGS_DAYS = 75
"""Results of a quarter are announced and reported within about so many days."""
_FAMILIES: dict[Family, str] = {
    "annual": "annual report", "quarterly": "quarterly report", "current": "current report",
    "other": "report",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fiscal year and quarter (0: any) of a company, as far as the question tells."""

    year: int = 0
    quarter: int = 0
    day: date | None = None
    family: Family | None = None
    """Kind of report that the question names."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Filings in order of preference. ``answered``: one is of the very period."""

    filings: tuple[Candidate, ...]
    answered: bool
    missing: str = ""


def choose(company: Company, wanted: Wanted) -> Choice:
    """The filings that state ``wanted``, or all of the company's where none does."""
    if not wanted.year:
        return _any_year(company, wanted)
    rated = [
        (weight, reason, filing)
        for filing in company.filings
        for weight, reason in [_rate(filing, wanted, company)]
        if weight
    ]
    rated.sort(key=lambda entry: -entry[0])
    answered = bool(rated) and rated[0][0] == 1.0
    missing = "" if answered else _missing(company, wanted, bool(rated))
    if not rated:
        rated = [
            (_other_year(filing, wanted), "another year's", filing) for filing in company.filings
        ]
        rated.sort(key=lambda entry: -entry[0])
    return Choice(tuple(_candidate(*entry) for entry in rated), answered, missing)


def reports_all(company: Company, years: Iterable[int]) -> tuple[Candidate, ...]:
    """Annual reports that state all ``years``, those of the last of them first."""
    asked = sorted(set(years))
    if len(asked) < 2 or asked[-1] - asked[0] > COMPARATIVE_YEARS:
        return ()
    found = [
        (1.0 if late == 0 else 0.6, f"states fiscal {asked[0]} to {asked[-1]}", filing)
        for filing in company.filings
        for late in [filing.year - asked[-1]]
        if filing.family == "annual" and 0 <= late <= COMPARATIVE_YEARS - (asked[-1] - asked[0])
    ]
    found.sort(key=lambda entry: -entry[0])
    return tuple(_candidate(*entry) for entry in found)


def confidence_of(named: Confidence, choice: Choice) -> Confidence:
    """Sure only if the company is, and a filing of the very period is there."""
    if not choice.filings:
        return "none"
    return "confident" if named == "confident" and choice.answered else "likely"


def _any_year(company: Company, wanted: Wanted) -> Choice:
    same = [f for f in company.filings if wanted.family in (None, f.family)]
    missing = ""
    if not same:
        missing = f"the store has no {_FAMILIES[wanted.family or 'other']} of {company.name}"
    newest = max((f.year for f in same or company.filings), default=0)
    filings = [
        (1.0 if f.year == newest else 0.6, "the newest" if f.year == newest else "an older one", f)
        for f in same or company.filings
    ]
    return Choice(tuple(_candidate(*entry) for entry in filings), not missing, missing)


def _rate(filing: Filing, wanted: Wanted, company: Company) -> tuple[float, str]:
    """How well a filing states what is wanted, 0 for not at all, and why."""
    # A day's balance stands in the report that closes with it, whatever it is called.
    if _closes_with(filing, wanted.day) and _fits(filing, wanted):
        return 1.0, f"its period ends on {filing.document.facts.period_end}"
    if wanted.family not in (None, filing.family) and filing.family != "annual":
        return 0.0, ""
    if filing.family == "annual":
        return _rate_annual(filing, wanted)
    if filing.family == "quarterly":
        return _rate_quarterly(filing, wanted)
    return _rate_current(filing, wanted, company)


def _other_year(filing: Filing, wanted: Wanted) -> float:
    """The nearer, the more it may say of the wanted year; one before it rather than after."""
    away = 2 * abs(filing.year - wanted.year) + (filing.year > wanted.year)
    return max(0.05, 0.3 - 0.05 * away)


def _closes_with(filing: Filing, day: date | None) -> bool:
    if day is None or filing.end is None:
        return False
    return abs((filing.end - day).days) <= _NEAR_DAYS


def _fits(filing: Filing, wanted: Wanted) -> bool:
    if wanted.family is not None:
        return filing.family == wanted.family
    return filing.family != "current"


def _rate_annual(filing: Filing, wanted: Wanted) -> tuple[float, str]:
    late = filing.year - wanted.year
    if not filing.year or not 0 <= late <= COMPARATIVE_YEARS:
        return 0.0, ""
    weight = _WEIGHTS[late]
    if wanted.quarter in (1, 2, 3) or wanted.family not in (None, "annual"):
        weight /= 2
    elif wanted.quarter == 4:
        weight *= 0.9
    if late == 0:
        amended = filing.document.facts.form.upper().endswith("/A")
        return weight * (0.9 if amended else 1.0), f"of fiscal {wanted.year} itself"
    return weight, f"of fiscal {filing.year}, which states {wanted.year} for comparison"


def _rate_quarterly(filing: Filing, wanted: Wanted) -> tuple[float, str]:
    late = filing.year - wanted.year
    if not wanted.quarter:
        own = late == 0 and wanted.family == "quarterly"
        return (1.0, f"of fiscal {wanted.year}") if own else (0.0, "")
    if filing.quarter != wanted.quarter or late not in (0, 1):
        return 0.0, ""
    if late == 0:
        return 1.0, f"of Q{wanted.quarter} of fiscal {wanted.year} itself"
    return 0.5, f"of Q{filing.quarter} of fiscal {filing.year}, with the year before it"


def _rate_current(filing: Filing, wanted: Wanted, company: Company) -> tuple[float, str]:
    if filing.end is None or filing.family != "current":
        return 0.0, ""
    if wanted.family == "current" and filing.year == wanted.year:
        return 1.0, f"a current report of fiscal {wanted.year}"
    closed = company.calendar.end_of(wanted.year, wanted.quarter or 4)
    if 0 <= (filing.end - closed).days <= _EARNINGS_DAYS:
        return 0.3, "a current report from the weeks after the period"
    return 0.0, ""


def _missing(company: Company, wanted: Wanted, some: bool) -> str:
    period = f"fiscal {wanted.year}"
    if wanted.quarter:
        period = f"Q{wanted.quarter} of {period}"
    kind = _FAMILIES[wanted.family] if wanted.family else "filing"
    end = ", only filings that state it beside their own period" if some else ""
    return f"the store has no {kind} of {company.name} of {period}{end}"


def _candidate(weight: float, reason: str, filing: Filing) -> Candidate:
    facts = filing.document.facts
    return Candidate(
        document=filing.document.name,
        document_id=filing.document.document_id,
        form=facts.form,
        fiscal_year=filing.year,
        period_end=facts.period_end,
        weight=round(weight, 3),
        reason=reason,
    )
