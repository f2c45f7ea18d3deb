"""Part I: business, risk factors, properties and legal proceedings."""

from ingest.samples.blocks import Block, Grid, Heading, Paragraph, Row, Table, percent
from ingest.samples.filing import Filing
from ingest.samples.profile import Risk, Sector, Site


def part_one(filing: Filing) -> list[Block]:
    return [
        Heading("PART I", 1, "PART I"),
        *_business(filing),
        *_risk_factors(filing),
        *_properties(filing),
        *_legal(filing),
    ]


def _business(filing: Filing) -> list[Block]:
    company = filing.company
    blocks: list[Block] = [
        Heading("ITEM 1. BUSINESS", 2, "Item 1. Business"),
        Heading("Overview", 3),
        *filing.paragraphs(company.overview),
        *filing.paragraphs(company.year_note),
        Heading(f"Developments in {filing.fy}", 3),
        *filing.paragraphs(filing.story.developments),
        Heading("Segments", 3),
        Paragraph(
            filing.say(
                f"We report {_count(len(company.segments))} segments. The table shows what each "
                "contributed to {sales_word}."
            )
        ),
        _segment_shares(filing),
        *(Paragraph(filing.say(f"{segment.name} {segment.about}")) for segment in company.segments),
    ]
    if filing.story.stores:
        blocks += _stores(filing)
    topics = {
        "Customers and Sales": company.customers,
        _SUPPLY_TITLE[company.sector]: company.supply,
        "Competition": company.competition,
        "Seasonality": company.seasonality,
        "Intellectual Property": company.rights,
        "Government Regulation": company.regulation,
        "Human Capital": company.people,
    }
    for title, text in topics.items():
        blocks += [Heading(title, 3), *filing.paragraphs(text)]
    blocks += [
        Heading("Information About Our Executive Officers", 3),
        Grid(
            ("Name", "Position", "Age"),
            tuple(
                (name, position, str(age + filing.year - 2023))
                for name, position, age in company.officers
            ),
            (0.32, 0.56, 0.12),
            frozenset({2}),
        ),
        Heading("Available Information", 3),
        *filing.paragraphs(_AVAILABLE),
    ]
    return blocks


def _segment_shares(filing: Filing) -> Table:
    years = filing.years(3)
    rows = []
    for index, segment in enumerate(filing.company.segments):
        sales = [filing.books[year].income for year in years]
        cells = [percent(item.segment_sales[index], item.sales) for item in sales]
        rows.append(Row(segment.name, tuple(cells)))
    rows.append(Row("Total", ("100.0%",) * 3, rule="double"))
    caption = f"(percent of {filing.company.wording.sales.lower()})"
    return Table(filing.heads(3), tuple(rows), filing.span, caption)


def _stores(filing: Filing) -> list[Block]:
    opening, opened, closed = filing.story.stores or (0, 0, 0)
    stories = filing.company.stories
    prior = stories[filing.year - 1].stores if filing.year - 1 in stories else None
    columns = [(opening, opened, closed)]
    if prior:
        columns.append(prior)
    captions = (
        "Stores at beginning of year",
        "Opened",
        "Closed",
        "Stores at end of year",
    )
    values = [
        [column[0] for column in columns],
        [column[1] for column in columns],
        [-column[2] for column in columns],
        [column[0] + column[1] - column[2] for column in columns],
    ]
    rows = tuple(
        Row(
            caption,
            tuple(f"({-value})" if value < 0 else str(value) for value in line),
            1 if caption in ("Opened", "Closed") else 0,
            "double" if caption == captions[-1] else "none",
        )
        for caption, line in zip(captions, values, strict=True)
    )
    table = Table(filing.heads(len(columns)), rows, "", "(number of stores)")
    return [Heading("Stores", 3), table]


def _risk_factors(filing: Filing) -> list[Block]:
    blocks: list[Block] = [
        Heading("ITEM 1A. RISK FACTORS", 2, "Item 1A. Risk Factors"),
        *filing.paragraphs(_RISK_INTRODUCTION),
        Heading("Risks of Our Business", 3),
    ]
    special = (*filing.story.risks, *filing.company.risks)
    blocks += _risks(filing, special)
    blocks += [Heading("General Risks", 3), *_risks(filing, _GENERAL_RISKS)]
    return blocks


def _risks(filing: Filing, risks: tuple[Risk, ...]) -> list[Block]:
    blocks: list[Block] = []
    for risk in risks:
        blocks += [Paragraph(risk.title, "italic"), Paragraph(filing.say(risk.body))]
    return blocks


def _properties(filing: Filing) -> list[Block]:
    sites = filing.company.sites
    return [
        Heading("ITEM 2. PROPERTIES", 2, "Item 2. Properties"),
        Paragraph(filing.say("Our principal properties at {period_end} were the following.")),
        Grid(
            ("Location", "Use", "Square feet", "Owned or leased"),
            tuple(
                (site.place, _use(site, filing.year), f"{site.square_feet:,}", site.tenure)
                for site in sites
                if _use(site, filing.year)
            ),
            (0.29, 0.37, 0.16, 0.18),
            frozenset({2}),
        ),
        Paragraph(filing.choose(*_PROPERTY_ENDINGS)),
    ]


def _use(site: Site, year: int) -> str:
    """What the site is used for, as known in the year; empty if it had not opened yet."""
    if site.opened and int(site.opened[-4:]) > year:
        return ""
    if site.closed and int(site.closed[-4:]) <= year:
        return f"{site.use} (closed {site.closed})"
    return f"{site.use} (since {site.opened})" if site.opened else site.use


def _legal(filing: Filing) -> list[Block]:
    return [
        Heading("ITEM 3. LEGAL PROCEEDINGS", 2, "Item 3. Legal Proceedings"),
        *filing.paragraphs(filing.story.legal),
        Paragraph(filing.say(_OTHER_CASES)),
        Heading("ITEM 4. MINE SAFETY DISCLOSURES", 2, "Item 4. Mine Safety Disclosures"),
        Paragraph("Not applicable."),
    ]


def _count(number: int) -> str:
    return {2: "two", 3: "three"}[number]


_SUPPLY_TITLE: dict[Sector, str] = {
    "pumps": "Raw Materials and Suppliers",
    "retail": "Merchandise and Sourcing",
    "packaging": "Raw Materials and Energy",
}

_AVAILABLE = """
Our annual, quarterly and current reports are available without charge on our website as soon as
reasonably practicable after they are filed with the Securities and Exchange Commission. The
website is not part of this report.
"""

_RISK_INTRODUCTION = """
The following risks, and others that we do not know or now consider small, could materially harm
the business, financial condition, cash flows or results of {short}, and the price of its common
stock.
"""

_OTHER_CASES = """{short} is also party to claims that arise in the ordinary course of business. We
do not expect their outcome to be material, beyond what is said in Note 10 to the consolidated
financial statements."""

_PROPERTY_ENDINGS = (
    "We consider our properties suitable and sufficient for the business as it is now.",
    "Leases end at various dates through 2039, and most can be renewed. We believe that the "
    "properties are well kept and that their capacity is adequate.",
    "Not listed are smaller offices, warehouses and sales locations, nearly all of them leased.",
)

_GENERAL_RISKS = (
    Risk(
        "Interruptions of our information systems could harm our operations.",
        """We rely on information systems, some of them run by others, to take orders, plan
        supply, pay and report. Failures, errors in new software and attacks from outside can
        interrupt them, and we may not be able to recover data or sales.""",
    ),
    Risk(
        "Higher interest rates or a lower credit rating would raise the cost of our debt.",
        """At {period_end} we had total debt of {debt}, against {debt_prior} a year earlier, part
        of which bears interest at floating rates. Our credit agreements contain covenants; if we
        broke one, lenders could call the debt.""",
    ),
    Risk(
        "Goodwill and other intangible assets may become impaired.",
        """We test goodwill every year and when events suggest that its value has fallen. A lower
        plan for a reporting unit, or a higher discount rate, could require a charge that would be
        material to the results of the period.""",
    ),
    Risk(
        "We may not be able to hire and keep the people whom we need.",
        """Skilled employees are sought after in nearly all of our locations. Rising wages that we
        cannot recover in prices, and the loss of experienced managers, could hurt our results.""",
    ),
    Risk(
        "Changes in tax law and in the assessment of tax authorities may raise our taxes.",
        """Our effective tax rate was {tax_rate} in {fy} and {tax_rate_prior} in {prior}. It depends
        on where we earn income, on legislation, and on the outcome of audits.""",
    ),
)
