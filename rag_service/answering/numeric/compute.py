"""From a question and its hits to a figure worked out in code from table cells, with its way shown.

Nothing is guessed: what is not surely found, or not understood, is refused with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException

from rag_service.answering.numeric.calculate import Amount, SeveralYears, Uncomputable
from rag_service.answering.numeric.cells import Candidate, Lookup, find
from rag_service.answering.numeric.company_name import without_company
from rag_service.answering.numeric.expressions import (
    Apply,
    Quantity,
    Tree,
    evaluate,
    quantities,
    settle,
    show,
)
from rag_service.answering.numeric.plan import Plan, make_plan
from rag_service.answering.numeric.rounding import as_asked, rounded, shown, within
from rag_service.answering.numeric.table_values import Value, is_annual, read_tables
from rag_service.answering.question import company_words
from rag_service.answering.terms import stems
from rag_service.core.types import Citation, FilingFacts, Hit


@dataclass(frozen=True, slots=True)
class Computed:
    """A figure from table cells. ``text`` is the answer with its calculation."""

    text: str
    calculation: str
    """Such as ``1,577 / 32,765 = 4.8 %``; a figure that is only read off stands alone."""
    result: Amount
    """Exact, in the kind and the scale that was asked for."""
    rounded: Decimal
    """As ``text`` shows it."""
    values: tuple[Value, ...]
    """The cells that it rests on, each once."""
    definition: str
    """By which formula, or ``""``."""

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The rows that it rests on, verbatim, each once."""
        return tuple(dict.fromkeys(c for value in self.values for c in value.citations))


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no figure."""

    reason: str
    missing: tuple[str, ...] = ()
    """The lines, with their fiscal years, that were not surely found."""
    candidates: tuple[Candidate, ...] = ()
    """The cells that were considered for the first of them, best first."""
    filings: tuple[str, ...] = ()
    """Ids of the documents whose financial statements have all that is missing, if any has."""
    years: tuple[int, ...] = ()
    """The years that are asked about, where that alone was not understood."""


def compute(question: str, hits: Sequence[Hit], years: tuple[int, ...] = ()) -> Computed | Refused:
    """The figure that ``question`` asks for, worked out from the tables of ``hits``.

    ``years`` stand in place of those that the question names.
    """
    try:
        facts, concerned = _filings(question, hits)
        plan = make_plan(without_company(question, facts), facts, years)
        return _Sheet(plan, concerned).answer()
    except SeveralYears as refusal:
        return Refused(refusal.message, years=refusal.years)
    except Uncomputable as refusal:
        return Refused(refusal.message)
    except DecimalException:
        return Refused("a figure in the question is out of every range")


class _Sheet:
    """The lines of one plan, looked up once each."""

    def __init__(self, plan: Plan, hits: Sequence[Hit]) -> None:
        self._plan = plan
        self._hits = hits
        self._tables = read_tables(hits)
        self._lookups: dict[Quantity, Lookup] = {}

    def answer(self) -> Computed | Refused:
        plan = self._plan
        literal = plan.literal
        if literal is not None and self._is_found(literal):
            return self._computed(literal, (literal.year,))
        tree = settle(plan.tree, self._is_found)
        failed = [q for q in quantities(tree) if not self._is_found(q)]
        if failed:
            found = [self._look_up(quantity) for quantity in failed]
            missing = tuple(dict.fromkeys(f"{q.wanted.name}, FY{q.year}" for q in failed))
            reason = "; ".join(dict.fromkeys(lookup.reason for lookup in found))
            filings = self._filings() if all(q.wanted.statements for q in failed) else ()
            return Refused(reason, missing, found[0].candidates, filings)
        return self._computed(tree, plan.years)

    def _computed(self, tree: Tree, years: tuple[int, ...]) -> Computed:
        plan = self._plan
        values = [self._value(quantity) for quantity in quantities(tree)]
        if isinstance(tree, Apply) and tree.op == "/" and len(set(values)) < len(values) == 2:
            raise Uncomputable(f"{values[0].label} would be divided by itself")
        unknown = {v.chunk.chunk_id for v in values if v.amount.scale is None}
        if unknown and len({v.chunk.chunk_id for v in values}) > 1:
            raise Uncomputable("one of the tables does not say the unit of its amounts")
        raw = evaluate(tree, lambda quantity: self._value(quantity).amount)
        result = as_asked(raw, plan.style, plan.form)
        outcome = shown(result, plan.style, plan.form)
        scales = {v.amount.scale for v in values if v.amount.kind in ("money", "count")}
        mixed = (
            len(scales | {result.scale if result.kind in ("money", "count") else None} - {None}) > 1
        )
        way = show(tree, lambda quantity: within(self._value(quantity).amount, mixed))
        read_off = isinstance(tree, Quantity) and result == values[0].amount
        calculation = outcome if read_off else f"{way} = {outcome}"
        when = ", ".join(f"FY{year}" for year in dict.fromkeys(years))
        return Computed(
            text=f"{_capital(plan.title)}, {when}: {calculation}",
            calculation=calculation,
            result=result,
            rounded=rounded(result, plan.style),
            values=tuple(dict.fromkeys(values)),
            definition=plan.definition,
        )

    def _filings(self) -> tuple[str, ...]:
        """The two documents that are the nearest to the year, none older if it can be."""
        latest = self._plan.years[-1]
        ages = {hit.chunk.document_id: hit.chunk.facts.fiscal_year - latest for hit in self._hits}
        return tuple(sorted(ages, key=lambda name: (ages[name] < 0, abs(ages[name])))[:2])

    def _is_found(self, quantity: Quantity) -> bool:
        return self._look_up(quantity).value is not None

    def _value(self, quantity: Quantity) -> Value:
        value = self._look_up(quantity).value
        assert value is not None, "a plan is worked out only if all its lines are found"
        return value

    def _look_up(self, quantity: Quantity) -> Lookup:
        if quantity not in self._lookups:
            plan = self._plan
            self._lookups[quantity] = find(
                quantity.wanted,
                quantity.year,
                self._tables,
                anchor=plan.years[-1],
                hint=plan.hint,
                percent=plan.style.percent and isinstance(plan.tree, Quantity),
            )
        return self._lookups[quantity]


def _filings(question: str, hits: Sequence[Hit]) -> tuple[FilingFacts, list[Hit]]:
    """The newest annual filing's facts of the company that is asked about, and its hits.

    Raises:
        Uncomputable: the hits are of several companies and the question names none of them.
    """
    words = frozenset(stems(question))
    named = {hit.chunk.facts.company: len(_named_words(hit.chunk.facts) & words) for hit in hits}
    most = max(named.values(), default=0)
    companies = [company for company, count in named.items() if count == most]
    if len(companies) != 1:
        raise Uncomputable("the passages found are of several companies" if hits else "no passages")
    concerned = [hit for hit in hits if hit.chunk.facts.company == companies[0]]
    every = (hit.chunk.facts for hit in concerned)
    newest = max(every, key=lambda facts: (is_annual(facts), facts.fiscal_year))
    return newest, concerned


def _named_words(facts: FilingFacts) -> frozenset[str]:
    """The words that tell the company from others."""
    return company_words(facts) | {facts.ticker.casefold()}


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]
