"""Where the words of a page are seen, whichever way the page or its text is turned."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from ingest.pdf import WORD, Pdf, clean, text_of
from rag_service.core.errors import IngestError

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as fractions of the page, from its top left."""
_STEPS = 1_000_000
"""PDFium maps places to whole numbers: the page is so many wide and high."""


class Placed(NamedTuple):
    """A word, or what stands of it on one line."""

    text: str
    box: Box


def placed_words(pdf: Pdf, number: int) -> list[Placed]:
    """The words of page ``number`` (from 1), in the order of its content stream.

    Raises IngestError if the page cannot be read.
    """
    with pdf.page(number) as page:
        text_page = pdfium.FPDFText_LoadPage(page)
        if not text_page:
            raise IngestError(f"page {number} has no readable text layer", reason="broken")
        try:
            return _placed(page, text_page)
        finally:
            pdfium.FPDFText_ClosePage(text_page)


def _placed(page: Any, text_page: Any) -> list[Placed]:
    text, places = text_of(text_page)
    boxes = _Boxes(page, text_page)
    found: list[Placed] = []
    for match in WORD.finditer(text):
        begun = match.start()
        last: Box | None = None
        whole: Box | None = None
        for at in range(*match.span()):
            box = boxes.of(places[at] if places else at)
            if box is None:
                continue
            if whole is None or last is None:
                whole = box
            elif _on_one_line(last, box):
                whole = around(whole, box)
            else:
                found.append(Placed(clean(text[begun:at]), whole))
                begun, whole = at, box
            last = box
        if whole is not None:
            found.append(Placed(clean(text[begun : match.end()]), whole))
    return found


class _Boxes:
    """The boxes of a page's characters."""

    def __init__(self, page: Any, text_page: Any) -> None:
        self._page, self._text_page = page, text_page
        self._rect = pdfium.FS_RECTF()
        self._x, self._y = ctypes.c_int(), ctypes.c_int()

    def of(self, index: int) -> Box | None:
        """None for a character without extent."""
        rect = self._rect
        pdfium.FPDFText_GetLooseCharBox(self._text_page, index, ctypes.byref(rect))
        if rect.right <= rect.left or rect.top <= rect.bottom:
            return None
        x0, y0 = self._seen(rect.left, rect.top)
        x1, y1 = self._seen(rect.right, rect.bottom)
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def _seen(self, x: float, y: float) -> tuple[float, float]:
        at = ctypes.byref(self._x), ctypes.byref(self._y)
        pdfium.FPDF_PageToDevice(self._page, 0, 0, _STEPS, _STEPS, 0, x, y, *at)
        return (
            min(max(self._x.value / _STEPS, 0.0), 1.0),
            min(max(self._y.value / _STEPS, 0.0), 1.0),
        )


def around(a: Box, b: Box) -> Box:
    """The smallest box that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _on_one_line(a: Box, b: Box) -> bool:
    """Whether two characters stand beside each other, or one above the other in turned text."""
    return _overlaps(a[1], a[3], b[1], b[3]) or _overlaps(a[0], a[2], b[0], b[2])


def _overlaps(low: float, high: float, other_low: float, other_high: float) -> bool:
    shared = min(high, other_high) - max(low, other_low)
    return shared > 0.5 * min(high - low, other_high - other_low)
