"""Liquidity and capital resources, a part of management's discussion."""

from ingest.samples.blocks import Block, Heading, Paragraph, Row, Table, dollars
from ingest.samples.books import Books
from ingest.samples.debt import maturities
from ingest.samples.filing import Filing, change
from ingest.samples.notes_other import lease_payments


def liquidity(filing: Filing) -> list[Block]:
    cash = filing.now.cash
    moved = change(cash.operating, filing.before.cash.operating)
    return [
        Heading("Liquidity and Capital Resources", 3),
        _cash_table(filing),
        Paragraph(
            f"Net cash provided by operating activities {moved} to "
            f"{filing.prose(cash.operating)} in {filing.fy} from "
            f"{filing.prose(filing.before.cash.operating)} in {filing.prior}. "
            f"{filing.say(filing.story.liquidity)}"
        ),
        Paragraph(
            filing.say(
                "Capital expenditures were {capex}, against {capex_prior} in {prior}. "
                + filing.story.outlook
            )
        ),
        Heading("Free Cash Flow and Net Debt", 4),
        Paragraph(_MEASURES),
        _measures_table(filing),
        Heading("Contractual Obligations", 4),
        Paragraph(filing.say("Our known obligations at {period_end} fall due as follows.")),
        _obligations(filing),
    ]


def _cash_table(filing: Filing) -> Table:
    row = filing.flow_row
    rows = [
        row("Net cash provided by operating activities", lambda b: b.cash.operating, dollar=True),
        row("Net cash used in investing activities", lambda b: b.cash.investing),
        row("Net cash provided by (used in) financing activities", lambda b: b.cash.financing),
        row("Effect of exchange rates", lambda b: b.cash.currency),
        row("Net change in cash", lambda b: b.cash.change, dollar=True, rule="double"),
    ]
    return filing.flow_table(rows)


def _measures_table(filing: Filing) -> Table:
    row, words = filing.flow_row, filing.company.wording
    ratios = [_leverage(filing.books[year]) for year in filing.years(3)]
    rows = [
        row("Net cash provided by operating activities", lambda b: b.cash.operating, dollar=True),
        row(words.capex, lambda b: b.cash.capex),
        row(
            "Free cash flow (1)",
            lambda b: b.cash.operating + b.cash.capex,
            dollar=True,
            rule="double",
        ),
        row("Total debt", lambda b: b.balance.total_debt, dollar=True),
        row("Less: cash and cash equivalents", lambda b: -b.balance.cash),
        row("Net debt", _net_debt, dollar=True, rule="double"),
        row("Operating income", lambda b: b.income.operating_income, dollar=True),
        row("Depreciation and amortization", lambda b: b.cash.depreciation + b.cash.amortization),
        row("Restructuring and impairment", lambda b: b.income.restructuring + b.income.impairment),
        row("Adjusted EBITDA (1)", _ebitda, dollar=True, rule="double"),
        Row("Net debt to Adjusted EBITDA", tuple(ratios)),
    ]
    table = filing.flow_table(rows)
    note = "(1) Not a measure under generally accepted accounting principles."
    return Table(table.heads, table.rows, table.span, table.unit, (note,))


def _leverage(books: Books) -> str:
    ratio = _net_debt(books) / _ebitda(books)
    return f"{ratio:.1f}x" if ratio >= 0 else "NM"


def _net_debt(books: Books) -> int:
    return books.balance.total_debt - books.balance.cash


def _ebitda(books: Books) -> int:
    special = books.income.restructuring + books.income.impairment
    written_off = books.cash.depreciation + books.cash.amortization
    return books.income.operating_income + written_off + special


def _obligations(filing: Filing) -> Table:
    balance = filing.now.balance
    due = maturities(filing)
    debt = [due[0], due[1] + due[2], due[3] + due[4] + due[5]]
    rate = filing.now.income.interest / max(1, sum(balance.debts))
    owed = sum(debt)
    interest = [round(owed * rate), round((owed - debt[0]) * rate * 2), round(debt[2] * rate * 3)]
    due_rents = lease_payments(filing)
    rents = [due_rents[0], due_rents[1] + due_rents[2], sum(due_rents[3:])]
    rng = filing.rng("purchase obligations")
    bought = round(filing.now.income.cost * rng.uniform(0.06, 0.11))
    purchases = [bought, round(bought * rng.uniform(0.15, 0.3)), round(bought * 0.06)]
    lines = [
        ("Principal of long-term debt", debt),
        ("Interest on long-term debt (1)", interest),
        ("Operating leases, undiscounted", rents),
        ("Purchase obligations (2)", purchases),
    ]
    rows = [
        Row(label, _dollars_first(filing, [sum(parts), *parts], index == 0))
        for index, (label, parts) in enumerate(lines)
    ]
    sums = [sum(parts[i] for _, parts in lines) for i in range(3)]
    rows.append(filing.line("Total", [sum(sums), *sums], dollar=True, rule="double"))
    heads = ("Total", "Within\none year", "One to\nthree years", "After\nthree years")
    notes = (
        f"(1) At the rates in effect at {filing.year_end}.",
        "(2) Orders that cannot be canceled without payment, chiefly for "
        f"{_BOUGHT[filing.company.sector]}.",
    )
    return Table(heads, tuple(rows), "Payments due", filing.unit_line, notes)


def _dollars_first(filing: Filing, values: list[int], first: bool) -> tuple[str, ...]:
    cells = filing.cells(values)
    return dollars(cells) if first else cells


_BOUGHT = {
    "pumps": "castings, forgings and motors",
    "retail": "merchandise of the coming season",
    "packaging": "fiber, resin, metal and energy",
}

_MEASURES = """Management uses free cash flow, net debt and Adjusted EBITDA, which other companies
may define differently, to judge what is left for acquisitions, debt and shareholders, and how much
debt the business can carry."""
