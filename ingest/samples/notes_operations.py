"""Notes 1 to 3: accounting policies, revenue and segments, inventories."""

from ingest.samples.blocks import Block, Heading, Paragraph, Row, Table
from ingest.samples.filing import Filing
from ingest.samples.profile import Sector
from ingest.samples.statements import split


def operations_notes(filing: Filing) -> list[Block]:
    return [*_policies(filing), *_segments(filing), *_inventories(filing)]


def _policies(filing: Filing) -> list[Block]:
    company = filing.company
    blocks: list[Block] = [
        Paragraph(company.name.upper(), "center_bold"),
        Heading("NOTES TO CONSOLIDATED FINANCIAL STATEMENTS", 1),
        Paragraph(_table_caption(filing), "small"),
        Heading("1. Basis of Presentation and Accounting Policies", 3),
    ]
    topics = {
        "Business and fiscal year": f"{_BUSINESS[company.sector]} {company.year_note}",
        "Consolidation": _CONSOLIDATION,
        "Estimates": _ESTIMATES,
        "Cash equivalents": _CASH,
        "Receivables": _RECEIVABLES[company.sector],
        "Inventories": _INVENTORY_POLICY[company.sector],
        company.wording.plant: _PLANT,
        "Goodwill and intangible assets": _GOODWILL,
        "Revenue": company.revenue_policy,
        "Income taxes": _TAXES,
        "New accounting standards": _STANDARDS[filing.year],
    }
    for title, text in topics.items():
        blocks.append(Paragraph(f"{title}. {filing.say(text)}"))
    return blocks


def _table_caption(filing: Filing) -> str:
    return f"(Tables in {filing.company.unit.word}, except per share amounts or as indicated)"


def _segments(filing: Filing) -> list[Block]:
    company = filing.company
    return [
        Heading("2. Revenue and Segment Information", 3),
        Paragraph(
            filing.say(
                "The chief executive officer is the chief operating decision maker. Segment "
                "operating income leaves out corporate expense, amortization of intangible assets, "
                "restructuring and impairment charges, interest and income taxes. Segments do not "
                "sell to one another in material amounts."
            )
        ),
        segment_table(filing),
        Paragraph(f"{company.wording.sales} by region, from the place of the customer:"),
        _regions(filing),
        Paragraph(
            "Depreciation, capital expenditures and identifiable assets of the segments were:"
        ),
        _segment_assets(filing),
    ]


def segment_table(filing: Filing) -> Table:
    """Sales and operating income by segment, reconciled to income before income taxes."""
    company, row = filing.company, filing.flow_row
    names = [segment.name for segment in company.segments]
    rows = [Row(f"{company.wording.sales}:", ("", "", ""), bold=True)]
    for index, name in enumerate(names):
        rows.append(
            row(
                name,
                lambda b, i=index: b.income.segment_sales[i],  # type: ignore[misc]
                dollar=index == 0,
                indent=1,
            )
        )
    total = f"Total {company.wording.sales.lower()}"
    rows.append(row(total, lambda b: b.income.sales, dollar=True, rule="double"))
    rows.append(Row("Segment operating income:", ("", "", ""), bold=True))
    for index, name in enumerate(names):
        rows.append(
            row(
                name,
                lambda b, i=index: b.income.segment_profit[i],  # type: ignore[misc]
                dollar=index == 0,
                indent=1,
            )
        )
    rows += [
        row(
            "Total segment operating income",
            lambda b: sum(b.income.segment_profit),
            rule="single",
        ),
        row("Corporate expense", lambda b: -b.income.corporate, indent=1),
        row("Amortization of intangible assets", lambda b: -b.income.amortization, indent=1),
        row(
            "Restructuring, closing and impairment charges",
            lambda b: -b.income.restructuring - b.income.impairment,
            indent=1,
        ),
        row("Interest expense", lambda b: -b.income.interest, indent=1),
        row("Other income (expense), net", lambda b: b.income.other_income, indent=1),
        row("Income before income taxes", lambda b: b.income.pretax, dollar=True, rule="double"),
    ]
    return filing.flow_table(rows)


def _regions(filing: Filing) -> Table:
    names = list(filing.company.regions)
    columns = []
    for year in filing.years(3):
        rng = filing.rng("regions", year)
        weights = [part * rng.uniform(0.95, 1.05) for part in filing.company.regions.values()]
        columns.append(split(filing.books[year].income.sales, weights))
    rows = [
        filing.line(name, [column[index] for column in columns], dollar=index == 0)
        for index, name in enumerate(names)
    ]
    rows.append(
        filing.line("Total", [sum(column) for column in columns], dollar=True, rule="double")
    )
    return filing.flow_table(rows)


def _segment_assets(filing: Filing) -> Table:
    names = [segment.name for segment in filing.company.segments]
    parts: dict[str, list[tuple[int, ...]]] = {}
    for year in filing.years(2):
        books, rng = filing.books[year], filing.rng("segment assets", year)
        weights = [sales * rng.uniform(0.92, 1.08) for sales in books.income.segment_sales]
        balance = books.balance
        owned = balance.total_assets - balance.cash - balance.other_assets
        for topic, total in (
            ("Depreciation", books.cash.depreciation),
            ("Capital expenditures", -books.cash.capex),
            ("Identifiable assets", owned),
        ):
            parts.setdefault(topic, []).append(split(total, weights))
    rows: list[Row] = []
    for topic, columns in parts.items():
        rows.append(Row(f"{topic}:", ("", ""), bold=True))
        rows += [
            filing.line(name, [column[i] for column in columns], dollar=i == 0, indent=1)
            for i, name in enumerate(names)
        ]
        sums = [sum(column) for column in columns]
        if topic == "Identifiable assets":
            balances = [filing.books[year].balance for year in filing.years(2)]
            rest = [balance.cash + balance.other_assets for balance in balances]
            rows.append(filing.line("Corporate and other", rest, indent=1))
            sums = [total + other for total, other in zip(sums, rest, strict=True)]
        rows.append(filing.line("Total", sums, dollar=True, rule="double"))
    return Table(filing.heads(2), tuple(rows), "", filing.unit_line)


def _inventories(filing: Filing) -> list[Block]:
    captions = _STOCK_KINDS[filing.company.sector]
    columns = []
    for year in filing.years(2):
        rng = filing.rng("inventories", year)
        weights = [weight * rng.uniform(0.93, 1.07) for weight in captions.values()]
        total = filing.books[year].balance.inventories
        reserve = round(total * rng.uniform(0.035, 0.06))
        columns.append((*split(total + reserve, weights), -reserve))
    labels = [*captions, _RESERVE[filing.company.sector]]
    rows = [
        filing.line(label, [column[index] for column in columns], dollar=index == 0)
        for index, label in enumerate(labels)
    ]
    sums = [sum(column) for column in columns]
    rows.append(filing.line("Inventories", sums, dollar=True, rule="double"))
    moved = sums[0] - sums[1]
    return [
        Heading("3. Inventories", 3),
        Paragraph(filing.say("Inventories consisted of the following at {period_end}.")),
        filing.balance_table(rows),
        Paragraph(
            f"Inventories {'rose' if moved >= 0 else 'fell'} by {filing.prose(moved)} in "
            f"{filing.fy}. Write-downs of {filing.prose(round(sums[0] * 0.011))} were charged to "
            f"{filing.company.wording.cost.lower()}."
        ),
    ]


_BUSINESS: dict[Sector, str] = {
    "pumps": "{name} makes pumps, valves and related equipment and services them.",
    "retail": "{name} sells merchandise and related services in stores and online.",
    "packaging": "{name} makes packaging for food, household and industrial products.",
}

_CONSOLIDATION = """The consolidated financial statements include the accounts of {name} and its
wholly owned subsidiaries. Intercompany balances and transactions are eliminated. Assets and
liabilities of subsidiaries whose functional currency is not the U.S. dollar are translated at
the rates of the balance sheet date, and the effect is recorded in accumulated other
comprehensive loss."""

_ESTIMATES = """Preparing financial statements in conformity with generally accepted accounting
principles requires management to make estimates and assumptions that affect the reported
amounts. Actual results could differ from those estimates."""

_CASH = """Highly liquid investments that mature within three months of purchase are cash
equivalents."""

_RECEIVABLES: dict[Sector, str] = {
    "pumps": """Receivables are carried net of allowances for expected credit losses, which rest
    on the age of the receivable, the customer's standing and economic forecasts.""",
    "retail": """Receivables consist chiefly of amounts due from card companies, which are
    collected within days, and from vendors for allowances.""",
    "packaging": """Receivables are carried net of allowances for expected credit losses and
    rebates. Some are sold without recourse under programs of customers, and are then no longer
    carried.""",
}

_INVENTORY_POLICY: dict[Sector, str] = {
    "pumps": """Inventories are stated at the lower of cost and net realizable value. Cost is
    determined by the first-in, first-out (FIFO) method and includes material, labor and factory
    overhead.""",
    "retail": """Merchandise inventories are stated at the lower of weighted average cost and
    net realizable value. Cost includes inbound freight and duty and the cost of distribution
    centers until goods reach the store.""",
    "packaging": """Inventories are stated at the lower of cost and net realizable value. Cost
    is determined by the first-in, first-out (FIFO) method; spare parts are carried at average
    cost.""",
}

_PLANT = """Property is stated at cost and depreciated by the straight-line method over the
useful lives of the assets: buildings and improvements, 15 to 40 years; machinery, fixtures and
equipment, 3 to 20 years. Leasehold improvements are depreciated over the shorter of their life
and the term of the lease."""

_GOODWILL = """Goodwill is not amortized but tested for impairment in the fourth quarter of each
year, and more often if events call for it. Intangible assets with finite lives are amortized by
the straight-line method over 5 to 20 years."""

_TAXES = """Deferred tax assets and liabilities are recognized for the expected effects of
differences between the carrying amounts and the tax bases of assets and liabilities, at enacted
rates. Interest and penalties on taxes are part of the provision for income taxes."""

_STANDARDS = {
    2022: """In {fy} we adopted Accounting Standards Update (ASU) 2021-08 on contract assets and
    liabilities in business combinations, and used the relief of ASU 2020-04 when loans moved
    from LIBOR to other reference rates. Neither had a material effect.""",
    2023: """In {fy} we adopted ASU 2022-04 on the disclosure of supplier finance programs, except
    for the yearly roll-forward, which applies to years that begin after December 15, 2023. The
    effect was not material.""",
}

_STOCK_KINDS: dict[Sector, dict[str, float]] = {
    "pumps": {
        "Raw materials and purchased components": 0.39,
        "Work in process": 0.24,
        "Finished goods and spare parts": 0.37,
    },
    "retail": {
        "Merchandise in stores": 0.64,
        "Merchandise in distribution centers": 0.27,
        "Merchandise in transit": 0.09,
    },
    "packaging": {
        "Raw materials": 0.31,
        "Work in process": 0.13,
        "Finished goods": 0.39,
        "Supplies and spare parts": 0.17,
    },
}

_RESERVE: dict[Sector, str] = {
    "pumps": "Less: allowance for excess and obsolete inventory",
    "retail": "Less: reserves for shrink and markdowns",
    "packaging": "Less: allowance for obsolescence",
}
