"""Whether an answer states the number that a question's gold answer is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from rag_service.answering.figures import figures
from rag_service.core.fiscal_years import DATE, MONTH_DAY

_NUMBER = re.compile(
    r"\s*(?P<minus>[-–−])?\s*(?P<open>\()?\s*(?P<minus2>[-–−])?\s*"
    r"(?P<currency>US\$|USD|[$€£])?\s*(?P<minus3>[-–−])?\s*"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)\s*(?P<percent>%|per\s?cent\b)?\s*"
    r"(?P<close>\))?\s*(?P<scale>thousand|million|billion)?s?\s*"
    r"(?:(?P<dollars>USD|US dollars|dollars)|x|times|days|percentage points)?\s*\.?\s*",
    re.I,
)
_SCALES = {"thousand": 3, "million": 6, "billion": 9}
_YEAR = re.compile(r"\b(?:FY\s?['’]?)?(?:19|20)\d{2}\b(?![.,]\d)|\bFY\s?['’]?\d{2}\b", re.I)
_DAY = re.compile(rf"(?:{MONTH_DAY.pattern})\s*\d{{1,2}}\b", re.I)


@dataclass(frozen=True, slots=True)
class Number:
    """``scale`` is the power of ten of a word such as million beside it, None without one."""

    value: Decimal
    scale: int | None = None
    percent: bool = False
    in_parentheses: bool = False
    """Negative, or the size of a cost: what accountants' parentheses mean is not told apart."""


def one_number(text: str) -> Number | None:
    """``text`` as one number, such as ``$1,577 million`` or ``4.8%``; None if it says more.

    Trailing zero decimals of an amount in a currency or a scale are no precision: ``$5466.00`` is
    5466, so that 5,466.312 is right. Those of ratios and percentages are: ``0.90`` is not 0.9.
    """
    match = _NUMBER.fullmatch(text)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    value = Decimal(match["digits"].replace(",", ""))
    negative = match["minus"] or match["minus2"] or match["minus3"] or match["open"]
    scale = match["scale"]
    if match["currency"] or match["dollars"] or scale:
        value = _without_zeros(value)
    return Number(
        -value if negative else value,
        _SCALES[scale.lower()] if scale else None,
        bool(match["percent"]),
        bool(match["open"]),
    )


def _without_zeros(value: Decimal) -> Decimal:
    """``value`` without trailing zeros behind its point."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def stated_number(answer: str) -> Number | None:
    """The number that an answer gives: the first one behind its last ``=`` or ``: ``.

    Years and dates are no numbers.
    """
    text = answer.rpartition("=")[2] if "=" in answer else answer.rpartition(": ")[2]
    plain = _YEAR.sub(" ", _DAY.sub(" ", DATE.sub(" ", text)))
    found = next(iter(figures(plain, plain)), None)
    if found is None:
        return None
    before = plain[: plain.find(found.text)].rstrip()
    opened = before.endswith("(") or found.text.startswith("(")
    negative = opened or before.endswith(("-", "−", "–"))
    value = -found.value if negative else found.value
    return Number(value, found.scale, found.percent, opened)


def is_right(stated: Number, gold: Number) -> bool:
    """Whether the two are equal once ``stated`` is rounded half up to the decimals of ``gold``.

    Where both name a scale (thousand, million, billion), it counts; where one does not, any of
    these will do, for questions ask ``in USD millions`` and gold answers leave that out. A
    percentage equals the ratio that is a hundredth of it. The sign counts, unless one of them
    stands in parentheses.
    """
    signless = stated.in_parentheses or gold.in_parentheses
    return any(_equal(value, gold, signless) for value in _readings(stated, gold))


def _readings(stated: Number, gold: Number) -> list[Decimal]:
    if stated.percent != gold.percent:
        return [stated.value.scaleb(-2 if stated.percent else 2)]
    if stated.percent:
        return [stated.value]
    if stated.scale is not None and gold.scale is not None:
        return [stated.value.scaleb(stated.scale - gold.scale)]
    return [stated.value.scaleb(shift) for shift in (0, 3, -3, 6, -6, 9, -9)]


def _equal(value: Decimal, gold: Number, signless: bool) -> bool:
    with localcontext(prec=60, rounding=ROUND_HALF_UP):
        rounded = value.quantize(gold.value)
    return rounded == gold.value or (signless and abs(rounded) == abs(gold.value))
