"""Words and rules with their places from a PDF, through PDFium.

The text of a page comes from one call. Boxes are asked for at the two ends of each word and
the font once a line, which is several times cheaper than a box for every character.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from ingest.pages import Rule, Style, Word
from rag_service.core.errors import IngestError

# PDFium marks a hyphen at a line's end with a code of its own and joins the next line to it.
HYPHENS = "\ufffe\x02"
LINE = re.compile(r"[^\r\n]+")
WORD = re.compile(rf"[^\s{HYPHENS}]+[{HYPHENS}]?|[{HYPHENS}]")
TRANSLATION = str.maketrans(
    {"\ufffe": "-", "\x02": "-", "\u00ad": "-", "\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl",
     "\ufb03": "ffi", "\ufb04": "ffl", "\x00": None, "\ufeff": None, "\u200b": None}
)  # fmt: skip
THIN, SHORT = 2.5, 6.0
"""Points: a path lower than the one and longer than the other is a rule."""
NEARLY_WHITE = 240
"""Of 255."""
JUMP = 0.8
"""Characters farther apart than this in height, in font sizes, are not of one word."""
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ue000-\uf8ff\ufffd]+")


class Pdf:
    """An open PDF of at most ``max_pages`` pages; to be closed, as a context manager does.

    Raises:
        IngestError: ``encrypted``, ``broken`` or ``too_many_pages``.
    """

    def __init__(self, content: bytes, max_pages: int) -> None:
        self._document = _open(content)
        try:
            self._count = _checked_count(self._document, max_pages)
        except IngestError:
            self._document.close()
            raise
        self._reader = _PageReader()

    def __enter__(self) -> Pdf:
        return self

    def __exit__(self, *_: object) -> None:
        self._document.close()

    def __len__(self) -> int:
        return self._count

    def words(self, number: int) -> list[Word]:
        """Words of page ``number`` (from 1), in the order of its content stream."""
        with self.page(number) as page:
            return self._reader.words(page, number)

    def rules(self, number: int) -> list[Rule]:
        """Horizontal rules of page ``number`` (from 1); none where its text stands turned.

        A page holds thousands of objects, so they are read only where they are asked for.
        """
        with self.page(number) as page:
            return self._reader.rules(page, number)

    @contextmanager
    def page(self, number: int) -> Iterator[Any]:
        """PDFium's handle of page ``number`` (from 1), while the context lasts."""
        page = pdfium.FPDF_LoadPage(self._document.raw, number - 1)
        if not page:
            raise IngestError(
                f"page {number} cannot be read: fetch or export the PDF again", reason="broken"
            )
        try:
            yield page
        finally:
            pdfium.FPDF_ClosePage(page)


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

        self._edges = [ctypes.c_float() for _ in range(4)]
        self._edge_refs = [ctypes.byref(edge) for edge in self._edges]
        self._fill_mode, self._stroked = ctypes.c_int(), ctypes.c_int()
        self._colour = [ctypes.c_uint() for _ in range(4)]
        self._turned: set[int] = set()

    def words(self, page: Any, number: int) -> list[Word]:
        text_page = pdfium.FPDFText_LoadPage(page)
        if not text_page:
            raise IngestError(f"page {number} has no readable text layer", reason="broken")
        try:
            turned = self._words(text_page, pdfium.FPDF_GetPageHeightF(page))
        finally:
            pdfium.FPDFText_ClosePage(text_page)
        if pdfium.FPDFPage_GetRotation(page) or max(
            turned, key=lambda t: len(turned[t]), default=0
        ):
            self._turned.add(number)
        return _in_one_direction(turned)

    def rules(self, page: Any, number: int) -> list[Rule]:
        if number in self._turned:
            return []
        height = pdfium.FPDF_GetPageHeightF(page)
        left, bottom, right, top = self._edges
        found: list[Rule] = []
        for index in range(pdfium.FPDFPage_CountObjects(page)):
            item = pdfium.FPDFPage_GetObject(page, index)
            if pdfium.FPDFPageObj_GetType(item) != pdfium.FPDF_PAGEOBJ_PATH:
                continue
            pdfium.FPDFPageObj_GetBounds(item, *self._edge_refs)
            thin = top.value - bottom.value < THIN and right.value - left.value > SHORT
            if thin and not self._is_white(item):
                found.append(Rule(height - top.value, left.value, right.value))
        return found

    def _is_white(self, path: Any) -> bool:
        """Whether a path is filled with white, as the gaps between pieces of a rule often are."""
        pdfium.FPDFPath_GetDrawMode(path, self._fill_mode, self._stroked)
        if self._stroked.value or not self._fill_mode.value:
            return False
        pdfium.FPDFPageObj_GetFillColor(path, *self._colour)
        return all(part.value > NEARLY_WHITE for part in self._colour[:3])

    def _words(self, page: Any, height: float) -> dict[int, list[Word]]:
        text, places = text_of(page)
        box, rect, rect_ref = pdfium.FPDFText_GetLooseCharBox, self._rect, self._rect_ref
        turned: dict[int, list[Word]] = {}
        for line in LINE.finditer(text):
            words: list[Word] | None = None
            level, style = 0.0, Style(1.0, 0)
            mark = opened = before = 0
            for match in WORD.finditer(text, line.start(), line.end()):
                start, end = match.span()
                first, last = start, end - 1
                if places:
                    first, last = places[first], places[last]
                box(page, first, rect_ref)
                x0, bottom, top = rect.left, rect.bottom, rect.top
                if words is None or abs(bottom - level) > JUMP * style.size:
                    if words is not None:
                        # PDFium runs a short line, a heading say, together with the next one.
                        style = self._style(page, opened, before)[0]
                        words[mark:] = [word._replace(style=style) for word in words[mark:]]
                    style, turn = self._style(page, first, _last_place(line, text, places))
                    words = turned.setdefault(turn, [])
                    mark, opened = len(words), first
                    # Box bottoms of one font lie equally far below the baseline.
                    base = height - self._origin(page, first)[1] + bottom
                level, before = bottom, last
                if first != last:
                    box(page, last, rect_ref)
                word = text[start:end]
                if not (word.isascii() and word.isprintable()):
                    word = clean(word)
                if word and turn:
                    x0, x1 = min(x0, rect.left), rect.right
                    bottom, top = min(bottom, rect.bottom), max(top, rect.top)
                    x, _ = self._origin(page, first)
                    words.append(Word(word, *_upright(turn, x0, x1, bottom, top, x), style))
                elif word and (rect.right < x0 or abs(rect.bottom - bottom) > JUMP * style.size):
                    words.extend(self._jumping(page, text, start, end, places, height, style))
                elif word:
                    words.append(Word(word, x0, rect.right, base - bottom, style))
        return turned

    def _jumping(
        self,
        page: Any,
        text: str,
        start: int,
        end: int,
        places: list[int],
        height: float,
        style: Style,
    ) -> Iterator[Word]:
        """A word that begins on one line and ends on another: no space stands between them."""
        begun, y, x0, x1, level = start, 0.0, 0.0, 0.0, 0.0
        for at in range(start, end):
            place = places[at] if places else at
            pdfium.FPDFText_GetLooseCharBox(page, place, self._rect_ref)
            jumps = abs(self._rect.bottom - level) > JUMP * style.size
            if at == start or jumps or self._rect.left < x0:
                if word := clean(text[begun:at]):
                    yield Word(word, x0, x1, y, style)
                begun, x0, level = at, self._rect.left, self._rect.bottom
                y = height - self._origin(page, place)[1]
            x1 = self._rect.right
        if word := clean(text[begun:end]):
            yield Word(word, x0, x1, y, style)

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


def text_of(page: Any) -> tuple[str, list[int]]:
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


def clean(text: str) -> str:
    """Ligatures and marks of PDFium's own as letters and hyphens, without what is not printed."""
    return UNPRINTABLE.sub("", text.translate(TRANSLATION))
