"""Real filings, where they are at hand: facts, Items, and statements row by row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest.read import Filing, ReadOptions, read_file

FILINGS = Path(__file__).parents[3] / "shared" / "filings"

pytestmark = pytest.mark.skipif(
    not FILINGS.is_dir(), reason="no real filings beside the repository"
)


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) * 3 // 2 + 2 for text in texts]


@pytest.fixture(scope="module", params=["3M_2018", "BESTBUY_2019", "NETFLIX_2017"])
def filing(request: pytest.FixtureRequest) -> Filing:
    path = FILINGS / "pdfs" / f"{request.param}_10K.pdf"
    return read_file(path, ReadOptions(), count_words)


def test_facts_are_those_of_the_manifest(filing: Filing) -> None:
    lines = (FILINGS / "manifest.jsonl").read_text().splitlines()
    entry = next(e for e in map(json.loads, lines) if e["file"] == filing.document.name)
    facts = filing.document.facts
    assert facts.company.lower().startswith(entry["company"].lower())
    assert facts.fiscal_year == entry["fiscal_year"]
    assert facts.form == "10-K"
    assert facts.ticker in {"MMM", "BBY", "NFLX"}


def test_items_are_found_in_order(filing: Filing) -> None:
    sections = list(dict.fromkeys(chunk.section for chunk in filing.chunks))
    assert sections[:4] == ["", "Item 1", "Item 1A", "Item 1B"]
    assert {"Item 7", "Item 7A", "Item 8", "Item 9A"} <= set(sections)


def test_the_cash_flow_statement_is_whole(filing: Filing) -> None:
    tables = [chunk.cells for chunk in filing.chunks if chunk.cells is not None]
    statements = [t for t in tables if "statement" in t.title.lower() and "cash" in t.title.lower()]
    rows = [row for table in statements for row in table.rows]
    purchases = [r for r in rows if r[0].startswith(("Purchases of property", "Additions to prop"))]
    assert purchases
    assert all(len([value for value in row[1:] if value]) == 3 for row in purchases)
    assert all(len(table.columns) in {3, 5} for table in statements)
