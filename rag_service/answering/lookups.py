"""What an index is asked for a question: by vector and by words, in each filing that it means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from rag_service.answering.glossary import Expansion
from rag_service.answering.scope.types import Candidate, Scope
from rag_service.core.types import Filters, Lookup, Stage, Vectors

_TEXT_WEIGHT = 0.5
"""Of a rank by words, where a rank by the question's vector counts 1."""
_TEXT_WEIGHT_UNKNOWN = 0.15
"""The same where it is not known which filing is meant: its words stand in every one."""
_EXPANSION_WEIGHT = 0.5
"""Of a rank by the vector of the question with what the glossary says."""
_TURNS_TOGETHER = 3
"""Of filings that state all years of a question at once, where each year's own has one turn."""
_LIKELY_SPAN = 0.25
"""How much less than the likeliest filing the least likely one counts."""


@dataclass(frozen=True, slots=True)
class Strand:
    """One lookup, and how much its ranks count."""

    found_by: Literal["vectors", "text", "glossary"]
    lookup: Lookup
    weight: float


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to search for, such as a company's fiscal year; its strands are fused."""

    strands: tuple[Strand, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    """By document: how well it suits. Documents that are not named count 1."""
    turns: int = 1
    """Hits that it gives where another target gives one."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A question as it is searched for."""

    question: str
    vectors: Vectors
    """``(1 or 2, dims)``: of the question, and of it with the texts of ``expansion``."""
    expansion: Expansion
    scope: Scope | None
    filters: Filters
    depth: int
    """Candidates of a lookup."""
    k: int
    """Hits that are wanted in the end."""
    stages: Collection[Stage]

    def targets(self) -> list[Target]:
        """What to search for, each apart from the others; the last one is the whole store.

        Where all that a question means is known for certain, the last one is to fill up what the
        others leave empty.
        """
        everywhere = Target(tuple(self._strands(self.filters, known=names_filing(self.filters))))
        scope = self.scope
        if scope is None or scope.confidence == "none":
            return [everywhere]
        targets = []
        if scope.together and scope.confidence == "confident":
            targets.append(replace(self._among(scope.together), turns=_TURNS_TOGETHER))
        for part in scope.parts:
            if part.confidence == "confident":
                targets.append(self._among(part.filings))
            elif part.filings:
                likely = self._among(part.filings)
                weights = _softened(likely.weights)
                targets.append(Target((*everywhere.strands, *likely.strands), weights))
            elif part.fiscal_year:
                year = replace(self.filters, fiscal_year=part.fiscal_year)
                strands = tuple(self._strands(year, known=False))
                targets.append(Target((*everywhere.strands, *strands)))
        if not targets:
            return [everywhere]
        if scope.confidence == "confident":
            # What is to fill up need not be found by all ways, nor be more than is wanted.
            first = everywhere.strands[0]
            everywhere = Target((replace(first, lookup=replace(first.lookup, k=self.k)),))
        return [*targets, everywhere]

    def _among(self, filings: Sequence[Candidate]) -> Target:
        names = tuple(dict.fromkeys(filing.document for filing in filings))
        only = replace(self.filters, documents=names)
        weights = {filing.document: filing.weight for filing in reversed(filings)}
        return Target(tuple(self._strands(only, known=True)), weights)

    def _strands(self, filters: Filters, *, known: bool) -> Iterator[Strand]:
        if "vectors" in self.stages:
            ways: tuple[tuple[Literal["vectors", "glossary"], float], ...] = (
                ("vectors", 1.0),
                ("glossary", _EXPANSION_WEIGHT),
            )
            for (found_by, weight), vector in zip(ways, self.vectors, strict=False):
                yield Strand(found_by, Lookup(self.depth, filters, vector=vector), weight)
        if "text" in self.stages:
            terms = ((self.question, 1.0), *((t.text, t.weight) for t in self.expansion.terms))
            weight = _TEXT_WEIGHT if known else _TEXT_WEIGHT_UNKNOWN
            yield Strand("text", Lookup(self.depth, filters, terms=terms), weight)


def _softened(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights of which the best is 1 and the others not far below."""
    best = max(weights.values())
    return {
        document: 1 - _LIKELY_SPAN * (1 - weight / best) for document, weight in weights.items()
    }


def names_filing(filters: Filters) -> bool:
    """True if somebody has said which filings to search."""
    return bool(filters.company or filters.fiscal_year or filters.documents)
