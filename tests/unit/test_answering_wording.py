"""Which questions a figure may answer, and how far an LLM may word a figure."""

from __future__ import annotations

import json

import pytest

from rag_service.answering.extract import extract
from rag_service.answering.figures import changed_figure
from rag_service.answering.generate import Writing
from rag_service.answering.prompt import SMALL
from rag_service.answering.question import asks_for_figure
from tests.fakes import statements as made

FACT = "Purchases of property, plant and equipment: (190) (2023, in millions)"


@pytest.mark.parametrize(
    "question",
    [
        "Is the quick ratio of Quillmere above one?",
        "Did the gross margin improve?",
        "How did inventory turnover change in 2023?",
        "How has the payout ratio moved?",
        "Describe the growth rate of net sales in 2023.",
        "List the days sales outstanding of 2023.",
        "Does the operating margin exceed 10%?",
        "Was EBITDA a multiple of interest in 2023?",
        "Explain what the average net margin was from 2021 to 2023.",
        "As an analyst, I wonder: are net sales growing?",
        "What were net sales?",
    ],
)
def test_a_measure_is_asked_for_however_the_question_begins(question: str) -> None:
    assert asks_for_figure(question)


@pytest.mark.parametrize(
    "question",
    [
        "Why did the gross margin fall?",
        "What drove the growth of net sales?",
        "Who signed the report?",
        "Who is responsible for the growth of net sales?",
        "When did the ratio of debt to equity fall?",
        "How does Quillmere define free cash flow?",
        "How is the effective tax rate calculated?",
        "Does the company sell hand tools?",
        "Describe the company's plants.",
    ],
)
def test_a_name_a_reason_or_a_method_is_no_figure(question: str) -> None:
    assert not asks_for_figure(question)


@pytest.mark.parametrize(
    "sentence",
    [
        "Purchases of plant in 2023 were 190 million.",
        "In 2023 Quillmere spent $190 million.",
        "Purchases of plant in FY2023: $190 million (2023).",
    ],
)
def test_a_figure_may_be_said_as_it_is_printed(sentence: str) -> None:
    assert changed_figure(FACT, sentence) == ""


@pytest.mark.parametrize(
    ("sentence", "figure"),
    [
        ("Purchases of plant were 0.19 billion in 2023.", "0.19 billion"),
        ("Purchases of plant was 2023, 190 million.", "2023"),
        ("Purchases of plant were $2023, or 190 million.", "2023"),
        ("Purchases of plant were 190 thousand in 2023.", "190 thousand"),
        ("Purchases of plant were 190 in 2023.", "190"),
        ("Purchases of plant were 190,000,000 in 2023.", "190,000,000"),
        ("Purchases of plant were 190 million, 19 % of sales.", "19"),
    ],
)
def test_a_figure_in_another_scale_or_a_year_as_a_figure_is_told(
    sentence: str, figure: str
) -> None:
    assert figure in changed_figure(FACT, sentence)


def test_of_units_with_exceptions_amounts_keep_theirs() -> None:
    fact = "Diluted: $3.40 (2023, in millions, except per share amounts)"
    assert changed_figure(fact, "Diluted earnings per share were $3.40 in 2023.") == ""
    fact = "Net sales: $2,000 (2023, in millions, except per share amounts)"
    assert changed_figure(fact, "Net sales were $2,000 in 2023.")
    assert changed_figure(fact, "Net sales were $2,000 million in 2023.") == ""
    prose = "Net sales rose 25.0% to $2.0 billion in 2023."
    assert changed_figure(prose, "Net sales rose by 25.0% in 2023.") == ""
    assert changed_figure(prose, "Net sales rose to $2,000 million in 2023.")


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Capital expenditures of Quillmere were 190 million in 2023.", True),
        ("Capital expenditures of Quillmere were 0.19 billion in 2023.", False),
        ("Capital expenditures of Quillmere was 2023, 190 million.", False),
    ],
)
def test_what_an_llm_changes_is_not_said(sentence: str, said: bool) -> None:
    question = "What were Quillmere's capital expenditures in 2023?"
    fact = extract(question, [made.cash_flows()])
    assert fact is not None
    writing = Writing(question, [], SMALL.answer_chars, fact)
    released = "".join(writing.feed(json.dumps({"answer": sentence})))
    writing.end()
    assert released == (sentence if said else "")
    assert said or "changed the fact's figure" in writing.refusal
