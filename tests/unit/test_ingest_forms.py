"""Quarterly and current reports and annual reports to shareholders, as PDFs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from ingest.read import Filing, ReadOptions, read_file
from tests.unit.ingest_files import HEIGHT, PROSE, WIDTH, Sheet

NAME = "HARROW INSTRUMENTS CORPORATION"


def read(path: Path) -> Filing:
    return read_file(path, ReadOptions(), lambda texts: [len(text.split()) + 2 for text in texts])


def cover(canvas: Canvas, form: str, date: str) -> None:
    sheet = Sheet(canvas, 1, header="")
    sheet.centred("UNITED STATES SECURITIES AND EXCHANGE COMMISSION", bold=True, size=12)
    sheet.centred(f"FORM {form}", bold=True, size=14)
    sheet.centred(date, bold=True)
    sheet.centred("Commission file number 1-99999")
    sheet.space(20)
    sheet.centred(NAME, bold=True, size=14)
    sheet.centred("(Exact name of registrant as specified in its charter)", size=8)
    canvas.showPage()


def quarterly(path: Path) -> Path:
    canvas = Canvas(str(path), pagesize=letter, invariant=1)
    cover(canvas, "10-Q", "For the quarterly period ended June 30, 2024")
    sheet = Sheet(canvas, 2)
    sheet.line("PART I. FINANCIAL INFORMATION", bold=True)
    sheet.line("Item 1. Financial Statements (Unaudited)", bold=True)
    sheet.line("Condensed Consolidated Statements of Income", bold=True)
    sheet.line("(in millions)", size=9)
    sheet.canvas.drawCentredString(410, sheet.y, "Three months ended June 30,")
    sheet.space(13)
    sheet.row("", ("2024", "2023"))
    sheet.row("Net sales", ("$ 1,120", "$ 1,043"))
    sheet.row("Net loss", ("(34)", "(11)"))
    sheet.space(30)
    sheet.line("Item 2. Management’s Discussion and Analysis of Financial Condition", bold=True)
    sheet.space()
    for sentence in PROSE:
        sheet.line(sentence)
    canvas.showPage()
    sheet = Sheet(canvas, 3)
    sheet.line("PART II. OTHER INFORMATION", bold=True)
    for item in ("Item 1. Legal Proceedings", "Item 2. Unregistered Sales of Equity Securities"):
        sheet.line(item, bold=True)
        sheet.space()
        sheet.line("None that is material to the company or to its business.")
        sheet.space()
    canvas.showPage()
    canvas.save()
    return path


def current(path: Path) -> Path:
    canvas = Canvas(str(path), pagesize=letter, invariant=1)
    cover(canvas, "8-K", "Date of Report (Date of earliest event reported): March 5, 2024")
    sheet = Sheet(canvas, 2, header="")
    sheet.line("Item 2.02. Results of Operations and Financial Condition.", bold=True)
    sheet.space()
    sheet.line("The company published its results for the quarter in a press release.")
    sheet.space()
    sheet.line("Item 9.01. Financial Statements and Exhibits.", bold=True)
    sheet.space()
    sheet.line("99.1 Press release of March 5, 2024")
    canvas.showPage()
    sheet = Sheet(canvas, 3, header="")
    sheet.line("Exhibit 99.1", bold=True, x=470)
    sheet.centred("Harrow Instruments Reports Second Quarter Results", bold=True, size=14)
    sheet.space()
    for sentence in PROSE:
        sheet.line(sentence)
    sheet.space(20)
    sheet.line("Summary of results", bold=True)
    sheet.row("(in millions)", ("2024", "2023"))
    sheet.row("Net sales", ("$ 1,120", "$ 1,043"))
    sheet.row("Net income", ("210", "(7)"))
    canvas.showPage()
    canvas.save()
    return path


def glossy(path: Path) -> Path:
    """An annual report to shareholders: large type, two columns, a picture, no cover of a form."""
    canvas = Canvas(str(path), pagesize=letter, invariant=1)
    canvas.setFillColorRGB(0.1, 0.2, 0.5)
    canvas.rect(0, 0, WIDTH, HEIGHT, fill=1)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.setFont("Helvetica-Bold", 40)
    canvas.drawString(54, 500, "Harrow Instruments")
    canvas.drawString(54, 450, "Annual Report 2023")
    canvas.showPage()
    sheet = Sheet(canvas, 2, header="")
    sheet.line("To our shareholders", bold=True, size=22)
    top = sheet.y - 20
    columns = [
        ("our", ("instruments", "laboratories", "plants")),
        ("their", ("budgets", "orders", "years")),
    ]
    for place, (word, nouns) in enumerate(columns):
        sheet.y = top
        for number in range(18):
            noun = nouns[number % 3]
            ending = "." if number == 17 else ""
            sheet.line(f"and {word} {noun} of that year were better than line {number:02d}{ending}",
                       size=8, x=54 + 270 * place)  # fmt: skip
    canvas.showPage()
    sheet = Sheet(canvas, 3, header="")
    sheet.line("Five years at a glance", bold=True, size=18)
    sheet.row("(in millions)", ("2023", "2022", "2021"))
    sheet.row("Net sales", ("$ 4,210", "$ 3,985", "$ 3,600"))
    sheet.row("Net income", ("1,290", "1,180", "(12)"))
    canvas.showPage()
    canvas.save()
    return path


def sections(filing: Filing) -> Sequence[str]:
    return list(dict.fromkeys(chunk.section for chunk in filing.chunks))


def test_a_quarterly_report(tmp_path: Path) -> None:
    filing = read(quarterly(tmp_path / "HARROW_2024Q2_10Q.pdf"))
    facts = filing.document.facts
    assert (facts.company, facts.form, facts.fiscal_year, facts.period_end) == (
        "Harrow Instruments Corporation", "10-Q", 2024, "2024-06-30",
    )  # fmt: skip
    assert sections(filing) == [
        "", "Part I, Item 1", "Part I, Item 2", "Part II, Item 1", "Part II, Item 2",
    ]  # fmt: skip
    (cells,) = [chunk.cells for chunk in filing.chunks if chunk.cells is not None]
    assert (cells.unit, cells.columns) == ("(in millions)", ("2024", "2023"))
    assert cells.rows == (("Net sales", "$1,120", "$1,043"), ("Net loss", "(34)", "(11)"))


def test_a_current_report_with_its_press_release(tmp_path: Path) -> None:
    filing = read(current(tmp_path / "HARROW_8K_dated-2024-03-05.pdf"))
    facts = filing.document.facts
    assert (facts.company, facts.form, facts.period_end) == (
        "Harrow Instruments Corporation", "8-K", "2024-03-05",
    )  # fmt: skip
    assert sections(filing)[:3] == ["", "Item 2.02", "Item 9.01"]
    (table,) = [chunk for chunk in filing.chunks if chunk.cells is not None]
    assert table.cells is not None
    assert (table.page_start, table.cells.title) == (3, "Summary of results")
    assert table.cells.rows == (("Net sales", "$1,120", "$1,043"), ("Net income", "210", "(7)"))
    assert (table.section, table.heading) == (
        "Item 9.01", "Harrow Instruments Reports Second Quarter Results > Summary of results",
    )  # fmt: skip


def test_an_annual_report_to_shareholders(tmp_path: Path) -> None:
    filing = read(glossy(tmp_path / "Harrow_2023_annual_report.pdf"))
    assert filing.document.facts.form == ""
    assert any("does not state" in warning for warning in filing.warnings)
    text = " ".join(" ".join(chunk.text.split()) for chunk in filing.chunks)
    left = text.index("our plants of that year were better than line 17.")
    assert left < text.index("their budgets of that year were better than line 00")
    (table,) = [chunk for chunk in filing.chunks if chunk.cells is not None]
    assert table.cells is not None
    assert table.cells.rows[-1] == ("Net income", "1,290", "1,180", "(12)")
    assert (table.page_start, table.cells.title) == (3, "Five years at a glance")
