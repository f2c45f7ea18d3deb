"""Figures of several filings side by side: two companies, or one company in two years."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from rag_service.answering.numeric.calculate import Amount, Uncomputable, difference
from rag_service.answering.numeric.company_name import without_company
from rag_service.answering.numeric.compute import Computed, Refused, compute
from rag_service.answering.numeric.rounding import Style, rounded, shown, within
from rag_service.core.types import FilingFacts, Hit

_COMPARING = re.compile(
    r"\b(?:which (?:one )?of(?: the (?:two|three)(?: companies)?)?|which (?:company|year|of them)|"
    r"compared?|(?:the )?(?:high|larg|great|bigg|low|small)(?:er|est)|(?:the )?(?:more|most|less|"
    r"least)|(?:the )?difference(?: between)?|between|respectively|both)\b",
    re.I,
)
_NAMED = "\x00"
_LINKED = re.compile(
    rf"(?:\s*,?\s*\b(?:and|or|versus|vs\.?|to|with|than|that of|for|at|of))?\s*{_NAMED}(?:['’]s?)?"
    rf"(?:\s*,)?(?:\s*\b(?:and|or|versus|vs\.?|than)\b)?",
    re.I,
)
_PLAIN = Style()


@dataclass(frozen=True, slots=True)
class _Side:
    """One of those that are compared, with its own question."""

    name: str
    question: str
    hits: Sequence[Hit]
    years: tuple[int, ...] = ()


def find_figure(question: str, hits: Sequence[Hit]) -> Computed | Refused:
    """What `compute` finds; of several companies or years, each figure and how they compare.

    If one of several is not surely found, nothing is said.
    """
    sides = _companies(question, hits)
    if len(sides) < 2:
        alone = compute(question, hits)
        if isinstance(alone, Computed) or len(alone.years) < 2:
            return alone
        base = _COMPARING.sub(" ", question)
        sides = [_Side(f"FY{year}", base, hits, (year,)) for year in alone.years]
    found = [compute(side.question, side.hits, side.years) for side in sides]
    refused = [figure for figure in found if isinstance(figure, Refused)]
    if refused:
        return Refused(
            "; ".join(dict.fromkeys(figure.reason for figure in refused)),
            tuple(chain.from_iterable(figure.missing for figure in refused)),
            filings=tuple(chain.from_iterable(figure.filings for figure in refused)),
        )
    figures = [figure for figure in found if isinstance(figure, Computed)]
    return _together([side.name for side in sides], figures)


def _companies(question: str, hits: Sequence[Hit]) -> list[_Side]:
    """A question of its own for every company that ``question`` names."""
    named: dict[str, FilingFacts] = {}
    for hit in hits:
        facts = hit.chunk.facts
        if facts.company not in named and without_company(question, facts) != question:
            named[facts.company] = facts
    if len(named) < 2:
        return []
    for facts in named.values():
        question = without_company(question, facts, _NAMED)
    base = _COMPARING.sub(" ", _LINKED.sub(" ", question))
    return [
        _Side(name, base, [hit for hit in hits if hit.chunk.facts.company == name])
        for name in named
    ]


def _together(names: Sequence[str], figures: Sequence[Computed]) -> Computed:
    texts = [
        figure.text if name in figure.text else f"{name}: {figure.text}"
        for name, figure in zip(names, figures, strict=True)
    ]
    ways = [figure.calculation for figure in figures]
    result = figures[-1].result
    if len(figures) == 2 and (apart := _apart(names, figures)) is not None:
        verdict, way, result = apart
        texts.append(verdict)
        ways.append(way)
    return Computed(
        text="; ".join(texts),
        calculation="; ".join(ways),
        result=result,
        rounded=rounded(result, _PLAIN),
        values=tuple(dict.fromkeys(chain.from_iterable(figure.values for figure in figures))),
        definition=figures[0].definition,
    )


def _apart(names: Sequence[str], figures: Sequence[Computed]) -> tuple[str, str, Amount] | None:
    """Which of two is higher and by how much, with its calculation; None if they have no common
    measure."""
    first, second = (_as_shown(figure) for figure in figures)
    try:
        apart = difference(first, second)
    except Uncomputable:
        return None
    if apart.value < 0:
        apart, first, second = difference(second, first), second, first
        names = names[::-1]
    way = f"{within(first, True)} − {within(second, True)} = {shown(apart, _PLAIN)}"
    if not apart.value:
        return "they are equal", way, apart
    return f"{names[0]} is higher by {way}", way, apart


def _as_shown(figure: Computed) -> Amount:
    """So that the difference is that of the two figures that stand there."""
    return Amount(figure.rounded, figure.result.kind, figure.result.scale)
