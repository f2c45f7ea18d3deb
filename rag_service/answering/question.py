"""What a question asks for, and whether a passage can answer it at all."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from rag_service.answering.figures import has_figure
from rag_service.answering.terms import is_item_name, names_item, readings, stems
from rag_service.core.fiscal_years import fiscal_years_named, years
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
_CHOICE = re.compile(r"^\W*(?:is|are|was|were|do|does|did|has|have|had|can|will)\b", re.I)
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
_MEASURE = re.compile(
    r"\b(?:ratios?|margins?|turnover|turn(?:ed)? over|outstanding|multiples?|growth|gr[eo]wn?|"
    r"growing|CAGR|compound|averages?|mean|chang(?:e[ds]?|ing)|increas(?:e[ds]?|ing)|decreas(?:e[ds]?|ing)|"
    r"ris(?:e[ns]?|ing)|rose|f[ae]ll(?:s|en|ing)?|declin(?:e[ds]?|ing)|improv(?:e[ds]?|ing)|rates?|"
    r"per\s?cent(?:age)?|times|days|return on|ROA|ROE|payout|coverage|intensity|working capital|"
    r"cash flow|EBITDA|leverage|DPO|DSO|DIO|yield|difference|higher|lower|larger|smaller|"
    r"shares? of|proportion|fraction)\b|%",
    re.I,
)
_NO_MEASURE = re.compile(
    r"^\W*(?:who|whom|whose|where|when)\b"
    r"|\bhow\s+(?:is|are|does|do|did|was|were|has|have)\b.*\b(?:defined?|calculated?|computed?|"
    r"measured?|determined?|account(?:ed)?\s+for|recogni[sz]ed?|manage[ds]?)\b",
    re.I | re.DOTALL,
)
"""Asks for a person, a place, a time or a method, whatever measure it names."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9&]*(['’]s)?")
_LEGAL_FORMS = frozenset(
    stems("Inc Incorporated Corp Corporation Co Ltd Limited PLC LLC LP Group Holding")
)
_DERIVED = frozenset(
    stems("ratio margin average growth change increase decrease rate turnover CAGR")
)
"""Quantities that are worked out from others: a passage answers only if it states them itself."""
_UNSEEN_WEIGHT = 2.0
_ROOT = 5


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
    is_choice: bool
    """It asks for yes or no."""
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
        is_choice=any(_CHOICE.search(sentence) for sentence in asking),
        derived=words & _DERIVED,
    )


def asks_for_figure(question: str) -> bool:
    """Whether an amount, a percentage or a count may answer: not a name, a reason, yes or no.

    One that names a measure, such as a ratio or a change, does however it begins.
    """
    asked = understand(question)
    if asked.why:
        return False
    return asked.wants != "text" or (
        _MEASURE.search(question) is not None
        and _NO_MEASURE.search(question.rpartition(":")[2]) is None
    )


def column_years(asked: Asked, column: str, facts: FilingFacts) -> frozenset[int]:
    """The years that a column is of: fiscal years, unless the question asks by date."""
    return years(column) if asked.by_date else fiscal_years_named(column, facts)


def doubt(asked: Asked, chunks: Sequence[Chunk], statement: str) -> str:
    """Why ``statement``, which rests on ``chunks``, is not taken for an answer, or ``""``."""
    about = " ".join(f"{c.context} {c.facts.company} {c.facts.ticker}" for c in chunks)
    text = " ".join(chunk.text for chunk in chunks)
    unknown = asked.years - years(f"{text} {about}").union(*(_years_of(asked, c) for c in chunks))
    if unknown:
        return f"the nearest passage says nothing of {_listed(map(str, unknown))}"
    strange = asked.names - set(stems(f"{text} {about}"))
    if strange and not any(names_company(asked, chunk.facts) for chunk in chunks):
        return f"the nearest passage does not name {_listed(strange)}"
    headings = " ".join(f"{chunk.context} {chunk.heading}" for chunk in chunks)
    missing = asked.derived - set(stems(f"{statement} {headings}"))
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


def _years_of(asked: Asked, chunk: Chunk) -> frozenset[int]:
    """The years of a filing and of a table's columns."""
    columns = chunk.cells.columns if chunk.cells is not None else ()
    named = (column_years(asked, column, chunk.facts) for column in columns)
    return frozenset({chunk.facts.fiscal_year}).union(*named)


def related(asked: Asked, chunk: Chunk, quote: str) -> bool:
    """Whether ``quote`` shares a word with what is asked for, by its stem; of a table its title
    and columns count too."""
    cells = chunk.cells
    head = f"{cells.title} {chunk.heading} {' '.join(cells.columns)}" if cells is not None else ""
    said = {_root(word) for word in stems(f"{quote} {head}")}
    company = company_words(chunk.facts)
    topics = [{_root(word) for word in topic - company} for topic in asked.topics]
    return any(topic & said for topic in topics) or not any(topics)


def _root(word: str) -> str:
    """``audit`` of ``auditor``."""
    return word[:_ROOT]


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
