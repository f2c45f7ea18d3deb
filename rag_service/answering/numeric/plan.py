"""From a question to the formula that answers it: operation, lines, fiscal years, and how to show
the result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce

from rag_service.answering.numeric import operation_words as say
from rag_service.answering.numeric.asking import asking, content
from rag_service.answering.numeric.calculate import SeveralYears, Uncomputable
from rag_service.answering.numeric.definitions import cut_definitions
from rag_service.answering.numeric.expressions import (
    Apply,
    Quantity,
    Tree,
    parse,
    quantities,
)
from rag_service.answering.numeric.formulas import Form
from rag_service.answering.numeric.items import Statement, wanted
from rag_service.answering.numeric.labels import plain_label
from rag_service.answering.numeric.periods import (
    MOST_YEARS,
    fiscal_years,
    interim,
    off_date,
    span,
    without_periods,
    without_years,
)
from rag_service.answering.numeric.phrases import Leaf, Phrases
from rag_service.answering.numeric.phrases import ends as year_ends
from rag_service.answering.numeric.rephrase import rephrased
from rag_service.answering.numeric.rounding import Style, asked_style
from rag_service.answering.numeric.table_values import statement_named
from rag_service.core.types import FilingFacts

_OF_STATES = re.compile(r"\bstate (?:and local )?(?:income )?tax", re.I)
"""Taxes of states: ``state`` is else a word of asking."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to work out. ``title`` names it; ``definition`` says by which formula, if by one."""

    tree: Tree
    title: str
    years: tuple[int, ...]
    form: Form
    style: Style
    hint: Statement = ""
    definition: str = ""
    literal: Quantity | None = None
    """The line that has all words of the question: it answers before any operation does."""


def make_plan(question: str, facts: FilingFacts, years: tuple[int, ...] = ()) -> Plan:
    """The plan of ``question``, which names no company, about the company of ``facts``.

    ``years`` stand in place of those that the question names.

    Raises:
        Uncomputable: what it asks for, or of which year, is not understood.
    """
    if part := interim(question):
        raise Uncomputable(f"annual tables do not state the {part}")
    if _OF_STATES.search(question):
        raise Uncomputable("taxes of states are a part of the line, which is not told apart")
    if date := off_date(question, facts):
        raise Uncomputable(f"no fiscal year of the company ends on {date}")
    style, rest = asked_style(question)
    definitions, rest, whole = cut_definitions(rest)
    if not whole:
        raise Uncomputable("the definition in the question is not understood")
    asked = asking(rest)
    text, around = rephrased(asked.text), asked.around
    if years:
        text, around = without_years(text), without_years(around)
    years = years or fiscal_years(around, facts) or fiscal_years(rest, facts)
    for definition in definitions:
        years = years or fiscal_years(definition.text, facts)
    years = years or tuple({facts.fiscal_year} - {0})
    if not years:
        raise Uncomputable("the question names no fiscal year")
    planner = _Planner(Phrases(facts, definitions), style, statement_named(question))
    return planner.plan(text, around, years)


@dataclass(frozen=True, slots=True)
class _Planner:
    phrases: Phrases
    style: Style
    hint: Statement

    def plan(self, text: str, around: str, years: tuple[int, ...]) -> Plan:
        """``around`` is the question with what stands before the question word."""
        latest = years[-1]
        if say.CAGR.search(text):
            ends = year_ends(years)
            base = say.YEARS_LONG.sub(" ", without_years(say.CAGR.sub(" ", text)))
            return self._compound(base, ends)
        mean = say.MEAN.search(text)
        points = say.POINTS.search(text)
        apart = say.APART.search(text) if len(years) == 2 or points else None
        growing, changing = say.GROWTH.search(text), say.CHANGE.search(text) or apart or points
        long = say.YEARS_LONG.search(around)
        if mean and (long or (len(years) > 1 and not growing and not changing)):
            return self._mean(text, mean, self._averaged(around, years, long))
        one = mean if len(years) == 1 and not growing and not changing else None
        if one and (plan := self._mean_balance(text, one, latest)) is not None:
            return plan
        if say.SUM_OF_YEARS.search(text) and len(years) > 1 and not growing and not changing:
            return self._sum(say.SUM_OF_YEARS.sub(" ", text), span(around, years))
        if growing or changing:
            ends = year_ends(years)
            base = say.CHANGE.sub(" ", say.GROWTH.sub(" ", say.POINTS.sub(" ", text)))
            base = without_years(say.APART.sub(" ", base) if apart else base)
            percent = say.BY_PERCENT.search(base) is not None
            base = say.BY_PERCENT.sub(" ", base)
            plan = self._change(base, text, ends, bool(growing) or percent, years)
            if points and plan.form != "points":
                raise Uncomputable("percentage points are asked of what is no percentage")
            return plan
        if len(years) > 1 and not self.phrases.definitions:
            raise SeveralYears(span(around, years))
        leaf = self.phrases.expression(text, latest)
        part = any(pattern.search(text) for pattern in say.PART)
        signs = isinstance(parse(text), Apply) and not part
        literal = self._literal(text, latest) if signs else None
        return self._planned(leaf.tree, text, (latest,), leaf, literal)

    def _planned(
        self,
        tree: Tree,
        text: str,
        years: tuple[int, ...],
        leaf: Leaf,
        literal: Quantity | None = None,
        form: Form | None = None,
        of: str = "",
    ) -> Plan:
        title = f"{of}{self.phrases.title(text)}"
        return Plan(
            tree, title, years, form or leaf.form, self.style, self.hint, leaf.definition, literal
        )

    def _compound(self, text: str, ends: tuple[int, int]) -> Plan:
        first, last = (self.phrases.expression(text, year) for year in ends)
        tree = Apply("cagr", (first.tree, last.tree), ends[1] - ends[0])
        return self._planned(tree, text, ends, last, form="percent", of="CAGR of ")

    def _averaged(
        self, around: str, years: tuple[int, ...], long: re.Match[str] | None
    ) -> tuple[int, ...]:
        """The years of an average: those named, or so many up to the latest named."""
        named = span(around, years)
        if long is None:
            return named
        count = int(say.SPELLED.get(long.group(1).lower(), 0) or long.group(1))
        if count > MOST_YEARS:
            raise Uncomputable(f"an average of {count} years is more than filings state")
        if len(years) > 1 and len(named) != count:
            raise Uncomputable(f"the question names {len(named)} years and an average of {count}")
        return tuple(range(years[-1] - count + 1, years[-1] + 1))

    def _mean(self, text: str, mean: re.Match[str], years: tuple[int, ...]) -> Plan:
        base = f"{text[: mean.start()]} {text[mean.end() :]}"
        base = without_years(say.YEARS_LONG.sub(" ", base))
        leaves = [self.phrases.expression(base, year) for year in years]
        tree = Apply("average", tuple(leaf.tree for leaf in leaves))
        return self._planned(tree, base, years, leaves[-1], of="Average of ")

    def _mean_balance(self, text: str, mean: re.Match[str], year: int) -> Plan | None:
        """The mean of a balance when a year opens and closes."""
        base = without_years(f"{text[: mean.start()]} {text[mean.end() :]}")
        leaf = self.phrases.expression(base, year)
        balance = isinstance(leaf.tree, Quantity) and leaf.tree.wanted.statements[:1] == (
            "balance",
        )
        if not balance:
            return None
        opening = self.phrases.expression(base, year - 1)
        tree = Apply("average", (opening.tree, leaf.tree))
        return self._planned(tree, base, (year - 1, year), leaf, of="Average of ")

    def _sum(self, text: str, years: tuple[int, ...]) -> Plan:
        base = without_years(say.YEARS_LONG.sub(" ", text))
        leaves = [self.phrases.expression(base, year) for year in years]
        for leaf in leaves:
            lines = list(quantities(leaf.tree))
            if leaf.form != "amount" or any("balance" in q.wanted.statements for q in lines):
                raise Uncomputable("this does not add up over years")
        tree = reduce(lambda left, right: Apply("+", (left, right)), (leaf.tree for leaf in leaves))
        return self._planned(tree, base, years, leaves[-1], of="Sum of ")

    def _change(
        self, base: str, text: str, ends: tuple[int, int], growing: bool, years: tuple[int, ...]
    ) -> Plan:
        before, after = (self.phrases.expression(base, year) for year in ends)
        literal = self._literal(text, ends[1]) if len(years) == 1 else None
        form: Form
        if after.form in ("percent", "either"):
            tree, form = Apply("-", (after.tree, before.tree)), "points"
        elif after.form in ("multiple", "days") and not (growing or self.style.percent):
            tree, form = Apply("-", (after.tree, before.tree)), after.form
        elif self.style.scale is not None and not (growing or self.style.percent):
            tree, form = Apply("-", (after.tree, before.tree)), "amount"
        else:
            tree, form = Apply("growth", (before.tree, after.tree)), "percent"
        of = "Growth of " if tree.op == "growth" else "Change in "
        return self._planned(tree, base, ends, after, literal, form, of)

    def _literal(self, text: str, year: int) -> Quantity | None:
        words = content(without_periods(plain_label(text)))
        return Quantity(wanted(self.phrases.title(text), words), year) if words else None
