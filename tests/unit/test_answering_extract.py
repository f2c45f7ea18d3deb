"""Picking the row or sentence that answers, and knowing when none does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag_service.answering.extract import Extract, extract
from rag_service.core.types import Chunk, FilingFacts, Hit, TableCells
from tests.fakes.filings import table_text

FACTS = FilingFacts("CEDARLINE CORP", "CDL", "10-K", 2023, "2023-12-31")


def table(rank: int, cells: TableCells) -> Hit:
    return Hit(rank, 0.7, _chunk(rank, "table", cells.title, table_text(cells), cells))


def prose(rank: int, text: str) -> Hit:
    return Hit(rank, 0.6, _chunk(rank, "prose", "Results of Operations", text, None))


def _chunk(rank: int, kind: str, heading: str, text: str, cells: TableCells | None) -> Chunk:
    return Chunk(
        f"d.{rank}", "d", "CEDARLINE_2023_10K.pdf", text, "CEDARLINE CORP 10-K 2023",
        kind, "Item 8", heading, 10 + rank, 11 + rank, rank, FACTS, cells,  # type: ignore[arg-type]
    )  # fmt: skip


HITS = (
    table(
        1,
        TableCells(
            "Consolidated Statements of Cash Flows",
            "in millions",
            ("2023", "2022"),
            (
                ("Investing activities", "", ""),
                ("Purchases of property, plant and equipment", "(577)", "(573)"),
                ("Net cash used in investing activities", "(715)", "(772)"),
            ),
        ),
    ),
    table(
        2,
        TableCells(
            "Consolidated Statements of Income",
            "in millions, except per share data",
            ("Year ended December 31, 2023", "Year ended December 31, 2022"),
            (
                ("Net sales", "2,765", "1,657"),
                ("Cost of sales", "682", "655"),
                ("Net income", "363", "869"),
                ("Earnings per share:", "", ""),
                ("Basic", "9.09", "8.13"),
                ("Diluted", "8.89", "7.93"),
            ),
        ),
    ),
    table(
        3,
        TableCells(
            "Net sales by region, 2023",
            "in millions",
            ("Coastal", "Inland"),
            (("Timber", "111", "222"), ("Paper", "333", "444")),
        ),
    ),
    prose(
        4,
        "Net sales increased 66.9% in 2023 on higher volumes.\nThe Company employed 9,100 "
        "people at the end of the year. The increase in operating margin was due to lower pulp "
        "costs.",
    ),
)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (
            "What were Cedarline's capital expenditures in FY2023?",
            "Purchases of property, plant and equipment: (577) (2023, in millions)",
        ),
        (
            "How much were net sales of Cedarline in 2022?",
            "Net sales: 1,657 (Year ended December 31, 2022, in millions, except per share data)",
        ),
        (
            "What was revenue in 2023?",
            "Net sales: 2,765 (Year ended December 31, 2023, in millions, except per share data)",
        ),
        (
            "What was the diluted EPS for 2022?",
            "Diluted: 7.93 (Year ended December 31, 2022, in millions, except per share data)",
        ),
        (
            "cash used in investing activities in 2023 and 2022",
            "Net cash used in investing activities: (715) (2023, in millions); (772) (2022)",
        ),
        ("What were inland sales of paper?", "Paper: 444 (Inland, in millions)"),
        (
            "Why did the operating margin increase in 2023?",
            "The increase in operating margin was due to lower pulp costs.",
        ),
        (
            "By what percentage did net sales increase in 2023?",
            "Net sales increased 66.9% in 2023 on higher volumes.",
        ),
        (
            "How many people were employed?",
            "The Company employed 9,100 people at the end of the year.",
        ),
    ],
)
def test_states_the_row_or_sentence_that_answers(question: str, text: str) -> None:
    found = _found(question)
    assert (found.text, found.doubt) == (text, "")


@pytest.mark.parametrize(
    "question", ["What were net sales in 2023?", "Why did operating margin increase?"]
)
def test_the_quote_stands_in_the_cited_passage(question: str) -> None:
    (citation,) = _found(question).evidence.citations
    chunk = next(hit.chunk for hit in HITS if hit.chunk.chunk_id == citation.chunk_id)
    assert citation.quote in " ".join(chunk.text.split())
    assert (citation.document, citation.page) == (chunk.document, chunk.page_start)


@pytest.mark.parametrize(
    ("question", "doubt"),
    [
        ("What was net income in FY2019?", "2019"),
        ("What was Dunlin's revenue in 2023?", "dunlin"),
        ("dunlin total revenue 2023", "enough"),
        ("What was the gross margin in 2023?", "no figure"),
        ("What was the ratio of cost of sales in 2023?", "ratio"),
        ("By what percentage did the cost of sales rise?", "percent"),
        ("Why did net sales increase in 2023?", "reason"),
        ("What is the volume?", "enough"),
        ("What was net income from orbital tourism and lunar mining?", "enough"),
    ],
)
def test_doubts_what_the_passages_do_not_say(question: str, doubt: str) -> None:
    assert doubt in _found(question).doubt


@pytest.mark.parametrize("question", ["?", "What is the weather?", "Who audited it?", "2023"])
def test_finds_nothing_where_no_word_is_shared(question: str) -> None:
    assert extract(question, HITS) is None


def test_finds_nothing_in_nothing() -> None:
    assert extract("What were net sales?", ()) is None


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What was goodwill in fiscal 2023?", "71"),
        ("What was goodwill in FY2022?", "72"),
        ("What was goodwill at February 3, 2024?", "71"),
        ("What was goodwill?", "71"),
    ],
)
def test_a_fiscal_year_that_ends_in_the_next_year_has_that_dates_column(
    question: str, value: str
) -> None:
    columns = ("February 3, 2024", "January 28, 2023")
    cells = TableCells("Balance Sheets", "in millions", columns, (("Goodwill", "71", "72"),))
    hit = table(1, cells)
    facts = replace(FACTS, period_end="2024-02-03")
    found = extract(question, [replace(hit, chunk=replace(hit.chunk, facts=facts))])
    assert found is not None
    assert found.text.startswith(f"Goodwill: {value} ")
    assert found.doubt == ""


def _found(question: str) -> Extract:
    found = extract(question, HITS)
    assert found is not None
    return found
