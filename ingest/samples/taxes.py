"""Note 7: income taxes."""

from ingest.samples.blocks import Block, Heading, Paragraph, Row, Table, dollars, percent
from ingest.samples.books import Balance
from ingest.samples.filing import Filing


def tax_note(filing: Filing) -> list[Block]:
    rng = filing.rng("tax positions")
    unused = filing.company.unit.ticks(rng.uniform(2.5, 11.0))
    return [
        Heading("7. Income Taxes", 3),
        Paragraph("The provision for income taxes consisted of the following."),
        _provision(filing),
        Paragraph("It differed from income taxes at the statutory rate for these reasons."),
        _bridge(filing),
        Paragraph("Deferred taxes arose from the following differences."),
        _deferred(filing),
        Paragraph(
            f"Unrecognized tax benefits were {filing.prose(unused)} at {filing.year_end}. Federal "
            f"returns for years before {filing.year - 3} are no longer open to examination."
        ),
    ]


def _provision(filing: Filing) -> Table:
    row, blank = filing.flow_row, ("", "", "")
    rows = [
        Row("Current:", blank),
        row("Federal", lambda b: b.income.tax_current[0], dollar=True, indent=1),
        row("State and local", lambda b: b.income.tax_current[1], indent=1),
        row("Foreign", lambda b: b.income.tax_current[2], indent=1),
        row("Total current", lambda b: sum(b.income.tax_current), rule="single"),
        row("Deferred", lambda b: b.income.tax_deferred),
        row("Provision for income taxes", lambda b: b.income.tax, dollar=True, rule="double"),
    ]
    return filing.flow_table(rows)


def _bridge(filing: Filing) -> Table:
    years = [filing.books[year].income for year in filing.years(3)]
    labels = list(dict.fromkeys(label for income in years for label, _ in income.tax_steps))
    steps = [dict(income.tax_steps) for income in years]
    # The residual stays last also when only an earlier year had an unusual item.
    labels.sort(key=lambda label: label == "Other, net")
    rows = [
        filing.line(label, [step.get(label, 0) for step in steps], dollar=index == 0)
        for index, label in enumerate(labels)
    ]
    totals = [income.tax for income in years]
    rows.append(filing.line("Provision for income taxes", totals, dollar=True, rule="double"))
    rates = tuple(percent(income.tax, income.pretax) for income in years)
    rows.append(Row("Effective tax rate", rates))
    return filing.flow_table(rows)


def _deferred(filing: Filing) -> Table:
    columns = [_components(filing.books[year].balance) for year in filing.years(2)]
    rows: list[Row] = [Row("Deferred tax assets:", ("", ""))]
    assets, debts = list(columns[0])[:4], list(columns[0])[4:]
    for index, label in enumerate(assets):
        values = [column[label] for column in columns]
        rows.append(filing.line(label, values, dollar=index == 0, indent=1))
    sums = [sum(column[label] for label in assets) for column in columns]
    rows.append(filing.line("Total deferred tax assets", sums, rule="single"))
    rows.append(Row("Deferred tax liabilities:", ("", "")))
    for label in debts:
        rows.append(filing.line(label, [column[label] for column in columns], indent=1))
    net = filing.line("Net deferred tax liability", [sum(c.values()) for c in columns])
    rows.append(Row(net.label, dollars(net.cells), rule="double"))
    return filing.balance_table(rows)


def _components(balance: Balance) -> dict[str, int]:
    """Deferred tax assets, then liabilities, which add up to the net liability."""
    parts = {
        "Lease liabilities": round((balance.current_leases + balance.long_leases) * 0.245),
        "Accrued liabilities and reserves": round(balance.accrued * 0.17),
        "Inventories": round(balance.inventories * 0.021),
        "Valuation allowance": -round(balance.accrued * 0.014),
        "Right-of-use assets": -round(balance.lease_assets * 0.245),
        "Goodwill and intangible assets": -round(balance.intangibles * 0.19),
    }
    parts["Depreciation"] = -balance.deferred_tax - sum(parts.values())
    return parts
