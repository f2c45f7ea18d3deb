"""Calculations that an LLM names by operation and cited figures, and that are worked out here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, DecimalException, localcontext
from functools import reduce
from typing import Literal, get_args

from rag_service.answering.citations import Evidence, fold
from rag_service.answering.figures import Figure, figures
from rag_service.answering.numeric.calculate import Amount, Uncomputable, percent, read_cell
from rag_service.answering.numeric.expressions import Apply, Op, Quantity, Tree, evaluate, show
from rag_service.answering.numeric.formulas import Form
from rag_service.answering.numeric.items import Wanted
from rag_service.answering.numeric.rounding import Style, as_asked, shown, within
from rag_service.answering.numeric.table_values import read_tables, value_of
from rag_service.core.types import Hit

Operation = Literal["ratio", "share", "difference", "growth", "sum"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
"""``ratio`` and ``share`` are of the first to the second, ``difference`` the first less the
second, and ``growth`` is from the first to the second; ``share`` and ``growth`` in percent."""
_OPS: dict[Operation, Op] = {"ratio": "/", "share": "/", "difference": "-", "growth": "growth"}


@dataclass(frozen=True, slots=True)
class Calculation:
    """What was worked out: ``text`` such as ``1,577 / 32,765 = 4.8 %``."""

    text: str
    result: Amount


def work_out(operation: Operation, operands: Sequence[tuple[Evidence, str]]) -> Calculation:
    """``operation`` on figures, each with the evidence that it stands in, as printed there.

    Raises:
        Uncomputable: a figure does not stand in its quote, or these cannot be put together.
    """
    if len(operands) < 2 or (operation != "sum" and len(operands) != 2):
        raise Uncomputable(f"a {operation} of {len(operands)} figures has no meaning")
    amounts = [_amount(evidence, figure) for evidence, figure in operands]
    leaves = [Quantity(Wanted(str(place), ()), place) for place in range(len(amounts))]
    try:
        return _worked_out(operation, amounts, leaves)
    except DecimalException as error:
        raise Uncomputable("a figure is out of every range") from error


def bears_out(calculation: Calculation, stated: Figure) -> bool:
    """Whether ``stated`` is the result, as exactly as it is stated; its sign may be in words."""
    result = calculation.result
    if stated.percent and result.kind == "number":
        result = percent(result)
    if stated.percent != (result.kind in ("percent", "points")):
        return False
    value = result.value
    if stated.scale is not None:
        if result.scale is None:
            return False
        value = result.at(stated.scale)
    with localcontext(prec=60, rounding=ROUND_HALF_UP):
        return abs(value).quantize(stated.value) == stated.value


def _worked_out(
    operation: Operation, amounts: Sequence[Amount], leaves: Sequence[Tree]
) -> Calculation:
    tree = reduce(_plus, leaves) if operation == "sum" else Apply(_OPS[operation], tuple(leaves))
    style = Style(percent=operation == "share")
    form: Form = "percent" if operation in ("share", "growth") else "multiple"
    result = as_asked(evaluate(tree, lambda leaf: amounts[leaf.year]), style, form)
    scales = {amount.scale for amount in (*amounts, result) if amount.kind in ("money", "count")}
    way = show(tree, lambda leaf: within(amounts[leaf.year], len(scales) > 1))
    return Calculation(f"{way} = {shown(result, style, form)}", result)


def _plus(left: Tree, right: Tree) -> Tree:
    return Apply("+", (left, right))


def _amount(evidence: Evidence, figure: str) -> Amount:
    """What ``figure`` means in the quote: by its cell, else by the signs and words beside it."""
    stated = read_cell(fold(figure))
    if stated is None:
        raise Uncomputable(f"{figure[:40]!r} is no figure")
    wanted = abs(stated.value)
    for table in read_tables([Hit(1, 0.0, evidence.chunk)]):
        for row in table.rows:
            if row.quote not in evidence.quote:
                continue
            for column in table.columns:
                value = value_of(table, row, column)
                if value is not None and abs(value.amount.value) == wanted:
                    return value.amount
    unit = evidence.chunk.cells.unit if evidence.chunk.cells is not None else ""
    for found in figures(evidence.quote, unit):
        if found.value == wanted:
            return _of_text(found)
    raise Uncomputable(f"{figure[:40]!r} does not stand in the quote")


def _of_text(found: Figure) -> Amount:
    if found.percent:
        return Amount(found.value, "percent")
    if found.scale is not None or any(sign in found.text for sign in "$€£"):
        return Amount(found.value, "money", found.scale or 0)
    return Amount(found.value, "number", 0)
