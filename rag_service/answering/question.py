"""What a question asks for, and whether a passage can answer it at all."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from rag_service.answering.figures import has_amount
from rag_service.answering.terms import is_item_name, readings, stems, years
from rag_service.core.types import Chunk, FilingFacts

_SENTENCE_START = re.compile(r"(?<=[.?!])\s+(?=[\"“(]?[A-Z])")
_TEXT = re.compile(
    r"^\W*(?:why|who|whom|whose|where|when|describe|explain|list|name|discuss|summari[sz]e|how\s+"
    r"(?:do|does|did|is|are|was|were|has|have|will|can)|is|are|was|were|do|does|did|has|have)\b",
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
    stems("ratio margin average growth change increase decrease rate turnover CAGR percent")
)
"""Quantities that are worked out from others: a passage answers only if it states them itself."""
_UNSEEN_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's parts. ``topics`` are its content words, in each reading of item names."""

    topics: tuple[frozenset[str], ...]
    years: frozenset[int]
    names: frozenset[str]
    wants: Literal["figure", "percent", "text", "any"]
    derived: frozenset[str]


def understand(question: str) -> Asked:
    """The parts of ``question``; where it has a sentence with a question mark, that one's."""
    sentences = _SENTENCE_START.split(question)
    asking = " ".join(s for s in sentences if s.rstrip().endswith("?")) or question
    words = frozenset(stems(_PERCENT.sub("", asking)))
    return Asked(
        topics=readings(words),
        years=years(asking) or years(question),
        names=frozenset[str]().union(*map(_names, sentences)),
        wants=_wants(question, words),
        derived=words & _DERIVED,
    )


def doubt(asked: Asked, chunk: Chunk, statement: str) -> str:
    """Why ``statement`` from ``chunk`` is not taken for an answer, or ``""``."""
    facts = chunk.facts
    about = f"{chunk.context} {facts.company} {facts.ticker}"
    unknown = asked.years - years(f"{chunk.text} {about}") - {facts.fiscal_year}
    if unknown:
        return f"the nearest passage says nothing of {_listed(map(str, unknown))}"
    strange = asked.names - set(stems(f"{chunk.text} {about}"))
    if strange and not names_company(asked, facts):
        return f"the nearest passage does not name {_listed(strange)}"
    said = set(stems(f"{statement} {chunk.context} {chunk.heading}"))
    if _PERCENT.search(statement):
        said.add("percent")
    missing = asked.derived - said
    if missing:
        return f"the nearest passage does not state the {_listed(missing)}"
    if asked.wants == "figure" and not has_amount(statement):
        return "the nearest passage has no figure"
    if asked.wants == "percent" and "percent" not in said:
        return "the nearest passage has no percentage"
    return ""


def names_company(asked: Asked, facts: FilingFacts) -> bool:
    """True if every distinctive word of the filing's company, or its ticker, is in the question."""
    company = company_words(facts)
    words = asked.topics[0]
    return bool(company and company <= words) or facts.ticker.casefold() in words


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


def _wants(question: str, words: frozenset[str]) -> Literal["figure", "percent", "text", "any"]:
    if _PERCENT.search(question):
        return "percent"
    if _AMOUNT.search(question):
        return "figure"
    if _TEXT.search(question):
        return "text"
    return "figure" if words & _DERIVED else "any"


def _listed(words: Collection[str] | map[str]) -> str:
    return ", ".join(sorted(words))
