"""Row labels with more in them than the line's name: abbreviations, tails, qualifications."""

from __future__ import annotations

import pytest

from rag_service.answering.numeric.aliases import abbreviates, aliases, without_aliases
from rag_service.answering.numeric.compute import Computed, Refused, compute
from rag_service.core.types import Hit
from tests.fakes import statements as made
from tests.fakes.statements import Rows

INCOME, CASH = "CONSOLIDATED STATEMENTS OF INCOME", "CONSOLIDATED STATEMENTS OF CASH FLOWS"


def answer(question: str, *rows: tuple[str, str], title: str = CASH) -> Computed | Refused:
    table: Rows = tuple((label, value, "1") for label, value in rows)
    hits: list[Hit] = [made.table(1, title, table, ("2023", "2022"))]
    return compute(question, hits)


@pytest.mark.parametrize(
    ("label", "plain", "short"),
    [
        ("Purchases of plant and equipment (CAPEX)", "Purchases of plant and equipment", "CAPEX"),
        ("Cost of sales (COGS)", "Cost of sales", "COGS"),
        ("Cost of sales (“COGS”)", "Cost of sales", "COGS"),
        ("COST OF GOODS SOLD (COGS)", "COST OF GOODS SOLD", "COGS"),
        ("Capital expenditures (capex)", "Capital expenditures", "capex"),
        ("Property, plant and equipment (PP&E), net", "Property, plant and equipment, net", "PP&E"),
        ("Earnings per share (EPS)", "Earnings per share", "EPS"),
    ],
)
def test_abbreviations_of_the_label_are_told(label: str, plain: str, short: str) -> None:
    assert without_aliases(label) == plain
    assert aliases(label) == (short,)


@pytest.mark.parametrize(
    "label",
    [
        "Net income (loss)",
        "NET INCOME (LOSS)",
        "Income tax expense (benefit)",
        "Gains (net of tax)",
        "Cost of sales (excluding depreciation)",
        "NET SALES (FOREIGN)",
        "Net sales (US)",
        "Inventories (LIFO)",
        "Net sales (GAAP)",
        "Other income (expense), net",
        "Free cash flow (1)",
        "(COGS)",
    ],
)
def test_what_qualifies_the_label_stays(label: str) -> None:
    assert without_aliases(label) == label
    assert aliases(label) == ()


def test_abbreviations_are_made_of_beginnings_in_order() -> None:
    assert abbreviates("dpo", "days payable outstanding")
    assert abbreviates("capex", "Capital expenditures")
    assert not abbreviates("exca", "Capital expenditures")
    assert not abbreviates("days", "days payable outstanding")


@pytest.mark.parametrize(
    ("question", "label", "title"),
    [
        ("What was capex in 2023?", "Purchases of plant and equipment (CAPEX)", CASH),
        ("How much were capital expenditures in 2023?", "Purchases of equipment (CAPEX)", CASH),
        ("capital expenditure (CAPEX), 2023", "Purchases of property and equipment", CASH),
        ("What was COGS in 2023?", "Cost of sales (COGS)", INCOME),
        ("cost of goods sold (COGS) 2023", "Cost of sales (COGS)", INCOME),
        ("What was the cost of sales in 2023?", "Cost of products and services (COGS)", INCOME),
        ("SG&A 2023", "Selling, general and administrative expenses (SG&A)", INCOME),
        ("D&A of 2023", "Depreciation and amortization (D&A)", CASH),
    ],
)
def test_an_abbreviation_makes_no_other_line(question: str, label: str, title: str) -> None:
    found = answer(question, (label, "77"), title=title)
    assert isinstance(found, Computed), found.reason
    assert found.rounded == 77


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("What were net sales in 2023?", (("Net sales (HDW)", "70"), ("Net sales (GDN)", "30"))),
        ("What were net sales in 2023?", (("Net sales (excluding fuel)", "70"),)),
        ("What was COGS in 2023?", (("Cost of sales (excluding depreciation)", "70"),)),
        ("What was EBITDA in 2023?", (("Adjusted earnings (EBITDA)", "70"),)),
    ],
)
def test_what_tells_lines_apart_keeps_its_meaning(
    question: str, rows: tuple[tuple[str, str], ...]
) -> None:
    assert isinstance(answer(question, *rows, title=INCOME), Refused)


@pytest.mark.parametrize(
    "label",
    [
        "Depreciation and amortization of property, equipment and intangibles",
        "Depreciation and amortization of property and equipment",
        "Depreciation and amortization expense of fixed and intangible assets",
        "Depreciation and amortization on long-lived assets",
    ],
)
def test_a_tail_that_says_of_what_it_always_is_changes_nothing(label: str) -> None:
    for question in ("What was D&A in 2023?", "How much was depreciation and amortization in 2023"):
        found = answer(question, (label, "77"))
        assert isinstance(found, Computed), (label, found.reason)
        assert found.rounded == 77


@pytest.mark.parametrize(
    "rows",
    [
        (("Depreciation and amortization of content", "77"),),
        (("Depreciation and amortization of debt issuance costs", "77"),),
        (("Depreciation and amortization of deferred charges", "77"),),
        (("Depreciation and amortization of equipment of the Garden segment", "77"),),
        (("Amortization of debt discount", "77"),),
        (
            ("Depreciation and amortization of property and equipment", "77"),
            ("Amortization of licenses", "5"),
        ),
    ],
)
def test_a_tail_that_names_something_else_is_another_line(
    rows: tuple[tuple[str, str], ...],
) -> None:
    assert isinstance(answer("What was depreciation and amortization in 2023?", *rows), Refused)
