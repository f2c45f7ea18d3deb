"""Which companies, years and forms a question means, and which filings can answer it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from rag_service.answering.scope.calendar import FiscalCalendar
from rag_service.answering.scope.choose import Wanted, choose, confidence_of, reports_all
from rag_service.answering.scope.companies import find_companies, match_of
from rag_service.answering.scope.index import Company, FilingIndex, family
from rag_service.answering.scope.periods import periods_of
from rag_service.answering.scope.reading import Found
from rag_service.answering.scope.strangers import strangers
from rag_service.answering.scope.types import (
    Candidate,
    CompanyMatch,
    Confidence,
    Family,
    Part,
    Period,
    Scope,
)
from rag_service.answering.scope.words import Word, words_of
from rag_service.core.types import Document

MOST_PARTS = 24
"""Parts that a question is cut to at most, the ones named first."""
_FORM = re.compile(
    r"(?<![\w-])(10|20|40|8|6)[-‑– ]?(KT?|Q|F)(/A)?(?![\w])"
    r"|\b(annual|quarterly)\s+(?:report|filing)s?\b",
    re.IGNORECASE,
)


def understand_scope(question: str, filings: FilingIndex | Iterable[Document]) -> Scope:
    """What ``question`` is about, among ``filings``; build their index once for many questions.

    Depends on nothing but the question and the filings, and raises nothing.
    """
    index = filings if isinstance(filings, FilingIndex) else FilingIndex(filings)
    words = words_of(question)
    periods = periods_of(question)
    form = _form(question)
    dated = _places(words, ((p.start, p.start + len(p.words)) for p in periods))
    found = [f for f in find_companies(question, words, index) if f.first not in dated]
    named = [f for f in found if f.companies]
    matches = [(match_of(f, c, question, words, index), c, f) for f in named for c in f.companies]
    taken = dated | {place for f in found for place in range(f.first, f.last + 1)}
    taken |= _places(words, (match.span() for match in _FORM.finditer(question)))
    unknown = [words[f.first].text for f in found if not f.companies]
    unknown += strangers(words, taken, bool(named))

    companies = _once(matches)
    parts: list[Part] = []
    together: list[Candidate] = []
    if companies:
        for company, match, own in _paired(companies, matches, periods):
            made, all_years = _parts_of(index.companies[company], match.confidence, own, form)
            parts += made
            together += all_years
    elif len(index.companies) == 1 and not index.nameless and not unknown:
        parts = _parts_of(index.companies[0], "likely", periods, form)[0]
    else:
        parts = _years_alone(periods, form)
    return Scope(
        parts=tuple(dict.fromkeys(parts))[:MOST_PARTS],
        together=tuple(together),
        companies=tuple(match for match, _, _ in matches),
        periods=periods,
        unknown=tuple(dict.fromkeys(unknown)),
    )


_Match = tuple[CompanyMatch, int, Found]


def _once(matches: Sequence[_Match]) -> dict[int, CompanyMatch]:
    """Each company with the surest of its matches, in the order of the question."""
    order = ("confident", "likely", "none")
    best: dict[int, CompanyMatch] = {}
    for match, company, _ in matches:
        known = best.get(company)
        if known is None or order.index(match.confidence) < order.index(known.confidence):
            best[company] = match
    return best


def _paired(
    companies: dict[int, CompanyMatch], matches: Sequence[_Match], periods: Sequence[Period]
) -> list[tuple[int, CompanyMatch, Sequence[Period]]]:
    """Each company with its periods: its own where each has some beside it, else all."""
    ambiguous = any(len(found.companies) > 1 for _, _, found in matches)
    if len(companies) > 1 and not ambiguous:
        starts = [(match.start, company) for match, company, _ in matches]
        for behind in (True, False):
            own: dict[int, list[Period]] = {company: [] for company in companies}
            lost = False
            for period in periods:
                side = [s for s in starts if (s[0] < period.start) == behind]
                if side:
                    own[(max(side) if behind else min(side))[1]].append(period)
                else:
                    lost = True
            if not lost and all(own.values()):
                return [(c, match, own[c]) for c, match in companies.items()]
    return [(company, match, periods) for company, match in companies.items()]


def _parts_of(
    company: Company, named: Confidence, periods: Sequence[Period], form: str
) -> tuple[list[Part], tuple[Candidate, ...]]:
    """One part for each period of a company, and the filings that state all its years."""
    asked = _wanted(company, periods, form)
    together: tuple[Candidate, ...] = ()
    if all(w.year and not w.quarter and w.family in (None, "annual") for w in asked):
        together = reports_all(company, (w.year for w in asked))
    parts = []
    for wanted in asked:
        choice = choose(company, wanted)
        if together and choice.filings and not choice.answered:
            # The report on another year that is asked for states this one, too.
            choice = replace(choice, answered=True, missing="")
        parts.append(
            Part(
                company=company.name,
                fiscal_year=wanted.year,
                quarter=wanted.quarter,
                form=form,
                confidence=confidence_of(named, choice),
                filings=choice.filings,
                missing=choice.missing,
            )
        )
    return parts, together


def _wanted(company: Company, periods: Sequence[Period], form: str) -> list[Wanted]:
    """The fiscal years and quarters of ``company`` that ``periods`` mean, each once."""
    kind = family(form) if form else None
    quarter = next((p.quarter for p in periods if p.quarter and p.basis == "year"), 0)
    wanted = [w for p in periods for w in _of_period(p, company.calendar, kind, quarter)]
    if not wanted:
        latest = [p for p in periods if p.basis == "latest"]
        newest = company.newest(kind or "annual") or company.newest("quarterly")
        if any(p.quarter for p in latest):
            wanted = _latest_quarter(company)
        elif newest and (quarter or any(p.basis in ("latest", "prior") for p in periods)):
            count = max((p.count for p in latest), default=1)
            wanted = [Wanted(newest - back, quarter, None, kind) for back in range(count)]
    # A year beside a quarter or a day of it says nothing more.
    finer = {w.year for w in wanted if w.quarter or w.day}
    wanted = [w for w in wanted if w.quarter or w.day or w.year not in finer]
    return list(dict.fromkeys(wanted)) or [Wanted(family=kind)]


def _of_period(
    period: Period, calendar: FiscalCalendar, kind: Family | None, quarter: int
) -> list[Wanted]:
    """What a period that is fixed by itself means; ``quarter`` is named apart from the year."""
    if period.day:
        day = date.fromisoformat(period.day)
        of = calendar.quarter_of(day) if period.ended == "quarter" else 0
        return [Wanted(calendar.year_of(day), of, day, kind)]
    if period.basis == "calendar":
        return [Wanted(calendar.year_within(year), 0, None, kind) for year in period.years]
    return [Wanted(year, period.quarter or quarter, None, kind) for year in period.years]


def _latest_quarter(company: Company) -> list[Wanted]:
    reports = [f for f in company.filings if f.family == "quarterly" and f.end is not None]
    if not reports:
        newest = company.newest("annual")
        return [Wanted(newest, 4)] if newest else []
    last = max(reports, key=lambda f: (f.year, f.quarter))
    return [Wanted(last.year, last.quarter)]


def _years_alone(periods: Sequence[Period], form: str) -> list[Part]:
    """A part for each year, whose company nobody knows."""
    kind = family(form) if form else None
    calendar = FiscalCalendar.of(())
    wanted = [w for period in periods for w in _of_period(period, calendar, kind, 0)]
    return [Part("", w.year, w.quarter, form, "likely", ()) for w in wanted]


def _form(question: str) -> str:
    """The form that the question names, as covers print it, or ``""``."""
    match = _FORM.search(question)
    if match is None:
        return ""
    if match[4]:
        return "10-K" if match[4].lower().startswith("a") else "10-Q"
    return f"{match[1]}-{match[2].upper()}{(match[3] or '').upper()}"


def _places(words: Sequence[Word], spans: Iterable[tuple[int, int]]) -> set[int]:
    """The places of the words that begin within ``spans``."""
    bounds = list(spans)
    return {
        place
        for place, word in enumerate(words)
        if any(start <= word.start < end for start, end in bounds)
    }
