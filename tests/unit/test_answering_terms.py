"""Words, years and figures of questions and passages."""

from __future__ import annotations

import pytest

from rag_service.answering.figures import figures, has_figure, unsupported
from rag_service.answering.question import understand
from rag_service.answering.terms import readings, stems
from rag_service.core.fiscal_years import years


def test_stems_are_content_words_without_inflection() -> None:
    assert stems("What were the company's Net Sales, FY2023?") == ["net", "sale"]
    assert stems("Inventories increased; taxes and losses decreased 5%") == [
        "inventory", "increase", "tax", "loss", "decrease",
    ]  # fmt: skip
    assert stems("R&D of 3M in 2023") == ["r&d", "3m"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sales in 2023 and FY2022", {2022, 2023}),
        ("FY23 against FY'22", {2022, 2023}),
        ("December 31, 2023", {2023}),
        ("$2,023 million, 2023.5 and 12023", set()),
        ("fiscal 2019.", {2019}),
        ("no year", set()),
    ],
)
def test_years(text: str, found: set[int]) -> None:
    assert years(text) == found


def test_an_item_is_known_by_its_other_names() -> None:
    found = readings(frozenset(stems("capital expenditures")))
    assert frozenset(stems("purchases of property, plant and equipment")) in found
    assert frozenset(stems("net sales")) in readings(frozenset(["revenue"]))
    assert readings(frozenset(["goodwill"])) == (frozenset(["goodwill"]),)


@pytest.mark.parametrize(
    ("statement", "evidence", "unit", "baseless"),
    [
        ("it was 1,577", "paid (1,577)", "", []),
        ("it was $1.577 billion", "1,577", "in millions", []),
        ("it was 1,577 million", "1,577", "in millions", []),
        ("it was 1,577 billion", "1,577", "in millions", ["1,577 billion"]),
        ("it was 1,577 million", "1,577", "", ["1,577 million"]),
        ("it was 1578", "1,577", "in millions", ["1578"]),
        ("3.5 percent", "rose 3.5%", "", []),
        ("$1.6 billion", "about $1,600 million", "", []),
        ("57", "1,577", "", ["57"]),
        ("no figure", "", "", []),
    ],
)
def test_figures_are_borne_out_only_by_equal_ones(
    statement: str, evidence: str, unit: str, baseless: list[str]
) -> None:
    found = unsupported(statement, figures(evidence, unit))
    assert [figure.text for figure in found] == baseless


@pytest.mark.parametrize("text", ["in 2023", "FY2023", "Item 7A of 3M", "none", ""])
def test_years_and_names_are_no_figures(text: str) -> None:
    assert not has_figure(text)


def test_a_percentage_is_no_amount() -> None:
    assert has_figure("2,023 in 2023", percent=False)
    assert has_figure("up 63% in 2023")
    assert not has_figure("up 63% or 63 percent in 2023", percent=False)


@pytest.mark.parametrize(
    ("question", "wants"),
    [
        ("How much debt had Alder Mills in 2023?", "amount"),
        ("What was the gross margin of Alder Mills?", "figure"),
        ("By what percentage did sales grow?", "percent"),
        ("Why did sales grow?", "text"),
        ("What were net sales?", "amount"),
        ("What is the largest segment?", "any"),
    ],
)
def test_what_a_question_wants(question: str, wants: str) -> None:
    assert understand(question).wants == wants


def test_instructions_around_a_question_are_not_its_topic() -> None:
    asked = understand("Act as an auditor. What was goodwill of Elmstone Corp. in FY23? Be brief.")
    assert asked.topics[0] == {"goodwill", "elmstone", "corp"}
    assert asked.years == {2023}
    assert asked.names == {"elmstone"}
