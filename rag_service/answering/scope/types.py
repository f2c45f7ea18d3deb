"""What a question is about: companies, periods, and the filings that can answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Confidence = Literal["confident", "likely", "none"]
"""``confident``: may be a filter. ``likely``: a boost. ``none``: nothing is known."""
Named = Literal["name", "part of the name", "initials", "ticker", "misspelt name"]
Basis = Literal["fiscal", "calendar", "year", "date", "latest", "prior"]
"""How a period was said. ``year`` is a bare number, ``prior`` compares with the year before."""
Family = Literal["annual", "quarterly", "current", "other"]


@dataclass(frozen=True, slots=True)
class CompanyMatch:
    """A company of the store that the question names by ``words``, which begin at ``start``."""

    company: str
    words: str
    named: Named
    confidence: Confidence
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time that the question names by ``words``, which begin at ``start``.

    ``years`` are as said, before any company's calendar is known; they are empty for a ``day``
    and for ``latest`` and ``prior``, which depend on the filings there are.
    """

    words: str
    basis: Basis
    start: int
    years: tuple[int, ...] = ()
    quarter: int = 0
    """1 to 4; 0 for a whole year. For ``latest``, any but 0 means the latest quarter."""
    day: str = ""
    """ISO date."""
    count: int = 1
    """For ``latest``: how many years, the newest first."""
    ended: Literal["year", "quarter", ""] = ""
    """What the question says to have ended on ``day``."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A filing that can answer, with what speaks for it; ``weight`` in (0, 1] is for ranking."""

    document: str
    document_id: str
    form: str
    fiscal_year: int
    period_end: str
    weight: float
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to retrieve for: a company, a fiscal year, or both.

    With ``confident``, search among ``filings`` alone and fall back to all where that finds too
    little. With ``likely``, search everywhere and let ``filings`` rank higher, or where there are
    none, those of ``fiscal_year``.
    """

    company: str
    fiscal_year: int
    quarter: int
    form: str
    """Form that the question names, such as ``10-K``, or ``""``."""
    confidence: Confidence
    filings: tuple[Candidate, ...]
    missing: str = ""
    """What the store lacks for it, as a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question means, and which words say so. Without ``parts`` nothing is known."""

    parts: tuple[Part, ...] = ()
    together: tuple[Candidate, ...] = ()
    """Filings that report all years asked of one company, the newest own year first."""
    companies: tuple[CompanyMatch, ...] = ()
    periods: tuple[Period, ...] = ()
    unknown: tuple[str, ...] = ()
    """Names that seem to be of companies without a filing in the store."""

    @property
    def confidence(self) -> Confidence:
        """That of the least certain part."""
        found = {part.confidence for part in self.parts}
        if not found or "none" in found:
            return "none"
        return "likely" if "likely" in found else "confident"

    def explain(self) -> list[str]:
        """Sentences that say what was understood, from which words."""
        said = [
            f"“{match.words}” is {match.company} ({match.named}, {match.confidence})"
            for match in self.companies
        ]
        said += [f"“{name}” has no filing in the store" for name in self.unknown]
        for part in self.parts:
            about = " ".join(
                word
                for word in (
                    part.company or "any company",
                    part.form,
                    f"Q{part.quarter}" if part.quarter else "",
                    f"fiscal {part.fiscal_year}" if part.fiscal_year else "any year",
                )
                if word
            )
            best = ", ".join(f"{f.document} ({f.reason})" for f in part.filings[:3])
            said.append(f"{about}: {part.confidence}" + (f"; {best}" if best else ""))
            if part.missing:
                said.append(part.missing)
        return said
