"""Questions answered by arithmetic on table cells, or refused with what is missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_service.answering.citations import cite
from rag_service.answering.numeric.compute import Computed, Refused, compute
from rag_service.core.types import FilingFacts, Hit
from tests.fakes import statements as made
from tests.fakes.statements import statements


def figure(question: str, hits: list[Hit] | None = None) -> Computed:
    result = compute(question, statements() if hits is None else hits)
    assert isinstance(result, Computed), result.reason
    return result


def refusal(question: str, hits: list[Hit] | None = None) -> Refused:
    result = compute(question, statements() if hits is None else hits)
    assert isinstance(result, Refused), result.text
    return result


@pytest.mark.parametrize(
    ("question", "calculation"),
    [
        ("What were Quillmere's net sales in fiscal 2022?", "1,600 million"),
        ("What is the FY2023 capital expenditure amount (in USD millions)?", "190 million"),
        ("How much did Quillmere spend on capex in 2022?", "150 million"),
        (
            "What was Quillmere's total revenue in FY23, in billions?",
            "2,000 million = 2.000 billion",
        ),
        ("What was diluted EPS in 2022?", "2.35"),
        ("How many diluted shares were outstanding on average in 2023?", "101.5"),
        ("What was net income in 2023?", "340 million"),
        ("Using the balance sheet, what is the year-end FY2022 net PP&E?", "700 million"),
        ("How much total assets did Quillmere have as of December 31, 2022?", "1,600 million"),
        ("What were receivables at the end of 2023?", "240 million"),
        ("What was long-term debt, less current portion, at year-end 2023?", "450 million"),
        ("net change in cash and cash equivalents FY2021", "15 million"),
        ("What were net sales of Garden in 2023?", "600 million"),
        ("What were Quillmere's net sales of Hand Tools in 2023?", "1,400 million"),
    ],
)
def test_reads_off_the_line_that_is_asked_for(question: str, calculation: str) -> None:
    assert figure(question).calculation == calculation


@pytest.mark.parametrize(
    ("question", "calculation"),
    [
        ("What was the gross margin in fiscal 2022?", "600 / 1,600 = 37.5 %"),
        ("What was Quillmere's operating margin in FY2023?", "500 / 2,000 = 25.0 %"),
        ("effective tax rate 2023", "115 / 460 = 25.0 %"),
        ("What is the quick ratio for FY2023?", "(750 − 300) / 500 = 0.90"),
        ("How strong was its current ratio in 2022?", "650 / 400 = 1.63"),
        ("Quillmere working capital at year-end 2023", "750 − 500 = 250 million"),
        ("What was free cash flow in 2023, in USD millions?", "365 − 190 = 175 million"),
        ("What was EBITDA in 2023?", "500 + 90 + 10 = 600 million"),
        ("EBITDA margin for fiscal 2023?", "(500 + 90 + 10) / 2,000 = 30.0 %"),
        ("What is interest coverage in 2023?", "500 / 40 = 12.50"),
        ("dividend payout ratio FY2023", "85 / 340 = 25.0 %"),
        ("What is the FY2023 dividend payout ratio? Round to two decimals.", "85 / 340 = 0.25"),
        (
            "What return on assets did Quillmere earn in 2023?",
            "340 / ((1,600 + 1,800) / 2) = 20.0 %",
        ),
        ("fixed asset turnover for 2023", "2,000 / ((700 + 800) / 2) = 2.67"),
        (
            "What is days payable outstanding for FY2023?",
            "365 × (130 + 150) / 2 / 1,200 = 42.58 days",
        ),
        ("What is the retention ratio in 2023 in percent?", "1 − 85 / 340 = 75.0 %"),
        ("What was the ratio of long-term debt to total assets in 2023?", "450 / 1,800 = 0.25"),
        ("capex as a percentage of revenue in 2022", "150 / 1,600 = 9.4 %"),
        ("What share of net sales came from Garden in 2023?", "600 / 2,000 = 30.0 %"),
        ("EBITDA less capital expenditures in 2023?", "500 + 90 + 10 − 190 = 410 million"),
    ],
)
def test_works_out_measures_by_their_definitions(question: str, calculation: str) -> None:
    assert figure(question).calculation == calculation


@pytest.mark.parametrize(
    ("question", "calculation"),
    [
        (
            "What is the year-over-year change in net sales from FY2022 to FY2023?",
            "(2,000 − 1,600) / 1,600 = 25.0 %",
        ),
        ("How much did revenue grow in 2023?", "(2,000 − 1,600) / 1,600 = 25.0 %"),
        (
            "By how much did net sales rise from 2022 to 2023, in USD millions?",
            "2,000 − 1,600 = 400 million",
        ),
        (
            "How did the gross margin change between 2022 and 2023?",
            "800 / 2,000 − 600 / 1,600 = 2.5 percentage points",
        ),
        (
            "What is the 2 year revenue CAGR from FY2021 to FY2023?",
            "(2,000 / 1,250) ^ (1 / 2) − 1 = 26.5 %",
        ),
        (
            "What is the FY2021 - FY2023 3 year average of capex as a % of revenue? Answer in "
            "units of percents and round to one decimal place.",
            "(100 / 1,250 + 150 / 1,600 + 190 / 2,000) / 3 = 9.0 %",
        ),
        (
            "What were average net sales from 2021 to 2023?",
            "(1,250 + 1,600 + 2,000) / 3 = 1,616.667 million",
        ),
    ],
)
def test_compares_years(question: str, calculation: str) -> None:
    assert figure(question).calculation == calculation


@pytest.mark.parametrize(
    ("question", "calculation"),
    [
        (
            "What is the FY2023 fixed asset turnover ratio? Fixed asset turnover ratio is defined "
            "as: FY2023 revenue / (average PP&E between FY2022 and FY2023). Round your answer to "
            "two decimal places.",
            "2,000 / ((700 + 800) / 2) = 2.67",
        ),
        (
            "What is the FY2023 days payable outstanding (DPO)? DPO is defined as: 365 * (average "
            "accounts payable between FY2022 and FY2023) / (FY2023 COGS + change in inventory "
            "between FY2022 and FY2023). Round to one decimal.",
            "365 × (130 + 150) / 2 / (1,200 + 300 − 260) = 41.2 days",
        ),
        (
            "What is the FY2023 unadjusted EBITDA margin? Define unadjusted EBITDA as unadjusted "
            "operating income + depreciation.",
            "(500 + 90) / 2,000 = 29.5 %",
        ),
        (
            "What is Quillmere's cash cover for 2023 (calculated as cash and cash equivalents "
            "divided by total current liabilities)? Give it with two decimals.",
            "210 / 500 = 0.42",
        ),
    ],
)
def test_follows_the_definition_in_the_question(question: str, calculation: str) -> None:
    assert figure(question).calculation == calculation


def test_every_figure_has_its_row_its_page_and_its_year() -> None:
    found = figure("What was free cash flow in 2023?")
    assert [(v.label, v.year, v.printed) for v in found.values] == [
        ("Net cash provided by operating activities", 2023, "365"),
        ("Purchases of property, plant and equipment", 2023, "(190)"),
    ]
    hits = {hit.chunk.chunk_id: hit.chunk for hit in statements()}
    for citation in found.citations:
        chunk = hits[citation.chunk_id]
        assert cite(chunk, citation.quote) == (citation,)
        assert citation.page == chunk.page_start == 13
    assert found.definition.startswith("operating cash flow - capital expenditures")


def test_the_result_is_exact_and_rounded_half_up() -> None:
    found = figure("What was the current ratio in 2022? Round to two decimal places.")
    assert found.result.value == Decimal("1.625")
    assert found.rounded == Decimal("1.63")


def test_what_is_not_found_is_named_with_its_year() -> None:
    missing = refusal("What is the quick ratio for FY2023?", [made.income(), made.cash_flows()])
    assert missing.missing == (
        "total current assets, FY2023",
        "inventories, FY2023",
        "total current liabilities, FY2023",
    )
    assert "no table found states inventories, FY2023" in missing.reason
    assert refusal("What were net sales in 2019?").missing == ("net sales, FY2019",)
    average = refusal("What is the asset turnover for 2022?")
    assert average.missing == ("total assets, FY2021",)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What were net sales in the second quarter of 2023?", "quarter"),
        ("What were total assets as of June 30, 2023?", "no fiscal year of the company ends on"),
        ("What were net sales in 2022 and 2023?", "several years"),
        ("What was net sales per employee in 2023?", "no table found states number of employees"),
        ("What were net sales of the Aerospace segment in 2023?", "no table found states"),
        ("What were Halversen's net sales in 2023?", "no table found states"),
        ("Who is the chief executive officer?", "no table found states"),
        ("What was adjusted EBITDA in 2023?", "no table found states"),
        ("What was it in 2023?", "does not say which amount"),
        ("What was diluted EPS as a percentage of net income in 2023?", "cannot be put together"),
        ("What was the operating margin growth of interest coverage in 2021?", "no table"),
        (
            "What is the cover ratio for 2023? Cover ratio is defined as: (cash / . Round it.",
            "definition in the question is not understood",
        ),
    ],
)  # fmt: skip
def test_what_is_not_understood_or_not_stated_is_refused(question: str, reason: str) -> None:
    assert reason in refusal(question).reason


def test_division_by_a_dash_is_refused() -> None:
    assert "divide by zero" in refusal("What was interest coverage in 2021?").reason


def test_without_hits_or_tables_nothing_is_computed() -> None:
    assert refusal("What were net sales in 2023?", []).reason == "no passages"
    prose = [replace(hit, chunk=replace(hit.chunk, cells=None)) for hit in statements()]
    assert refusal("What were net sales in 2023?", prose).missing == ("net sales, FY2023",)


def test_a_segment_table_does_not_stand_for_the_company() -> None:
    rows = (("Net sales", "$600", "$500", "$350"), ("Operating income", "90", "80", "70"))
    garden = made.table(1, "Garden", rows, unit="(in millions)")
    assert refusal("What were net sales in 2023?", [garden]).candidates
    assert figure("What were net sales of Garden in 2023?", [garden]).rounded == 600
    assert figure("What was the operating margin of Garden in 2023?", [garden]).calculation == (
        "90 / 600 = 15.0 %"
    )


def test_a_title_in_words_of_the_companys_name_is_still_that_of_a_part() -> None:
    rows = (("Net sales", "$1,400", "$1,100", "$900"),)
    tools = made.table(1, "Tools", rows, unit="(in millions)")
    assert refusal("What were Quillmere's net sales in 2023?", [tools]).candidates


def test_the_filing_of_the_year_asked_for_comes_before_a_later_restatement() -> None:
    restated = tuple(
        ("Net sales", "$2,500", "$2,010", "$1,590") if row[0] == "Net sales" else row
        for row in made.INCOME
    )
    later = replace(made.FACTS, fiscal_year=2024, period_end="2024-12-31")
    newer = made.table(
        1, "CONSOLIDATED STATEMENTS OF INCOME", restated, ("2024", "2023", "2022"), facts=later
    )
    hits = [newer, *statements()]
    assert figure("What were net sales in 2023?", hits).calculation == "2,000 million"
    assert figure("What were net sales in 2024?", hits).calculation == "2,500 million"
    assert figure("How much did net sales grow in 2024?", hits).calculation == (
        "(2,500 − 2,010) / 2,010 = 24.4 %"
    )


def test_a_year_that_ends_about_new_year_keeps_its_number() -> None:
    facts = FilingFacts("QUILLMERE TOOLS, INC.", "QLM", "10-K", 2023, "2023-12-31")
    hit = made.table(
        1, "CONSOLIDATED STATEMENTS OF INCOME", made.INCOME,
        ("December 31, 2023", "January 1, 2023", "January 2, 2022"), ("Fiscal Year Ended",),
        facts=facts,
    )  # fmt: skip
    assert figure("What were net sales in fiscal 2022?", [hit]).rounded == 1600
    assert figure("What were net sales in the year ended January 2, 2022?", [hit]).rounded == 1250


def test_a_january_year_end_belongs_to_the_year_before() -> None:
    facts = FilingFacts("QUILLMERE TOOLS, INC.", "QLM", "10-K", 2022, "2023-01-28")
    hit = made.table(
        1, "CONSOLIDATED BALANCE SHEETS", made.BALANCE, ("January 28, 2023", "January 29, 2022"),
        (), facts=facts,
    )  # fmt: skip
    assert figure("What were inventories at the end of fiscal 2022?", [hit]).rounded == 300
    assert figure("What were inventories at January 29, 2022?", [hit]).rounded == 260
    above = made.table(
        1, "CONSOLIDATED BALANCE SHEETS", made.BALANCE, ("2023", "2022"), ("January 28,",),
        facts=facts,
    )  # fmt: skip
    assert figure("What were inventories at the end of fiscal 2022?", [above]).rounded == 300


def test_tables_in_thousands_and_in_millions_are_reconciled_and_shown() -> None:
    rows = tuple((label, *(f"{c},000" if c else "" for c in cells)) for label, *cells in made.CASH)
    rows = tuple(
        (label, *(c.replace("),000", ",000)").replace("$", "") for c in cells))
        for label, *cells in rows
    )
    thousands = made.table(3, "CONSOLIDATED STATEMENTS OF CASH FLOWS", rows, unit="(in thousands)")
    found = figure("capex as a percentage of revenue in 2022", [made.income(), thousands])
    assert found.calculation == "150,000 thousand / 1,600 million = 9.4 %"


def test_a_table_without_a_unit_is_not_mixed_with_one_that_has_it() -> None:
    bare = made.table(3, "CONSOLIDATED STATEMENTS OF CASH FLOWS", made.CASH, unit="")
    question = "capex as a percentage of revenue in 2022"
    assert "does not say the unit" in refusal(question, [made.income(), bare]).reason
    assert figure("What was free cash flow in 2022?", [bare]).calculation == "280 − 150 = 130"


def test_costs_in_parentheses_are_sizes_and_tax_benefits_are_not() -> None:
    rows = (
        ("Net sales", "$2,000", "$1,600", "$1,250"),
        ("Cost of sales", "(1,200)", "(1,000)", "(800)"),
        ("Income before income taxes", "460", "320", "250"),
        ("Income tax expense (benefit)", "(15)", "80", "50"),
    )
    hit = made.table(1, "CONSOLIDATED STATEMENTS OF INCOME", rows)
    assert figure("COGS margin in 2023", [hit]).calculation == "1,200 / 2,000 = 60.0 %"
    assert figure("effective tax rate 2023", [hit]).calculation == "(−15) / 460 = −3.3 %"


def test_the_balance_at_the_beginning_of_a_year() -> None:
    rows = (("Stores at beginning of year", "40", "35", "30"), ("Opened", "3", "5", "5"))
    stores = made.table(1, "(number of stores)", rows, unit="")
    assert figure("How many stores at the beginning of 2022?", [stores]).rounded == 35
    assert figure("What were inventories at the beginning of 2023?").rounded == 260


def test_shares_of_a_total_are_not_taken_for_amounts() -> None:
    shares = made.table(1, "(percent of net sales)", (("Garden", "30.0%", "31.3%", "28.0%"),))
    assert refusal("How much was Garden in 2023?", [shares]).candidates
    assert figure("What was Garden in 2023, in percent?", [shares]).calculation == "30.0 %"


def test_two_amounts_under_one_name_are_shown_not_chosen_from() -> None:
    rows = (("Work in process", "$40", "$30", "$20"),)
    two = [
        made.table(1, "3. Inventories", rows),
        made.table(2, "4. Inventories", (("Work in process", "$45", "$30", "$20"),)),
    ]
    doubtful = refusal("What was work in process in 2023?", two)
    assert "more than one process, FY2023: $40 or $45" in doubtful.reason
    assert [c.value.printed for c in doubtful.candidates] == ["$40", "$45"]
    assert figure("What was work in process in 2022?", two).rounded == 30


WORDS = (
    "What was is the of in and to from less plus minus divided by ratio average growth change CAGR "
    "share percentage % per ( ) / * + - 365 99999999 2023 FY2022 2021 defined as: define as year "
    "3-year net sales revenue COGS gross margin EPS diluted capex EBITDA total assets inventory "
    "Quillmere Garden segment balance sheet round two decimals millions ? . : , January 28,"
)
SPOKEN = st.sampled_from(WORDS.split())


@settings(deadline=None, max_examples=60)
@given(st.lists(SPOKEN, max_size=30).map(" ".join))
def test_no_question_makes_it_fail(question: str) -> None:
    found = compute(question, statements())
    if isinstance(found, Computed):
        assert found.citations
        assert found.calculation in found.text
    else:
        assert found.reason


@pytest.mark.parametrize(
    "definition", ["(" * 900 + "sales" + ")" * 900, f"{'9' * 300} * net sales / total assets"]
)
def test_absurd_definitions_are_refused(definition: str) -> None:
    assert refusal(f"What is the cover for 2023? Cover is defined as: {definition}").reason
    assert "more than filings state" in refusal("99999 year average of net sales?").reason
