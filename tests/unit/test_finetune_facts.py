"""Amounts, periods, names and facts as read out of tables."""

from dataclasses import replace
from random import Random

import pytest

from finetune.amounts import parse_amount
from finetune.facts import clean_label, is_sensible, statement_of, table_facts, year_columns
from finetune.names import company_name, possessive, spoken_period
from finetune.vocabulary import CONCEPTS, RATIOS, concept_of
from rag_service.core.types import Chunk, FilingFacts, TableCells
from tests.fakes.filings import filing


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1,234", 1234.0),
        ("$ 1,234.5", 1234.5),
        ("(1,577)", -1577.0),
        ("$ (12)", -12.0),
        ("-3.1%", -3.1),
        ("12.5 %", 12.5),
        (".45", 0.45),
        ("—", None),
        ("", None),
        ("n/a", None),
        ("12 to 14", None),
        ("$", None),
    ],
)
def test_a_cell_holds_an_amount_or_none(cell: str, amount: float | None) -> None:
    assert parse_amount(cell) == amount


def _table(chunk: Chunk, *columns: str) -> Chunk:
    rows = (("Net sales", *("9" for _ in columns)),)
    return replace(chunk, cells=TableCells("Sales", "", columns, rows))


@pytest.fixture
def chunk() -> Chunk:
    return filing("Alder Mills", 2023)[0]


@pytest.mark.parametrize(
    ("columns", "years"),
    [
        (("2023", "2022"), [2023, 2022]),
        (("December 31, 2023", "December 31, 2022"), [2023, 2022]),
        (("Fiscal 2023", "Year ended May 31, 2022 (a)"), [2023, 2022]),
        (("2023", "% Change", "Americas"), [2023]),
        (("2023 vs. 2022", "2021"), [2021]),
        (("Three months ended March 31, 2023",), []),
        (("2023", "2023", "2022"), [2022]),
    ],
)
def test_only_columns_of_one_fiscal_year_count(
    chunk: Chunk, columns: tuple[str, ...], years: list[int]
) -> None:
    assert [column.year for column in year_columns(_table(chunk, *columns))] == years


def test_a_date_is_put_into_the_fiscal_year_that_the_cover_page_names(chunk: Chunk) -> None:
    facts = FilingFacts("Alder Mills", "", "10-K", 2022, "2023-01-28")
    dated = replace(_table(chunk, "January 28, 2023", "January 29, 2022"), facts=facts)
    plain = replace(_table(chunk, "2022", "2021"), facts=facts)
    assert [column.year for column in year_columns(dated)] == [2022, 2021]
    assert [column.year for column in year_columns(plain)] == [2022, 2021]


def test_labels_lose_leaders_and_footnotes_and_fragments_are_refused() -> None:
    assert clean_label("Net sales (1) ........ $") == "Net sales"
    assert clean_label("Inventories (Note 4):") == "Inventories"
    assert clean_label("Receivables, net of allowances of $42 and $46") == "Receivables"
    assert is_sensible("Net sales")
    for wrong in ("2023", "$", "net of tax", "12,345 to 9", "As of 2023", "Gain (loss", "x"):
        assert not is_sensible(wrong)


def test_statements_are_told_by_title_or_by_their_rows() -> None:
    chunks = filing("Birchwater", 2023)
    assert [statement_of(c) for c in chunks[:4]] == ["income", "balance", "cash flow", ""]
    untitled = [
        replace(c, heading="", cells=replace(c.cells, title="")) for c in chunks[:4] if c.cells
    ]
    assert [statement_of(c) for c in untitled] == ["income", "balance", "cash flow", ""]


def test_facts_carry_parent_rows_and_skip_what_is_no_amount(chunk: Chunk) -> None:
    cells = TableCells(
        "Per share", "", ("2023", "2022"),
        (("Earnings per share:", "", ""), ("Basic", "1.20", "—"), ("Diluted", "1.10", "0.9")),
    )  # fmt: skip
    facts = list(table_facts([replace(chunk, cells=cells)]))
    assert [(f.label, f.parent, f.year, f.amount) for f in facts] == [
        ("Basic", "Earnings per share", 2023, 1.20),
        ("Diluted", "Earnings per share", 2023, 1.10),
        ("Diluted", "Earnings per share", 2022, 0.9),
    ]
    assert [fact.generic for fact in facts] == [True, False, False]
    assert facts[1].concept is not None
    assert facts[1].concept.key == "eps_diluted"


def test_a_change_of_a_balance_is_not_the_balance(chunk: Chunk) -> None:
    rows = (("Net income", "5"), ("Inventories", "(141)"), ("Capital expenditures", "7"))
    cells = TableCells("Consolidated Statements of Cash Flows", "", ("2023",), rows)
    facts = list(table_facts([replace(chunk, cells=cells)]))
    assert [fact.line.key if fact.line else None for fact in facts] == ["net_income", None, "capex"]
    assert facts[1].key[1] == "inventory"


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Total net revenues", "revenue"),
        ("Cost of products sold", "cogs"),
        ("Property, plant and equipment — net", "ppe"),
        ("Property and equipment, net", "ppe"),
        ("Purchases of property, plant and equipment (PP&E)", "capex"),
        ("Additions to property and equipment", "capex"),
        ("Net cash provided by (used in) operating activities", "operating_cash"),
        ("Cash provided (used) by operations", "operating_cash"),
        ("Net cash used in discontinued operating activities", None),
        ("Net cash used in investing activities", "investing_cash"),
        ("Total stockholders’ equity", "equity"),
        ("Income before provision for income taxes", "pretax"),
        ("Net income (loss) attributable to Alder Mills", "net_income"),
        ("Selling, general and administrative expenses", "sga"),
        ("Accounts receivable, net of allowances of $9", "receivables"),
        ("Repurchases of common stock", "buybacks"),
        ("Diluted earnings per common share", "eps_diluted"),
        ("Change in inventories of the northern plants", None),
        ("Northern region", None),
    ],
)
def test_row_labels_are_recognised_as_concepts(label: str, key: str | None) -> None:
    concept = concept_of(label)
    assert (concept.key if concept else None) == key


def test_ratios_are_made_of_known_concepts() -> None:
    keys = {concept.key for concept in CONCEPTS}
    assert len(keys) == len(CONCEPTS)
    assert {key for ratio in RATIOS for key in (ratio.top, ratio.bottom)} <= keys


@pytest.mark.parametrize(
    ("legal", "spoken"),
    [
        ("ALDER MILLS CORP", "Alder Mills"),
        ("Cedarline, Inc.", "Cedarline"),
        ("The Elmstone Company", "Elmstone"),
        ("FERN & BANK CO., INC. /DE/", "Fern & Bank"),
        ("IBX HOLDINGS PLC", "IBX"),
        ("", "ALDERMILLS 2023 10K"),
    ],
)
def test_companies_are_named_without_their_legal_form(
    chunk: Chunk, legal: str, spoken: str
) -> None:
    facts = replace(chunk.facts, company=legal)
    assert company_name(replace(chunk, facts=facts)) == spoken


def test_periods_vary_and_name_the_year(chunk: Chunk) -> None:
    random = Random(1)
    said = {spoken_period(2023, chunk.facts, random, instant=False) for _ in range(200)}
    assert {"FY2023", "fiscal 2023", "2023", "the year ended December 31, 2023"} <= said
    assert all("2023" in period or "FY23" in period for period in said)
    assert possessive("Alder Mills's sales") == "Alder Mills' sales"
