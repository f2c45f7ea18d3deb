"""Notes 4 and 5: property, goodwill and intangible assets, with the year's acquisitions."""

from ingest.samples.blocks import Block, Heading, Paragraph, Row, Table, dollars
from ingest.samples.filing import Filing
from ingest.samples.profile import Acquisition, Sector
from ingest.samples.statements import split


def asset_notes(filing: Filing) -> list[Block]:
    return [*_plant(filing), *_goodwill(filing)]


def _plant(filing: Filing) -> list[Block]:
    kinds = _PLANT_KINDS[filing.company.sector]
    columns = []
    for year in filing.years(2):
        rng, balance = filing.rng("plant", year), filing.books[year].balance
        weights = [weight * rng.uniform(0.97, 1.03) for weight in kinds.values()]
        gross = balance.plant + balance.accumulated_depreciation
        columns.append((*split(gross, weights), -balance.accumulated_depreciation))
    rows = [
        filing.line(kind, [column[index] for column in columns], dollar=index == 0)
        for index, kind in enumerate(kinds)
    ]
    gross_row = [sum(column[:-1]) for column in columns]
    rows += [
        filing.line("Total, at cost", gross_row, rule="single"),
        filing.line("Less: accumulated depreciation", [column[-1] for column in columns]),
        filing.line(
            f"{filing.company.wording.plant}, net",
            [sum(column) for column in columns],
            dollar=True,
            rule="double",
        ),
    ]
    depreciation = [filing.books[year].cash.depreciation for year in filing.years(3)]
    names = [filing.company.year_name(year) for year in filing.years(3)]
    return [
        Heading(f"4. {filing.company.wording.plant}", 3),
        filing.balance_table(rows),
        Paragraph(
            f"Depreciation expense was {filing.prose(depreciation[0])} in {names[0]}, "
            f"{filing.prose(depreciation[1])} in {names[1]} and "
            f"{filing.prose(depreciation[2])} in {names[2]}."
        ),
    ]


def _goodwill(filing: Filing) -> list[Block]:
    blocks: list[Block] = [
        Heading("5. Acquisitions, Goodwill and Intangible Assets", 3),
    ]
    for deal in filing.company.acquisitions:
        if deal.year in filing.years(2):
            blocks += _acquisition(filing, deal)
    blocks += [
        Paragraph("The carrying amount of goodwill changed as follows, by segment."),
        _goodwill_table(filing),
    ]
    impairment = filing.now.income.impairment
    if impairment:
        index = filing.company.plan.impairment[filing.year][0]
        unit = filing.company.segments[index].name
        blocks.append(
            Paragraph(
                f"In the fourth quarter of {filing.fy}, the fair value of {unit}, estimated from "
                f"discounted cash flows at a rate of 11.5% (Level 3), was below its carrying "
                f"amount, and we recorded an impairment of {filing.prose(impairment)}."
            )
        )
    blocks += [
        Paragraph("Other intangible assets were as follows."),
        _intangibles(filing),
        _future_amortization(filing),
    ]
    return blocks


def _acquisition(filing: Filing, deal: Acquisition) -> list[Block]:
    purchase = filing.books[deal.year].purchase
    named = [
        ("Receivables", purchase.receivables),
        ("Inventories", purchase.inventories),
        (filing.company.wording.plant, purchase.plant),
        ("Customer relationships and other intangible assets", purchase.intangibles),
        ("Goodwill", purchase.goodwill),
        ("Accounts payable and accrued liabilities", -purchase.payables),
    ]
    rows = [
        filing.line(label, [amount], dollar=index == 0)
        for index, (label, amount) in enumerate(named)
    ]
    rows.append(
        filing.line(
            "Purchase price, net of cash acquired", [purchase.price], dollar=True, rule="double"
        )
    )
    segment = filing.company.segments[deal.segment].name
    return [
        Paragraph(
            f"{deal.name}. On {deal.closed}, we acquired {deal.name} for "
            f"{filing.prose(purchase.price)} in cash, net of cash acquired. It is included in "
            f"{segment}. The purchase price was allocated as shown. Goodwill reflects the "
            "workforce and expected savings and is not expected to be deductible for tax purposes."
        ),
        Table(("Amount",), tuple(rows), "", filing.unit_line),
    ]


def _goodwill_table(filing: Filing) -> Table:
    books = [filing.before, filing.now]
    rows: list[Row] = []
    ends = filing.company.year_ends
    for index, year_books in enumerate(books):
        opening, closing = year_books.opening.goodwill, year_books.balance.goodwill
        moved = year_books.translation
        lost = [0] * len(opening)
        if year_books.income.impairment:
            lost[filing.company.plan.impairment[year_books.year][0]] = year_books.income.impairment
        bought = [
            end - start - shift + loss
            for start, end, shift, loss in zip(opening, closing, moved, lost, strict=True)
        ]
        if index == 0:
            rows.append(_wide(filing, f"Balance at {ends[year_books.year - 1]}", opening, True))
        if any(bought):
            rows.append(_wide(filing, "Acquisitions", bought))
        if any(lost):
            rows.append(_wide(filing, "Impairment", [-loss for loss in lost]))
        if filing.company.plan.foreign_share:
            rows.append(_wide(filing, "Currency translation", moved))
        label = f"Balance at {ends[year_books.year]}"
        total = _wide(filing, label, closing, True)
        rows.append(Row(label, total.cells, rule="double" if index else "single"))
    names = [segment.name.replace(" and ", " and\n", 1) for segment in filing.company.segments]
    heads = tuple(name if "\n" in name else name.replace(" ", "\n", 1) for name in names)
    return Table((*heads, "Total"), tuple(rows), "", filing.unit_line)


def _wide(
    filing: Filing, label: str, values: list[int] | tuple[int, ...], dollar: bool = False
) -> Row:
    cells = filing.cells([*values, sum(values)])
    return Row(label, dollars(cells) if dollar else cells)


def _intangibles(filing: Filing) -> Table:
    balance = filing.now.balance
    kinds = {"Customer relationships": 0.55, "Trademarks": 0.24, "Technology and other": 0.21}
    gross = split(balance.intangibles_gross, list(kinds.values()))
    rng = filing.rng("intangibles")
    weights = [weight * rng.uniform(0.9, 1.1) for weight in kinds.values()]
    amortized = split(balance.intangibles_gross - balance.intangibles, weights)
    rows = [
        filing.line(kind, [cost, -used, cost - used], dollar=index == 0)
        for index, (kind, cost, used) in enumerate(zip(kinds, gross, amortized, strict=True))
    ]
    totals = [sum(gross), -sum(amortized), balance.intangibles]
    rows.append(filing.line("Total", totals, dollar=True, rule="double"))
    heads = ("Gross\namount", "Accumulated\namortization", "Net\namount")
    return Table(heads, tuple(rows), filing.year_end, filing.unit_line)


def _future_amortization(filing: Filing) -> Paragraph:
    yearly = round(filing.now.balance.intangibles * 0.09)
    parts = [
        f"{filing.prose(round(yearly * (1 - 0.04 * ahead)))} in "
        f"{filing.company.year_name(filing.year + 1 + ahead)}"
        for ahead in range(3)
    ]
    return Paragraph(
        f"Amortization of existing intangible assets is expected to be {parts[0]}, {parts[1]} and "
        f"{parts[2]}."
    )


_PLANT_KINDS: dict[Sector, dict[str, float]] = {
    "pumps": {
        "Land and improvements": 0.05,
        "Buildings": 0.27,
        "Machinery and equipment": 0.61,
        "Construction in progress": 0.07,
    },
    "retail": {
        "Land and buildings": 0.22,
        "Leasehold improvements": 0.33,
        "Fixtures, equipment and software": 0.41,
        "Construction in progress": 0.04,
    },
    "packaging": {
        "Land and improvements": 0.04,
        "Buildings": 0.18,
        "Machinery, molds and equipment": 0.72,
        "Construction in progress": 0.06,
    },
}
