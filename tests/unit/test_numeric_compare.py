"""Figures of two companies or of two years, side by side, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag_service.answering.citations import cite
from rag_service.answering.numeric.compare import find_figure
from rag_service.answering.numeric.compute import Computed, Refused
from rag_service.core.types import Hit
from tests.fakes import statements as made

OTHER = replace(made.FACTS, company="BIRCHWATER MILLS CORP", ticker="BWM")


def hits() -> list[Hit]:
    sales = ("Net sales", "$2,500", "$2,010", "$1,590")
    rows = tuple(sales if row[0] == "Net sales" else row for row in made.INCOME)
    other = made.table(5, "CONSOLIDATED STATEMENTS OF INCOME", rows, facts=OTHER)
    return [*made.statements(), other]


@pytest.mark.parametrize(
    ("question", "end"),
    [
        (
            "Which of Quillmere and Birchwater had the higher net sales in fiscal 2023?",
            "BIRCHWATER MILLS CORP is higher by 2,500 million − 2,000 million = 500 million",
        ),
        (
            "Compare the gross margin of Quillmere and Birchwater in 2022.",
            "QUILLMERE TOOLS, INC. is higher by 37.5 % − 29.9 % = 7.6 percentage points",
        ),
        (
            "How much higher were Birchwater's net sales than Quillmere's in 2023?",
            "2,500 million − 2,000 million = 500 million",
        ),
        (
            "Which company had the lower operating income in 2023, Quillmere or Birchwater?",
            "they are equal",
        ),
        (
            "What was the difference between the FY2023 net sales of Birchwater and Quillmere?",
            "2,500 million − 2,000 million = 500 million",
        ),
    ],
)
def test_two_companies(question: str, end: str) -> None:
    found = find_figure(question, hits())
    assert isinstance(found, Computed), found
    assert found.text.endswith(end)
    assert {citation.document for citation in found.citations} == {
        "QUILLMERE_2023_10K.pdf",
        "BIRCHWATER_2023_10K.pdf",
    }
    chunks = {hit.chunk.chunk_id: hit.chunk for hit in hits()}
    for citation in found.citations:
        assert cite(chunks[citation.chunk_id], citation.quote) == (citation,)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (
            "What were net sales in 2022 and 2023?",
            "Net sales, FY2022: 1,600 million; Net sales, FY2023: 2,000 million; "
            "FY2023 is higher by 2,000 million − 1,600 million = 400 million",
        ),
        (
            "In which year were net sales higher, 2021 or 2022?",
            "Net sales, FY2021: 1,250 million; Net sales, FY2022: 1,600 million; "
            "FY2022 is higher by 1,600 million − 1,250 million = 350 million",
        ),
        (
            "By what percentage did Quillmere's net sales change from 2022 to 2023?",
            "Growth of net sales, FY2022, FY2023: (2,000 − 1,600) / 1,600 = 25.0 %",
        ),
    ],
)
def test_two_years(question: str, text: str) -> None:
    found = find_figure(question, made.statements())
    assert isinstance(found, Computed), found
    assert found.text == text


@pytest.mark.parametrize(
    "question",
    [
        "Which of Quillmere and Birchwater had the higher inventories in 2023?",
        "Which of Quillmere, Birchwater and Halversen had the higher net sales in 2023?",
        "What were net sales in 2019 and 2023?",
        "Which of Quillmere and Birchwater has the better strategy?",
    ],
)
def test_if_one_of_them_is_not_surely_found_nothing_is_said(question: str) -> None:
    found = find_figure(question, hits())
    assert isinstance(found, Refused), found.text
    assert found.reason


def test_where_to_look_for_what_is_missing() -> None:
    found = find_figure("Which of Quillmere and Birchwater had higher inventories?", hits())
    assert isinstance(found, Refused)
    assert found.missing == ("inventories, FY2023",)
    assert found.filings == ("BIRCHWATER_2023_10K.pdf",)
