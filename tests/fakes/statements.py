"""Hand-made statements of one invented company as hits, for tests of reading and computing."""

from __future__ import annotations

from rag_service.core.ids import chunk_id
from rag_service.core.types import Chunk, FilingFacts, Hit, TableCells

FACTS = FilingFacts("QUILLMERE TOOLS, INC.", "QLM", "10-K", 2023, "2023-12-31")
Rows = tuple[tuple[str, ...], ...]

INCOME: Rows = (
    ("Net sales", "$2,000", "$1,600", "$1,250"),
    ("Cost of sales", "1,200", "1,000", "800"),
    ("Gross profit", "800", "600", "450"),
    ("Selling, general and administrative expenses", "300", "260", "200"),
    ("Operating income", "500", "340", "250"),
    ("Interest expense", "(40)", "(20)", "—"),
    ("Income before income taxes", "460", "320", "250"),
    ("Provision for income taxes", "115", "80", "50"),
    ("Net income including noncontrolling interest", "$345", "$240", "$200"),
    ("Net income attributable to Quillmere", "$340", "$238", "$199"),
    ("Earnings per share:", "", "", ""),
    ("Basic", "$3.45", "$2.40", "$2.00"),
    ("Diluted", "$3.40", "$2.35", "$1.95"),
    ("Weighted average number of common shares outstanding:", "", "", ""),
    ("Basic", "100", "100", "100"),
    ("Diluted", "101.5", "102", "102"),
)
BALANCE: Rows = (
    ("Current assets:", "", ""),
    ("Cash and cash equivalents", "$210", "$190"),
    ("Receivables, less allowances of $3 and $2", "240", "200"),
    ("Inventories", "300", "260"),
    ("Total current assets", "750", "650"),
    ("Property, plant and equipment", "1,500", "1,300"),
    ("Less: accumulated depreciation", "(700)", "(600)"),
    ("Property, plant and equipment, net", "800", "700"),
    ("Total assets", "$1,800", "$1,600"),
    ("Current liabilities:", "", ""),
    ("Accounts payable", "$150", "$130"),
    ("Total current liabilities", "500", "400"),
    ("Long-term debt, less current portion", "450", "420"),
    ("Total liabilities", "1,000", "900"),
    ("Total shareholders’ equity", "800", "700"),
    ("Total liabilities and shareholders’ equity", "$1,800", "$1,600"),
)
CASH: Rows = (
    ("Net income", "$345", "$240", "$200"),
    ("Depreciation", "90", "80", "70"),
    ("Amortization of intangible assets", "10", "10", "10"),
    ("Changes in operating assets and liabilities:", "", "", ""),
    ("Receivables", "(40)", "(20)", "(5)"),
    ("Inventories", "(40)", "(30)", "(10)"),
    ("Net cash provided by operating activities", "365", "280", "265"),
    ("Purchases of property, plant and equipment", "(190)", "(150)", "(100)"),
    ("Dividends paid", "(85)", "(60)", "(50)"),
    ("Net change in cash and cash equivalents", "20", "30", "15"),
)
SEGMENTS: Rows = (
    ("Net sales:", "", "", ""),
    ("Hand Tools", "$1,400", "$1,100", "$900"),
    ("Garden", "600", "500", "350"),
    ("Total net sales", "$2,000", "$1,600", "$1,250"),
    ("Capital expenditures:", "", "", ""),
    ("Hand Tools", "$150", "$110", "$70"),
    ("Garden", "40", "40", "30"),
    ("Total", "$190", "$150", "$100"),
)
YEARS = ("2023", "2022", "2021")
MILLIONS = "(in millions, except per share amounts)"


def statements() -> list[Hit]:
    """The three statements and the note on segments."""
    return [income(), balance(), cash_flows(), segments()]


def income() -> Hit:
    return table(1, "CONSOLIDATED STATEMENTS OF INCOME", INCOME)


def balance(*, columns: tuple[str, ...] = ("2023", "2022")) -> Hit:
    return table(2, "CONSOLIDATED BALANCE SHEETS", BALANCE, columns, ("December 31,",))


def cash_flows() -> Hit:
    return table(3, "CONSOLIDATED STATEMENTS OF CASH FLOWS", CASH, unit="(in millions)")


def segments() -> Hit:
    return table(4, "2. Segment Information", SEGMENTS, unit="(in millions)")


def table(
    rank: int,
    title: str,
    rows: Rows,
    columns: tuple[str, ...] = YEARS,
    captions: tuple[str, ...] = ("Years ended December 31,",),
    unit: str = MILLIONS,
    facts: FilingFacts = FACTS,
) -> Hit:
    """A table chunk as ingestion makes it, as the hit of that rank."""
    cells = TableCells(title, unit, columns, rows, captions)
    lines = [title, unit, *captions, "  ".join(columns)]
    lines += ["  ".join(cell for cell in row if cell) for row in rows]
    text = "\n".join(filter(None, lines))
    document = f"{facts.company.split()[0]}_{facts.fiscal_year}_10K.pdf"
    context = f"{facts.company} | FY{facts.fiscal_year} 10-K | Item 8 | {title}"
    chunk = Chunk(
        chunk_id=chunk_id(document, text, context, 10 + rank, 0),
        document_id=document,
        document=document,
        text=text,
        context=context,
        kind="table",
        section="Item 8",
        heading=title,
        page_start=10 + rank,
        page_end=10 + rank,
        position=rank,
        facts=facts,
        cells=cells,
    )
    return Hit(rank, 0.6, chunk)
