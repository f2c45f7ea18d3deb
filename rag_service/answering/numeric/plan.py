"""From a question to the formula that answers it: operation, lines, fiscal years, and how to show
the result."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rag_service.answering.numeric import operation_words as say
from rag_service.answering.numeric.asking import NOISE, content, core
from rag_service.answering.numeric.calculate import Kind, SeveralYears, Uncomputable
from rag_service.answering.numeric.definitions import Definition, cut_definitions
from rag_service.answering.numeric.expressions import (
    NOTE,
    Apply,
    Phrase,
    Quantity,
    Tree,
    parse,
    show,
)
from rag_service.answering.numeric.formulas import Form, Formula, formula_in
from rag_service.answering.numeric.items import LIGHT, Statement, item_words, narrowed, wanted
from rag_service.answering.numeric.periods import (
    MOST_YEARS,
    fiscal_years,
    interim,
    off_date,
    span,
    without_periods,
    without_years,
)
from rag_service.answering.numeric.rounding import Style, asked_style
from rag_service.answering.numeric.table_values import plain_label, statement_named
from rag_service.answering.terms import stems
from rag_service.core.types import FilingFacts

_Names = tuple[frozenset[str], ...]


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


def make_plan(question: str, facts: FilingFacts) -> Plan:
    """The plan of ``question``, which names no company, about the company of ``facts``.

    Raises:
        Uncomputable: what it asks for, or of which year, is not understood.
    """
    if part := interim(question):
        raise Uncomputable(f"annual tables do not state the {part}")
    if date := off_date(question, facts):
        raise Uncomputable(f"no fiscal year of the company ends on {date}")
    style, rest = asked_style(question)
    definitions, rest, whole = cut_definitions(rest)
    if not whole:
        raise Uncomputable("the definition in the question is not understood")
    text = core(rest)
    years = fiscal_years(rest, facts)
    for definition in definitions:
        years = years or fiscal_years(definition.text, facts)
    years = years or tuple({facts.fiscal_year} - {0})
    if not years:
        raise Uncomputable("the question names no fiscal year")
    planner = _Planner(facts, definitions, style, statement_named(question))
    return planner.plan(text, rest, years)


@dataclass(frozen=True, slots=True)
class _Leaf:
    """What a phrase stands for; ``formula`` and ``definition`` are set if it is a measure."""

    tree: Tree
    form: Form
    definition: str = ""


@dataclass(frozen=True, slots=True)
class _Planner:
    facts: FilingFacts
    definitions: tuple[Definition, ...]
    style: Style
    hint: Statement

    def plan(self, text: str, around: str, years: tuple[int, ...]) -> Plan:
        """``around`` is the question with what stands before the question word."""
        latest = years[-1]
        if say.CAGR.search(text):
            ends = self._ends(years)
            base = say.YEARS_LONG.sub(" ", without_years(say.CAGR.sub(" ", text)))
            return self._compound(base, ends)
        mean = say.MEAN.search(text)
        growing, changing = say.GROWTH.search(text), say.CHANGE.search(text)
        if mean and (mean.group(1) or (len(years) > 1 and not growing and not changing)):
            return self._mean(text, around, years, mean)
        if growing or changing:
            ends = self._ends(years)
            base = without_years(say.CHANGE.sub(" ", say.GROWTH.sub(" ", text)))
            percent = say.BY_PERCENT.search(base) is not None
            base = say.BY_PERCENT.sub(" ", base)
            return self._change(base, text, ends, bool(growing) or percent, years)
        if len(years) > 1 and not self.definitions:
            raise SeveralYears(years)
        leaf = self._expression(text, latest)
        part = any(pattern.search(text) for pattern in say.PART)
        signs = isinstance(parse(text), Apply) and not part
        literal = self._literal(text, latest) if signs else None
        return self._planned(leaf.tree, text, (latest,), leaf, literal)

    def _planned(
        self,
        tree: Tree,
        text: str,
        years: tuple[int, ...],
        leaf: _Leaf,
        literal: Quantity | None = None,
        form: Form | None = None,
        of: str = "",
    ) -> Plan:
        return Plan(
            tree, f"{of}{self._title(text)}", years, form or leaf.form, self.style, self.hint,
            leaf.definition, literal,
        )  # fmt: skip

    def _compound(self, text: str, ends: tuple[int, int]) -> Plan:
        first, last = (self._expression(text, year) for year in ends)
        tree = Apply("cagr", (first.tree, last.tree), ends[1] - ends[0])
        return self._planned(tree, text, ends, last, form="percent", of="CAGR of ")

    def _mean(self, text: str, around: str, years: tuple[int, ...], mean: re.Match[str]) -> Plan:
        if mean.group(1):
            count = int(say.SPELLED.get(mean.group(1).lower(), 0) or mean.group(1))
            if count > MOST_YEARS:
                raise Uncomputable(f"an average of {count} years is more than filings state")
            years = tuple(range(years[-1] - count + 1, years[-1] + 1))
        else:
            years = span(around, years)
        base = without_years(f"{text[: mean.start()]} {text[mean.end() :]}")
        leaves = [self._expression(base, year) for year in years]
        tree = Apply("average", tuple(leaf.tree for leaf in leaves))
        return self._planned(tree, base, years, leaves[-1], of="Average of ")

    def _change(
        self, base: str, text: str, ends: tuple[int, int], growing: bool, years: tuple[int, ...]
    ) -> Plan:
        before, after = (self._expression(base, year) for year in ends)
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

    def _ends(self, years: tuple[int, ...]) -> tuple[int, int]:
        return (years[0] if len(years) > 1 else years[0] - 1, years[-1])

    def _literal(self, text: str, year: int) -> Quantity | None:
        words = content(without_periods(plain_label(text)))
        return Quantity(wanted(self._title(text), words), year) if words else None

    def _expression(self, text: str, year: int) -> _Leaf:
        """A share, an amount per unit, several amounts with signs between them, or one."""
        if not self.definitions:
            for pattern in say.PART:
                if match := pattern.search(text):
                    return self._share(say.PART_VERB.sub(" ", match["part"]), match["whole"], year)
            if match := say.PER_EACH.search(text):
                part = self._leaf(f"{match['part']} {match['rest']}", year)
                unit = self._leaf("number of employees", year)
                return _Leaf(Apply("/", (part.tree, unit.tree)), "amount")
        tree = parse(plain_label(say.COMBINED.sub("", text)))
        if not isinstance(tree, Apply):
            return self._leaf(text, year)
        form: Form = "multiple" if tree.op == "/" else "amount"
        return _Leaf(self._resolve(tree, year), form)

    def _share(self, part: str, whole: str, year: int) -> _Leaf:
        """Of lines that stand under several heads, the part is the one under the whole's."""
        of, words = content(whole), content(part)
        if not of or not words:
            raise Uncomputable("the question does not say what is a share of what")
        plain = self._phrase(part, year)
        narrow = Quantity(wanted(self._title(part), words | of), year)
        known = item_words(words) == words
        top = Apply("either", (plain, narrow) if known else (narrow, plain))
        return _Leaf(Apply("/", (top, self._phrase(whole, year))), "percent")

    def _leaf(self, text: str, year: int) -> _Leaf:
        words = content(without_periods(text))
        definition = self._defined(words, text)
        if definition is not None:
            formula, _ = formula_in(words | definition.name)
            tree = self._resolve(definition.tree, year, (definition.name,))
            form: Form = formula.form if formula else _form_of(definition.tree)
            return _Leaf(tree, form, definition.text)
        formula, named = formula_in(words)
        tree = self._phrase(text, year)
        if formula is None or words - named - LIGHT - say.RATIO_WORDS:
            return _Leaf(tree, formula.form if formula else "amount")
        return _Leaf(tree, formula.form, f"{formula.ways[0]} ({formula.source})")

    def _resolve(self, tree: Tree, year: int, inside: _Names = ()) -> Tree:
        """``tree`` with every phrase looked up; ``inside`` is the name that is being defined."""
        match tree:
            case Phrase(text):
                return self._phrase(text, year, inside)
            case Apply(op, parts, years):
                return Apply(op, tuple(self._resolve(p, year, inside) for p in parts), years)
            case _:
                return tree

    def _phrase(self, text: str, year: int, inside: _Names = ()) -> Tree:
        """What the words of one amount mean: of which year, averaged, changed, defined how."""
        named = fiscal_years(text, self.facts)
        if match := say.CHANGE_IN.match(text):
            rest = text[match.end() :]
            first, last = self._ends(named or (year,))
            later, earlier = self._named(rest, last, inside), self._named(rest, first, inside)
            return Apply("-", (later, earlier))
        if match := say.AVERAGE.match(text):
            rest = text[match.end() :]
            ends = named if len(named) > 1 else self._ends(named or (year,))
            return Apply("average", tuple(self._named(rest, y, inside) for y in ends))
        if len(named) > 1:
            raise Uncomputable(f"of which year {text.strip()!r} is, is not understood")
        year = named[0] if named else year
        opening = say.OPENING.search(text)
        if opening is None:
            return self._named(text, year, inside)
        closed = self._named(say.OPENING.sub(" ", text), year - 1, inside)
        if "year" in opening.group().casefold():
            return closed
        # A roll-forward has a row of its own for the balance at the beginning of the year.
        return Apply("either", (self._named(text, year, inside), closed))

    def _named(self, text: str, year: int, inside: _Names = ()) -> Tree:
        words = content(without_periods(plain_label(text)))
        if say.SHARE_OF.search(text):
            raise Uncomputable("the question does not say what is a share of what")
        if not words:
            raise Uncomputable("the question does not say which amount it asks for")
        definition = self._defined(words, text)
        if definition is not None and definition.name not in inside:
            return self._resolve(definition.tree, year, (*inside, definition.name))
        formula, named = formula_in(words)
        if formula is None or named in inside:
            return Quantity(wanted(self._title(text), words), year)
        rest = content(NOTE.sub("", text)) - named - LIGHT - say.RATIO_WORDS
        tree = self._formula(formula, rest, text, year, (*inside, named))
        if not rest:
            return tree
        # Such as adjusted EBITDA: a row may state it, by a definition of the company's own.
        return Apply("either", (Quantity(wanted(self._title(text), words), year), tree))

    def _formula(
        self, formula: Formula, rest: frozenset[str], text: str, year: int, inside: _Names
    ) -> Tree:
        """A measure by its definition, else as a row of a table states it."""
        ways: list[Tree] = []
        for way in formula.ways:
            tree = parse(way)
            assert tree is not None, f"{way!r} is no formula"
            ways.append(_narrowed(self._resolve(tree, year, inside), rest))
        if formula.form in ("percent", "multiple", "either"):
            line = wanted(self._title(text), inside[-1] | rest)
            kind: Kind = "number" if formula.form == "multiple" else "percent"
            ways.append(Quantity(replace(line, kind=kind), year))
        return Apply("either", tuple(ways)) if len(ways) > 1 else ways[0]

    def _defined(self, words: frozenset[str], text: str) -> Definition | None:
        """The question's own definition of ``words``; one without a name is of what is asked.

        Raises:
            Uncomputable: ``text`` says more than the name, such as a part of the company.
        """
        known = formula_in(words)[1]
        named = {d.name - NOISE: d for d in self.definitions if d.name}
        fitting = [name for name in named if name <= words and not name < known]
        if not fitting:
            unnamed = [definition for definition in self.definitions if not definition.name]
            return unnamed[0] if unnamed else None
        name = max(fitting, key=len)
        # A name with its abbreviation in parentheses is said twice.
        twice = len(name) == 1 and any(f"({word})" in text.casefold() for word in name)
        if words - name - known - LIGHT - say.RATIO_WORDS and not twice:
            raise Uncomputable(f"{self._title(text)!r} is more than what the question defines")
        return named[name]

    def _title(self, text: str) -> str:
        """``text`` without what is not the amount's name."""
        spoken = say.WORD.findall(without_years(text))
        said = content(without_periods(plain_label(text)))
        kept = [bool(said.intersection(stems(w))) or w.casefold() == "total" for w in spoken]
        names = [
            word
            for place, word in enumerate(spoken)
            if kept[place]
            or (
                word.casefold() in say.JOINING
                and any(kept[:place])
                and any(kept[place : place + 3])
            )
        ]
        return " ".join(names).strip(" ,'’") or text.strip()


def _narrowed(tree: Tree, words: frozenset[str]) -> Tree:
    """The formula of a part of the company, such as a segment."""
    match tree:
        case Quantity(line, year) if words:
            return Quantity(narrowed(line, words), year)
        case Apply(op, parts, years):
            return Apply(op, tuple(_narrowed(part, words) for part in parts), years)
        case _:
            return tree


def _form_of(tree: Tree) -> Form:
    """How the result of a definition is read: a quotient is a ratio, of days if 365 is in it."""
    if not isinstance(tree, Apply) or tree.op in "+-":
        return "amount"
    return "days" if "365" in show(tree, str) else "either"
