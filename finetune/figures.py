"""Numbers in text, compared as numbers: ``1,234`` is ``1234``, ``$1.2 billion`` is ``1,200`` in
millions."""

import re
from dataclasses import dataclass

from rag_service.core.types import Chunk

_FIGURE = re.compile(
    r"(?<![\w.])(?<!\d,)(?P<currency>[$€£¥]\s?\(?\s?)?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?!\d|[.,]\d|-[a-z])"
    r"(?:(?P<letters>[a-z]+)|\s?\)?\s?(?P<percent>%|per\s?cent\b)"
    r"|\s(?P<scale>thousand|million|billion|trillion)\b"
    r"|\s?\)?\s?\([^()\d]{0,40}?\b(?P<unit>thousand|million|billion)s\b)?",
    re.IGNORECASE,
)
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "mn": 1e6, "bn": 1e9}
_AFTER_CURRENCY = {"k": 1e3, "m": 1e6, "b": 1e9}
_UNIT = re.compile(r"\b(thousand|million|billion)s\b", re.IGNORECASE)
_UNIT_IN_TEXT = re.compile(r"\bin (thousand|million|billion)s\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as text prints it, without its sign: a loss is ``(56)``, ``-56`` or told as 56."""

    digits: float
    scale: float
    """What a word such as million, or ``(in millions)``, multiplies it by; 1 without one."""
    percent: bool
    telling: bool
    """Whether it stands for one thing: not a year, a count below 100 or a note's number."""

    @property
    def value(self) -> float:
        return round(self.digits * self.scale, 3)


def figures_in(text: str) -> list[Figure]:
    """All numbers of running text; those within a name (``3M``, ``10-K``, ``FY18``) are none."""
    found = []
    for match in _FIGURE.finditer(text):
        letters = (match["letters"] or "").casefold()
        scale = _SCALES.get((match["scale"] or match["unit"] or letters).casefold(), 1.0)
        if match["currency"]:
            scale = _AFTER_CURRENCY.get(letters, scale)
        if letters and letters != "x" and scale == 1.0:
            continue
        printed = match["digits"]
        digits = float(printed.replace(",", ""))
        year = len(printed) == 4 and 1900 <= digits <= 2100
        marked = bool(match["currency"] or match["percent"] or letters) or scale > 1
        telling = marked or "." in printed or (digits >= 100 and not year)
        found.append(Figure(digits, scale, bool(match["percent"]), telling))
    return found


class PrintedFigures:
    """The numbers that a passage prints, in the unit that its table names."""

    def __init__(self, chunk: Chunk) -> None:
        found = figures_in(chunk.text)
        unit = _unit(chunk)
        bare = [figure for figure in found if figure.scale == 1.0]
        self._digits = {figure.digits for figure in found}
        self._bare = {figure.digits for figure in bare}
        self._values = {figure.value for figure in found if figure.scale > 1}
        self._values |= {round(f.digits * unit, 3) for f in bare if unit and not f.percent}
        self._unknown_unit = chunk.kind == "table" and not unit

    def state(self, figure: Figure) -> bool:
        """Whether ``figure`` is among them, in whichever unit each of the two is printed."""
        if figure.percent or figure.scale == 1.0:
            told = figure.digits in self._digits
            return told or (not figure.percent and figure.value in self._values)
        told = figure.value in self._values or figure.value in self._bare
        return told or (self._unknown_unit and figure.digits in self._bare)


def _unit(chunk: Chunk) -> float:
    """What a table's numbers are multiplied by, 0 where it does not say."""
    cells = chunk.cells
    head = f"{cells.unit} {cells.title} {' '.join(cells.captions)}" if cells else ""
    match = _UNIT.search(head) or _UNIT_IN_TEXT.search(f"{chunk.context}\n{chunk.text}")
    return _SCALES[match[1].casefold()] if match else 0.0
