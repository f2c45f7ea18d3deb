"""Questions as people put them: with a preamble, over several years, in other words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from rag_service.answering.numeric.compare import find_figure
from rag_service.answering.numeric.compute import Computed, Refused
from rag_service.answering.question import asks_for_figure
from rag_service.core.types import Hit
from tests.fakes import statements as made


def calculation(question: str, hits: list[Hit] | None = None) -> str:
    found = find_figure(question, hits or made.statements())
    assert isinstance(found, Computed), found.reason
    return found.calculation


def refusal(question: str, hits: list[Hit] | None = None) -> str:
    found = find_figure(question, hits or made.statements())
    assert isinstance(found, Refused), found.text
    return found.reason


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        (
            "Acting as a credit analyst, and going by the balance sheet: what were Quillmere's "
            "total assets at year end 2022? Give the answer in billions of US dollars, to one "
            "decimal.",
            "1,600 million = 1.6 billion",
        ),
        (
            "Drawing on what the report says, what was Quillmere's current ratio for 2022?",
            "650 / 400 = 1.63",
        ),
        (
            "In keeping with the notes, what were Quillmere's inventories in 2022 in millions?",
            "260 million",
        ),
        (
            "You are a junior auditor. Your partner wants to know what Quillmere's inventories "
            "were at the end of FY2022. Please answer in USD thousands.",
            "260 million = 260,000 thousand",
        ),
        (
            "I am preparing a memo about leverage and cash. Looking at the consolidated balance "
            "sheet of Quillmere, what was long-term debt at the end of 2023? Answer in millions.",
            "450 million",
        ),
        (
            "As a saver I care about liquidity. By relying on the details in the statement of "
            "financial position, tell me Quillmere's current ratio for 2022, rounded to 2 "
            "decimals.",
            "650 / 400 = 1.63",
        ),
        (
            "Quillmere's FY2023 working capital, please. Use the balance sheet; express in "
            "billions with three decimals.",
            "750 million − 500 million = 0.250 billion",
        ),
        (
            "Imagine you advise a bank. Using only the cash flow statement, how much did Quillmere "
            "pay out in dividends in 2022? Report the figure in thousands.",
            "60 million = 60,000 thousand",
        ),
        (
            "Please find Quillmere's net income in 2022. Answer only with the number, in billions.",
            "238 million = 0.238 billion",
        ),
        (
            'My supervisor asked: "What was Quillmere\'s EBITDA in 2023?" Reply in billions with '
            "2 decimals.",
            "500 million + 90 million + 10 million = 0.60 billion",
        ),
        ("Going by the FY2023 10-K, what were net sales in 2021?", "1,250 million"),
        (
            "Based on the P&L and the balance sheet, what was Quillmere's asset turnover in 2023?",
            "2,000 / ((1,600 + 1,800) / 2) = 1.18",
        ),
        (
            "You are an analyst. Asset yield is defined as: net income / (average total assets "
            "between FY2022 and FY2023). What is the FY2023 asset yield? Give a percentage with "
            "one decimal.",
            "340 / ((1,600 + 1,800) / 2) = 20.0 %",
        ),
        ("FY2023 gross margin to the nearest tenth of a percent?", "800 / 2,000 = 40.0 %"),
    ],
)
def test_only_the_sentence_that_asks_counts(question: str, shown: str) -> None:
    assert asks_for_figure(question)
    assert calculation(question) == shown


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("For the Garden segment, what were net sales in 2023?", "600 million"),
        ("Consider only the Garden segment. What were net sales in 2023?", "600 million"),
    ],
)
def test_a_part_of_the_company_named_before_the_question_is_meant(
    question: str, shown: str
) -> None:
    assert calculation(question) == shown


@pytest.mark.parametrize(
    "question",
    [
        "Focus on Garden. What were net profits in 2023?",
        "Excluding one-time items, what was Quillmere's net income in 2023?",
        "Given that prices are adjusted, what was the gross margin in 2023?",
        "For the Aerospace segment, what was the gross margin in 2023?",
        "Look at the second quarter. What were net sales in 2023?",
        "What were state income taxes in 2023?",
        "How much did Quillmere pay in income taxes in 2023?",
    ],
)
def test_what_narrows_the_amount_is_not_left_out(question: str) -> None:
    assert refusal(question)


MARGINS = "(199 / 1,250 + 238 / 1,600 + 340 / 2,000) / 3"


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("average net margin over FY2021 to FY2023", f"{MARGINS} = 15.9 %"),
        (
            "What is Quillmere's FY2021 - FY2023 3 year average of net profit margin (as a %)? "
            "Answer in percents and round to two decimals.",
            f"{MARGINS} = 15.93 %",
        ),
        ("Average net margin in the three years to FY2023?", f"{MARGINS} = 15.9 %"),
        ("What was its mean net margin over the last three fiscal years?", f"{MARGINS} = 15.9 %"),
        ("mean net margin for the years 2021, 2022 and 2023", f"{MARGINS} = 15.9 %"),
        (
            "three-year average of capital expenditures, 2021–2023",
            "(100 + 150 + 190) / 3 = 146.667 million",
        ),
        (
            "average annual revenue of Quillmere during 2021-2023?",
            "(1,250 + 1,600 + 2,000) / 3 = 1,616.667 million",
        ),
        (
            "Average cost of goods sold (COGS), FY22 through FY23?",
            "(1,000 + 1,200) / 2 = 1,100 million",
        ),
        (
            "Calculate the average of Quillmere's capex-to-revenue ratio over fiscal 2021-2023.",
            "(100 / 1,250 + 150 / 1,600 + 190 / 2,000) / 3 = 0.09",
        ),
        ("What is Quillmere's average inventory for 2023?", "(260 + 300) / 2 = 280 million"),
    ],
)
def test_averages_of_years(question: str, shown: str) -> None:
    assert calculation(question) == shown


def test_averages_take_their_years_from_several_filings() -> None:
    facts = replace(made.FACTS, fiscal_year=2021, period_end="2021-12-31")
    earlier = made.table(
        7, "CONSOLIDATED STATEMENTS OF INCOME",
        (("Net sales", "$1,251", "$1,000", "$900"), ("Gross profit", "450", "350", "300")),
        ("2021", "2020", "2019"), facts=facts,
    )  # fmt: skip
    question = "What was the average gross margin over FY2020 to FY2023?"
    hits = [earlier, *made.statements()]
    assert calculation(question, hits) == (
        "(350 / 1,000 + 450 / 1,250 + 600 / 1,600 + 800 / 2,000) / 4 = 37.1 %"
    )
    assert "gross profit, FY2020" in refusal(question)
    assert "average of 3" in refusal("3-year average of net sales for 2022 and 2023")
    assert refusal("average of total assets from 2020 to 2023")


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("How many times was interest covered by operating income in 2023?", "500 / 40 = 12.50"),
        ("Roughly how many times did operating cash flow cover capex in 2023?", "365 / 190 = 1.92"),
        (
            "How many times did inventory turn over in 2023?",
            "1,200 / ((260 + 300) / 2) = 4.29",
        ),
        ("How many times larger were total assets than total liabilities in 2023?",
         "1,800 / 1,000 = 1.80"),
        ("What multiple of capex was operating cash flow in 2022?", "280 / 150 = 1.87"),
        ("operating income-to-interest expense multiple 2023", "500 / 40 = 12.50"),
        (
            "How many days of inventory did Quillmere hold in 2023?",
            "365 × (260 + 300) / 2 / 1,200 = 85.17 days",
        ),
        ("What is the working capital ratio of Quillmere in 2022?", "650 / 400 = 1.63"),
        ("working capital turnover, 2023",
         "2,000 / ((650 − 400 + 750 − 500) / 2) = 8.00"),
        ("Dividends as a share of net income in 2023?", "85 / 340 = 25.0 %"),
        ("capital expenditure (CAPEX) in FY2023 as a share of net sales", "190 / 2,000 = 9.5 %"),
        ("How much were the combined dividends paid in 2022 and 2023?", "60 + 85 = 145 million"),
        (
            "By how many percentage points did the gross margin change from 2022 to 2023?",
            "800 / 2,000 − 600 / 1,600 = 2.5 percentage points",
        ),
        (
            "What is the difference in percentage points between the FY2022 and FY2023 gross "
            "margins?",
            "800 / 2,000 − 600 / 1,600 = 2.5 percentage points",
        ),
        (
            "Did the effective tax rate of Quillmere change between 2022 and 2023?",
            "115 / 460 − 80 / 320 = 0.0 percentage points",
        ),
        (
            "How did the payout ratio move between FY2022 and FY2023?",
            "85 / 340 − 60 / 238 = −0.2 percentage points",
        ),
        ("What were net sales from 2021 to 2023?", "1,250 million; 1,600 million; 2,000 million"),
    ],
)  # fmt: skip
def test_measures_in_other_words(question: str, shown: str) -> None:
    assert calculation(question) == shown
    assert asks_for_figure(question)


def test_what_has_no_such_unit_or_sum_is_refused() -> None:
    assert "points" in refusal("By how many percentage points did net sales change in 2023?")
    assert "add up" in refusal("What are the cumulative total assets from 2022 to 2023?")
    assert "add up" in refusal("What was the combined gross margin of 2022 and 2023?")


def test_columns_of_quarters_are_no_years() -> None:
    rows = (("Net sales", "$450", "$470", "$520", "$560"),)
    for columns, captions in (
        (("March 31, 2023", "June 30, 2023", "September 30, 2023", "December 31, 2022"), ()),
        (("First", "Second", "Third", "Fourth"), ("2023",)),
        (("1Q23", "2Q23", "3Q23", "4Q23"), ("2023",)),
    ):
        hit = made.table(1, "Selected Financial Data", rows, columns, captions)
        assert "no table found states" in refusal("What were net sales in 2023?", [hit])
    interim = replace(made.FACTS, form="10-Q", period_end="2023-06-30")
    half = made.table(1, "CONSOLIDATED BALANCE SHEETS", (("Inventories", "$340", "$260"),),
                      ("June 30, 2023", "December 31, 2022"), (), facts=interim)  # fmt: skip
    question = "What were Quillmere's inventories at the end of 2023?"
    assert "no table found states" in refusal(question, [half])
    assert calculation(question, [half, *made.statements()]) == "300 million"


def test_a_margin_of_a_segment_is_not_the_companys() -> None:
    rows = (("Net sales", "$600", "$500"), ("Segment operating margin", "14.2%", "11.3%"))
    hit = made.table(1, "Hinges and Locks", rows, ("2023", "2022"), ())
    assert refusal("What was the operating margin of Quillmere in 2023?", [hit])


def test_the_result_keeps_its_exact_value() -> None:
    found = find_figure("average net margin over FY2021 to FY2023", made.statements())
    assert isinstance(found, Computed)
    exact = (Decimal(19900) / 1250 + Decimal(23800) / 1600 + Decimal(34000) / 2000) / 3
    assert abs(found.result.value - exact) < Decimal("1e-9")
    assert {value.year for value in found.values} == {2021, 2022, 2023}
