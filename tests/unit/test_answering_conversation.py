"""Follow-ups made whole from the questions before them."""

from __future__ import annotations

import pytest

from rag_service.answering.conversation import whole_question
from rag_service.answering.scope.index import FilingIndex
from tests.unit.scope_cases import STORE

FILINGS = FilingIndex(STORE)
SALES = "What were Nike's net sales in fiscal 2021?"


@pytest.mark.parametrize(
    ("question", "whole"),
    [
        ("and in 2019?", "What were Nike's net sales in 2019?"),
        ("And in FY2018 and FY2019?", "What were Nike's net sales in FY2018 and FY2019?"),
        ("what about Corning?", "What were Corning's net sales in fiscal 2021?"),
        ("What about Corning in 2020?", "What were Corning's net sales in 2020?"),
        ("How does that compare to Corning?", "What were Corning's net sales in fiscal 2021?"),
        ("and Puma?", "What were Puma's net sales in fiscal 2021?"),
        ("and the year before?", "What were Nike's net sales in fiscal 2020?"),
        ("And the following year?", "What were Nike's net sales in fiscal 2022?"),
        ("and in Q2?", "What were Nike's net sales in Q2 of fiscal 2021?"),
        ("And capex?", "What was capex for Nike in fiscal 2021?"),
        ("What about inventory?", "What was inventory for Nike in fiscal 2021?"),
        ("What was its gross margin?", "What was Nike's gross margin in fiscal 2021?"),
        ("What was its gross margin in 2019?", "What was Nike's gross margin in 2019?"),
        (
            "How much did the company spend on research that year?",
            "How much did Nike spend on research in fiscal 2021?",
        ),
        ("What was Nike's capex?", "What was Nike's capex in fiscal 2021?"),
        ("And Corning's capex?", "What was Corning's capex in fiscal 2021?"),
        (
            "How did inventory change compared with the prior year?",
            "How did inventory change compared with the prior year for Nike in fiscal 2021?",
        ),
        ("Why did it change?", f"{SALES} Why did it change?"),
        ("Why?", f"{SALES} Why?"),
    ],
)  # fmt: skip
def test_what_a_follow_up_leaves_out_is_taken_from_the_question_before(
    question: str, whole: str
) -> None:
    assert whole_question(question, [SALES], FILINGS) == whole


@pytest.mark.parametrize(
    "question",
    [
        "What was Corning's gross margin?",
        "What was Corning's gross margin in 2020?",
        "Which company had the highest revenue in 2021?",
        "",
        "???",
    ],
)
def test_a_question_that_leaves_nothing_out_is_given_as_it_is(question: str) -> None:
    assert whole_question(question, [SALES], FILINGS) == question
    assert whole_question(question, [], FILINGS) == question


def test_without_earlier_questions_nothing_is_added() -> None:
    assert whole_question("and in 2021?", [], FILINGS) == "and in 2021?"


def test_a_conversation_goes_on_from_turn_to_turn() -> None:
    turns = [SALES, "what about Corning?", "and the year before?", "and capex?", "for 3M?"]
    said = [whole_question(turn, turns[:place], FILINGS) for place, turn in enumerate(turns)]
    assert said == [
        SALES,
        "What were Corning's net sales in fiscal 2021?",
        "What were Corning's net sales in fiscal 2020?",
        "What was capex for Corning in fiscal 2020?",
        "What was capex for 3M in fiscal 2020?",
    ]


def test_lists_of_companies_and_of_years_are_exchanged_as_a_whole() -> None:
    before = ["Compare Nike and Corning net sales in 2019 and 2020"]
    assert whole_question("and in 2021?", before, FILINGS) == (
        "Compare Nike and Corning net sales in 2021?"
    )
    assert whole_question("what about 3M and Target?", before, FILINGS) == (
        "Compare 3M and Target net sales in 2019 and 2020?"
    )


def test_what_the_question_before_did_not_name_is_added() -> None:
    assert whole_question("for Nike?", ["What was capex?"], FILINGS) == "What was capex for Nike?"
    before = ["What was capex of Nike?"]
    assert whole_question("in 2020?", before, FILINGS) == "What was capex of Nike in 2020?"
    before = ["What were the total assets of 3M at December 31, 2018?"]
    assert whole_question("and total liabilities?", before, FILINGS) == (
        "What was total liabilities for 3M as of December 31, 2018?"
    )
