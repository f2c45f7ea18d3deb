"""Notes 8 to 12: leases, stock compensation, contingencies, earnings per share, later events."""

from collections.abc import Callable

from ingest.samples.blocks import Block, Heading, Paragraph, Row, Table, dollars
from ingest.samples.books import Books
from ingest.samples.filing import Filing
from ingest.samples.profile import FIRST_YEAR, Sector
from ingest.samples.statements import split

_Pick = Callable[[Books], int]

_Holding = tuple[int, float]
"""Restricted stock units, in thousands, and their average value."""


def other_notes(filing: Filing) -> list[Block]:
    return [
        *_leases(filing),
        *_stock(filing),
        *_contingencies(filing),
        *_per_share(filing),
        Heading("12. Subsequent Events", 3),
        *filing.paragraphs(filing.story.subsequent),
    ]


def lease_payments(filing: Filing) -> tuple[int, ...]:
    """Undiscounted rents of the next five fiscal years, and thereafter, in ticks."""
    owed = filing.now.balance.current_leases + filing.now.balance.long_leases
    return split(round(owed * 1.148), [0.235, 0.205, 0.17, 0.13, 0.09, 0.17])


def _leases(filing: Filing) -> list[Block]:
    balance = filing.now.balance
    owed = balance.current_leases + balance.long_leases
    parts = lease_payments(filing)
    labels = [filing.company.year_name(filing.year + n).capitalize() for n in range(1, 6)]
    rows = [
        filing.line(label, [amount], dollar=index == 0)
        for index, (label, amount) in enumerate(zip([*labels, "Thereafter"], parts, strict=True))
    ]
    rows += [
        filing.line("Total lease payments", [sum(parts)], rule="single"),
        filing.line("Less: imputed interest", [owed - sum(parts)]),
        filing.line("Operating lease liabilities", [owed], dollar=True, rule="double"),
    ]
    row = filing.flow_row
    costs = [
        row("Operating lease cost", lambda b: _lease_cost(filing, b)[0], dollar=True),
        row("Variable lease cost", lambda b: _lease_cost(filing, b)[1]),
        row("Short-term lease cost", lambda b: _lease_cost(filing, b)[2]),
        row(
            "Total lease cost",
            lambda b: sum(_lease_cost(filing, b)),
            dollar=True,
            rule="double",
        ),
    ]
    term = filing.rng("lease term").uniform(4.6, 7.9)
    rate = filing.rng("lease rate").uniform(3.4, 5.2)
    return [
        Heading("8. Leases", 3),
        Paragraph(_LEASED[filing.company.sector]),
        filing.flow_table(costs),
        Paragraph(
            f"At {filing.year_end}, the weighted average remaining term was {term:.1f} years and "
            f"the weighted average discount rate {rate:.1f}%. Lease liabilities fall due as "
            "follows."
        ),
        Table(("Amount",), tuple(rows), "", filing.unit_line),
    ]


def _lease_cost(filing: Filing, books: Books) -> tuple[int, int, int]:
    rng = filing.rng("lease cost", books.year)
    fixed = round(books.balance.lease_assets * rng.uniform(0.25, 0.27))
    return fixed, round(fixed * rng.uniform(0.18, 0.24)), round(fixed * rng.uniform(0.03, 0.06))


def _stock(filing: Filing) -> list[Block]:
    (held, held_value), granted, vested, forfeited, (left, left_value) = _units(filing)
    grant_value = filing.company.plan.share_price[filing.year - FIRST_YEAR]
    rows = [
        Row("Unvested at beginning of year", (f"{held:,}", f"${held_value:.2f}")),
        Row("Granted", (f"{granted:,}", f"{grant_value:.2f}"), 1),
        Row("Vested", (f"({vested:,})", f"{held_value:.2f}"), 1),
        Row("Forfeited", (f"({forfeited:,})", f"{held_value:.2f}"), 1),
        Row("Unvested at end of year", (f"{left:,}", f"${left_value:.2f}"), rule="double"),
    ]
    cost = [filing.books[year].cash.stock_compensation for year in filing.years(3)]
    names = [filing.company.year_name(year) for year in filing.years(3)]
    open_cost = left * left_value * 0.58 / 1000
    return [
        Heading("9. Stock-Based Compensation", 3),
        Paragraph(
            "Restricted stock units granted under our equity incentive plan vest over three years. "
            f"The expense was {filing.prose(cost[0])} in {names[0]}, {filing.prose(cost[1])} in "
            f"{names[1]} and {filing.prose(cost[2])} in {names[2]}."
        ),
        Table(
            ("Units\n(in thousands)", "Weighted average\ngrant-date value"),
            tuple(rows),
            "",
            f"Restricted stock units, {filing.fy}",
        ),
        Paragraph(
            f"At {filing.year_end}, ${open_cost:.1f} million of cost was not yet recognized; it "
            "will be over a weighted average of 1.8 years."
        ),
    ]


def _units(filing: Filing) -> tuple[_Holding, int, int, int, _Holding]:
    """Restricted units of the year: opening holding, granted, vested, forfeited, closing."""
    plan, unit = filing.company.plan, filing.company.unit
    price = plan.share_price[0]
    count, value = round(plan.shares * 14), price * 0.96
    opening, granted, vested, forfeited = (count, value), 0, 0, 0
    for year in range(FIRST_YEAR, filing.year + 1):
        opening = (count, value)
        price = plan.share_price[year - FIRST_YEAR]
        rng = filing.rng("units", year)
        cost = filing.books[year].cash.stock_compensation / unit.per_million
        granted = round(cost / price * 1000 * rng.uniform(1.02, 1.12))
        vested = round(count * rng.uniform(0.36, 0.42))
        forfeited = round(count * rng.uniform(0.03, 0.06))
        kept = count - vested - forfeited
        value = (kept * value + granted * price) / (kept + granted)
        count = kept + granted
    return opening, granted, vested, forfeited, (count, value)


def _contingencies(filing: Filing) -> list[Block]:
    sector = filing.company.sector
    rows = [
        filing.flow_row("Balance at beginning of year", _reserve_opening(filing), 2, dollar=True),
        filing.flow_row(_RESERVE_USE[sector][0], _reserve_added(filing), 2, indent=1),
        filing.flow_row(_RESERVE_USE[sector][1], _reserve_used(filing), 2, indent=1),
        filing.flow_row(
            "Balance at end of year",
            lambda b: _reserve(filing, b.year),
            2,
            dollar=True,
            rule="double",
        ),
    ]
    letters = filing.company.unit.ticks(filing.rng("letters of credit").uniform(8.0, 26.0))
    return [
        Heading("10. Commitments and Contingencies", 3),
        Paragraph(
            "The legal proceedings of the Company are described in Item 3. "
            "We accrue for a claim when a loss is probable and can be estimated. Letters of credit "
            f"and surety bonds of {filing.prose(letters)} were outstanding at {filing.year_end}."
        ),
        Paragraph(_RESERVE_TEXT[sector]),
        filing.flow_table(rows, 2),
    ]


def _reserve(filing: Filing, year: int) -> int:
    sales = filing.books[max(year, FIRST_YEAR)].income.sales
    return round(sales * filing.rng("reserve", year).uniform(0.010, 0.013))


def _reserve_opening(filing: Filing) -> _Pick:
    return lambda books: _reserve(filing, books.year - 1)


def _reserve_added(filing: Filing) -> _Pick:
    return lambda books: round(
        books.income.sales * filing.rng("reserve added", books.year).uniform(0.008, 0.011)
    )


def _reserve_used(filing: Filing) -> _Pick:
    added = _reserve_added(filing)
    return lambda books: (
        _reserve(filing, books.year) - _reserve(filing, books.year - 1) - added(books)
    )


def _per_share(filing: Filing) -> list[Block]:
    row, years = filing.flow_row, [filing.books[year].income for year in filing.years(3)]
    rows = [
        row("Net income", lambda b: b.income.net_income, dollar=True),
        row("Weighted average shares, basic", lambda b: b.income.basic_shares),
        row(
            "Dilutive effect of stock-based awards",
            lambda b: b.income.diluted_shares - b.income.basic_shares,
        ),
        row("Weighted average shares, diluted", lambda b: b.income.diluted_shares, rule="single"),
        Row("Basic earnings per share", dollars(f"{income.basic_eps:.2f}" for income in years)),
        Row("Diluted earnings per share", dollars(f"{income.diluted_eps:.2f}" for income in years)),
    ]
    left_out = round(filing.rng("antidilutive").uniform(40, 420))
    unit = f"(in {filing.company.unit.word}, except per share amounts)"
    return [
        Heading("11. Earnings Per Share", 3),
        filing.flow_table(rows, unit=unit),
        Paragraph(
            f"Awards on about {left_out},000 shares were left out in {filing.fy} because they "
            "would have increased earnings per share."
        ),
    ]


_LEASED: dict[Sector, str] = {
    "pumps": """We lease service centers, offices, vehicles and some plants under operating leases.
    Payments that depend on an index are included at the index of the start of the lease.""",
    "retail": """We lease nearly all stores and some distribution centers under operating leases,
    most of them for ten years with options to renew. Rent that depends on sales, taxes and
    maintenance are variable lease cost.""",
    "packaging": """We lease warehouses, trucks, railcars and some plants under operating leases.
    Options to renew are part of the term when we are reasonably certain to use them.""",
}

_RESERVE_TEXT: dict[Sector, str] = {
    "pumps": "Changes in the accrual for product warranties were as follows.",
    "retail": "Changes in the reserve for sales returns were as follows.",
    "packaging": "Changes in the accrual for claims and returns of customers were as follows.",
}

_RESERVE_USE: dict[Sector, tuple[str, str]] = {
    "pumps": ("Accruals for warranties issued", "Settlements in cash or in kind"),
    "retail": ("Additions charged against sales", "Returns received"),
    "packaging": ("Additions charged to income", "Credits and settlements"),
}
