"""Amounts with their units, and the operations on them: exact, and refused where units clash."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

from rag_service.core.errors import RagloopError

Kind = Literal["money", "per unit", "count", "percent", "points", "number"]
"""``per unit`` is money by share, employee or the like; ``points`` are differences of percentages;
``number`` is a bare ratio."""

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_CELL = re.compile(
    r"(?P<open>\()?\s*(?P<minus>[-–−])?\s*(?P<currency>[A-Z]{0,3}[$€£¥])?\s*(?P<open2>\()?\s*"
    r"(?P<minus2>[-–−])?\s*(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)\s*"
    r"(?P<mark>%|x(?![a-z]))?\s*(?P<close>\))?\s*(?P<mark2>%|x(?![a-z]))?"
    r"(?:\s*(?P<word>thousand|million|billion))?(?:\s*\((?:\d|[a-z])\))?",
    re.IGNORECASE,
)
_DASH = re.compile(r"[A-Z]{0,3}[$€£¥]?\s*\(?\s*[-–—−]+\s*\)?\s*(?P<percent>%)?")
_SCALES = {"thousand": 3, "million": 6, "billion": 9}
_SCALE = re.compile(r"\b(thousand|million|billion)s?\b", re.IGNORECASE)
_WHOLE = re.compile(r"\bin (?:whole |actual |U\.?S\.? )?dollars\b", re.IGNORECASE)


class Uncomputable(RagloopError):
    """These amounts cannot be put together: other units, or a division by zero."""

    code = "uncomputable"


class SeveralYears(Uncomputable):
    """Amounts of several years are asked for, and not what to do with them."""

    def __init__(self, years: tuple[int, ...]) -> None:
        super().__init__("the question names several years and nothing to do with them")
        self.years = years


@dataclass(frozen=True, slots=True)
class Amount:
    """``value`` times ten to the power ``scale``; a scale of None is not stated anywhere.

    Percentages and points hold the figure before the sign: 4.8 for 4.8 %.
    """

    value: Decimal
    kind: Kind = "money"
    scale: int | None = 0

    @property
    def size(self) -> Decimal:
        """The amount in ones; in the table's own unit where its scale is not stated."""
        return self.at(0)

    def at(self, scale: int) -> Decimal:
        """The value in units of ten to the power ``scale``."""
        return self.value.scaleb((self.scale or 0) - scale, _EXACT)


@dataclass(frozen=True, slots=True)
class Printed:
    """What a table cell says by itself."""

    value: Decimal
    mark: Literal["", "%", "x"] = ""
    currency: bool = False
    scale: int | None = None
    """Of a word such as million beside the figure."""


def read_cell(cell: str) -> Printed | None:
    """The figure of a table cell, or None for text and empty cells.

    Parentheses and minus signs make it negative; a dash is zero.
    """
    text = cell.strip()
    if dash := _DASH.fullmatch(text):
        return Printed(Decimal(0), "%" if dash["percent"] else "", "$" in text)
    match = _CELL.fullmatch(text)
    if match is None or bool(match["open"] or match["open2"]) != bool(match["close"]):
        return None
    value = Decimal(match["digits"].replace(",", ""))
    negative = match["open"] or match["open2"] or match["minus"] or match["minus2"]
    mark = (match["mark"] or match["mark2"] or "").lower()
    word = (match["word"] or "").lower()
    return Printed(
        -value if negative else value,
        "%" if mark == "%" else "x" if mark else "",
        bool(match["currency"]),
        _SCALES.get(word),
    )


def scale_of(text: str) -> int | None:
    """The power of ten that a line such as ``in millions, except per share`` names, or None."""
    match = _SCALE.search(text)
    if match is not None:
        return _SCALES[match.group(1).lower()]
    return 0 if _WHOLE.search(text) else None


def constant(value: int | str | Decimal) -> Amount:
    """A bare number, such as the 365 of days."""
    return Amount(Decimal(value), "number")


def total(*amounts: Amount) -> Amount:
    """The sum, in the coarsest unit among them. Raises Uncomputable for different kinds."""
    scale = _common_scale(amounts)
    value = Decimal(0)
    for amount in amounts:
        value = _EXACT.add(value, amount.at(scale or 0) if scale is not None else amount.value)
    return Amount(value, amounts[0].kind, scale)


def difference(left: Amount, right: Amount) -> Amount:
    """``left`` − ``right``; of two percentages it is in points. Raises as `total` does."""
    result = total(left, Amount(right.value.copy_negate(), right.kind, right.scale))
    kind: Kind = "points" if left.kind == "percent" else left.kind
    return Amount(result.value, kind, result.scale)


def average(*amounts: Amount) -> Amount:
    """The arithmetic mean. Raises as `total` does."""
    return divide(total(*amounts), constant(len(amounts)))


def ratio(left: Amount, right: Amount) -> Amount:
    """``left`` / ``right`` as a bare number.

    Raises:
        Uncomputable: ``right`` is zero, or the two are not of one kind.
    """
    _common_scale((left, right))
    return Amount(_quotient(left.size, right.size), "number")


def per_unit(amount: Amount, units: Amount) -> Amount:
    """Money by share, employee or store, in ones of the currency.

    Raises:
        Uncomputable: not money by a count, a unit that is not stated, or a count of zero.
    """
    if amount.kind != "money" or units.kind != "count":
        raise Uncomputable(f"{amount.kind} by {units.kind} is not an amount per unit")
    if amount.scale is None or units.scale is None:
        raise Uncomputable("the table does not say the unit of its amounts")
    return Amount(_quotient(amount.size, units.size), "per unit")


def multiply(left: Amount, right: Amount) -> Amount:
    """The product of an amount and a bare number. Raises Uncomputable for two with units."""
    if right.kind != "number":
        left, right = right, left
    if right.kind != "number":
        raise Uncomputable(f"{left.kind} times {right.kind} has no meaning here")
    return Amount(_EXACT.multiply(left.value, right.size), left.kind, left.scale)


def divide(left: Amount, right: Amount) -> Amount:
    """What ``left`` / ``right`` means for these kinds: a ratio, a part, or an amount per unit.

    Raises:
        Uncomputable: it means nothing, or ``right`` is zero.
    """
    if right.kind == "number" and left.kind != "number":
        return Amount(_quotient(left.value, right.size), left.kind, left.scale)
    if left.kind == "money" and right.kind == "count":
        return per_unit(left, right)
    return ratio(left, right)


def share(part: Amount, whole: Amount) -> Amount:
    """``part`` in percent of ``whole``. Raises as `ratio` does."""
    return percent(ratio(part, whole))


def growth(before: Amount, after: Amount) -> Amount:
    """The change from ``before`` to ``after`` in percent of the size of ``before``.

    Percentages do not grow: their change is in points. Raises as `ratio` does.
    """
    change = difference(after, before)
    if change.kind == "points":
        return change
    return share(change, Amount(before.value.copy_abs(), change.kind, before.scale))


def cagr(first: Amount, last: Amount, years: int) -> Amount:
    """Compound annual growth rate in percent: (``last`` / ``first``) ^ (1 / ``years``) − 1.

    Raises:
        Uncomputable: not at least one year, amounts that are not above zero, or other units.
    """
    if years < 1:
        raise Uncomputable("compound growth needs two different years")
    times = ratio(last, first).value
    if first.value <= 0 or last.value <= 0:
        raise Uncomputable("compound growth needs amounts above zero")
    root = _EXACT.power(times, _EXACT.divide(Decimal(1), Decimal(years)))
    return percent(Amount(_EXACT.subtract(root, Decimal(1)), "number"))


def percent(number: Amount) -> Amount:
    """A bare number as a percentage."""
    if number.kind != "number":
        raise Uncomputable(f"{number.kind} is no share that a percentage could show")
    return Amount(number.size.scaleb(2, _EXACT), "percent")


def same(left: Amount, right: Amount) -> bool:
    """Whether two printed amounts are one and the same, as exactly as each is printed."""
    if left.kind != right.kind or (left.scale is None) != (right.scale is None):
        return False
    units = {_last_place(left), _last_place(right)}
    rounded = sum(units) / 2 if len(units) > 1 else Decimal(0)
    return abs(_EXACT.subtract(left.size, right.size)) <= rounded


def _last_place(amount: Amount) -> Decimal:
    exponent = amount.value.as_tuple().exponent
    places = exponent if isinstance(exponent, int) else 0
    return Decimal(1).scaleb(min(places, 0) + (amount.scale or 0), _EXACT)


def _common_scale(amounts: Sequence[Amount]) -> int | None:
    kinds = {amount.kind for amount in amounts}
    if len(kinds) > 1:
        raise Uncomputable(f"{' and '.join(sorted(kinds))} cannot be put together")
    scales = {amount.scale for amount in amounts}
    if None in scales and len(scales) > 1:
        raise Uncomputable("one of the tables does not say the unit of its amounts")
    return max((scale for scale in scales if scale is not None), default=None)


def _quotient(left: Decimal, right: Decimal) -> Decimal:
    if right == 0:
        raise Uncomputable("this would divide by zero")
    return _EXACT.divide(left, right)
