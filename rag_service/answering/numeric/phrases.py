"""What the phrases of a question stand for: lines, measures and definitions, each in its year."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rag_service.answering.numeric import operation_words as say
from rag_service.answering.numeric.aliases import without_aliases
from rag_service.answering.numeric.asking import NOISE, content
from rag_service.answering.numeric.calculate import Kind, Uncomputable
from rag_service.answering.numeric.definitions import Definition
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
from rag_service.answering.numeric.items import LIGHT, item_words, narrowed, wanted
from rag_service.answering.numeric.labels import plain_label
from rag_service.answering.numeric.periods import fiscal_years, without_periods, without_years
from rag_service.answering.terms import stems
from rag_service.core.types import FilingFacts

_Names = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a phrase stands for; ``formula`` and ``definition`` are set if it is a measure."""

    tree: Tree
    form: Form
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Reads the phrases of a question about the company of ``facts``."""

    facts: FilingFacts
    definitions: tuple[Definition, ...]

    def expression(self, text: str, year: int) -> Leaf:
        """A share, an amount per unit, several amounts with signs between them, or one."""
        if not self.definitions:
            for pattern in say.PART:
                if match := pattern.search(text):
                    return self._share(say.PART_VERB.sub(" ", match["part"]), match["whole"], year)
            if match := say.PER_EACH.search(text):
                part = self._leaf(f"{match['part']} {match['rest']}", year)
                unit = self._leaf("number of employees", year)
                return Leaf(Apply("/", (part.tree, unit.tree)), "amount")
        tree = parse(plain_label(say.COMBINED.sub("", text)))
        if not isinstance(tree, Apply):
            return self._leaf(text, year)
        form: Form = "multiple" if tree.op == "/" else "amount"
        return Leaf(self._resolve(tree, year), form)

    def _share(self, part: str, whole: str, year: int) -> Leaf:
        """Of lines that stand under several heads, the part is the one under the whole's."""
        of, words = content(whole), content(part)
        if not of or not words:
            raise Uncomputable("the question does not say what is a share of what")
        plain = self._phrase(part, year)
        narrow = Quantity(wanted(self.title(part), words | of), year)
        known = item_words(words) == words
        top = Apply("either", (plain, narrow) if known else (narrow, plain))
        return Leaf(Apply("/", (top, self._phrase(whole, year))), "percent")

    def _leaf(self, text: str, year: int) -> Leaf:
        words = content(without_periods(text))
        definition = self._defined(words, text)
        if definition is not None:
            formula, _ = formula_in(words | definition.name)
            tree = self._resolve(definition.tree, year, (definition.name,))
            form: Form = formula.form if formula else _form_of(definition.tree)
            return Leaf(tree, form, definition.text)
        words = content(without_periods(without_aliases(text)))
        formula, named = formula_in(words)
        tree = self._phrase(text, year)
        if formula is None or words - named - LIGHT - say.RATIO_WORDS:
            return Leaf(tree, formula.form if formula else "amount")
        return Leaf(tree, formula.form, f"{formula.ways[0]} ({formula.source})")

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
            first, last = ends(named or (year,))
            later, earlier = self._named(rest, last, inside), self._named(rest, first, inside)
            return Apply("-", (later, earlier))
        if match := say.AVERAGE.match(text):
            rest = text[match.end() :]
            both = named if len(named) > 1 else ends(named or (year,))
            return Apply("average", tuple(self._named(rest, y, inside) for y in both))
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
        text = without_aliases(text)
        words = content(without_periods(plain_label(text)))
        formula, named = formula_in(words)
        if formula is None or named in inside:
            return Quantity(wanted(self.title(text), words), year)
        rest = content(NOTE.sub("", text)) - named - LIGHT - say.RATIO_WORDS
        tree = self._formula(formula, rest, text, year, (*inside, named))
        if not rest:
            return tree
        # Such as adjusted EBITDA: a row may state it, by a definition of the company's own.
        return Apply("either", (Quantity(wanted(self.title(text), words), year), tree))

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
            line = wanted(self.title(text), inside[-1] | rest)
            kind: Kind = "number" if formula.form == "multiple" else "percent"
            # A measure of the company is stated where its lines would be, not for a segment.
            ways.append(Quantity(replace(line, kind=kind, known=not rest), year))
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
            raise Uncomputable(f"{self.title(text)!r} is more than what the question defines")
        return named[name]

    def title(self, text: str) -> str:
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


def ends(years: tuple[int, ...]) -> tuple[int, int]:
    """The years between which something changes: the first and the last, or one and its last."""
    return (years[0] if len(years) > 1 else years[0] - 1, years[-1])


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
