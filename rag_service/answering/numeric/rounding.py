"""How a question wants its figure: decimals, scale, percentage; and figures shown that way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from rag_service.answering.numeric.calculate import Amount, percent
from rag_service.answering.numeric.formulas import Form

_NUMBERS = {
    "zero": 0, "no": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
}  # fmt: skip
_PLACES = re.compile(
    r"(?:\(?\b(?:please\s+)?(?:round(?:ed|ing)?(?:\s+(?:your|the))?(?:\s+(?:answer|result|figure))?"
    r"\s+)?(?:to|with)\s+)?\b(\d|zero|no|one|two|three|four|five|six)\s+"
    r"(?:decimals?(?:\s+(?:places?|points?|digits?))?|d\.?p\b|"
    r"digits? after the (?:decimal )?point)\b\)?",
    re.I,
)
_NEAREST = re.compile(
    r"\b(?:rounded?\s+)?to the (?:nearest|closest)\s+(?:whole\s+)?"
    r"(thousand(?!th)|million|billion|dollar|percent|number|integer|tenth|hundredth|cent)\b"
    r"(?:\s+of\s+(?:a|one)\s+per\s?cent(?:age point)?\b)?",
    re.I,
)
_SCALE = re.compile(
    r"\(?\b(?:answer\s+)?(?:in|as)\s+(?:units\s+of\s+)?(?:(?:USD|US dollars?|U\.S\. dollars?|"
    r"dollars?|\$|US\$)\s*(?:in\s+)?)?\s*(thousand|million|billion|mm|mn|bn)s?"
    r"(?:\s+(?:of\s+)?(?:USD|U\.?S\.? dollars|dollars))?\b\)?",
    re.I,
)
_PERCENT = re.compile(
    r"\(?\b(?:(?:expressed\s+)?(?:in|as)|(?:give|provide|state|report)(?:\s+me)?(?=\s+an?\s))\s+(?:units\s+of\s+)?(?:an?\s+)?(?:%|per\s?cent(?:s|ages?)?\b)"
    r"(?!\s*(?:of|points?)\b)\)?",
    re.I,
)
_WORDS = {"thousand": 3, "million": 6, "mm": 6, "mn": 6, "billion": 9, "bn": 9}
_NAMES = {0: "", 3: "thousand", 6: "million", 9: "billion"}
_MOST_PLACES = 12


@dataclass(frozen=True, slots=True)
class Style:
    """How the answer is to be shown; None and False where the question does not say."""

    places: int | None = None
    scale: int | None = None
    percent: bool = False


def asked_style(question: str) -> tuple[Style, str]:
    """How ``question`` wants its figure, and the question without the words that say so."""
    places: int | None = None
    scale: int | None = None
    if match := _PLACES.search(question):
        word = match.group(1).lower()
        places = _NUMBERS[word] if word in _NUMBERS else int(word)
    if match := _NEAREST.search(question):
        word = match.group(1).lower()
        places = {"tenth": 1, "hundredth": 2, "cent": 2}.get(word, 0)
        scale = _WORDS.get(word, 0 if word == "dollar" else None)
    if match := _SCALE.search(question):
        scale = _WORDS[match.group(1).lower()]
    style = Style(places, scale, _PERCENT.search(question) is not None)
    for pattern in (_PLACES, _NEAREST, _SCALE, _PERCENT):
        question = pattern.sub(" ", question)
    return style, question


def as_asked(amount: Amount, style: Style, form: Form) -> Amount:
    """The result of a formula in the kind and the scale that it is to be shown in.

    Raises:
        Uncomputable: a percentage is asked of what is no share.
    """
    if amount.kind == "number" and form == "points":
        return Amount(percent(amount).value, "points")
    if amount.kind == "number":
        shares = form == "percent" or (form == "either" and style.places is None)
        return percent(amount) if style.percent or shares else amount
    if style.scale is not None and amount.scale is not None and amount.kind in ("money", "count"):
        return Amount(amount.at(style.scale), amount.kind, style.scale)
    return amount


def shown(amount: Amount, style: Style, form: Form = "amount", *, exact: bool = False) -> str:
    """The amount rounded half up as asked, with its unit: ``4.8 %``, ``1,577 million``.

    Without decimals asked for, percentages get one, ratios two, and amounts stay as exact as
    they are up to three; ``exact`` keeps every decimal.
    """
    number = plain(rounded(amount, style, exact=exact))
    match amount.kind:
        case "percent":
            return f"{number} %"
        case "points":
            return f"{number} percentage points"
        case "number":
            return f"{number} days" if form == "days" else number
        case _:
            name = _NAMES.get(amount.scale or 0, "")
            return f"{number} {name}".rstrip()


def within(amount: Amount, mixed: bool) -> str:
    """The amount inside a calculation; with its unit where the amounts are of ``mixed`` scales."""
    if mixed:
        return shown(amount, Style(), exact=True)
    return f"{plain(amount.value)}{' %' if amount.kind == 'percent' else ''}"


def rounded(amount: Amount, style: Style, *, exact: bool = False) -> Decimal:
    """The amount's value with the decimals that `shown` gives it."""
    exponent = amount.value.as_tuple().exponent
    own = max(0, -exponent) if isinstance(exponent, int) else 0
    if style.places is not None:
        places = style.places
    elif exact:
        places = own
    else:
        places = {"percent": 1, "points": 1, "number": 2, "per unit": 2}.get(
            amount.kind, min(own, 3)
        )
    with localcontext(prec=60, rounding=ROUND_HALF_UP):
        value = amount.value.quantize(Decimal(1).scaleb(-min(places, _MOST_PLACES)))
    return value if value else abs(value)


def plain(value: Decimal) -> str:
    """``value`` with commas, and a proper minus sign."""
    text = f"{abs(value):,f}"
    return f"−{text}" if value < 0 else text
