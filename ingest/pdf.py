"""Words with their places from a PDF, through PDFium.

The text of a page comes from one call. Boxes are asked for at the two ends of each word and
the font once a line, which is several times cheaper than a box for every character.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from ingest.pages import Style, Word
from rag_service.core.errors import IngestError

# PDFium marks a hyphen at a line's end with a code of its own and joins the next line to it.
HYPHENS = "\ufffe\x02"
LINE = re.compile(r"[^\r\n]+")
WORD = re.compile(rf"[^\s{HYPHENS}]+[{HYPHENS}]?|[{HYPHENS}]")
TRANSLATION = str.maketrans(
    {"\ufffe": "-", "\x02": "-", "\u00ad": "-", "\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl",
     "\ufb03": "ffi", "\ufb04": "ffl", "\x00": None, "\ufeff": None, "\u200b": None}
)  # fmt: skip
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ue000-\uf8ff\ufffd]+")


def read_words(content: bytes, max_pages: int) -> Iterator[list[Word]]:
    """The words of each page of a PDF, in the order of its content stream.

    Raises:
        IngestError: ``encrypted``, ``broken`` or ``too_many_pages``.
    """
    document = _open(content)
    try:
        reader = _PageReader()
        for index in range(_checked_count(document, max_pages)):
            yield reader.words(document.raw, index)
    finally:
        document.close()


def count_pages(content: bytes, max_pages: int) -> int:
    """Pages of a PDF, with the refusals of ``read_words``."""
    document = _open(content)
    try:
        return _checked_count(document, max_pages)
    finally:
        document.close()


def _checked_count(document: Any, max_pages: int) -> int:
    count = len(document)
    if count == 0:
        raise IngestError("the PDF has no pages", reason="broken")
    if count > max_pages:
        raise IngestError(
            f"{count} pages, more than the {max_pages} allowed: set RAGLOOP_MAX_PAGES higher",
            reason="too_many_pages",
        )
    return count


def _open(content: bytes) -> Any:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if pdfium.FPDF_GetLastError() == pdfium.FPDF_ERR_PASSWORD or "password" in str(error):
            raise IngestError(
                "the PDF asks for a password: save a copy without one", reason="encrypted"
            ) from error
        raise IngestError(
            f"the PDF cannot be opened ({error}): fetch or export it again", reason="broken"
        ) from error


class _PageReader:
    """Reads pages with C buffers that are made once."""

    def __init__(self) -> None:
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._x_ref, self._y_ref = ctypes.byref(self._x), ctypes.byref(self._y)
        self._rect = pdfium.FS_RECTF()
        self._rect_ref = ctypes.byref(self._rect)
        self._matrix = pdfium.FS_MATRIX()
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()

    def words(self, document: Any, index: int) -> list[Word]:
        page = pdfium.FPDF_LoadPage(document, index)
        if not page:
            raise IngestError(
                f"page {index + 1} cannot be read: fetch or export the PDF again", reason="broken"
            )
        try:
            text_page = pdfium.FPDFText_LoadPage(page)
            if not text_page:
                raise IngestError(f"page {index + 1} has no readable text layer", reason="broken")
            try:
                return self._words(text_page, pdfium.FPDF_GetPageHeightF(page))
            finally:
                pdfium.FPDFText_ClosePage(text_page)
        finally:
            pdfium.FPDF_ClosePage(page)

    def _words(self, page: Any, height: float) -> list[Word]:
        text, places = _text(page)
        box, rect, rect_ref = pdfium.FPDFText_GetLooseCharBox, self._rect, self._rect_ref
        turned: dict[int, list[Word]] = {}
        for line in LINE.finditer(text):
            words: list[Word] | None = None
            for match in WORD.finditer(text, line.start(), line.end()):
                first, last = match.start(), match.end() - 1
                if places:
                    first, last = places[first], places[last]
                box(page, first, rect_ref)
                x0, bottom, top = rect.left, rect.bottom, rect.top
                if words is None:
                    style, turn = self._style(page, first, _last_place(line, text, places))
                    words = turned.setdefault(turn, [])
                    # Box bottoms of one font lie equally far below the baseline.
                    base = height - self._origin(page, first)[1] + bottom
                if first != last:
                    box(page, last, rect_ref)
                word = match[0]
                if not (word.isascii() and word.isprintable()):
                    word = _clean(word)
                if word and turn:
                    x0, x1 = min(x0, rect.left), rect.right
                    bottom, top = min(bottom, rect.bottom), max(top, rect.top)
                    x, _ = self._origin(page, first)
                    words.append(Word(word, *_upright(turn, x0, x1, bottom, top, x), style))
                elif word:
                    words.append(Word(word, x0, rect.right, base - bottom, style))
        return _in_one_direction(turned)

    def _origin(self, page: Any, index: int) -> tuple[float, float]:
        pdfium.FPDFText_GetCharOrigin(page, index, self._x_ref, self._y_ref)
        return self._x.value, self._y.value

    def _style(self, page: Any, first: int, last: int) -> tuple[Style, int]:
        """Style of a line, and its direction in quarter turns against upright."""
        pdfium.FPDFText_GetMatrix(page, first, self._matrix)
        matrix = self._matrix
        size = pdfium.FPDFText_GetFontSize(page, first) * math.hypot(matrix.c, matrix.d)
        angle = math.atan2(matrix.b, matrix.a)
        emphasis = self._emphasis(page, first)
        if emphasis and first != last:
            # A heading that runs into its text is no heading line.
            emphasis = min(emphasis, self._emphasis(page, last))
        return Style(min(max(size, 1.0), 200.0), emphasis), round(angle / (math.pi / 2)) % 4

    def _emphasis(self, page: Any, index: int) -> int:
        length = pdfium.FPDFText_GetFontInfo(page, index, self._name, 128, self._flags)
        name = self._name.raw[: max(min(length, 128) - 1, 0)].lower()
        if b"bold" in name or b"black" in name or b"heavy" in name or b"semib" in name:
            return 2
        return 1 if b"italic" in name or b"oblique" in name else 0


def _text(page: Any) -> tuple[str, list[int]]:
    """A page's text, and PDFium's index of each character where that is not its place."""
    count = pdfium.FPDFText_CountChars(page)
    if count <= 0:
        return "", []
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    units = pdfium.FPDFText_GetText(page, 0, count, buffer) - 1
    text = bytes(buffer)[: 2 * max(units, 0)].decode("utf-16-le", errors="replace")
    if len(text) == count:
        return text, []
    # Astral characters take two units, and characters without text take none.
    places: list[int] = []
    unit = 0
    for character in text:
        found = pdfium.FPDFText_GetCharIndexFromTextIndex(page, unit)
        places.append(found if found >= 0 else min(unit, count - 1))
        unit += 2 if character > "\uffff" else 1
    return text, places


def _last_place(line: re.Match[str], text: str, places: list[int]) -> int:
    """Index of a line's last character that is not a space."""
    last = line.start() + len(text[line.start() : line.end()].rstrip()) - 1
    return places[last] if places else last


def _in_one_direction(turned: dict[int, list[Word]]) -> list[Word]:
    """Words in the direction that most are set in, then those that stand across it."""
    main, *others = sorted(turned.values(), key=len, reverse=True) or [[]]
    if not others:
        return main
    bottom = max(word.y for word in main) + 1000
    for words in others:
        top = min(word.y for word in words)
        main = main + [word._replace(y=word.y - top + bottom) for word in words]
        bottom = max(word.y for word in main) + 1000
    return main


def _upright(
    turn: int, x0: float, x1: float, bottom: float, top: float, origin_x: float
) -> tuple[float, float, float]:
    """Left, right and baseline from the top of a word that is set in quarter turns."""
    if turn == 1:
        return bottom, top, origin_x
    if turn == 3:
        return -top, -bottom, -origin_x
    return -x1, -x0, bottom


def _clean(text: str) -> str:
    return UNPRINTABLE.sub("", text.translate(TRANSLATION))
