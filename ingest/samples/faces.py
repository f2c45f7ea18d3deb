"""The faces of the consolidated financial statements."""

from ingest.samples.auditor import auditor_report
from ingest.samples.blocks import Block, Heading, PageBreak, Paragraph, Row, Table, dollars
from ingest.samples.books import Balance, Books
from ingest.samples.filing import Filing


def statements(filing: Filing) -> list[Block]:
    """The auditor's report and the three statements, each on a page of its own."""
    title = filing.company.wording.statement
    name = filing.company.name
    return [
        Heading(
            "ITEM 8. FINANCIAL STATEMENTS AND SUPPLEMENTARY DATA",
            2,
            "Item 8. Financial Statements and Supplementary Data",
        ),
        *auditor_report(filing),
        PageBreak(),
        Paragraph(name.upper(), "center_bold"),
        Heading(f"CONSOLIDATED STATEMENTS OF {title}", 1),
        income_statement(filing),
        Paragraph(_SEE_NOTES, "small"),
        Heading("CONSOLIDATED STATEMENTS OF COMPREHENSIVE INCOME", 1),
        _comprehensive(filing),
        Paragraph(_SEE_NOTES, "small"),
        PageBreak(),
        Paragraph(name.upper(), "center_bold"),
        Heading("CONSOLIDATED BALANCE SHEETS", 1),
        balance_sheet(filing),
        Paragraph(_SEE_NOTES, "small"),
        PageBreak(),
        Paragraph(name.upper(), "center_bold"),
        Heading("CONSOLIDATED STATEMENTS OF CASH FLOWS", 1),
        cash_flow(filing),
        Paragraph(_SEE_NOTES, "small"),
        PageBreak(),
    ]


def income_statement(filing: Filing) -> Table:
    words = filing.company.wording
    row, years = filing.flow_row, [filing.books[year].income for year in filing.years(3)]
    rows = [
        row(words.sales, lambda b: b.income.sales, dollar=True),
        row(words.cost, lambda b: b.income.cost),
        row("Gross profit", lambda b: b.income.gross_profit, rule="single"),
        row(words.overhead, lambda b: b.income.overhead),
        row(words.research, lambda b: b.income.research),
    ]
    result = "Net income" if words.statement != "EARNINGS" else "Net earnings"
    rows += [
        row("Amortization of intangible assets", lambda b: b.income.amortization),
        row("Restructuring and facility closing charges", lambda b: b.income.restructuring),
        row("Goodwill impairment", lambda b: b.income.impairment),
        row("Operating income", lambda b: b.income.operating_income, rule="single"),
        row("Interest expense", lambda b: -b.income.interest),
        row("Other income (expense), net", lambda b: b.income.other_income),
        row("Income before income taxes", lambda b: b.income.pretax, rule="single"),
        row("Provision for income taxes", lambda b: b.income.tax),
        row(result, lambda b: b.income.net_income, dollar=True, rule="double", bold=True),
        Row("Earnings per share:", ("", "", "")),
        Row("Basic", dollars(f"{income.basic_eps:.2f}" for income in years), 1),
        Row("Diluted", dollars(f"{income.diluted_eps:.2f}" for income in years), 1),
        Row("Weighted average number of common shares outstanding:", ("", "", "")),
        row("Basic", lambda b: b.income.basic_shares, indent=1),
        row("Diluted", lambda b: b.income.diluted_shares, indent=1),
    ]
    if any(income.dividend for income in years):
        cells = dollars(f"{income.dividend:.2f}" for income in years)
        rows.append(Row("Cash dividends declared per common share", cells))
    unit = f"(in {filing.company.unit.word}, except per share amounts)"
    return filing.flow_table(rows, unit=unit)


def _comprehensive(filing: Filing) -> Table:
    row = filing.flow_row
    rows = [
        row("Net income", lambda b: b.income.net_income, dollar=True),
        row("Foreign currency translation adjustments", _translation, indent=1),
        row("Other comprehensive income (loss), net of tax", _translation, rule="single"),
        row(
            "Comprehensive income",
            lambda b: b.income.net_income + _translation(b),
            dollar=True,
            rule="double",
        ),
    ]
    return filing.flow_table(rows)


def _translation(books: Books) -> int:
    return books.balance.other_comprehensive - books.opening.other_comprehensive


def balance_sheet(filing: Filing) -> Table:
    words = filing.company.wording
    now, was = filing.now.balance, filing.before.balance

    def line(label: str, name: str, indent: int = 1) -> Row:
        return filing.line(label, [getattr(now, name), getattr(was, name)], indent=indent)

    def total(label: str, name: str, *, grand: bool = False) -> Row:
        values = [getattr(now, name), getattr(was, name)]
        rule = "double" if grand else "single"
        return filing.line(label, values, dollar=grand, rule=rule, bold=grand)  # type: ignore[arg-type]

    cash = [now.cash, was.cash]
    both = [_liabilities_and_equity(now), _liabilities_and_equity(was)]
    rows = [
        Row("ASSETS", ("", ""), bold=True),
        Row("Current assets:", ("", "")),
        filing.line("Cash and cash equivalents", cash, dollar=True, indent=1),
        line(words.receivables, "receivables"),
        line("Inventories", "inventories"),
        line("Prepaid expenses and other current assets", "prepaid"),
        total("Total current assets", "current_assets"),
        line(f"{words.plant}, net", "plant", 0),
        line("Operating lease right-of-use assets", "lease_assets", 0),
        filing.line("Goodwill", [sum(now.goodwill), sum(was.goodwill)]),
        line("Other intangible assets, net", "intangibles", 0),
        line("Other assets", "other_assets", 0),
        total("Total assets", "total_assets", grand=True),
        Row("LIABILITIES AND SHAREHOLDERS' EQUITY", ("", ""), bold=True),
        Row("Current liabilities:", ("", "")),
        filing.line(
            "Current portion of long-term debt",
            [now.current_debt, was.current_debt],
            dollar=True,
            indent=1,
        ),
        line("Accounts payable", "payables"),
        line("Accrued compensation and other current liabilities", "accrued"),
        line("Current operating lease liabilities", "current_leases"),
        total("Total current liabilities", "current_liabilities"),
        line("Long-term debt, less current portion", "long_debt", 0),
        line("Operating lease liabilities, less current portion", "long_leases", 0),
        line("Deferred income taxes", "deferred_tax", 0),
        line("Other long-term liabilities", "other_liabilities", 0),
        total("Total liabilities", "total_liabilities"),
        Row("Commitments and contingencies (Note 10)", ("", "")),
        Row("Shareholders' equity:", ("", "")),
        line(_common_stock(filing), "common_stock"),
        line("Additional paid-in capital", "paid_in"),
        line("Retained earnings", "retained"),
        line("Accumulated other comprehensive loss", "other_comprehensive"),
        line("Treasury stock, at cost", "treasury"),
        total("Total shareholders' equity", "equity"),
        filing.line(
            "Total liabilities and shareholders' equity",
            both,
            dollar=True,
            rule="double",
            bold=True,
        ),
    ]
    unit = f"(in {filing.company.unit.word}, except share and per share amounts)"
    return filing.balance_table(rows, unit)


def _liabilities_and_equity(balance: Balance) -> int:
    return balance.total_liabilities + balance.equity


def _common_stock(filing: Filing) -> str:
    issued = round(filing.company.plan.shares * 1_000_000)
    return (
        "Common stock, par value $0.01 per share; 200,000,000 shares authorized; "
        f"{issued:,} shares issued"
    )


def cash_flow(filing: Filing) -> Table:
    words = filing.company.wording
    row = filing.flow_row
    blank = ("", "", "")
    rows = [
        Row("Cash flows from operating activities:", blank, bold=True),
        row("Net income", lambda b: b.cash.net_income, dollar=True),
        Row("Adjustments to reconcile net income to net cash provided by operations:", blank),
        row("Depreciation", lambda b: b.cash.depreciation, indent=1),
        row("Amortization of intangible assets", lambda b: b.cash.amortization, indent=1),
        row("Goodwill impairment", lambda b: b.cash.impairment, indent=1),
        row("Deferred income taxes", lambda b: b.cash.deferred_tax, indent=1),
        row("Stock-based compensation", lambda b: b.cash.stock_compensation, indent=1),
        row(
            "Amortization of debt issuance costs",
            lambda b: b.cash.issuance_amortization,
            indent=1,
        ),
        Row("Changes in operating assets and liabilities, net of acquisitions:", blank),
        row("Receivables", lambda b: b.cash.receivables, indent=1),
        row("Inventories", lambda b: b.cash.inventories, indent=1),
        row("Prepaid expenses and other current assets", lambda b: b.cash.prepaid, indent=1),
        row("Accounts payable", lambda b: b.cash.payables, indent=1),
        row("Accrued liabilities", lambda b: b.cash.accrued, indent=1),
        row("Other, net", lambda b: b.cash.other, indent=1),
        row(
            "Net cash provided by operating activities",
            lambda b: b.cash.operating,
            rule="single",
        ),
        Row("Cash flows from investing activities:", blank, bold=True),
        row(words.capex, lambda b: b.cash.capex),
        row("Acquisitions of businesses, net of cash acquired", lambda b: b.cash.acquisitions),
        row("Proceeds from the sale of property", lambda b: b.cash.disposals),
        row("Net cash used in investing activities", lambda b: b.cash.investing, rule="single"),
        Row("Cash flows from financing activities:", blank, bold=True),
        row(
            "Net borrowings (repayments) under revolving credit facility",
            lambda b: b.cash.revolver,
        ),
        row("Proceeds from issuance of long-term debt", lambda b: b.cash.borrowed),
        row("Repayments of long-term debt", lambda b: b.cash.repaid),
        row("Dividends paid", lambda b: b.cash.dividends),
        row("Repurchases of common stock", lambda b: b.cash.buybacks),
        row("Proceeds from stock plans", lambda b: b.cash.stock_issued),
        row(
            "Net cash provided by (used in) financing activities",
            lambda b: b.cash.financing,
            rule="single",
        ),
        row(
            "Effect of exchange rate changes on cash and cash equivalents",
            lambda b: b.cash.currency,
        ),
        row("Net change in cash and cash equivalents", lambda b: b.cash.change, rule="single"),
        row("Cash and cash equivalents at beginning of year", lambda b: b.cash.opening_cash),
        row(
            "Cash and cash equivalents at end of year",
            lambda b: b.balance.cash,
            dollar=True,
            rule="double",
            bold=True,
        ),
        Row("Supplemental disclosures:", blank, bold=True),
        row("Cash paid for interest", lambda b: _paid(filing, b, b.income.interest), indent=1),
        row(
            "Cash paid for income taxes, net of refunds",
            lambda b: _paid(filing, b, sum(b.income.tax_current)),
            indent=1,
        ),
    ]
    return filing.flow_table(rows)


def _paid(filing: Filing, books: Books, expense: int) -> int:
    return round(expense * filing.rng(f"paid {expense}", books.year).uniform(0.93, 1.05))


_SEE_NOTES = "The accompanying notes are an integral part of these statements."
