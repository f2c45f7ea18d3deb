"""Formulas as trees: read from words and signs, worked out, and shown with their figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from rag_service.answering.numeric import calculate
from rag_service.answering.numeric.calculate import Amount
from rag_service.answering.numeric.items import Wanted

MOST_DEEP = 20
"""Parentheses within parentheses; what has more is no formula that anybody asks for."""
Op = Literal["+", "-", "*", "/", "average", "growth", "cagr", "either"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand for an amount, not yet looked up."""

    text: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A line of the filing in one fiscal year."""

    wanted: Wanted
    year: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A bare number."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation on its parts; ``either`` is the first of them that can be found."""

    op: Op
    parts: tuple[Tree, ...]
    years: int = 0
    """Between the two parts of ``cagr``."""


Tree = Phrase | Quantity | Constant | Apply

_WORDS = (
    (re.compile(r"\bdividing\s+(.+?)\s+by\s+", re.I), r"(\1) / "),
    (re.compile(r"\bmultiplying\s+(.+?)\s+by\s+", re.I), r"(\1) * "),
    (re.compile(r"\bsubtracting\s+(.+?)\s+from\s+(.+)", re.I), r"(\2) - (\1)"),
    (re.compile(r"\b(?:the )?sum of\s+(.+?)\s+and\s+", re.I), r"\1 + "),
    (re.compile(r"\b(?:the )?ratio of\s+(.+?)\s+to\s+", re.I), r"(\1) / "),
    (re.compile(r"\s*(?:÷|\bdivided by\b)\s*", re.I), " / "),
    (re.compile(r"\s*(?:[×·]|\b(?:times|multiplied by)\b)\s*", re.I), " * "),
    (re.compile(r"\s+(?:minus|less)\s+", re.I), " - "),
    (re.compile(r"\s+plus\s+", re.I), " + "),
    (re.compile(r"(?<=[\s)])[−–-](?=[\s(])"), " - "),
)
_TOKEN = re.compile(r"\s*([()+*/]|(?<=\s)-(?=\s)|(?:(?!\s-\s)[^()+*/])+)")
NOTE = re.compile(r"(?<=[A-Za-z&’'])\s*\([^()+*/]*\)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def parse(text: str) -> Tree | None:
    """The formula that ``text`` writes in words and signs, or None if it is none.

    ``365 * average inventory / COGS`` and ``A divided by B`` are; a note in parentheses after a
    name, such as ``accounts payable (AP)``, is left out.
    """
    text = NOTE.sub("", text)
    for pattern, signs in _WORDS:
        text = pattern.sub(signs, text)
    tokens = [token.strip(" ,.;:") for token in _TOKEN.findall(f" {text} ")]
    reader = _Reader([token for token in tokens if token])
    tree = reader.sum()
    return tree if reader.at_end else None


def quantities(tree: Tree) -> Iterator[Quantity]:
    """Every line that the formula needs, in reading order; of alternatives, those of the first."""
    match tree:
        case Quantity():
            yield tree
        case Apply("either", parts):
            yield from quantities(parts[0])
        case Apply(_, parts):
            for part in parts:
                yield from quantities(part)


def settle(tree: Tree, found: Callable[[Quantity], bool]) -> Tree:
    """The formula with each choice made: the first alternative that is found whole, else the
    first."""
    if not isinstance(tree, Apply):
        return tree
    parts = tuple(settle(part, found) for part in tree.parts)
    if tree.op != "either":
        return Apply(tree.op, parts, tree.years)
    return next((part for part in parts if all(map(found, quantities(part)))), parts[0])


def evaluate(tree: Tree, amount: Callable[[Quantity], Amount]) -> Amount:
    """The formula's result. Raises Uncomputable."""
    match tree:
        case Quantity():
            return amount(tree)
        case Constant(value):
            return calculate.constant(value)
        case Phrase(text):
            raise ValueError(f"{text!r} is not looked up yet")
        case Apply(op, parts, years):
            amounts = [evaluate(part, amount) for part in parts]
            match op:
                case "+":
                    return calculate.total(*amounts)
                case "-":
                    return calculate.difference(*amounts)
                case "*":
                    return calculate.multiply(*amounts)
                case "/":
                    return calculate.divide(*amounts)
                case "average":
                    return calculate.average(*amounts)
                case "growth":
                    return calculate.growth(*amounts)
                case "cagr":
                    return calculate.cagr(amounts[0], amounts[1], years)
                case "either":
                    return amounts[0]


def show(tree: Tree, figure: Callable[[Quantity], str]) -> str:
    """The formula with figures in place of names, such as ``1,577 / 32,765``."""
    return _show(tree, figure, 0)


def _show(tree: Tree, figure: Callable[[Quantity], str], outer: int) -> str:
    """``outer`` is how tightly the sign around it binds: 0 none, 1 sums, 2 products, 3 powers."""
    match tree:
        case Quantity():
            text = figure(tree)
            return f"({text})" if text.startswith("−") and outer else text
        case Constant(value):
            return f"{value:,}"
        case Phrase(text):
            return text
        case Apply(op, parts, years):
            match op:
                case "average":
                    text, binds = f"{_joined(parts, figure)} / {len(parts)}", 2
                case "growth":
                    before, after = (_show(part, figure, 2) for part in parts)
                    base = f"|{before[1:-1]}|" if before.startswith("(−") else before
                    text, binds = f"({after} − {before}) / {base}", 2
                case "cagr":
                    first, last = (_show(part, figure, 2) for part in parts)
                    text, binds = f"({last} / {first}) ^ (1 / {years}) − 1", 1
                case "either":
                    return _show(parts[0], figure, outer)
                case _:
                    binds = 1 if op in "+-" else 2
                    # The right side of − and / keeps its parentheses at the same binding.
                    left = _show(parts[0], figure, binds - 1)
                    right = _show(parts[1], figure, binds if op in "-/" else binds - 1)
                    text = f"{left} {_SIGNS[op]} {right}"
            return f"({text})" if binds <= outer else text


def _joined(parts: tuple[Tree, ...], figure: Callable[[Quantity], str]) -> str:
    return f"({' + '.join(_show(part, figure, 0) for part in parts)})"


class _Reader:
    """Recursive descent: sums of products of names, numbers and parentheses."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._next = 0
        self._deep = 0

    @property
    def at_end(self) -> bool:
        return self._next >= len(self._tokens)

    def sum(self) -> Tree | None:
        return self._chain("+-", self._product)

    def _product(self) -> Tree | None:
        return self._chain("*/", self._factor)

    def _chain(self, signs: str, part: Callable[[], Tree | None]) -> Tree | None:
        left = part()
        while left is not None and not self.at_end and self._tokens[self._next] in signs:
            op = self._tokens[self._next]
            self._next += 1
            right = part()
            left = Apply(_OPS[op], (left, right)) if right is not None else None
        return left

    def _factor(self) -> Tree | None:
        if self.at_end:
            return None
        token = self._tokens[self._next]
        self._next += 1
        if token == "(":
            self._deep += 1
            inner = self.sum() if self._deep <= MOST_DEEP else None
            self._deep -= 1
            closed = not self.at_end and self._tokens[self._next] == ")"
            self._next += 1
            return inner if closed else None
        if token in ")+-*/":
            return None
        return Constant(Decimal(token)) if _NUMBER.fullmatch(token) else Phrase(token)


_OPS: dict[str, Op] = {"+": "+", "-": "-", "*": "*", "/": "/"}
_SIGNS = {"+": "+", "-": "−", "*": "×", "/": "/"}
