"""Quotes must stand in their passage, and figures in what is quoted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag_service.answering.citations import Evidence, baseless_figures, cite, fold
from rag_service.answering.question import Asked, understand
from rag_service.core.types import Chunk
from tests.fakes.filings import filing

ASKED = understand("What were net sales?")
TABLE, *_ = filing("Alder Mills", 2023)
PROSE = replace(
    filing("Alder Mills", 2023)[4],
    text="Sales were  $1,577 million\nin 2023. Costs of U.S. plants fell.",
    page_start=7,
    page_end=8,
)


@pytest.mark.parametrize(
    "quote", ["$1,577 million in 2023", "Sales were $1,577", "  million\n in ", PROSE.text]
)
def test_a_verbatim_quote_is_cited_with_its_page(quote: str) -> None:
    (citation,) = cite(PROSE, quote)
    assert citation.quote == " ".join(quote.split())
    assert citation.quote in " ".join(PROSE.text.split())
    assert (citation.document, citation.page) == (PROSE.document, 7)
    assert citation.chunk_id == PROSE.chunk_id


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "   ",
        "Sales",
        "sales were $1,577",
        "Sales were $1",
        "577 million in",
        "osts of U.S.",
        "Sales were $1,578 million",
        "Sales … 2023",
        "million in 202",
    ],
)
def test_what_is_not_verbatim_or_cuts_a_figure_is_not_cited(quote: str) -> None:
    assert cite(PROSE, quote) == ()


OVER_PAGES = replace(
    PROSE,
    text="Sales rose.\nIn 2023 sales were  $1,577\nmillion, and costs of plants fell by 3 % "
    "to compensate.",
    page_start=7,
    page_end=9,
)


def parted(*beginnings: tuple[str, int]) -> Chunk:
    """``OVER_PAGES`` with its pages as they begin: at a text, the page."""
    breaks = tuple((OVER_PAGES.text.index(text), page) for text, page in beginnings)
    return replace(OVER_PAGES, page_breaks=breaks)


@pytest.mark.parametrize(
    ("pages", "quote", "cited", "said"),
    [
        ((("million", 8), ("to comp", 9)), "Sales rose.", (7, 7), "Sales rose."),
        ((("million", 8), ("to comp", 9)), "costs of plants", (8, 8), "costs of plants"),
        ((("million", 8), ("sate", 9)), "million, and costs", (8, 8), "million, and costs"),
        ((("costs", 9),), "$1,577 million, and costs of", (7, 7), "$1,577 million, and"),
        ((("million", 9),), "$1,577 million, and", (7, 9), "$1,577 million, and"),
        ((("1,577", 9),), "sales were $1,577 million", (7, 9), "sales were $1,577 million"),
        ((("costs", 9),), "and costs of plants fell", (9, 9), "costs of plants fell"),
        ((("costs", 8), ("by 3", 9)), "and costs of plants fell by 3 % to", (9, 9), "by 3 % to"),
        ((("sate", 9),), "to compensate.", (7, 9), "to compensate."),
        ((("sate", 9),), "3 % to compensate.", (7, 7), "3 % to"),
        ((), "costs of plants", (7, 9), "costs of plants"),
    ],
)  # fmt: skip
def test_a_quote_is_of_the_page_that_it_stands_on(
    pages: tuple[tuple[str, int], ...], quote: str, cited: tuple[int, int], said: str
) -> None:
    (citation,) = cite(parted(*pages), quote)
    assert ((citation.page, citation.page_end), citation.quote) == (cited, said)


def test_a_quote_with_figures_on_two_pages_is_cited_on_each() -> None:
    quote = "In 2023 sales were $1,577 million, and costs of plants fell by 3 %"
    assert [(c.page, c.page_end, c.quote) for c in cite(parted(("costs", 9)), quote)] == [
        (7, 7, "In 2023 sales were $1,577 million, and"),
        (9, 9, "costs of plants fell by 3 %"),
    ]


def test_a_quote_that_stands_twice_is_of_the_page_that_has_it_whole() -> None:
    chunk = replace(PROSE, text="Sales were\nflat. Sales were flat.", page_breaks=((11, 8),))
    (citation,) = cite(chunk, "Sales were flat.")
    assert (citation.page, citation.page_end, citation.quote) == (8, 8, "Sales were flat.")


def baseless(statement: str, chunk: Chunk, quote: str, asked: Asked) -> list[str]:
    evidence = Evidence(chunk, fold(quote), cite(chunk, quote))
    assert evidence.citations
    return [f.text for f in baseless_figures(statement, [evidence], asked)]


def test_figures_of_a_statement_must_stand_in_the_passage() -> None:
    assert baseless("It was $1,577 million in 2023.", PROSE, "were $1,577", ASKED) == []
    assert baseless("It was $1,578 million.", PROSE, "were $1,577", ASKED) == ["$1,578 million"]


def test_of_a_table_only_the_quoted_row_and_the_asked_year_count() -> None:
    assert TABLE.cells is not None
    row, other = TABLE.cells.rows[0], TABLE.cells.rows[1]
    line = " | ".join(row)
    asked = understand("What were net sales in 2023?")
    assert baseless(f"It was {row[1]} million in 2023.", TABLE, line, asked) == []
    assert baseless(f"It was {row[2]}.", TABLE, line, asked) == [row[2]]
    assert baseless(f"It was {row[2]}.", TABLE, line, ASKED) == []
    assert baseless(f"It was {other[1]}.", TABLE, line, asked) == [other[1]]
