"""Aldercourt Packaging: corrugated board and cartons, calendar year, in whole millions."""

from ingest.samples.profile import (
    Acquisition,
    Company,
    Debt,
    Growth,
    Look,
    Plan,
    Risk,
    Segment,
    Site,
    Unit,
    Wording,
    YearStory,
)

_STORY_2022 = YearStory(
    employees=9850,
    facts={
        "tons": "2.31 million",
        "operating_rate": "93%",
        "integration": "84%",
        "top_customer": "9%",
        "occ_move": "$19 million",
        "gas_move": "$8 million",
        "box_plants": "41",
        "pension": "$62 million",
    },
    developments="""
    On March 1, 2022, we acquired Westerly Carton Group, a maker of folding cartons with seven
    plants in the Midwest, for $310 million. Westerly makes cartons for frozen food and
    pharmaceuticals and is part of Folding Cartons.

    The No. 3 paper machine at our mill in Dunleith, South Carolina, was rebuilt in the third
    quarter of 2022 to make lighter linerboard from recycled fiber only. It stood still for 34
    days, and its capacity rose by 60,000 tons a year.
    """,
    drivers=(
        """Published prices of linerboard rose by $60 a ton in March and August 2021 and by $70
        in March 2022, and contracts followed with a lag of about a quarter. Box shipments per
        workday fell 1.9%, with the decline concentrated in the fourth quarter as customers in
        e-commerce reduced stocks.""",
        """Westerly contributed $214 million in ten months. Elsewhere, price increases passed on
        the cost of boxboard, and volume with cereal and frozen food makers was steady.""",
    ),
    margin="""Higher selling prices outran the cost of old corrugated containers (OCC), which
    averaged $126 a ton, but natural gas, at an average of $7.10 per million British thermal
    units, and starch took back part of the gain. The standstill at Dunleith cost $17 million.""",
    overhead="""Westerly added $21 million and its acquisition $8 million of fees. Wages and
    information technology account for the rest of the increase.""",
    liquidity="""We issued $300 million of 4.75% senior notes in February 2022 to pay for
    Westerly. Inventories of recovered fiber were rebuilt ahead of winter.""",
    outlook="""Capital expenditures of $190 million to $200 million are planned for 2023, of
    which $70 million is for a biomass boiler at Dunleith.""",
    legal="""
    Containerboard antitrust. In June 2021 two buyers of boxes filed putative class actions in the
    federal court in Chicago against Aldercourt and six other makers, which allege that the makers
    agreed from 2015 to 2020 to restrain capacity. In September 2022 the court denied our motion
    to dismiss. We cannot estimate a loss.

    Pocotal River. The Department of Health and Environmental Control of South Carolina fined us
    $1.1 million in May 2022 for discharges from the Dunleith mill in 2020 that exceeded the limit
    for biochemical oxygen demand. We have paid the fine.
    """,
    borrowing="""On February 15, 2022, we issued $300 million of 4.75% senior notes due 2032.
    The $600 million revolving credit facility matures in November 2026.""",
    subsequent="""On January 30, 2023, the Board of Directors decided to close the
    containerboard mill in Port Averill, Georgia, by the middle of 2023. We expect charges of
    $65 million to $75 million, about half of them without cash cost.""",
    risks=(
        Risk(
            "Natural gas and recovered fiber may become dearer faster than our prices rise.",
            """Our mills used 11.8 trillion British thermal units of natural gas and 1.6 million
            tons of recovered fiber in 2022. Gas cost 71% more than in 2021. Contracts with most
            customers change price only when a trade publication changes its index.""",
        ),
        Risk(
            "The integration of Westerly Carton Group may disappoint.",
            """We count on savings of $18 million a year by the end of 2024, most of them from
            making the boxboard that Westerly bought from others. Its plants run on four
            different planning systems.""",
        ),
    ),
)

_STORY_2023 = YearStory(
    employees=9320,
    facts={
        "tons": "2.12 million",
        "operating_rate": "87%",
        "integration": "91%",
        "top_customer": "10%",
        "occ_move": "$16 million",
        "gas_move": "$7 million",
        "box_plants": "39",
        "pension": "$48 million",
    },
    developments="""
    We closed the containerboard mill in Port Averill, Georgia, on June 16, 2023, which took out
    310,000 tons of yearly capacity and ended 402 jobs. Charges were $68 million, of which $37
    million was for accelerated depreciation and the write-off of spare parts.

    The biomass boiler at Dunleith was lit in November 2023 and burns bark and sludge in place of
    natural gas. Two box plants, in Rome, Georgia, and Utica, New York, were merged into others.
    In October 2023 we signed a supply agreement for five years with Harvest Lane Foods, worth
    some $55 million a year from 2024 on.
    """,
    drivers=(
        """Box shipments per workday fell 4.6% in the first half and rose 0.7% in the second.
        Published prices of linerboard fell by $20 in December 2022, by $20 in February and by
        $10 in April 2023, and we took 118,000 tons of economic downtime before Port Averill
        closed.""",
        """Two further months of Westerly and the full effect of the price increases of 2022
        outweighed lower volume, as makers of packaged food reduced stocks of cartons in the
        second and third quarters.""",
    ),
    margin="""Old corrugated containers averaged $71 a ton and natural gas $3.40 per million
    British thermal units, which lowered cost by $96 million and more than offset lower box
    prices and unabsorbed cost of downtime.""",
    overhead="""Lower incentive compensation and the first savings at Westerly, of $7 million,
    more than offset wage increases.""",
    liquidity="""Working capital fell with volume and fiber prices. Closing Port Averill took
    $22 million of cash in 2023, and another $14 million is expected, chiefly for the landfill.""",
    outlook="""Capital expenditures of $135 million to $145 million are planned for 2024, the
    lowest since 2020, since the boiler is finished.""",
    legal="""
    Containerboard antitrust. Discovery in the class actions in the federal court in Chicago,
    which allege that Aldercourt and six other makers restrained capacity from 2015 to 2020, ended
    in August 2023. One defendant settled for $42 million in November 2023. A ruling on class
    certification is expected in 2024. We cannot estimate a loss, and have not accrued any.

    Port Averill landfill. The Georgia Environmental Protection Division requires us to cap the
    landfill of the closed mill, for which we accrued $14 million in 2023.
    """,
    borrowing="""We repaid $120 million of the revolving credit facility in 2023, so that $540
    million was available at December 31, 2023. Net leverage under the credit agreement may not
    exceed 4.0 times.""",
    subsequent="""On February 8, 2024, we announced a price increase of $70 a ton for linerboard
    and $100 a ton for medium, effective March 1, 2024.""",
    risks=(
        Risk(
            "Demand for boxes may stay low.",
            """Our operating rate fell to {operating_rate} in 2023. New recycled mills of
            competitors, with a capacity of about 2.2 million tons a year, have started since
            2021, and may keep prices low even if demand recovers.""",
        ),
        Risk(
            "Closing Port Averill leaves us with fewer mills and with its landfill.",
            """All of our linerboard now comes from Dunleith and from Marisol, Texas. A fire or
            hurricane at either would force us to buy board from competitors. The cost of the
            landfill at Port Averill depends on tests of groundwater that are not finished.""",
        ),
    ),
)

ALDERCOURT = Company(
    key="ALDERCOURT",
    name="Aldercourt Packaging Corporation",
    short="Aldercourt",
    ticker="ADCP",
    exchange="New York Stock Exchange",
    state="Delaware",
    irs_number="57-0698125",
    commission_file="001-10938",
    street="221 Reedy Falls Drive, Suite 900",
    city="Greenville, South Carolina 29601",
    phone="(864) 555-0175",
    sector="packaging",
    year_ends={year: f"December 31, {year}" for year in range(2019, 2024)},
    year_note="Our fiscal year is the calendar year.",
    fiscal_word=False,
    unit=Unit("millions"),
    wording=Wording(
        cost="Cost of products sold",
        statement="INCOME",
        capex="Capital expenditures for property, plant and equipment",
        receivables="Trade accounts receivable, net",
    ),
    look=Look("Times", 9.5, True),
    segments=(
        Segment(
            "Containerboard and Corrugated",
            2148.0,
            {
                2020: Growth(0.8, -2.9),
                2021: Growth(4.3, 9.4),
                2022: Growth(-2.2, 13.6),
                2023: Growth(-4.1, -4.8),
            },
            {2020: 0.121, 2021: 0.127, 2022: 0.142, 2023: 0.134},
            """makes linerboard and medium, and turns them into boxes and displays in
            {box_plants} box plants. Its mills made {tons} tons of containerboard in {fy}, at an
            operating rate of {operating_rate}; {integration} of it was used in our own box
            plants or traded for board of others.""",
        ),
        Segment(
            "Folding Cartons",
            876.0,
            {
                2020: Growth(2.4, 0.6, 0.0, -0.2),
                2021: Growth(1.2, 4.8, 0.0, 0.3),
                2022: Growth(0.9, 8.1, 22.4, -0.4),
                2023: Growth(-3.2, 4.4, 3.9, 0.1),
            },
            {2020: 0.096, 2021: 0.091, 2022: 0.094, 2023: 0.109},
            """prints and cuts cartons for cereal, frozen food, beverages, tissues and, since
            the purchase of Westerly, pharmaceuticals, in 22 plants in the United States and
            three in Canada. Boxboard comes from our recycled mill in Kalvesta, Ohio, and from
            others.""",
        ),
    ),
    plan=Plan(
        gross_margin=(0.206, 0.209, 0.221, 0.227),
        corporate=0.017,
        capex=(0.043, 0.047, 0.049, 0.056),
        opening_plant=1286.0,
        opening_goodwill=604.0,
        opening_intangibles=246.0,
        opening_cash=148.0,
        receivable_days=(42, 44, 43, 41),
        inventory_days=(48, 49, 53, 50),
        payable_days=(45, 50, 47, 44),
        leases=(168, 172, 191, 184),
        shares=76.4,
        share_price=(38.6, 54.2, 49.7, 52.3),
        dividends=(1.12, 1.20, 1.32, 1.40),
        buyback_share=0.4,
        depreciation=0.104,
        restructuring={2020: 14, 2023: 68},
        foreign_share=0.07,
        foreign_tax=0.3,
        tax_credits=-0.8,
        stock_compensation=0.0065,
    ),
    acquisitions=(Acquisition("Westerly Carton Group", 2022, "March 1, 2022", 310, 1, 0.39, 0.28),),
    debts=(
        Debt("3.65% senior notes due 2027", 3.65, 2027, (400, 400, 400, 400, 400)),
        Debt("4.75% senior notes due 2032", 4.75, 2032, (0, 0, 0, 300, 300)),
        Debt("Industrial revenue bonds due 2035", 3.1, 2035, (95, 95, 95, 95, 95)),
        Debt("Revolving credit facility due 2026", 3.5, 2026, (210, 140, 110, 180, 60), 0, True),
    ),
    regions={"United States": 0.91, "Canada": 0.06, "Mexico": 0.03},
    overview="""
    Aldercourt Packaging Corporation makes containerboard, corrugated boxes and folding cartons.
    We run containerboard mills in the southeastern United States and Texas, a recycled boxboard
    mill in Ohio, and {box_plants} box plants, and were formed in 1994 by the merger of Alder
    Creek Paper Company and Courtland Box.

    About 70% of our boxes hold food, beverages and farm products, whose demand changes little
    with the economy. Boxes for durable goods and e-commerce, the rest, follow it more closely.
    """,
    customers="""We serve about 8,600 customers. Harvest Lane Foods, the largest, accounted for
    {top_customer} of net sales in {fy}. Some 65% of box sales are made under contracts of one
    to four years, whose prices follow the index of a trade publication for linerboard with a
    lag of up to 90 days.""",
    supply="""Wood chips, recovered fiber (chiefly old corrugated containers, OCC), boxboard,
    starch and natural gas are our main inputs. We own no forests and buy chips from sawmills
    within 120 miles. Our own eleven recycling yards gather about a third of the OCC that we
    use.""",
    competition="""Five makers have about three quarters of North American containerboard
    capacity; with about 5% we are the sixth. In cartons we compete with two large integrated
    makers and more than a hundred independent plants. Rigid plastic of makers such as Stavelock
    Containers is a substitute in some foods. Price, service and graphics decide.""",
    seasonality="""Box demand peaks from August to October, ahead of the harvest and the
    holidays. Each mill stops for seven to ten days a year for maintenance, usually in the
    second quarter.""",
    rights="""We own 46 patents, among them that on the Aquashed water-resistant box, which
    replaces wax, and license the print system of our carton plants from its maker in Germany.""",
    regulation="""Our mills operate under air permits, discharge permits and the boiler rules
    known as Boiler MACT. California, Colorado, Maine and Oregon have enacted laws that will
    make producers pay for the recycling of packaging, from 2025 on in Oregon first.""",
    people="""We had {employees} employees at {period_end}. The Paper and Board Workers Union
    represents about 4,300 of them; the master agreement for the mills ends on March 31, 2026.
    The recordable injury rate was 1.9 per 200,000 hours worked.""",
    revenue_policy="""Revenue is recognized when control passes, at delivery for most boxes and
    cartons. Boxes printed for one customer that have no other use are recognized over time as
    they are made, which puts about one week of production into contract assets. Rebates for
    volume, which most contracts grant, reduce revenue as they are earned.""",
    market_risk="""A change of $10 a ton in the price of OCC changes our yearly cost by about
    {occ_move}, and a change of $1.00 per million British thermal units in natural gas by about
    {gas_move} before hedges. We fix the price of 30% to 60% of expected gas for the next twelve
    months by swaps. Canadian dollar and peso do not affect us materially.""",
    risks=(
        Risk(
            "Prices of containerboard move in cycles that we cannot control.",
            """A change of $10 a ton in the price of linerboard changes our yearly operating
            income by about $20 million. An index of one trade publication sets the price in
            most of our contracts, and its method is disputed.""",
        ),
        Risk(
            "A long stop of one of our mills would cost us more than insurance pays.",
            """The Dunleith mill makes more than half of our containerboard on two machines that
            share one recovery boiler. Insurance of business interruption begins after 30 days,
            and deductibles for wind damage have risen to 5% of value.""",
        ),
        Risk(
            "We are accused of fixing prices.",
            """Plaintiffs in the containerboard antitrust cases ask for three times the damages
            of all buyers from 2015 to 2020, for which the defendants would be liable jointly.
            Our part of industry sales was about 5%.""",
        ),
        Risk(
            "Pensions may need more cash.",
            """The pension plans of our mills were underfunded by {pension} at {period_end}.
            Lower interest rates or returns would increase what we must pay in.""",
        ),
    ),
    sites=(
        Site("Dunleith, South Carolina", "Containerboard mill", 2_150_000, "Owned"),
        Site("Marisol, Texas", "Containerboard mill", 1_340_000, "Owned"),
        Site("Port Averill, Georgia", "Containerboard mill", 980_000, "Owned", closed="June 2023"),
        Site("Kalvesta, Ohio", "Recycled boxboard mill", 760_000, "Owned"),
        Site("Fond du Lac, Wisconsin", "Folding cartons (Westerly)", 415_000, "Owned"),
        Site("Greenville, South Carolina", "Headquarters", 92_000, "Leased"),
    ),
    officers=(
        ("Bertrand L. Kinnear", "Chairman and Chief Executive Officer", 61),
        ("Samira J. Holcombe", "Executive Vice President and Chief Financial Officer", 50),
        ("Nathaniel R. Osgood", "Executive Vice President, Containerboard", 56),
        ("Claudia M. Brightwater", "General Counsel and Secretary", 52),
    ),
    auditor="Eastlake Corwin LLP",
    stories={2022: _STORY_2022, 2023: _STORY_2023},
)
