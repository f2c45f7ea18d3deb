"""Which questions are refused, and why."""

from dataclasses import replace

import pytest

from finetune.filters import SeenQuestions, reason_to_drop
from rag_service.core.types import Chunk, TableCells
from tests.fakes.filings import filing


@pytest.fixture
def prose() -> Chunk:
    return filing("Alder Mills", 2023)[4]


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("What did Alder Mills do about costs in 2023?", "took measure 3", ""),
        ("What did Alder Mills do about costs in 2023", "took measure 3", "not a question"),
        ("Why Alder Mills?", "took measure 3", "too short"),
        (" ".join(["why"] * 60) + "?", "took measure 3", "too long"),
        ("What does the passage say of Alder Mills?", "took measure 3", "points at the passage"),
        ("According to the text, what was done?", "took measure 3", "points at the passage"),
        ("What is in the table above for 2023?", "took measure 3", "points at the passage"),
        ("What did Alder Mills do about costs in 2023?", " ", "no answer"),
        (
            "What did Alder Mills do about costs in 2023?",
            "sold a mill",
            "answer not in the passage",
        ),
        ("Which measures did Alder Mills take?", "Alder Mills", "answer in the question"),
        ("What did Alder Mills do about costs in 1999?", "took measure 3", "names another year"),
        (
            "Alder Mills reports on raw material prices in 2023. Alder Mills took?",
            "measure 3",
            "copies the passage",
        ),
    ],
)
def test_unfit_questions_are_named_by_their_reason(
    prose: Chunk, question: str, answer: str, reason: str
) -> None:
    assert reason_to_drop(question, answer, prose) == reason


def test_amounts_are_compared_as_amounts() -> None:
    table = filing("Alder Mills", 2023)[0]
    assert table.cells is not None
    printed = table.cells.rows[0][1]
    question = "What were sales of Alder Mills in 2023?"
    assert not reason_to_drop(question, f"${printed.replace(',', '')} million", table)
    assert not reason_to_drop(question, printed, table)
    wrong = reason_to_drop(question, "$123,456,789", table)
    assert wrong == "answer not in the passage"


def test_a_fiscal_year_may_be_numbered_apart_from_the_calendar(prose: Chunk) -> None:
    facts = replace(prose.facts, fiscal_year=2022, period_end="2023-01-28")
    text = "It closed 3 plants in the year ended January 29, 2022."
    early = replace(prose, facts=facts, context="", text=text)
    question = "How many plants did Alder Mills close in fiscal {}?"
    assert not reason_to_drop(question.format(2021), "closed 3 plants", early)
    assert not reason_to_drop(question.format(2022), "closed 3 plants", early)
    strange = reason_to_drop(question.format(2020), "closed 3 plants", early)
    assert strange == "names another year"


@pytest.mark.parametrize(
    ("answer", "fit"),
    [
        ("$1.2 billion", True),
        ("1200 million dollars", True),
        ("a loss of $56 million", True),
        ("-56", True),
        ("4.5 %", True),
        ("56 ($ in millions, except per share amounts)", True),
        ("(56) (Millions)", True),
        ("57 (in millions)", False),
        ("$1.3 billion", False),
        ("1,200 to 56 and 77", False),
        ("in 2023 it grew", False),
    ],
)
def test_figures_prove_an_answer_in_whichever_unit_they_are_told(answer: str, fit: bool) -> None:
    cells = TableCells("Results", "in millions", ("2023",), (("Sales", "1,200"), ("Loss", "(56)")))
    text = "Results\nin millions\n | 2023\nSales | 1,200\nLoss | (56)\nGrowth | 4.5"
    table = replace(filing("Alder Mills", 2023)[0], cells=cells, text=text)
    reason = reason_to_drop("What did Alder Mills report for the year?", answer, table)
    assert reason == ("" if fit else "answer not in the passage")


def test_computed_answers_need_not_stand_in_the_passage(prose: Chunk) -> None:
    assert reason_to_drop("How big was the margin of Alder Mills?", "12.3%", prose)
    assert not reason_to_drop(
        "How big was the margin of Alder Mills?", "12.3%", prose, computed=True
    )


def test_questions_that_differ_by_small_words_alone_are_duplicates() -> None:
    seen = SeenQuestions()
    assert seen.is_new("What was the capex of Alder Mills in FY2023?")
    assert not seen.is_new("In FY2023, how much capex was Alder Mills?")
    assert seen.is_new("What was the capex of Alder Mills in FY2022?")


@pytest.mark.parametrize("period", ["2023", "fiscal 2023", "FY23", "fy 2023", "fiscal year 2023"])
def test_the_way_in_which_a_year_is_named_makes_no_new_question(period: str) -> None:
    seen = SeenQuestions()
    assert seen.is_new("What was the capex of Alder Mills in FY2023?")
    assert not seen.is_new(f"What was the capex of Alder Mills in {period}?")
    assert seen.is_new("What was the capex of Alder Mills in FY24?")
