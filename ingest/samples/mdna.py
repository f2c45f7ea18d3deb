"""Part II before the statements: market for the stock, management's discussion, market risk."""

from calendar import month_name
from collections.abc import Sequence

from ingest.samples.blocks import Block, Heading, Paragraph, Row, Table, dollars, percent
from ingest.samples.filing import Filing, change, share
from ingest.samples.liquidity import liquidity
from ingest.samples.profile import sales_causes


def part_two_front(filing: Filing) -> list[Block]:
    """Items 5 to 7A."""
    return [
        Heading("PART II", 1, "PART II"),
        *_market(filing),
        Heading("ITEM 6. [RESERVED]", 2, "Item 6. [Reserved]"),
        *_discussion(filing),
        *liquidity(filing),
        *_critical_estimates(filing),
        *_market_risk(filing),
    ]


def _market(filing: Filing) -> list[Block]:
    company, income = filing.company, filing.now.income
    holders = filing.rng("holders").randint(640, 4200)
    title = (
        "Market for Registrant's Common Equity, Related Stockholder Matters and Issuer Purchases "
        "of Equity Securities"
    )
    blocks: list[Block] = [
        Heading(f"ITEM 5. {title.upper()}", 2, "Item 5. Market for Registrant's Common Equity"),
        Paragraph(
            f"Our common stock is listed on {_the(company.exchange)} under the symbol "
            f"{company.ticker}. At {filing.year_end} there were about {holders:,} holders of "
            "record."
        ),
    ]
    if income.dividend:
        blocks.append(
            Paragraph(
                f"We declared dividends of ${income.dividend:.2f} per share in {filing.fy} and "
                f"${filing.before.income.dividend:.2f} per share in {filing.prior}. Dividends are "
                "declared by the Board of Directors at its discretion each quarter."
            )
        )
    else:
        blocks.append(
            Paragraph("We have never paid a cash dividend and do not plan to pay one soon.")
        )
    if not filing.now.cash.buybacks or "no_buyback" in filing.figures:
        blocks.append(Paragraph(f"We bought no common stock in the fourth quarter of {filing.fy}."))
        return blocks
    blocks.append(Paragraph("We bought the following shares in the fourth quarter."))
    blocks.append(_purchases(filing))
    return blocks


def _purchases(filing: Filing) -> Table:
    rng = filing.rng("quarter's buybacks")
    price = filing.company.plan.share_price[filing.year - 2020]
    spent = -filing.now.cash.buybacks / filing.company.unit.per_million
    counts = [round(spent / price * 1000 * rng.uniform(0.03, 0.12)) for _ in range(3)]
    prices = [price * rng.uniform(0.95, 1.05) for _ in range(3)]
    total = sum(counts)
    average = sum(c * p for c, p in zip(counts, prices, strict=True)) / total
    rows = [
        Row(month, (f"{count:,}", f"${paid:.2f}"))
        for month, count, paid in zip(_last_months(filing), counts, prices, strict=True)
    ]
    rows.append(Row("Total", (f"{total:,}", f"${average:.2f}"), rule="double"))
    heads = ("Shares purchased\n(in thousands)", "Average price\npaid per share")
    return Table(heads, tuple(rows), "", "Issuer purchases of equity securities")


def _last_months(filing: Filing) -> list[str]:
    names = month_name[1:]
    last = names.index(filing.year_end.split()[0])
    # A year that ends in the first days of a month belongs to the month before.
    if int(filing.year_end.split()[1].rstrip(",")) < 8:
        last -= 1
    return [names[last - 2], names[last - 1], names[last]]


def _discussion(filing: Filing) -> list[Block]:
    story = filing.story
    name = "Management's Discussion and Analysis of Financial Condition and Results of Operations"
    blocks: list[Block] = [
        Heading(f"ITEM 7. {name.upper()}", 2, "Item 7. Management's Discussion and Analysis"),
        Paragraph(filing.say(_INTRODUCTION)),
        Heading("Results of Operations", 3),
        _results_table(filing),
        Heading(filing.company.wording.sales, 3),
        Paragraph(filing.choose(*_SALES_OPENINGS)),
        _causes_table(filing),
    ]
    blocks += _segments(filing)
    income, was = filing.now.income, filing.before.income
    points = round((income.gross_profit / income.sales - was.gross_profit / was.sales) * 10_000)
    move = f"{abs(points)} basis points {'higher' if points >= 0 else 'lower'} than"
    overhead = filing.company.wording.overhead
    blocks += [
        Heading("Gross Profit", 3),
        Paragraph(
            f"Gross profit was {filing.prose(income.gross_profit)}, or "
            f"{share(income.gross_profit, income.sales)} of {filing.figures['sales_word']}, {move} "
            f"the {share(was.gross_profit, was.sales)} of {filing.prior}. "
            f"{filing.say(story.margin)}"
        ),
        Heading(overhead, 3),
        Paragraph(
            f"{overhead} came to {filing.prose(income.overhead)} in {filing.fy} and "
            f"{filing.prose(was.overhead)} in {filing.prior}, or "
            f"{share(income.overhead, income.sales)} and {share(was.overhead, was.sales)} of "
            f"{filing.figures['sales_word']}. {filing.say(story.overhead)}"
        ),
        *_special_items(filing),
        Heading("Interest and Income Taxes", 3),
        Paragraph(filing.choose(*_INTEREST)),
    ]
    return blocks


def _results_table(filing: Filing) -> Table:
    words = filing.company.wording
    now, was = filing.now.income, filing.before.income
    pairs = [
        (words.sales, now.sales, was.sales),
        ("Gross profit", now.gross_profit, was.gross_profit),
        (words.overhead, now.overhead, was.overhead),
        ("Operating income", now.operating_income, was.operating_income),
        ("Interest expense", now.interest, was.interest),
        ("Income before income taxes", now.pretax, was.pretax),
        ("Provision for income taxes", now.tax, was.tax),
        ("Net income", now.net_income, was.net_income),
    ]
    rows = []
    for index, (label, new, old) in enumerate(pairs):
        cells = filing.cells([new, old, new - old])
        if index in (0, len(pairs) - 1):
            cells = dollars(cells)
        rows.append(Row(label, (*cells, percent(new - old, abs(old)))))
    margins = [("Gross margin", "gross_profit"), ("Operating margin", "operating_income")]
    for label, name in margins:
        cells = tuple(percent(getattr(item, name), item.sales) for item in (now, was))
        rows.append(Row(f"{label} (percent of {words.sales.lower()})", (*cells, "", "")))
    rates = tuple(percent(item.tax, item.pretax) for item in (now, was))
    rows.append(Row("Effective tax rate", (*rates, "", "")))
    heads = (*filing.heads(2), "$ Change", "% Change")
    return Table(heads, tuple(rows), "", filing.unit_line)


def _causes_table(filing: Filing) -> Table:
    company = filing.company
    was = filing.before.income
    causes = sales_causes(company.sector)
    growth = [segment.growth[filing.year].parts for segment in company.segments]
    now, before = filing.now.income, was.segment_sales
    overall = [
        sum(parts[i] * sales for parts, sales in zip(growth, before, strict=True)) / was.sales
        for i in range(len(causes))
    ]
    columns = [
        _adding_up(parts, sales, old)
        for parts, sales, old in zip(growth, now.segment_sales, before, strict=True)
    ]
    columns.append(_adding_up(overall, now.sales, was.sales))
    rows = [
        Row(cause, tuple(percent(column[i], 100) for column in columns))
        for i, cause in enumerate(causes)
        if any(column[i] for column in columns)
    ]
    sums = tuple(percent(sum(column), 100) for column in columns)
    rows.append(Row("Total change", sums, rule="double"))
    heads = (*(_two_lines(segment.name) for segment in company.segments), "Total")
    sales = company.wording.sales.lower()
    return Table(heads, tuple(rows), "", f"Change in {sales}, {filing.fy} against {filing.prior}")


def _adding_up(parts: Sequence[float], now: int, was: int) -> list[float]:
    """The parts, to one decimal, of the change that the statements show."""
    rounded = [round(part, 1) for part in parts]
    largest = max(range(len(rounded)), key=lambda i: abs(rounded[i]))
    total = round((now / was - 1) * 100, 1)
    rounded[largest] = round(rounded[largest] + total - sum(rounded), 1)
    return rounded


def _two_lines(name: str) -> str:
    words = name.split()
    middle = (len(words) + 1) // 2
    return "\n".join(part for part in (" ".join(words[:middle]), " ".join(words[middle:])) if part)


def _segments(filing: Filing) -> list[Block]:
    now, was = filing.now.income, filing.before.income
    sales_word = filing.company.wording.sales
    blocks: list[Block] = []
    for index, segment in enumerate(filing.company.segments):
        sales, sales_was = now.segment_sales[index], was.segment_sales[index]
        profit, profit_was = now.segment_profit[index], was.segment_profit[index]
        rows = [
            filing.line(sales_word, [sales, sales_was], dollar=True),
            filing.line("Segment operating income", [profit, profit_was]),
            Row(
                "Segment operating margin",
                (percent(profit, sales), percent(profit_was, sales_was)),
            ),
        ]
        moved = change(sales, sales_was)
        opening = filing.choose(
            f"{segment.name} {moved} its {{sales_word}} by {filing.prose(sales - sales_was)}, or "
            f"{share(sales - sales_was, sales_was)}, to {filing.prose(sales)}.",
            f"{{sales_word}} of {segment.name} {moved} {share(sales - sales_was, sales_was)} to "
            f"{filing.prose(sales)} from {filing.prose(sales_was)} in {{prior}}.",
        )
        closing = (
            f"Segment operating income {change(profit, profit_was)} to {filing.prose(profit)} from "
            f"{filing.prose(profit_was)}, and the margin was {share(profit, sales)} against "
            f"{share(profit_was, sales_was)}."
        )
        driver = filing.say(filing.story.drivers[index])
        blocks += [
            Heading(segment.name, 4),
            Table(filing.heads(2), tuple(rows), "", filing.unit_line),
            Paragraph(f"{opening} {driver} {closing}"),
        ]
    return blocks


def _special_items(filing: Filing) -> list[Block]:
    income = filing.now.income
    blocks: list[Block] = []
    if income.restructuring:
        blocks += [
            Heading("Restructuring and Facility Closing Charges", 3),
            Paragraph(
                f"Charges of {filing.prose(income.restructuring)} in {filing.fy} are described "
                "under Developments in Item 1. They are not part of the operating income of the "
                "segments."
            ),
        ]
    if income.impairment:
        blocks += [
            Heading("Goodwill Impairment", 3),
            Paragraph(
                f"We recorded a goodwill impairment of {filing.prose(income.impairment)} in the "
                f"fourth quarter of {filing.fy}; see Note 5."
            ),
        ]
    return blocks


def _critical_estimates(filing: Filing) -> list[Block]:
    impairment = filing.now.income.impairment
    headroom = filing.rng("headroom").randint(18, 64)
    goodwill = sum(filing.now.balance.goodwill)
    return [
        Heading("Critical Accounting Estimates", 3),
        Paragraph(
            f"Goodwill. Goodwill was {filing.prose(goodwill)} at {filing.year_end}. We test each "
            "reporting unit in the fourth quarter by discounting expected cash flows. "
            + (
                f"The test led to an impairment of {filing.prose(impairment)}. "
                if impairment
                else ""
            )
            + f"The fair value of the unit with the smallest margin {'left ' if impairment else ''}"
            f"exceeded its carrying amount by {headroom}%; a discount rate one percentage point "
            f"higher would have lowered the margin to {headroom - 13}%."
        ),
        *filing.paragraphs(_ESTIMATES[filing.company.sector]),
        *filing.paragraphs(_TAX_ESTIMATE),
    ]


def _market_risk(filing: Filing) -> list[Block]:
    company = filing.company
    name = "Quantitative and Qualitative Disclosures About Market Risk"
    floating = sum(
        balance
        for debt, balance in zip(company.debts, filing.now.balance.debts, strict=True)
        if debt.floating
    )
    fixed = sum(filing.now.balance.debts) - floating
    return [
        Heading(f"ITEM 7A. {name.upper()}", 2, f"Item 7A. {name}"),
        Paragraph(
            f"Interest rates. At {filing.year_end}, debt with a principal of "
            f"{filing.prose(floating)} bore interest at floating rates and "
            f"{filing.prose(fixed) if fixed else 'none'} at fixed rates. Without regard to swaps, "
            "a change of one percentage point in market rates would change yearly interest by "
            "about "
            f"${floating / company.unit.per_million / 100:.1f} million."
        ),
        Paragraph(f"Commodities, rates and currencies. {filing.say(company.market_risk)}"),
    ]


def _the(exchange: str) -> str:
    return exchange if exchange.startswith("The ") else f"the {exchange}"


_INTRODUCTION = """This discussion should be read together with the consolidated financial
statements and notes in Item 8. It compares {fy} with {prior}; the comparison of {prior} with the
year before is found in Item 7 of our report for {prior}."""

_SALES_OPENINGS = (
    """{sales_word} amounted to {sales} in {fy}, compared with {sales_prior} in {prior}. The table
    shows the causes of the change by segment.""",
    """In {fy} we had {sales_word} of {sales}, after {sales_prior} in {prior}, for the reasons that
    the table and the sections on the segments give.""",
    """Consolidated {sales_word} came to {sales} in {fy} and {sales_prior} in {prior}. We divide
    the change as follows.""",
)

_INTEREST = (
    """Interest expense was {interest}, against {interest_prior} in {prior}. The effective tax rate
    was {tax_rate}, against {tax_rate_prior}; Note 7 explains how it differs from the statutory
    rate of 21%.""",
    """Average borrowings and market rates led to interest expense of {interest} in {fy} and
    {interest_prior} in {prior}. Income taxes were {tax_rate} of income before income taxes in {fy}
    and {tax_rate_prior} in {prior}.""",
)

_ESTIMATES = {
    "pumps": """
Inventories. We reduce inventories to net realizable value for slow-moving parts, by classes of age
and usage. Parts for installed pumps and valves may be needed after many years, so that judgment is
needed on how many to keep.

Contracts over time. Estimated total cost of orders recognized over time is reviewed each quarter. A
rise of 5% in the cost to complete all open orders would have lowered operating income by less than
1%.
""",
    "retail": """
Inventories. Merchandise is carried at the lower of average cost and net realizable value. We
estimate markdowns still to come from sell-through by class, and shrink since the last count from
experience in each store.

Leases. The right-of-use asset of a store is tested when its cash flow turns negative. The discount
rate of each lease is our rate for secured borrowing over its term.
""",
    "packaging": """
Inventories. Paper, board, resin and metal are carried at the lower of cost and net realizable
value, which can fall below cost within weeks when input prices fall.

Useful lives. Machines are depreciated over ten to twenty-five years. If the useful lives of
production equipment were one year shorter on average, yearly depreciation would rise by about 7%.
""",
}

_TAX_ESTIMATE = """
Income taxes. We recognize a tax position when it is more likely than not to be upheld, and set a
valuation allowance against deferred tax assets that we do not expect to use.
"""
