"""The fiscal year of a date, read alike where answers are made and where training data are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from finetune.facts import year_columns
from rag_service.answering.numeric.periods import column_year
from rag_service.answering.question import column_years, understand
from rag_service.core.fiscal_years import fiscal_years_named
from rag_service.core.types import FilingFacts, TableCells
from tests.fakes.filings import filing

TABLE = filing("Alder Mills", 2023)[0]


@pytest.mark.parametrize(
    ("column", "ended", "fiscal_year", "year"),
    [
        ("December 31, 2023", "2023-12-31", 2023, 2023),
        ("January 1, 2023", "2023-12-31", 2023, 2022),
        ("January 2, 2022", "2023-01-01", 2022, 2021),
        ("January 1, 2023", "2023-01-01", 2022, 2022),
        ("December 30, 2023", "2023-12-30", 2023, 2023),
        ("December 31, 2022", "2023-12-30", 2023, 2022),
        ("December 30, 2023", "2024-12-28", 2024, 2023),
        ("January 1, 2022", "2022-12-31", 2022, 2021),
        ("January 28, 2023", "2023-01-28", 2022, 2022),
        ("February 3, 2024", "2024-02-03", 2023, 2023),
        ("Year ended June 30, 2023", "2023-06-30", 2023, 2023),
        ("January 28, 2023", "2023-01-28", 2023, 2023),
        ("January 29, 2022", "2023-01-28", 2023, 2022),
        ("February 3, 2024", "2024-02-03", 2024, 2024),
        ("FY2023", "2023-01-28", 2022, 2023),
        ("2022", "2023-01-28", 2022, 2022),
        ("As of Dec. 31, 2023", "", 0, 2023),
    ],
)
def test_a_column_is_of_one_fiscal_year_wherever_it_is_read(
    column: str, ended: str, fiscal_year: int, year: int
) -> None:
    facts = FilingFacts("ALDER MILLS CORP", "", "10-K", fiscal_year, ended)
    cells = TableCells("", "", (column,), (("Net sales", "1"),))
    assert fiscal_years_named(column, facts) == {year}
    assert column_year(column, "", facts) == year
    assert column_years(understand("What were net sales?"), column, facts) == {year}
    assert [c.year for c in year_columns(replace(TABLE, facts=facts, cells=cells))] == [year]


def test_a_question_by_date_reads_calendar_years() -> None:
    facts = FilingFacts("ALDER MILLS CORP", "", "10-K", 2022, "2023-01-28")
    asked = understand("What were inventories at January 28, 2023?")
    assert column_years(asked, "January 28, 2023", facts) == {2023}


def test_several_dates_are_of_several_years() -> None:
    facts = FilingFacts("ALDER MILLS CORP", "", "10-K", 2022, "2023-01-01")
    named = fiscal_years_named("January 1, 2023 and January 2, 2022", facts)
    assert named == {2022, 2021}
    assert fiscal_years_named("2023 and 2022, each ended January 1", facts) == {2022, 2021}
    assert fiscal_years_named("% change", facts) == frozenset()
