"""Real filings, where they are at hand: facts, Items, and statements row by row."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest.layout import lay_out
from ingest.page_columns import read_rows
from ingest.pages import Page
from ingest.pdf import Pdf
from ingest.read import Filing, ReadOptions, read_file

NOTE = re.compile(r"(?:note\s+)?(\d{1,2})\.", re.IGNORECASE)
STATEMENTS = {"Item 8", "Item 15"}
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


def test_parts_are_found_in_order(filing: Filing) -> None:
    parts = [passage.part for passage in filing.passages if passage.level == 0 and passage.part]
    assert list(dict.fromkeys(parts)) == ["Part I", "Part II", "Part III", "Part IV"]


def test_notes_are_found_without_a_gap(filing: Filing) -> None:
    names = [c.heading.partition(" > ")[0] for c in filing.chunks if c.section in STATEMENTS]
    notes = list(dict.fromkeys(name for name in names if NOTE.match(name)))
    numbers = [int(match[1]) for name in notes if (match := NOTE.match(name))]
    assert numbers == list(range(1, len(notes) + 1))
    assert len(numbers) >= 12


def test_all_words_are_in_a_passage_or_around_the_text(filing: Filing) -> None:
    pages = []
    with Pdf(filing.path.read_bytes(), 1000) as pdf:
        for number in range(1, len(pdf) + 1):
            rows, breaks = read_rows(pdf.words(number))
            pages.append(Page(number, rows, breaks=breaks))
    around = [p for p in lay_out(pages) if type(p.element).__name__ in {"Header", "Footer"}]
    there = [Counter[str]() for _ in range(len(pages) + 1)]
    for piece in around:
        there[piece.page].update(_words(piece.element.text))
    for passage in filing.passages:
        texts = [passage.text, passage.title]
        if passage.grid is not None:
            texts += [passage.grid.unit, *passage.grid.captions, *passage.grid.columns]
        for number in range(passage.page_start, passage.page_end + 1):
            there[number].update(_words(" ".join(texts)))
    total = missing = 0
    for page in pages:
        words = _words(" ".join(row.text for row in page.rows))
        total += words.total()
        missing += (words - there[page.number]).total()
    assert missing < 0.001 * total
    assert sum(_words(piece.element.text).total() for piece in around) < 0.03 * total


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def test_the_cash_flow_statement_is_whole(filing: Filing) -> None:
    tables = [chunk.cells for chunk in filing.chunks if chunk.cells is not None]
    statements = [t for t in tables if "statement" in t.title.lower() and "cash" in t.title.lower()]
    rows = [row for table in statements for row in table.rows]
    purchases = [r for r in rows if r[0].startswith(("Purchases of property", "Additions to prop"))]
    assert purchases
    assert all(len([value for value in row[1:] if value]) == 3 for row in purchases)
    assert all(len(table.columns) in {3, 5} for table in statements)
