"""Quotes must stand in their passage, and figures in what is quoted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag_service.answering.citations import Evidence, baseless_figures, cite
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
    citation = cite(PROSE, quote)
    assert citation is not None
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
    assert cite(PROSE, quote) is None


def baseless(statement: str, chunk: Chunk, quote: str, asked: Asked) -> list[str]:
    citation = cite(chunk, quote)
    assert citation is not None
    return [f.text for f in baseless_figures(statement, [Evidence(citation, chunk)], asked)]


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
