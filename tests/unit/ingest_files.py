"""Draws the small filings, whole and broken, that the ingestion tests read."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pikepdf
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = letter
HEADER = "Harrow Instruments Corporation Annual Report"
INCOME = [
    ("Net sales", ("$ 4,210", "$ 3,985", "$ 3,600")),
    ("Cost of sales", ("2,105", "1,990", "1,812")),
    ("Research and development", ("310", "295", "270")),
    ("Gain on sale of businesses", ("(54)", "(12)", "—")),
    ("Operating income", ("1,849", "1,712", "1,518")),
    ("Net income", ("$ 1,290", "$ 1,180", "$ 1,020")),
]
PROSE = (
    "We design and make measuring instruments for laboratories and for process plants.",
    "Our customers stand in forty countries, and no one of them buys more than a tenth of it.",
    "Demand follows the budgets of research institutes, which are set once a year.",
)


def count_words(texts: Sequence[str]) -> list[int]:
    """A token counter without a model: a word is a token, and every input has two of its own."""
    return [len(text.split()) + 2 for text in texts]


class Sheet:
    """A page that is written from the top down."""

    def __init__(self, canvas: Canvas, page: int, header: str = HEADER) -> None:
        self.canvas = canvas
        self.y = HEIGHT - 36
        if header:
            self.line(header, size=8)
            canvas.setFont("Helvetica", 8)
            canvas.drawCentredString(WIDTH / 2, 30, str(page))
        self.y -= 24

    def line(
        self, text: str, *, bold: bool = False, size: float = 10, x: float = 54, gap: float = 1.2
    ) -> None:
        self.canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
        self.canvas.drawString(x, self.y, text)
        self.y -= gap * size

    def space(self, points: float = 10) -> None:
        self.y -= points

    def centred(self, text: str, *, bold: bool = False, size: float = 10) -> None:
        self.canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
        self.canvas.drawCentredString(WIDTH / 2, self.y, text)
        self.y -= 1.3 * size

    def row(
        self, label: str, values: Sequence[str], rights: Sequence[float] = (380, 460, 540)
    ) -> None:
        """A row without lines; ``$`` stands apart and ``)`` hangs, as filings set them."""
        self.canvas.setFont("Helvetica", 10)
        self.canvas.drawString(54, self.y, label)
        for value, right in zip(values, rights, strict=False):
            if value.startswith("$ "):
                self.canvas.drawString(right - 55, self.y, "$")
                value = value[2:]
            hang = self.canvas.stringWidth(")", "Helvetica", 10) if value.endswith(")") else 0
            self.canvas.drawRightString(right + hang, self.y, value)
        self.y -= 13


def filing(path: Path, *, extra_pages: int = 0) -> Path:
    """A 10-K of six pages: cover, contents, prose, statements over two pages, controls."""
    canvas = Canvas(str(path), pagesize=letter, invariant=1)
    _cover(canvas)
    _contents(canvas)
    _business(canvas)
    _statements(canvas)
    sheet = Sheet(canvas, 6)
    sheet.line("Item 9A. Controls and Procedures", bold=True, size=12)
    sheet.space()
    sheet.line("Management found that the controls were effective at the end of the year.")
    canvas.showPage()
    for number in range(extra_pages):
        sheet = Sheet(canvas, 7 + number)
        sheet.line(f"Further text of page {number}.")
        canvas.showPage()
    canvas.save()
    return path


def _cover(canvas: Canvas) -> None:
    sheet = Sheet(canvas, 1, header="")
    sheet.centred("UNITED STATES SECURITIES AND EXCHANGE COMMISSION", bold=True, size=12)
    sheet.centred("FORM 10-K", bold=True, size=14)
    sheet.centred("For the fiscal year ended September 30, 2023", bold=True)
    sheet.centred("Commission file number 1-99999")
    sheet.space(20)
    sheet.centred("HARROW INSTRUMENTS CORPORATION", bold=True, size=14)
    sheet.centred("(Exact name of registrant as specified in its charter)", size=8)
    sheet.space(20)
    sheet.canvas.drawString(54, sheet.y, "Title of each class")
    sheet.canvas.drawString(260, sheet.y, "Trading Symbol")
    sheet.canvas.drawString(400, sheet.y, "Name of each exchange")
    sheet.space(14)
    sheet.canvas.drawString(54, sheet.y, "Common Stock")
    sheet.canvas.drawString(260, sheet.y, "HRWI")
    sheet.canvas.drawString(400, sheet.y, "New York Stock Exchange")
    canvas.showPage()


def _contents(canvas: Canvas) -> None:
    sheet = Sheet(canvas, 2)
    sheet.centred("TABLE OF CONTENTS", bold=True)
    entries = [
        ("Item 1. Business", 3), ("Item 1A. Risk Factors", 3), ("Item 2. Properties", 3),
        ("Item 7. Management’s Discussion and Analysis", 3),
        ("Item 8. Financial Statements and Supplementary Data", 4),
        ("Item 9A. Controls and Procedures", 6),
    ]  # fmt: skip
    for title, page in entries:
        sheet.row(title, (str(page),), (540,))
    canvas.showPage()


def _business(canvas: Canvas) -> None:
    sheet = Sheet(canvas, 3)
    sheet.line("Item 1. Business", bold=True, size=12)
    sheet.space()
    sheet.line("Overview", bold=True)
    sheet.space(4)
    for sentence in PROSE:
        sheet.line(sentence)
    sheet.space()
    sheet.line("For what may go wrong see the next part and")
    sheet.line("Item 8 of this report, which holds the statements.")
    sheet.space()
    sheet.line("Item 1A. Risk Factors", bold=True, size=12)
    sheet.space()
    sheet.line("A fall in research budgets would lower our sales.")
    canvas.showPage()


def _statements(canvas: Canvas) -> None:
    sheet = Sheet(canvas, 4)
    sheet.line("Item 8. Financial Statements and Supplementary Data", bold=True, size=12)
    sheet.space()
    sheet.line("Consolidated Statements of Income", bold=True)
    sheet.line("(in millions, except per share amounts)", size=9)
    sheet.canvas.drawCentredString(440, sheet.y, "Years ended September 30,")
    sheet.space(13)
    sheet.row("", ("2023", "2022", "2021"))
    for label, values in INCOME:
        sheet.row(label, values)
    sheet.space(30)
    sheet.line("Segment Sales", bold=True)
    sheet.row("(in millions)", ("2023", "2022", "2021"))
    for number in range(24):
        sheet.row(f"Plant {number:02d} sales", (f"{number + 100}", f"{number + 90}", "—"))
    canvas.showPage()
    sheet = Sheet(canvas, 5)
    for number in range(24, 48):
        sheet.row(f"Plant {number:02d} sales", (f"{number + 100}", f"{number + 90}", "—"))
    sheet.line("Adjustments to reconcile the sales of plants to the sales of")
    sheet.row("the company as a whole", ("(7)", "(6)", "(5)"))
    canvas.showPage()


def image_only(path: Path) -> Path:
    """A scan: a page without any text."""
    canvas = Canvas(str(path), pagesize=letter)
    canvas.rect(100, 100, 300, 300, fill=1)
    canvas.showPage()
    canvas.save()
    return path


def encrypted(path: Path, plain: Path) -> Path:
    with pikepdf.open(plain) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="owner", user="user"))
    return path


def truncated(path: Path, plain: Path) -> Path:
    content = plain.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def corrupt(path: Path) -> Path:
    """A PDF in name, head and tail alone."""
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 8 + b"\n%%EOF\n")
    return path


def sparse(path: Path, megabytes: int) -> Path:
    """A file that is large to read and takes no room on disk."""
    with path.open("wb") as file:
        file.truncate(megabytes * 1024 * 1024)
    return path


def text_pdf(lines: Sequence[tuple[float, float, str]]) -> bytes:
    """One page with strings at (x, y from the top)."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=letter, invariant=1)
    canvas.setFont("Helvetica", 10)
    for x, y, text in lines:
        canvas.drawString(x, HEIGHT - y, text)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()
