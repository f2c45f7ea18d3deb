"""A company's name in questions and labels, where it says nothing of the amount."""

from __future__ import annotations

import re
from functools import cache

from rag_service.answering.numeric.items import vocabulary
from rag_service.answering.question import company_words
from rag_service.answering.terms import stems
from rag_service.core.types import FilingFacts

_TOKEN = re.compile(r"\w+")
_COMMON = frozenset(
    stems("international national american united first global north south east west new home")
)
"""First words of names that by themselves may as well be those of a region or a segment."""


def without_company(text: str, facts: FilingFacts, mark: str = " ") -> str:
    """``text`` without the company's name and ticker, or with ``mark`` in their place.

    Only a run of words from the name's beginning is the name: of ``Alder Garden Centers`` the
    words ``Garden Centers`` alone are a part of the company.
    """
    pattern = _pattern(facts)
    return pattern.sub(mark, text) if pattern is not None else text


@cache
def _pattern(facts: FilingFacts) -> re.Pattern[str] | None:
    tokens = _TOKEN.findall(facts.company)
    if len(tokens) > 1 and tokens[0].casefold() == "the":
        tokens = tokens[1:]
    runs = []
    if tokens:
        words = [_spelled(token) for token in tokens]
        rest = ""
        for word in reversed(words[1:]):
            rest = rf"(?:\W+{word}\b{rest})?"
        alone = company_words(facts) == set(stems(tokens[0])) or _tells(tokens[0])
        # Without its first optional mark the second word is required.
        runs.append(words[0] + r"\b" + (rest if alone else rest.removesuffix("?")))
    if len(facts.ticker) > 1:
        runs.append(rf"(?-i:{re.escape(facts.ticker)})\b")
    if not runs:
        return None
    return re.compile(rf"\b(?:the\s+)?(?:{'|'.join(runs)})(?:['’]s?(?!\w))?", re.IGNORECASE)


def _tells(token: str) -> bool:
    """Whether the first word alone is the company: no word of accounts, no short or common one."""
    words = frozenset(stems(token))
    return len(token) > 2 and bool(words) and not words & (_COMMON | vocabulary())


def _spelled(token: str) -> str:
    """``LOWES`` is written ``Lowe's`` as well."""
    plain = re.escape(token)
    return rf"{plain[:-1]}['’]?s" if len(token) > 3 and token[-1] in "sS" else plain
