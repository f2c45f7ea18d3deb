"""Formulas read from words, the years a question means, and figures shown as it wants them."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_service.answering.numeric.asking import asking, content
from rag_service.answering.numeric.calculate import Amount, Uncomputable
from rag_service.answering.numeric.company_name import without_company
from rag_service.answering.numeric.definitions import cut_definitions
from rag_service.answering.numeric.expressions import (
    Apply,
    Constant,
    Tree,
    evaluate,
    parse,
    quantities,
    show,
)
from rag_service.answering.numeric.formulas import FORMULAS, formula_in
from rag_service.answering.numeric.items import ITEMS, wanted
from rag_service.answering.numeric.labels import plain_label
from rag_service.answering.numeric.periods import column_year, fiscal_years, off_date, span
from rag_service.answering.numeric.plan import make_plan
from rag_service.answering.numeric.rounding import Style, asked_style, shown
from rag_service.answering.terms import stems
from rag_service.core.types import FilingFacts

CALENDAR = FilingFacts("QUILLMERE TOOLS, INC.", "QLM", "10-K", 2023, "2023-12-31")
JANUARY = FilingFacts("QUILLMERE TOOLS, INC.", "QLM", "10-K", 2022, "2023-01-28")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("revenue / total assets", "revenue / total assets"),
        ("365 * average inventory / COGS", "365 × average inventory / COGS"),
        ("revenue divided by (a + b)", "revenue / (a + b)"),
        ("current assets minus inventories", "current assets − inventories"),
        ("a - (b - c)", "a − (b − c)"),
        ("a - b - c", "a − b − c"),
        ("a / (b * c)", "a / (b × c)"),
        ("dividing net income by total assets", "net income / total assets"),
        ("the ratio of long-term debt to equity", "long-term debt / equity"),
        ("accounts payable (AP) / COGS", "accounts payable / COGS"),
        ("property, plant and equipment", "property, plant and equipment"),
        ("1 − dividends / net income", "1 − dividends / net income"),
    ],
)
def test_reads_formulas_in_words_and_signs(text: str, shape: str) -> None:
    tree = parse(text)
    assert tree is not None
    assert show(tree, str) == shape


@pytest.mark.parametrize("text", ["", "a /", "(a + b", "a + b)", "/ a", "a * * b", "()"])
def test_what_is_no_formula_is_none(text: str) -> None:
    assert parse(text) is None


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="ab ()+-*/3.,", max_size=25))
def test_no_text_makes_reading_fail(text: str) -> None:
    tree = parse(text)
    assert tree is None or show(tree, str)


VALUES = st.integers(1, 9).map(lambda value: Constant(Decimal(value)))


def _tree(parts: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.builds(
        lambda op, left, right: Apply(op, (left, right)),
        st.sampled_from(["+", "-", "*", "/"]), parts, parts,
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.recursive(VALUES, _tree, max_leaves=8))
def test_a_shown_calculation_says_what_was_calculated(tree: Tree) -> None:
    text = show(tree, str).replace("×", "*").replace("−", "-")
    exact = re.sub(r"\d+", r"Fraction(\g<0>)", text)
    try:
        told = eval(exact, {"__builtins__": {}}, {"Fraction": Fraction})
    except ZeroDivisionError:
        with pytest.raises(Uncomputable, match="divide by zero"):
            evaluate(tree, lambda quantity: Amount(Decimal(0)))
        return
    worked = evaluate(tree, lambda quantity: Amount(Decimal(0))).value
    assert abs(Fraction(worked) - told) <= abs(told) / 10**40 + Fraction(1, 10**40)


def test_every_formula_is_made_of_known_lines_and_other_formulas() -> None:
    for formula in FORMULAS:
        plan = make_plan(f"What was the {formula.names[0]} in 2023?", CALENDAR)
        lines = list(quantities(plan.tree))
        assert lines
        assert all(q.wanted.known for q in lines), formula.names[0]
        assert {q.year for q in lines} <= {2022, 2023}
        assert plan.definition or formula.form == "amount"


def test_no_name_stands_for_two_formulas_or_two_lines() -> None:
    named = [frozenset(stems(name)) for formula in FORMULAS for name in formula.names]
    firsts = [frozenset(stems(item.name)) for item in ITEMS]
    assert len(set(firsts)) == len(firsts)
    for formula in FORMULAS:
        for name in formula.names:
            assert formula_in(frozenset(stems(name)))[0] is formula
    assert all(named)


def test_lines_are_found_by_the_names_of_the_glossary() -> None:
    line = wanted("COGS", frozenset(stems("COGS")))
    assert line.known
    assert frozenset({"cost", "sale"}) in line.readings
    part = wanted("repayments of long-term debt", frozenset(stems("repayments of long-term debt")))
    assert not part.known
    assert not part.statements


@pytest.mark.parametrize(
    ("text", "facts", "years"),
    [
        ("FY2018", CALENDAR, (2018,)),
        ("from FY21 to fiscal 2023", CALENDAR, (2021, 2023)),
        ("at December 31, 2022", CALENDAR, (2022,)),
        ("last year", CALENDAR, (2023,)),
        ("compared with the prior year", CALENDAR, (2022, 2023)),
        ("at January 28, 2023", JANUARY, (2022,)),
        ("at January 29, 2022 and January 28, 2023", JANUARY, (2021, 2022)),
        ("at February 3, 2024", JANUARY, (2023,)),
        ("the gross margin 2023", CALENDAR, (2023,)),
        ("in Q", CALENDAR, ()),
    ],
)
def test_years_are_fiscal(text: str, facts: FilingFacts, years: tuple[int, ...]) -> None:
    assert fiscal_years(text, facts) == years


@pytest.mark.parametrize(
    ("name", "caption", "facts", "year"),
    [
        ("2023", "December 31,", CALENDAR, 2023),
        ("December 31, 2023", "Fiscal Year Ended", CALENDAR, 2023),
        ("January 1, 2023", "Fiscal Year Ended", CALENDAR, 2022),
        ("2023", "January 28,", JANUARY, 2022),
        ("January 29, 2022", "", JANUARY, 2021),
        ("Net amount", "December 31, 2023", CALENDAR, 2023),
        ("Net amount", "June 30, 2023", CALENDAR, 0),
        ("March 31, 2023", "", CALENDAR, 0),
        ("2023", "March 31,", CALENDAR, 0),
        ("52 weeks ended January 28, 2023", "", JANUARY, 2022),
        ("Fifty-two weeks ended January 28, 2023", "", JANUARY, 2022),
        ("2023", "Twelve Months Ended December 31,", CALENDAR, 2023),
        ("2023", "Sixteen weeks ended", CALENDAR, 0),
        ("12 weeks ended January 28, 2023", "", JANUARY, 0),
        ("First", "2023", CALENDAR, 0),
        ("4th 2023", "", CALENDAR, 0),
        ("1Q23", "2023", CALENDAR, 0),
        ("IV", "2023", CALENDAR, 0),
        ("Second half 2023", "", CALENDAR, 0),
        ("2023 vs 2022", "", CALENDAR, 0),
        ("% Change", "", CALENDAR, 0),
        ("2023", "Three months ended June 30,", CALENDAR, 0),
        ("Q3 2023", "", CALENDAR, 0),
    ],
)
def test_columns_are_of_one_fiscal_year_or_none(
    name: str, caption: str, facts: FilingFacts, year: int
) -> None:
    assert column_year(name, caption, facts) == year


def test_dates_within_the_year_are_told_from_its_end() -> None:
    assert off_date("at June 30, 2023", CALENDAR) == "June 30, 2023"
    assert not off_date("at January 1, 2023", CALENDAR)
    assert span("from FY2017 to FY2019", (2017, 2019)) == (2017, 2018, 2019)
    assert span("FY2017 - FY2019 average", (2017, 2019)) == (2017, 2018, 2019)
    assert span("2017 and 2019", (2017, 2019)) == (2017, 2019)


def test_definitions_are_cut_out_of_the_question() -> None:
    found, rest, whole = cut_definitions(
        "What is FY2018 DPO for Quillmere? DPO is defined as: 365 * (average accounts payable) "
        "/ FY2018 COGS. Round to two decimals."
    )
    assert whole
    assert [(d.name, d.text) for d in found] == [
        (frozenset({"dpo"}), "365 * (average accounts payable) / FY2018 COGS")
    ]
    assert rest == "What is FY2018 DPO for Quillmere? Round to two decimals."
    found, rest, whole = cut_definitions(
        "What is X (calculated as cash / (debt + leases)) in 2020?"
    )
    assert rest == "What is X in 2020?"
    assert show(found[0].tree, str) == "cash / (debt + leases)"
    assert cut_definitions("What is X? X is defined as the good one.")[2] is False


@pytest.mark.parametrize(
    ("question", "style", "rest"),
    [
        ("What is capex (in USD millions)?", Style(scale=6), "What is capex ?"),
        ("Net sales in billions?", Style(scale=9), "Net sales ?"),
        ("ROA? Round to two decimal places.", Style(places=2), "ROA?"),
        ("Answer in percents and round to one decimal.", Style(1, None, True), "Answer and"),
        ("capex as a percentage of sales", Style(), "capex as a percentage of sales"),
        ("Revenue to the nearest million?", Style(0, 6), "Revenue ?"),
    ],
)  # fmt: skip
def test_how_to_show_the_figure_is_taken_from_the_question(
    question: str, style: Style, rest: str
) -> None:
    found, left = asked_style(question)
    assert found == style
    assert " ".join(left.replace(".", " ").split()).startswith(rest)


@pytest.mark.parametrize(
    ("amount", "style", "text"),
    [
        (Amount(Decimal("1577"), "money", 6), Style(), "1,577 million"),
        (Amount(Decimal("-86878"), "money", 3), Style(), "−86,878 thousand"),
        (Amount(Decimal("4.8131"), "percent"), Style(), "4.8 %"),
        (Amount(Decimal("4.85"), "percent"), Style(places=1), "4.9 %"),
        (Amount(Decimal("-0.04"), "percent"), Style(places=1), "0.0 %"),
        (Amount(Decimal("0.125"), "number"), Style(), "0.13"),
        (Amount(Decimal("8.738"), "money", 9), Style(places=2), "8.74 billion"),
    ],
)
def test_figures_are_rounded_half_up_and_carry_their_unit(
    amount: Amount, style: Style, text: str
) -> None:
    assert shown(amount, style) == text


def test_the_words_of_asking_say_nothing() -> None:
    text = asking("Going by the P&L, how high was the cost of goods sold in 2023?").text
    assert content(text) == {"cost", "good", "sold"}
    assert content(asking("I need the net sales for 2023. What is it?").text) == {"net", "sale"}
    assert content("How much did the company report?") == frozenset()


@pytest.mark.parametrize(
    ("company", "ticker", "text", "left"),
    [
        ("Quillmere Tools, Inc.", "QLM", "Quillmere's sales", "sales"),
        ("Quillmere Tools, Inc.", "QLM", "sales of Quillmere Tools in 2023", "sales of in 2023"),
        ("Quillmere Tools, Inc.", "QLM", "QLM hand tools", "hand tools"),
        ("3M COMPANY", "MMM", "Net income attributable to 3M", "Net income attributable to"),
        ("LOWES COMPANIES INC", "LOW", "Lowe's revenue, low margin", "revenue, low margin"),
        ("General Brands Corp", "GBR", "selling, general expenses", "selling, general expenses"),
        ("General Brands Corp", "GBR", "General Brands' net sales", "net sales"),
        ("AT&T INC.", "T", "sales at AT&T", "sales at"),
        ("", "", "net sales", "net sales"),
    ],
)
def test_the_companys_name_is_left_out(company: str, ticker: str, text: str, left: str) -> None:
    facts = FilingFacts(company, ticker, "10-K", 2023, "2023-12-31")
    assert " ".join(without_company(text, facts).split()) == left


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("Receivables, less allowances of $3 and $2", "Receivables, net"),
        ("Long-term debt, less current portion", "Long-term debt"),
        ("Free cash flow (1)", "Free cash flow"),
        ("Additions to property, net of $53 of non-cash items", "Additions to property"),
        ("Net sales . . . . .", "Net sales . . . . ."),
        ("Income (loss) before income taxes", "Income (loss) before income taxes"),
    ],
)  # fmt: skip
def test_labels_lose_what_is_netted_in_them(label: str, plain: str) -> None:
    assert plain_label(label) == plain


def test_phrases_of_a_definition_keep_their_own_years() -> None:
    plan = make_plan(
        "What is the FY2023 cover? Cover is defined as: FY2023 revenue / FY2021 total assets.",
        CALENDAR,
    )  # fmt: skip
    assert [(q.wanted.name, q.year) for q in quantities(plan.tree)] == [
        ("revenue", 2023),
        ("total assets", 2021),
    ]
    assert isinstance(plan.tree, Apply)
