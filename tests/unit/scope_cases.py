"""Documents that scopes are understood against: known companies, and what people call them."""

from __future__ import annotations

from rag_service.core.types import Document, FilingFacts


def document(
    company: str, ticker: str, year: int, end: str, form: str = "10-K", name: str = ""
) -> Document:
    name = name or f"{company.split()[0].upper()}_{year}_{form}.pdf"
    facts = FilingFacts(company, ticker, form, year, end)
    return Document(f"id of {name}", name, facts, 90, 400, 60, "2024-01-01T00:00:00Z")


def annual(
    company: str, ticker: str, *years: int, ends: str = "12-31", late: int = 0
) -> list[Document]:
    """Annual reports whose years end on ``ends``, ``late`` calendar years after their number."""
    return [document(company, ticker, year, f"{year + late}-{ends}") for year in years]


NIKE = annual("NIKE, Inc.", "NKE", 2018, 2019, 2021, 2023, ends="05-31")
BEST_BUY = annual("Best Buy Co., Inc.", "BBY", 2019, 2023, ends="01-28")
TARGET = annual("TARGET CORP", "TGT", 2021, 2022, ends="01-28", late=1)
THREE_M = [
    *annual("3M CO", "MMM", 2018), *annual("3M Company", "MMM", 2022),
    document("3M Company", "MMM", 2023, "2023-06-30", "10-Q"),
    document("3M Company", "MMM", 2023, "2023-07-25", "8-K"),
]  # fmt: skip
STORE = [
    *NIKE, *BEST_BUY, *TARGET, *THREE_M,
    *annual("Lockheed Martin Corporation", "LMT", 2020, 2021, 2022),
    *annual("MICROSOFT CORPORATION", "MSFT", 2016, 2023, ends="06-30"),
    *annual("JPMORGAN CHASE & CO", "JPM", 2021), *annual("COCA COLA CO /DE/", "KO", 2021),
    *annual("Johnson & Johnson", "JNJ", 2021), *annual("AT&T INC.", "T", 2021),
    *annual("The Procter & Gamble Company", "PG", 2021, ends="06-30"),
    *annual("Lowe’s Companies, Inc.", "LOW", 2021, ends="01-28", late=1),
    *annual("Amazon.com, Inc.", "AMZN", 2021),
    *annual("Costco Wholesale Corporation", "COST", 2021),
    *annual("Corning Incorporated", "GLW", 2020, 2021, 2022), *annual("Block, Inc.", "SQ", 2021),
    *annual("THE GAP, INC.", "GPS", 2021), *annual("BALL Corp", "BALL", 2021),
    *annual("VISA INC.", "V", 2021), *annual("Apple Inc.", "AAPL", 2021),
    *annual("Bank of America Corporation", "BAC", 2021),
    *annual("General Mills, Inc.", "GIS", 2021),
    *annual("Nestlé S.A.", "", 2021), *annual("Delta Air Lines, Inc.", "DAL", 2021),
    *annual("Union Pacific Corp", "UNP", 2021), *annual("International Paper Co", "IP", 2021),
    *annual("Texas Instruments Incorporated", "TXN", 2021),
]  # fmt: skip
