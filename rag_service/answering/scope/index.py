"""The filings there are, by company, and the names by which people ask for each company."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from rag_service.answering.scope.calendar import FiscalCalendar
from rag_service.answering.scope.ordinary import ACRONYMS, PLACES, TRADE, is_ordinary
from rag_service.answering.scope.types import Family
from rag_service.answering.scope.words import fold, name_words, words_of
from rag_service.core.types import Document

FUZZY_LETTERS = 6
"""Words of a name from this length on are known with one letter wrong."""
_MOST_WORDS = 6
"""A longer name is most likely no name, but another line of a cover page."""
_WORD_LETTERS = 4
"""Shorter words from within a name are no way to name it."""
_FORM = re.compile(r"(10|20|40|8|6)-?(KT|K|Q|F)", re.IGNORECASE)
_FIRST, _LAST = date(1900, 1, 1), date(2150, 1, 1)

Kind = Literal["whole", "part", "word", "initials"]


@dataclass(frozen=True, slots=True)
class Filing:
    """A document as far as the choice between filings goes; ``end`` None is not known."""

    document: Document
    family: Family
    year: int
    """Fiscal year, or 0 where nothing tells it."""
    quarter: int
    end: date | None


@dataclass(frozen=True, slots=True)
class Company:
    """A company, its filings from the newest to the oldest, and its fiscal calendar."""

    name: str
    words: tuple[str, ...]
    filings: tuple[Filing, ...]
    calendar: FiscalCalendar

    def newest(self, family: Family) -> int:
        """Fiscal year of its newest filing of this kind, or 0."""
        return max((f.year for f in self.filings if f.family == family), default=0)


@dataclass(frozen=True, slots=True)
class Alias:
    """One way to name a company; ``plain`` if all its words are ordinary English."""

    company: int
    kind: Kind
    words: tuple[str, ...]
    plain: bool


class FilingIndex:
    """Built once for the filings of a store; ``companies`` are in the order of their names."""

    def __init__(self, documents: Iterable[Document]) -> None:
        groups: dict[tuple[str, ...], list[Document]] = defaultdict(list)
        nameless: list[Document] = []
        for document in documents:
            words = name_words(document.facts.company)
            if words:
                groups[words].append(document)
            else:
                nameless.append(document)
        self.companies = tuple(_company(words, groups[words]) for words in sorted(groups))
        self.nameless = len(nameless)
        self.aliases: dict[str, list[Alias]] = defaultdict(list)
        self.tickers: dict[str, list[int]] = defaultdict(list)
        self._near: dict[str, set[str]] = defaultdict(set)
        self.most_words = 1
        for place, company in enumerate(self.companies):
            # Lowe's is also written Lowes.
            names = (company.words, name_words(re.sub(r"['’](?=[sS]\b)", "", company.name)))
            for words in names:
                for alias in _aliases(place, words):
                    self._add(alias)
            for filing in company.filings:
                ticker = _letters(filing.document.facts.ticker)
                if ticker and place not in self.tickers[ticker]:
                    self.tickers[ticker].append(place)

    @property
    def documents(self) -> tuple[str, ...]:
        """The names of the documents of its companies."""
        return tuple(f.document.name for company in self.companies for f in company.filings)

    def nearly(self, word: str) -> list[str]:
        """One-word names that differ from ``word`` by one letter, or two that changed places.

        Their first letter is the same, as it is seldom the wrong one.
        """
        if len(word) < FUZZY_LETTERS - 1:
            return []
        found = {name for cut in (word, *_cuts(word)) for name in self._near.get(cut, ())}
        return sorted(n for n in found if n != word and n[0] == word[0] and _one_off(n, word))

    def _add(self, alias: Alias) -> None:
        squeezed = "".join(alias.words)
        known = self.aliases[squeezed]
        if any(other.company == alias.company for other in known):
            return
        known.append(alias)
        self.most_words = max(self.most_words, len(alias.words))
        is_name = alias.kind in ("whole", "part") and not alias.plain
        if is_name and len(squeezed) >= FUZZY_LETTERS and squeezed.isalpha():
            for cut in (squeezed, *_cuts(squeezed)):
                self._near[cut].add(squeezed)


def family(form: str) -> Family:
    """What kind of report a form is."""
    match = _FORM.search(form)
    if match is None:
        return "annual" if "annual" in form.casefold() else "other"
    number, letter = match[1], match[2].upper()
    if letter == "Q":
        return "quarterly"
    if number in ("8", "6"):
        return "current"
    return "annual"


def _company(words: tuple[str, ...], documents: list[Document]) -> Company:
    ends = [
        (end, document.facts.fiscal_year or end.year)
        for document in documents
        if family(document.facts.form) == "annual"
        and (end := _date(document.facts.period_end)) is not None
    ]
    calendar = FiscalCalendar.of(ends)
    filings = sorted((_filing(d, calendar) for d in documents), key=_newest_first)
    return Company(filings[0].document.facts.company, words, tuple(filings), calendar)


def _filing(document: Document, calendar: FiscalCalendar) -> Filing:
    facts = document.facts
    kind = family(facts.form)
    end = _date(facts.period_end)
    if kind == "annual" or end is None:
        year = facts.fiscal_year or (end.year if end is not None else 0)
        return Filing(document, kind, year, 0, end)
    # Covers of other reports state no fiscal year: theirs is that of the date alone.
    return Filing(document, kind, calendar.year_of(end), calendar.quarter_of(end), end)


def _newest_first(filing: Filing) -> tuple[int, int, str, str]:
    end = filing.end.toordinal() if filing.end is not None else 0
    return -filing.year, -end, filing.document.name, filing.document.document_id


def _date(iso: str) -> date | None:
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return None
    return day if _FIRST <= day <= _LAST else None


def _aliases(place: int, words: tuple[str, ...]) -> list[Alias]:
    """The names of a company, the fullest first."""

    def alias(kind: Kind, *parts: str) -> Alias:
        plain = all(is_ordinary(part) or len(part) == 1 or part.isdigit() for part in parts)
        return Alias(place, kind, parts, plain)

    found = [alias("whole", *words)]
    if len(words) > _MOST_WORDS:
        return found
    for length in range(len(words) - 1, 0, -1):
        begin = alias("part", *words[:length])
        is_place = length == 1 and words[0] in PLACES
        what_it_deals_in = length > 1 and TRADE.issuperset(words[length:])
        if (not begin.plain or what_it_deals_in) and not is_place and words[length - 1] != "of":
            found.append(begin)
    # Delta is Delta Air Lines at times, and more often something else.
    found += [
        alias("word", word)
        for at, word in enumerate(words)
        if len(words) > 1
        and len(word) >= _WORD_LETTERS
        and word.isalpha()
        and is_ordinary(word) == (at == 0)
        and word not in PLACES | TRADE
    ]
    initials = "".join(word[0] for word in words if word != "of")
    if len(words) > 1:
        if len(initials) > 2 and initials not in ACRONYMS:
            found.append(Alias(place, "initials", (initials,), False))
        if len(words) == 2:
            found.append(Alias(place, "initials", (f"{initials[0]}&{initials[1:]}",), False))
    return found


def _letters(ticker: str) -> str:
    return "".join(word.folded for word in words_of(fold(ticker)))


def _cuts(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place in range(len(word))]


def _one_off(name: str, word: str) -> bool:
    """Whether one letter more, less or other, or two in the wrong order, is all the difference."""
    start = 0
    while start < min(len(name), len(word)) and name[start] == word[start]:
        start += 1
    a, b = name[start:], word[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[1::-1] + a[2:] == b and len(a) > 1)
