"""Small invented filings as chunks, for tests that need documents without parsing any."""

from random import Random

from rag_service.core.ids import chunk_id
from rag_service.core.types import Chunk, FilingFacts, Kind, TableCells

COMPANIES = ("Alder Mills", "Birchwater", "Cedarline", "Dunlin Foods", "Elmstone", "Fernbank")
_LINES = {
    "Consolidated Statements of Income": (
        "Net sales", "Cost of goods sold", "Gross profit", "Selling, general and administrative",
        "Research and development", "Operating income", "Interest expense", "Net income",
    ),
    "Consolidated Balance Sheets": (
        "Cash and cash equivalents", "Accounts receivable", "Inventories", "Total current assets",
        "Property, plant and equipment, net", "Goodwill", "Total assets", "Accounts payable",
        "Total current liabilities", "Long-term debt", "Total liabilities",
    ),
    "Consolidated Statements of Cash Flows": (
        "Depreciation and amortization", "Stock-based compensation",
        "Net cash provided by operating activities",
        "Purchases of property, plant and equipment", "Dividends paid",
    ),
    "Sales by region": ("Northern region", "Coastal region", "Inland region", "Total net sales"),
}  # fmt: skip
_TOPICS = ("Raw Material Prices", "Foreign Currency Exposure", "Plant Closures", "Leases of Stores")


def filing(company: str, year: int, seed: int = 0) -> list[Chunk]:
    """The chunks of one invented 10-K: four tables over three years, and some prose."""
    document = f"{company.upper().replace(' ', '')}_{year}_10K.pdf"
    facts = FilingFacts(f"{company.upper()} CORP", "", "10-K", year, f"{year}-12-31")
    chunks: list[Chunk] = []
    for title, labels in _LINES.items():
        years = (year, year - 1, year - 2)
        rows = tuple(
            (label, *(f"{_amount(company, label, y, seed):,}" for y in years)) for label in labels
        )
        cells = TableCells(title, "in millions", tuple(str(y) for y in years), rows)
        chunks.append(
            _chunk(document, facts, len(chunks), "table", title, table_text(cells), cells)
        )
    for topic in _TOPICS:
        text = f"{company} reports on {topic.lower()} in {year}. " + " ".join(
            f"{company} took measure {n} on {topic.lower()}." for n in range(6)
        )
        chunks.append(_chunk(document, facts, len(chunks), "prose", topic, text, None))
    return chunks


def filings(companies: int = 6, years: tuple[int, ...] = (2022, 2023)) -> list[Chunk]:
    """Filings of several companies, in reading order."""
    return [c for name in COMPANIES[:companies] for year in years for c in filing(name, year)]


def table_text(cells: TableCells) -> str:
    """A table as chunks print it: title, unit, header, one row a line."""
    lines = [cells.title, cells.unit, " | ".join(("", *cells.columns))]
    return "\n".join([*lines, *(" | ".join(row) for row in cells.rows)])


def _amount(company: str, label: str, year: int, seed: int) -> int:
    return Random(f"{company} {label} {year} {seed}").randint(100, 99_999)


def _chunk(
    document: str,
    facts: FilingFacts,
    position: int,
    kind: Kind,
    heading: str,
    text: str,
    cells: TableCells | None,
) -> Chunk:
    document_id = f"{abs(hash_of(document)):016x}"
    context = f"{facts.company} 10-K {facts.fiscal_year} · {heading}"
    return Chunk(
        chunk_id=chunk_id(document_id, text, context, position + 1, 0),
        document_id=document_id,
        document=document,
        text=text,
        context=context,
        kind=kind,
        section="Item 8" if kind == "table" else "Item 1A",
        heading=heading,
        page_start=position + 1,
        page_end=position + 1,
        position=position,
        facts=facts,
        cells=cells,
    )


def hash_of(name: str) -> int:
    """A number that is the same in every process."""
    return Random(name).getrandbits(63)
