"""A question's terms in the words of filings, and the file that they come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_service.answering.glossary import (
    MOST_TERMS,
    MOST_TEXTS,
    Expansion,
    Glossary,
    expand,
    load_glossary,
)
from rag_service.answering.glossary_file import load_entries, shipped
from rag_service.answering.terms import stems
from rag_service.core.errors import ConfigError

GLOSSARY = load_glossary()
SOME_NAMES = sorted({name for entry in shipped().values() for name in (*entry.means, *entry.asked)})

some = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def said(question: str, glossary: Glossary = GLOSSARY) -> list[str]:
    return [term.text for term in expand(question, glossary).terms]


@pytest.mark.parametrize(
    ("question", "entry", "text"),
    [
        ("What was capex in 2018?", "capital_expenditures",
         "purchases of property, plant and equipment"),
        ("What were purchases of property, plant and equipment?", "capital_expenditures",
         "additions to property, plant and equipment"),
        ("How much is COGS?", "cost_of_sales", "cost of sales"),
        ("D&A for the year", "depreciation", "depreciation, depletion and amortization"),
        ("What is the SG&A?", "selling_and_administration",
         "selling, general and administrative expenses"),
        ("what was eps", "earnings_per_share", "diluted earnings per share"),
        ("What is net AR?", "receivables", "accounts receivable, net"),
        ("How many people work there? I mean headcount.", "employees", "human capital"),
        ("What were its buybacks?", "buybacks", "repurchases of common stock"),
        ("Net PP&E?", "ppe", "property, plant and equipment, net"),
        ("Is it sued, and which lawsuits are open?", "legal_proceedings", "legal proceedings"),
    ],
)  # fmt: skip
def test_what_people_say_is_searched_in_the_words_of_filings(
    question: str, entry: str, text: str
) -> None:
    expansion = expand(question, GLOSSARY)
    assert expansion.entries == (entry,)
    assert text in said(question)


def test_a_ratio_is_searched_by_what_it_is_computed_from() -> None:
    expansion = expand("What is the quick ratio?", GLOSSARY)
    assert expansion.entries == ("quick_ratio",)
    assert expansion.components == (
        "cash", "short_term_investments", "receivables", "current_liabilities",
    )  # fmt: skip
    assert expansion.statements == ("balance",)
    assert expansion.texts == (
        "consolidated balance sheets: cash and cash equivalents; short-term investments; "
        "accounts receivable, net; total current liabilities",
    )
    assert {term.said for term in expansion.terms} == {"quick ratio"}


@pytest.mark.parametrize(
    ("question", "components"),
    [
        ("DPO", {"payables", "cost_of_sales", "inventory"}),
        ("DSO", {"receivables", "revenue"}),
        ("days inventory outstanding", {"inventory", "cost_of_sales"}),
        ("FCF", {"operating_cash_flow", "capital_expenditures"}),
        ("working capital", {"current_assets", "current_liabilities"}),
        ("leverage", {"short_term_debt", "long_term_debt", "equity"}),
        ("gross margin", {"gross_profit", "revenue", "cost_of_sales"}),
        ("ROIC", {"operating_income", "income_tax", "total_debt", "equity", "short_term_debt",
                  "long_term_debt"}),
    ],
)  # fmt: skip
def test_components(question: str, components: set[str]) -> None:
    assert set(expand(question, GLOSSARY).components) == components


def test_one_text_for_each_statement_that_lines_stand_on() -> None:
    assert expand("fixed asset turnover", GLOSSARY).texts == (
        "consolidated statements of income: total revenues",
        "consolidated balance sheets: property, plant and equipment, net",
    )


def test_a_name_counts_more_than_what_it_is_computed_from() -> None:
    terms = {term.text: term.weight for term in expand("free cash flow", GLOSSARY).terms}
    assert terms["purchases of property, plant and equipment"] == 0.6
    expansion = expand("capital spending", GLOSSARY)
    assert [term.weight for term in expansion.terms] == [1.0, 0.8, 0.64]


def test_the_longest_name_counts() -> None:
    assert expand("cost of sales", GLOSSARY).entries == ("cost_of_sales",)
    assert expand("free cash flow and sales", GLOSSARY).entries == ("free_cash_flow", "revenue")


def test_what_the_question_says_is_not_said_again() -> None:
    assert "accounts payable" not in said("What was accounts payable?")
    assert said("goodwill") == []
    assert expand("goodwill", GLOSSARY).texts == ("consolidated balance sheets: goodwill",)


@pytest.mark.parametrize("question", ["What did the ar say of an ap?", "who is the chairman?", ""])
def test_nothing_is_added_where_nothing_is_named(question: str) -> None:
    assert expand(question, GLOSSARY) == Expansion()


@some
@given(st.lists(st.one_of(st.text(max_size=30), st.sampled_from(SOME_NAMES))).map(" ".join))
def test_any_question_is_expanded_to_a_few_terms(question: str) -> None:
    expansion = expand(question, GLOSSARY)
    assert len(expansion.terms) <= MOST_TERMS
    assert len(expansion.texts) <= MOST_TEXTS
    assert all(0 < term.weight <= 1 for term in expansion.terms)
    weights = [term.weight for term in expansion.terms]
    assert weights == sorted(weights, reverse=True)
    assert len({" ".join(stems(term.text)) for term in expansion.terms}) == len(expansion.terms)
    assert not set(expansion.entries) & set(expansion.components)


@some
@given(
    st.sampled_from([n for n in SOME_NAMES if len(n) > 2]), st.sampled_from([str.upper, str.lower])
)
def test_case_and_possessive_mean_nothing(name: str, small: bool) -> None:
    plain = expand(f"the {name} of it", GLOSSARY)
    assert plain.entries
    written = name.lower() if small else name.upper()
    assert expand(f"Delmar's {written} in 2021", GLOSSARY).entries == plain.entries


def test_every_shipped_name_leads_to_its_entry() -> None:
    for entry in shipped().values():
        for name in (*entry.means, *entry.asked):
            assert [found.key for found, _ in GLOSSARY.named(name)] == [entry.key], name


def own(folder: Path, content: str) -> Path:
    path = folder / "own.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_file_of_ones_own_adds_entries_and_words(tmp_path: Path) -> None:
    path = own(
        tmp_path,
        """
        [capital_expenditures]
        means = ["growth spend"]
        printed = ["expenditures for plants"]
        [arpu]
        means = ["ARPU"]
        printed = ["average revenue per user"]
        computed_from = ["revenue", "employees"]
        """,
    )
    glossary = load_glossary(path)
    assert said("growth spend", glossary)[0] == "expenditures for plants"
    assert expand("capex", glossary).entries == ("capital_expenditures",)
    assert expand("ARPU", glossary).components == ("revenue", "employees")
    assert expand("growth spend", GLOSSARY) == Expansion()


def test_a_file_of_ones_own_replaces_and_removes_entries(tmp_path: Path) -> None:
    path = own(
        tmp_path,
        """
        [goodwill]
        mode = "replace"
        means = ["firm value"]
        [comparable_sales]
        mode = "remove"
        """,
    )
    entries = load_entries(path)
    assert entries["goodwill"].means == ("firm value",)
    assert entries["goodwill"].statement == ""
    assert "comparable_sales" not in entries


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[capex", "not TOML"),
        ("means = ['capex']", "means stands outside an entry"),
        ("[a]\nmeens = ['x']", r"\[a\]: 'meens' is no field: use means, asked"),
        ("[a]\nmeans = 'x'", r"\[a\]: means is 'x': use a list"),
        ("[a]\nmeans = [1]", r"\[a\]: means is \[1\]: use a list"),
        ("[a]\nmeans = ['--']", r"\[a\]: means has '--', which has no letter"),
        ("[a]\nmeans = ['of the']", r"\[a\]: 'of the' is made of words that say nothing"),
        ("[a]\nprinted = ['x']", r"\[a\]: means is missing"),
        ("[a]\nmeans = ['x']\nstatement = 'profit'", "statement is 'profit': use income, balance"),
        ("[a]\nmeans = ['x']\nstatement = ['income']", "statement is"),
        ("[a]\nmeans = ['x']\nsection = 7", r"\[a\]: section is 7"),
        ("[a]\nmeans = ['x']\ninterchangeable = 'no'", "use true or false"),
        ("[a]\nmeans = ['x']\nmode = 'drop'", r"\[a\]: mode is 'drop': use add, replace, remove"),
        ("[a]\nmeans = ['x']\nmode = []", r"\[a\]: mode is \[\]"),
        ("[a]\nmode = 'remove'", r"\[a\]: mode is \"remove\", but there is no entry"),
        ("[cash]\nmode = 'remove'", r"\[quick_ratio\] is computed from 'cash', which is no entry"),
        ("[a]\nmeans = ['x']\ncomputed_from = ['b']", "is computed from 'b', which is no entry"),
        ("[a]\nmeans = ['x']\ncomputed_from = ['a']", "in a circle: a from a"),
        ("[a]\nmeans = ['Capex']", r"\[a\]: 'Capex' stands in \[capital_expenditures\] already"),
        (f"[a]\nmeans = ['{'x' * 101}']", "a name of 101 characters; at most 100"),
    ],
)
def test_every_error_names_the_file_and_what_is_wrong(
    tmp_path: Path, content: str, message: str
) -> None:
    path = own(tmp_path, content)
    with pytest.raises(ConfigError, match=message) as raised:
        load_glossary(path)
    assert str(path) in str(raised.value)


def test_a_file_that_is_not_there_or_not_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"RAGLOOP_GLOSSARY: .*none\.toml cannot be read: No such"
    ):
        load_glossary(tmp_path / "none.toml")
    (tmp_path / "own.toml").write_bytes(b"[a]\xff")
    with pytest.raises(ConfigError, match=r"own\.toml: byte 3 is not UTF-8"):
        load_glossary(tmp_path / "own.toml")
