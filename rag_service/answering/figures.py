"""Figures in text, and whether one text's figures are borne out by another's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

_FIGURE = re.compile(
    r"(?<![\w.,])[A-Z]{0,3}[$€£]?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?(thousand|million|billion|trillion|mn|bn|[kmb](?![a-z])))?",
    re.I,
)
_SCALES = {
    "k": 3, "thousand": 3, "m": 6, "mn": 6, "million": 6, "b": 9, "bn": 9, "billion": 9,
    "trillion": 12,
}  # fmt: skip
_NO_FIGURE = re.compile(r"(?:FY)?(?:19|20)\d{2}|\d+[A-Za-z]", re.I)
_PERCENT = re.compile(r"\s?(?:%|per\s?cent)", re.I)
_YEAR_AS_AMOUNT = re.compile(
    r"\b(?:is|are|was|were|been|be|had|has|reached|totall?ed|equall?ed|spent|paid|earned|reported|"
    r"amounted to|came to|stood at|of about|about)\s+(?:at\s+)?[$€£]?((?:FY)?(?:19|20)\d{2})\b"
    r"|[$€£]\s?((?:19|20)\d{2})\b(?!\s*(?:thousand|million|billion))",
    re.I,
)
_UNIT = re.compile(r"\b(thousand|million|billion)s?\b", re.I)


@dataclass(frozen=True, slots=True)
class Figure:
    """An amount as printed; ``scale`` is the power of ten it is meant in, if that is said."""

    text: str
    value: Decimal
    scale: int | None
    percent: bool = False
    """A sign or word of percentage follows."""


def figures(text: str, unit: str = "") -> list[Figure]:
    """Every figure in ``text``; ``unit``, such as ``in millions``, scales those that say none."""
    unit_scale = _unit_scale(unit)
    found = []
    for match in _FIGURE.finditer(text):
        word = match.group(2)
        scale = _SCALES[word.lower()] if word else unit_scale
        value = Decimal(match.group(1).replace(",", ""))
        percent = _PERCENT.match(text, match.end()) is not None
        found.append(Figure(match.group(0).strip(), value, scale, percent))
    return found


def unsupported(stated: str, evidence: Iterable[Figure]) -> list[Figure]:
    """The figures of ``stated`` that ``evidence`` does not have.

    ``1.577 billion`` is borne out by ``1,577`` in a table in millions, and not by ``1,577`` of no
    known scale; ``1,577`` is borne out by either.
    """
    known = list(evidence)
    return [f for f in figures(stated) if not any(_bears_out(other, f) for other in known)]


def has_figure(text: str, *, percent: bool = True) -> bool:
    """True if ``text`` has a figure that is no year and no part of a name such as ``7A``.

    Without ``percent``, percentages do not count.
    """
    return any(
        not _NO_FIGURE.fullmatch(match.group().strip())
        and not text[match.end() :][:1].isalpha()
        and (percent or not _PERCENT.match(text, match.end()))
        for match in _FIGURE.finditer(text)
    )


def changed_figure(fact: str, sentence: str) -> str:
    """The figure of ``sentence`` that ``fact`` does not state as it stands there, or ``""``.

    The number has to be as printed and in the same scale, which may be left out only of figures
    that have none. A year stated as an amount is such a figure.
    """
    stated = figures(fact, fact)
    for found in figures(sentence):
        if _NO_FIGURE.fullmatch(found.text):
            continue
        alike = [f for f in stated if f.value == found.value and f.percent == found.percent]
        if not any(_same_scale(fact, other, found) for other in alike):
            return found.text
    year = _YEAR_AS_AMOUNT.search(sentence)
    return year.group().split()[-1] if year else ""


def _same_scale(fact: str, known: Figure, stated: Figure) -> bool:
    if stated.scale is not None:
        return stated.scale == known.scale
    # Of figures in millions, except per share, those with decimals may be per share.
    apart = "except" in fact.casefold() and "." in known.text
    return known.scale is None or known.percent or apart


def _bears_out(known: Figure, stated: Figure) -> bool:
    if stated.scale is None:
        return known.value == stated.value
    if known.scale is None:
        return False
    return known.value.scaleb(known.scale) == stated.value.scaleb(stated.scale)


def _unit_scale(unit: str) -> int | None:
    match = _UNIT.search(unit)
    return _SCALES[match.group(1).lower()] if match else None
