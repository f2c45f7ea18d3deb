"""Prose in columns is read column by column; tables, lists and signatures stay as they are."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import letter
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from ingest.options import ReadOptions
from ingest.page_columns import read_rows
from ingest.parse import parse_file
from ingest.pdf import Pdf

WIDTH, HEIGHT = letter
LEFT = (
    "Our instruments measure the pressure and the flow of gases in plants that run day and night."
    " Most customers renew them every seven years, and nearly all of them buy the spare parts from"
    " us.",
    "Orders rose in the spring, when two laboratories moved to new sites; they fell in the autumn,"
    " as research budgets were cut in several countries at once.",
)
RIGHT = (
    "We spent more on development than in any year before, chiefly on sensors that need no power of"
    " their own. The first of them will be sold in the coming year.",
    "Our plants worked at nine tenths of what they can make. We expect to open a further hall next"
    " summer, and to close the oldest one once its lease has ended.",
)
THIRD = (
    "The board proposes a dividend that is a tenth higher than that of the year before. It will be"
    " paid in March to those who hold shares at the end of February.",
    "We thank all who work with us for their care and for their patience in a year that asked much"
    " of them, and we look forward to the next one.",
)


class Draft:
    """A page that is drawn block by block from the top."""

    def __init__(self) -> None:
        self.buffer = io.BytesIO()
        self.canvas = Canvas(self.buffer, pagesize=letter, invariant=1)
        self.y = 60.0

    def paragraphs(
        self, texts: Sequence[str], x: float, width: float, *, size: float = 10, pitch: float = 12
    ) -> float:
        """Draw them from ``y`` down, which stays; returns where they end."""
        self.canvas.setFont("Times-Roman", size)
        y = self.y
        for text in texts:
            for line in simpleSplit(text, "Times-Roman", size, width):
                self.canvas.drawString(x, HEIGHT - y, line)
                y += pitch
            y += 0.7 * pitch
        return y

    def columns(self, *columns: Sequence[str], gutter: float = 18, pitch: float = 12) -> None:
        width = (WIDTH - 108 - gutter * (len(columns) - 1)) / len(columns)
        starts = [54 + number * (width + gutter) for number in range(len(columns))]
        ends = [
            self.paragraphs(texts, x, width, pitch=pitch)
            for texts, x in zip(columns, starts, strict=True)
        ]
        self.y = max(ends) + 6

    def line(self, text: str, x: float = 54, *, font: str = "Times-Bold", size: float = 12) -> None:
        self.canvas.setFont(font, size)
        self.canvas.drawString(x, HEIGHT - self.y, text)
        self.y += 2 * size

    def row(self, *cells: tuple[float, str], pitch: float = 13) -> None:
        self.canvas.setFont("Times-Roman", 10)
        for x, text in cells:
            self.canvas.drawString(x, HEIGHT - self.y, text)
        self.y += pitch

    def content(self) -> bytes:
        self.canvas.showPage()
        self.canvas.save()
        return self.buffer.getvalue()


def lines(draft: Draft) -> tuple[list[str], int]:
    """Rows of the page in reading order, and how many columns' edges are among them."""
    with Pdf(draft.content(), 10) as pdf:
        words = pdf.words(1)
    rows, breaks = read_rows(words)
    found = Counter(word for row in rows for word in row.text.split())
    assert found == Counter(part for word in words for part in word.text.split())
    return [row.text for row in rows], len(breaks)


def follows(texts: Sequence[str], *paragraphs: Sequence[str]) -> bool:
    """Whether the page's text holds the paragraphs whole, one after the other."""
    text = " ".join(texts)
    places = [text.find(paragraph) for group in paragraphs for paragraph in group]
    return -1 not in places and places == sorted(places)


def test_two_columns() -> None:
    draft = Draft()
    draft.columns(LEFT, RIGHT)
    texts, breaks = lines(draft)
    assert breaks == 1
    assert follows(texts, LEFT, RIGHT)


def test_columns_whose_lines_stand_at_other_heights() -> None:
    draft = Draft()
    draft.paragraphs(LEFT, 54, 240)
    draft.y += 5
    draft.paragraphs(RIGHT, 318, 240, pitch=12.7)
    texts, _ = lines(draft)
    assert follows(texts, LEFT, RIGHT)


def test_three_columns() -> None:
    draft = Draft()
    draft.columns(LEFT, RIGHT, THIRD)
    texts, breaks = lines(draft)
    assert breaks == 2
    assert follows(texts, LEFT, RIGHT, THIRD)


def test_columns_below_a_heading_and_an_opening_of_full_width() -> None:
    opening = (
        "This letter tells what the year was like for those who own the company and for those who"
        " work in it, and what the coming year may hold for both of them; figures follow below.",
    )
    draft = Draft()
    draft.line("To Our Shareholders")
    draft.y = draft.paragraphs(opening, 54, WIDTH - 108) + 6
    draft.columns(LEFT, RIGHT)
    texts, breaks = lines(draft)
    assert texts[0] == "To Our Shareholders"
    assert breaks == 2
    assert follows(texts, opening, LEFT, RIGHT)


def test_columns_around_a_table_of_full_width() -> None:
    draft = Draft()
    draft.columns(LEFT, RIGHT)
    draft.row((400, "2023"), (480, "2022"))
    for label, *values in (
        ("Sales of instruments", "1,290", "1,180"),
        ("Sales of spare parts", "310", "295"),
        ("Services", "105", "99"),
        ("Total sales of the company and of those that it controls", "1,705", "1,574"),
    ):
        draft.row((54, label), (400, values[0]), (480, values[1]))
    draft.y += 14
    draft.columns(THIRD, LEFT)
    texts, _ = lines(draft)
    text = " ".join(texts)
    assert "Sales of spare parts 310 295" in texts
    assert follows(texts, LEFT[:1], RIGHT, ("Sales of instruments 1,290 1,180",), THIRD)
    assert text.rindex(LEFT[0]) > text.index(THIRD[1])


def test_headers_and_footers_stay_at_the_edges_of_the_page() -> None:
    draft = Draft()
    draft.y = 30
    draft.row((54, "Harrow Instruments"), (450, "Annual Report"))
    draft.y = 70
    draft.columns(LEFT, RIGHT)
    draft.y = 760
    draft.row((54, "Letter to shareholders"), (540, "7"))
    texts, _ = lines(draft)
    assert texts[0] == "Harrow Instruments Annual Report"
    assert texts[-1] == "Letter to shareholders 7"
    assert follows(texts, LEFT, RIGHT)


def test_boxes_beside_one_another_are_read_box_by_box() -> None:
    draft = Draft()
    draft.columns(LEFT[:1], RIGHT[:1])
    draft.y += 10
    draft.columns(LEFT[1:], RIGHT[1:])
    draft.y += 10
    draft.columns(THIRD[:1], THIRD[1:])
    texts, _ = lines(draft)
    assert follows(texts, LEFT[:1], RIGHT[:1], LEFT[1:], RIGHT[1:], THIRD)


def _figures(draft: Draft) -> None:
    draft.line("Consolidated Statements of Income")
    for number in range(14):
        draft.row((54, f"Sales of the plants in region {number}"), (400, "1,290"), (480, "(180)"))


def _labels(draft: Draft) -> None:
    for number in range(10):
        draft.row((54, f"Plant {number}"), (250, "Measuring instruments, leased until next year"))
        draft.row((250, "and owned by the company thereafter; no rent is due"))


def _bullets(draft: Draft) -> None:
    for text in (*LEFT, *RIGHT):
        for number, line in enumerate(simpleSplit(text, "Times-Roman", 10, 440)):
            draft.row(*([(60, "•")] if number == 0 else []), (90, line))


def _nested_bullets(draft: Draft) -> None:
    for text in LEFT:
        draft.row((60, "•"), (90, "What follows is said of the plants that we own and run:"))
        for number, line in enumerate(simpleSplit(text, "Times-Roman", 10, 330)):
            draft.row(*([(150, "–")] if number == 0 else []), (170, line))


def _signatures(draft: Draft) -> None:
    for name, other in (("A. Reed", "C. Holt"), ("B. Lund", "D. Marsh"), ("E. Voss", "F. Kerr")):
        draft.row((54, "By: ____________________"), (320, "By: ____________________"))
        draft.row((54, f"Name: {name}, for the company"), (320, f"Name: {other}, for the bank"))
        draft.row((54, "Title: Chief Executive Officer"), (320, "Title: Director of the board"))
        draft.row((54, "Date: February 3, 2024"), (320, "Date: February 3, 2024"), pitch=30)


def _exhibits(draft: Draft) -> None:
    for number in range(12):
        draft.row((54, f"10.{number}"), (120, "Agreement on the lease of a plant, which was filed"))
        draft.row((120, "with the report for the quarter that ended in June and"))
        draft.row((120, "is incorporated by reference."))


def _addresses(draft: Draft) -> None:
    for number in range(8):
        draft.row((54, f"Harrow Works {number}, Plain Street"), (320, "Reed & Holt, Broad Street"))


@pytest.mark.parametrize(
    "draw",
    [_figures, _labels, _bullets, _nested_bullets, _signatures, _exhibits, _addresses],
)
def test_what_is_no_prose_in_columns_stays(draw: Callable[[Draft], None]) -> None:
    draft = Draft()
    draw(draft)
    _, breaks = lines(draft)
    assert breaks == 0


def test_a_paragraph_that_goes_on_in_the_next_column_is_one(tmp_path: Path) -> None:
    text = (*LEFT, *RIGHT, *THIRD)
    whole = simpleSplit(" ".join(text), "Times-Roman", 10, 240)
    half = len(whole) // 2
    draft = Draft()
    for number, line in enumerate(whole):
        draft.canvas.setFont("Times-Roman", 10)
        x, place = (54, number) if number < half else (318, number - half)
        draft.canvas.drawString(x, HEIGHT - 60 - 12 * place, line)
    path = tmp_path / "letter.pdf"
    path.write_bytes(draft.content())
    passages = parse_file(path, ReadOptions()).passages
    assert [passage.text for passage in passages] == [" ".join(text)]
