"""Figures worked out from sample filings, as ingested, against the books they were drawn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from ingest.options import ReadOptions
from ingest.read import read_file
from ingest.samples.books import Books
from ingest.samples.companies.roster import COMPANIES
from ingest.samples.draw import draw_filing
from ingest.samples.filing import open_filing
from ingest.samples.generate import compose
from ingest.samples.profile import Company
from ingest.samples.statements import build_books
from rag_service.answering.citations import cite
from rag_service.answering.numeric.compute import Computed, compute
from rag_service.core.types import Chunk, Hit

FILINGS = ("BRANNOCH_2023", "PELLWORTH_2023", "ALDERCOURT_2022")
"""In thousands with a June year-end; a year-end about New Year; in millions with segments."""
DISTRACTORS = 9

LEVELS: dict[str, Callable[[Books], int]] = {
    "net sales": lambda b: b.income.sales,
    "revenue": lambda b: b.income.sales,
    "COGS": lambda b: b.income.cost,
    "gross profit": lambda b: b.income.gross_profit,
    "operating income": lambda b: b.income.operating_income,
    "interest expense": lambda b: b.income.interest,
    "income tax expense": lambda b: b.income.tax,
    "net income": lambda b: b.income.net_income,
    "total current assets": lambda b: b.balance.current_assets,
    "inventory": lambda b: b.balance.inventories,
    "net PP&E": lambda b: b.balance.plant,
    "total assets": lambda b: b.balance.total_assets,
    "accounts payable": lambda b: b.balance.payables,
    "long-term debt": lambda b: b.balance.long_debt,
    "shareholders' equity": lambda b: b.balance.equity,
    "operating cash flow": lambda b: b.cash.operating,
    "capital expenditures": lambda b: -b.cash.capex,
    "dividends paid": lambda b: -b.cash.dividends,
    "free cash flow": lambda b: b.cash.operating + b.cash.capex,
    "working capital": lambda b: b.balance.current_assets - b.balance.current_liabilities,
    "EBITDA": lambda b: b.income.operating_income + b.cash.depreciation + b.cash.amortization,
}
RATIOS: dict[str, Callable[[Books], Decimal]] = {
    "gross margin": lambda b: _percent(b.income.gross_profit, b.income.sales),
    "effective tax rate": lambda b: _percent(b.income.tax, b.income.pretax),
    "return on assets": lambda b: _percent(
        2 * b.income.net_income, b.opening.total_assets + b.balance.total_assets
    ),
    "quick ratio": lambda b: (
        Decimal(b.balance.current_assets - b.balance.inventories) / b.balance.current_liabilities
    ),
    "fixed asset turnover": lambda b: (
        Decimal(2 * b.income.sales) / (b.opening.plant + b.balance.plant)
    ),
    "days payable outstanding": lambda b: (
        Decimal(365) * (b.opening.payables + b.balance.payables) / 2 / b.income.cost
    ),
}


@pytest.fixture(scope="module")
def filings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Chunk, ...]]:
    folder = tmp_path_factory.mktemp("samples")
    return {name: _chunks(name, folder) for name in FILINGS}


@pytest.mark.parametrize("name", FILINGS)
def test_figures_are_those_of_the_books(name: str, filings: dict[str, tuple[Chunk, ...]]) -> None:
    company, year = _company(name), int(name[-4:])
    books = build_books(company)
    wrong = []
    for number, (item, truth) in enumerate(LEVELS.items()):
        hits = _hits(filings[name], number)
        spoken = company.name.split()[0]
        found = compute(f"What was {spoken}'s {item} in fiscal {year}?", hits)
        grown = compute(
            f"How much did {item} of {spoken} grow from FY{year - 1} to FY{year}?", hits
        )
        now, before = truth(books[year]), truth(books[year - 1])
        millions = Decimal(now) / company.unit.per_million
        if not isinstance(found, Computed) or found.result.size != millions * 10**6:
            wrong.append((item, found))
        if item in ("free cash flow", "EBITDA") and name != "BRANNOCH_2023":
            continue
        rate = _percent(now - before, abs(before))
        if not isinstance(grown, Computed) or abs(grown.result.value - rate) > Decimal("1e-9"):
            wrong.append((f"growth of {item}", grown))
    assert not wrong


@pytest.mark.parametrize("name", FILINGS)
def test_measures_are_those_of_the_books(name: str, filings: dict[str, tuple[Chunk, ...]]) -> None:
    company, year = _company(name), int(name[-4:])
    books = build_books(company)[year]
    for number, (measure, truth) in enumerate(RATIOS.items()):
        question = f"What is the FY{year} {measure} of {company.name.split()[0]}?"
        found = compute(question, _hits(filings[name], number))
        assert isinstance(found, Computed), (question, found)
        assert abs(found.result.value - truth(books)) < Decimal("1e-9"), found.text
        chunks = {chunk.chunk_id: chunk for chunk in filings[name]}
        for citation in found.citations:
            assert cite(chunks[citation.chunk_id], citation.quote) == (citation,)


@pytest.mark.parametrize("name", FILINGS)
def test_averages_and_changes_of_years_are_those_of_the_books(
    name: str, filings: dict[str, tuple[Chunk, ...]]
) -> None:
    company, year = _company(name), int(name[-4:])
    books, spoken = build_books(company), company.name.split()[0]
    years = [y for y in (year - 2, year - 1, year) if y in books]
    for number, measure in enumerate(("gross margin", "effective tax rate")):
        truths = [RATIOS[measure](books[y]) for y in years]
        hits = _hits(filings[name], number)
        asked = {
            f"Acting as a lender's analyst, and going by the income statement: what was {spoken}'s "
            f"average {measure} over FY{years[0]} to FY{year}? Answer in percent.": (
                sum(truths, Decimal(0)) / len(truths)
            ),
            f"You review banks. By how many percentage points did the {measure} of {spoken} "
            f"change from FY{year - 1} to FY{year}? Round to one decimal.": truths[-1] - truths[-2],
        }
        for question, truth in asked.items():
            found = compute(question, hits)
            assert isinstance(found, Computed), (question, found)
            assert abs(found.result.value - truth) < Decimal("1e-9"), found.text


@pytest.mark.parametrize("name", FILINGS)
def test_without_the_statements_nothing_wrong_is_said(
    name: str, filings: dict[str, tuple[Chunk, ...]]
) -> None:
    company, year = _company(name), int(name[-4:])
    books = build_books(company)[year]
    others = [chunk for chunk in filings[name] if not _is_statement(chunk)]
    random = Random(name)
    for item, truth in LEVELS.items():
        hits = _as_hits(random.sample(others, 10))
        found = compute(f"What was {company.name.split()[0]}'s {item} in fiscal {year}?", hits)
        if isinstance(found, Computed):
            right = Decimal(truth(books)) / company.unit.per_million * 10**6
            assert found.result.size == right, found.text


def _percent(part: int, whole: int) -> Decimal:
    return Decimal(100 * part) / whole


def _chunks(name: str, folder: Path) -> tuple[Chunk, ...]:
    company = _company(name)
    filing = open_filing(company, build_books(company), int(name[-4:]))
    path = folder / f"{name}_10K.pdf"
    path.write_bytes(draw_filing(compose(filing), company.look, company.name, name))
    return read_file(path, ReadOptions(), lambda texts: [len(t.split()) for t in texts]).chunks


def _company(name: str) -> Company:
    return next(company for company in COMPANIES if company.key == name[:-5])


def _is_statement(chunk: Chunk) -> bool:
    title = chunk.heading.upper()
    return chunk.cells is not None and title.startswith("CONSOLIDATED") and "COMPR" not in title


def _hits(chunks: Sequence[Chunk], seed: int) -> list[Hit]:
    """The statements among other passages of the filing, in any order."""
    random = Random(seed)
    others = [chunk for chunk in chunks if not _is_statement(chunk)]
    mixed = [c for c in chunks if _is_statement(c)] + random.sample(others, DISTRACTORS)
    random.shuffle(mixed)
    return _as_hits(mixed)


def _as_hits(chunks: Sequence[Chunk]) -> list[Hit]:
    return [Hit(rank, 0.5, chunk) for rank, chunk in enumerate(chunks, start=1)]
