"""What a question asks for, and whether a passage can answer it at all."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from rag_service.answering.figures import has_figure
from rag_service.answering.terms import is_item_name, names_item, readings, stems, years
from rag_service.core.types import Chunk, FilingFacts

_SENTENCE_START = re.compile(r"(?<=[.?!])\s+(?=[\"“(]?[A-Z])")
_QUESTION_WORD = re.compile(
    r"\b(?:what|which|who|whom|whose|where|when|why|how)\b.*", re.I | re.DOTALL
)
_MONTH = re.compile(r"\b(?:jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|\bmay \d", re.I)
_TEXT = re.compile(
    r"^\W*(?:why|who|whom|whose|where|when|describe|explain|list|name|discuss|summari[sz]e|how\s+"
    r"(?:do|does|did|is|are|was|were|has|have|will|can)|is|are|was|were|do|does|did|has|have)\b",
    re.I,
)
_WHY = re.compile(r"\bwhy\b|\b(?:drove|drives|caused?|led to)\b", re.I)
_CAUSE = re.compile(
    r"\b(?:because|due|driven|drove|attribut\w+|result(?:ed|ing|s)?|reflect\w*|owing|caused?|led|"
    r"offset|thanks|as a consequence|primarily|mainly)\b",
    re.I,
)
_PERCENT = re.compile(r"%|\bper\s?cent(?:age|s)?\b", re.I)
_AMOUNT = re.compile(
    r"\bhow (?:much|many)\b|\bamount\b|\bUSD\b|[$€£]|\bin \w*\s?[mb]illions\b", re.I
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9&]*(['’]s)?")
_LEGAL_FORMS = frozenset(
    stems("Inc Incorporated Corp Corporation Co Ltd Limited PLC LLC LP Group Holding")
)
_DERIVED = frozenset(
    stems("ratio margin average growth change increase decrease rate turnover CAGR")
)
"""Quantities that are worked out from others: a passage answers only if it states them itself."""
_UNSEEN_WEIGHT = 2.0


Wants = Literal["amount", "percent", "figure", "text", "any"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's parts. ``topics`` are its content words, in each reading of item names."""

    words: frozenset[str]
    topics: tuple[frozenset[str], ...]
    years: frozenset[int]
    by_date: bool
    """The years are those of calendar dates, not fiscal years."""
    names: frozenset[str]
    wants: Wants
    why: bool
    derived: frozenset[str]


def understand(question: str) -> Asked:
    """The parts of ``question``.

    Its topic is what follows the question word in the sentence with the question mark; what
    stands around that says how to answer.
    """
    sentences = _SENTENCE_START.split(question)
    asking = [s for s in sentences if s.rstrip().endswith("?")] or sentences
    cores = [match.group() if (match := _QUESTION_WORD.search(s)) else s for s in asking]
    words = frozenset(stems(_PERCENT.sub("", " ".join(cores))))
    return Asked(
        words=frozenset(stems(question)),
        topics=readings(words),
        years=years(" ".join(asking)) or years(question),
        by_date=bool(_MONTH.search(question)),
        names=frozenset[str]().union(*map(_names, sentences)),
        wants=_wants(question, words),
        why=bool(_WHY.search(question)),
        derived=words & _DERIVED,
    )


def column_years(asked: Asked, column: str, facts: FilingFacts) -> frozenset[int]:
    """The years that a column is of: fiscal years, unless the question asks by date.

    A fiscal year that ends early in the next calendar year heads its column with that date.
    """
    found = years(column)
    if asked.by_date or not (facts.fiscal_year and facts.period_end and _MONTH.search(column)):
        return found
    late = int(facts.period_end[:4]) - facts.fiscal_year
    return frozenset(year - late for year in found)


def doubt(asked: Asked, chunk: Chunk, statement: str) -> str:
    """Why ``statement`` from ``chunk`` is not taken for an answer, or ``""``."""
    facts = chunk.facts
    about = f"{chunk.context} {facts.company} {facts.ticker}"
    columns = chunk.cells.columns if chunk.cells is not None else ()
    known = years(f"{chunk.text} {about}").union(
        {facts.fiscal_year}, *(column_years(asked, column, facts) for column in columns)
    )
    unknown = asked.years - known
    if unknown:
        return f"the nearest passage says nothing of {_listed(map(str, unknown))}"
    strange = asked.names - set(stems(f"{chunk.text} {about}"))
    if strange and not names_company(asked, facts):
        return f"the nearest passage does not name {_listed(strange)}"
    said = set(stems(f"{statement} {chunk.context} {chunk.heading}"))
    missing = asked.derived - said
    if missing:
        return f"the nearest passage does not state the {_listed(missing)}"
    if asked.why and not _CAUSE.search(statement):
        return "the nearest passage gives no reason"
    if asked.wants in ("amount", "figure") and not has_figure(
        statement, percent=asked.wants == "figure"
    ):
        return "the nearest passage has no figure"
    if asked.wants == "percent" and not _PERCENT.search(statement):
        return "the nearest passage has no percentage"
    return ""


def names_company(asked: Asked, facts: FilingFacts) -> bool:
    """True if every distinctive word of the filing's company, or its ticker, is in the question."""
    company = company_words(facts)
    return bool(company and company <= asked.words) or facts.ticker.casefold() in asked.words


def company_words(facts: FilingFacts) -> frozenset[str]:
    """The distinctive words of a company's name."""
    return frozenset(stems(facts.company)) - _LEGAL_FORMS


def coverage(topic: frozenset[str], words: Collection[str], seen: Collection[str]) -> float:
    """Share of ``topic`` in ``words``; what none of the passages has ``seen`` weighs double.

    A word that no passage has is likely to be what the question is about.
    """
    weights = {word: 1.0 if word in seen else _UNSEEN_WEIGHT for word in topic}
    total = sum(weights.values())
    return sum(w for word, w in weights.items() if word in words) / total if total else 0.0


def _names(sentence: str) -> frozenset[str]:
    """Words written as names: with a capital inside the sentence, or in the possessive."""
    found = set()
    for place, match in enumerate(_NAME.finditer(sentence)):
        word = match.group(0).removesuffix(match.group(1) or "")
        is_name = bool(match.group(1)) or (place > 0 and word != word.casefold())
        if is_name and not is_item_name(word):
            found.update(stems(word))
    return frozenset(found - _LEGAL_FORMS)


def _wants(question: str, words: frozenset[str]) -> Wants:
    if _PERCENT.search(question):
        return "percent"
    amount = _AMOUNT.search(question)
    if _TEXT.search(question) and not amount:
        return "text"
    if words & _DERIVED:
        return "figure"
    return "amount" if amount or names_item(words) else "any"


def _listed(words: Collection[str] | map[str]) -> str:
    return ", ".join(sorted(words))
