"""Stavelock Containers: plastic containers and closures, October year-end, in millions."""

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
    employees=5120,
    facts={
        "recycled": "14%",
        "glenmarrow": "13.2%",
        "resin": "312 million",
        "resin_cost": "38%",
        "plants": "27",
        "resin_move": "$24.5 million",
        "reserve": "$3.0 million",
        "turnover": "29%, after 41% in fiscal 2021",
        "health_range": "bottles, droppers and vials for eye care and diagnostic tests",
    },
    developments="""
    Polypropylene, our most important resin, reached its highest price on record in the autumn of
    2021, after storms had closed plants on the Gulf Coast, and fell by almost half until October
    2022. Prices to most of our customers follow the resin index by contract, with a lag of one to
    three months.

    In February 2022 we brought LatchRight, a child-resistant lid made from one material, to
    market for laundry pods. A plant in Queretaro, Mexico, began to make metal closures for sauces
    in July 2022.
    """,
    drivers=(
        """The pass-through of resin explains the whole increase. Volume of paint pails fell as
        painters of homes bought less after the pandemic, and volume of dairy containers was
        flat.""",
        """Prices followed the cost of tinplate, which rose by 42% in the yearly contracts for
        2022. Volume with makers of sauces and baby food was down slightly, limited by tinplate
        that came late.""",
        """Bottles and droppers for eye care grew by a tenth, while volume of vials for
        diagnostic tests fell to a quarter of the level of the year before.""",
    ),
    margin="""Because pass-through adds sales without profit, gross margin fell although gross
    profit per container rose. The lag of pass-through, which had cost us $13.2 million in
    fiscal 2021, gave back $6.8 million in the second half of fiscal 2022.""",
    overhead="""Freight between plants is included here and rose with diesel. The start of
    Queretaro cost $2.6 million.""",
    liquidity="""The high price of resin tied up cash until spring and released it afterward.
    Buybacks of shares continued through October 2022.""",
    outlook="""For fiscal 2023 we plan capital expenditures of $82 million to $88 million, of
    which $24 million is for clean rooms for healthcare packaging.""",
    legal="""
    Glenmarrow. In April 2022 Glenmarrow Foods withdrew 2.1 million jars of pasta sauce from sale
    whose lids had lost vacuum, and claimed $19.4 million from us. We supplied the lids, and
    believe that the temperature of filling was below what had been agreed. The contract provides
    for arbitration in Indianapolis, which Glenmarrow demanded in September 2022.

    Fluorinated containers. In January 2022 an environmental group sued us in the federal court in
    Trenton, New Jersey, because perfluorinated acids (PFAS) form in small amounts when containers
    for pesticides are treated with fluorine.
    """,
    borrowing="""The term loan B was repriced in March 2022 to SOFR plus 2.00%. Of the $250.0
    million revolving credit facility due in January 2026, $55.0 million was drawn at October
    31, 2022.""",
    subsequent="""On December 5, 2022, we agreed to buy Norrbach Medical Packaging Limited of
    Athlone, Ireland, for EUR 163 million. The purchase closed on January 31, 2023.""",
    risks=(
        Risk(
            "The price of resin changes quickly, and our prices follow with a lag.",
            """Resin was {resin_cost} of cost of goods sold in fiscal 2022. In the first
            half-year the lag of pass-through contracts cost us money, in the second it helped;
            about 15% of our sales have no pass-through at all.""",
        ),
        Risk(
            "Tinplate for our closures is scarce.",
            """Two mills in the United States make the light tinplate that we need. One
            announced in May 2022 that it would stop one of its lines; imports are subject to
            quotas and duties.""",
        ),
    ),
)

_STORY_2023 = YearStory(
    employees=5690,
    facts={
        "recycled": "17%",
        "glenmarrow": "11.8%",
        "resin": "289 million",
        "resin_cost": "31%",
        "plants": "29",
        "resin_move": "$20.1 million",
        "reserve": "$7.5 million",
        "turnover": "22%, after 29% in fiscal 2022",
        "no_buyback": "yes",
        "health_range": "bottles and droppers and, since January 2023, parts of inhalers and pens",
    },
    developments="""
    On January 31, 2023, we acquired Norrbach Medical Packaging Limited for $175.4 million.
    Norrbach makes inhaler parts, injection pen housings and blisters in two plants, in Athlone,
    Ireland, and in Gdansk, Poland, with 640 employees. It is reported within Healthcare
    Packaging.

    The clean rooms in Bloomington, Indiana, were finished in June 2023, and qualified by the
    first customer, Aurelian Ophthalmics, in September. We closed a plant for paint pails in
    Fontana, California, in August 2023 at a cost of $6.4 million.
    """,
    drivers=(
        """Lower resin prices were passed to customers. Volume of paint pails and of containers
        for garden chemicals fell as retailers reduced stocks, and dairy containers gained with
        the start of a contract with Ludgrove Creamery in March 2023.""",
        """Price rose with the yearly contracts for tinplate, while Glenmarrow Foods moved a
        part of its jar lids to another maker from January 2023 on.""",
        """Norrbach contributed $84.2 million in nine months. Eye care bottles continued to
        grow, and vials for diagnostic tests were no longer of importance.""",
    ),
    margin="""Lower resin prices reduce sales more than profit and so raise gross margin.
    Norrbach's margin is above that of the rest, even after $2.7 million of inventory write-up,
    and the lag of pass-through gave a gain of $5.2 million.""",
    overhead="""Norrbach added $11.9 million and its acquisition cost $4.3 million; arbitration
    with Glenmarrow cost $2.1 million.""",
    liquidity="""We paid for Norrbach with a new term loan A of $150.0 million and cash. Lower
    resin prices released cash, and we bought back no shares after January 2023.""",
    outlook="""For fiscal 2024 we plan capital expenditures of $75 million to $80 million, and
    intend to bring net leverage below 2.5 times.""",
    legal="""
    Glenmarrow. The arbitration panel in Indianapolis heard the claim of Glenmarrow Foods about
    lids of pasta sauce jars in June 2023, and awarded it $7.5 million on November 20, 2023,
    against a claim of $19.4 million. The award, which we had accrued at October 31, 2023, was not
    covered by insurance.

    Fluorinated containers. On May 18, 2023, the Environmental Protection Agency proposed rules on
    fluorinated containers, and the federal court in Trenton, New Jersey, stayed the suit of an
    environmental group against us until they are final. We ended fluorination in Evansville in
    August 2023.
    """,
    borrowing="""On January 31, 2023, we borrowed $150.0 million as term loan A, due January
    2028, at SOFR plus 1.75%. Term loan B is due in March 2029. Interest on $200.0 million is
    swapped to a fixed rate of 5.38%.""",
    subsequent="""On November 20, 2023, the panel in the arbitration with Glenmarrow Foods
    awarded it $7.5 million, an amount that is included in accrued liabilities at October 31,
    2023.""",
    risks=(
        Risk(
            "We may lose more of the business of Glenmarrow Foods.",
            """Glenmarrow Foods was {glenmarrow} of net sales in fiscal 2023. After the dispute
            about lids it gave part of its jar lids to another maker. Its contract for dairy
            containers ends in December 2024.""",
        ),
        Risk(
            "Norrbach's customers can change suppliers only slowly, but they can change.",
            """Two makers of medicines accounted for 58% of Norrbach's net sales. Parts of a
            medicine's package are named in its approval; a successor medicine may come in
            another device.""",
        ),
    ),
)

STAVELOCK = Company(
    key="STAVELOCK",
    name="Stavelock Containers, Inc.",
    short="Stavelock",
    ticker="STVK",
    exchange="New York Stock Exchange",
    state="Indiana",
    irs_number="35-2016697",
    commission_file="001-34415",
    street="6300 Cooperage Lane",
    city="Evansville, Indiana 47715",
    phone="(812) 555-0151",
    sector="packaging",
    year_ends={year: f"October 31, {year}" for year in range(2019, 2024)},
    year_note="""Our fiscal year ends on October 31; {fy} means the year ended {period_end}.""",
    fiscal_word=True,
    unit=Unit("millions", 1),
    wording=Wording(
        cost="Cost of goods sold",
        overhead="Selling, general and administrative",
        statement="INCOME",
        capex="Additions to property, plant and equipment",
        research="Research and development",
        receivables="Receivables, net",
    ),
    look=Look("Helvetica", 8.7, True),
    segments=(
        Segment(
            "Rigid Plastics",
            721.4,
            {
                2020: Growth(3.9, -2.8, 0.0, -0.3),
                2021: Growth(4.2, 12.4, 0.0, 0.2),
                2022: Growth(-3.1, 9.8, 0.0, -0.4),
                2023: Growth(-3.7, -6.2, 0.0, 0.3),
            },
            {2020: 0.104, 2021: 0.088, 2022: 0.091, 2023: 0.101},
            """molds pails, tubs, bottles and lids for food, dairy, paint, and garden and
            household chemicals. It used {resin} pounds of resin in {fy}, of which {recycled}
            was recycled.""",
        ),
        Segment(
            "Metal Closures",
            328.9,
            {
                2020: Growth(7.2, 0.4, 0.0, -0.5),
                2021: Growth(-1.4, 3.8, 0.0, 0.4),
                2022: Growth(-1.9, 14.2, 0.0, -0.9),
                2023: Growth(-5.3, 4.1, 0.0, 0.6),
            },
            {2020: 0.121, 2021: 0.118, 2022: 0.114, 2023: 0.109},
            """stamps and lines twist-off lids for glass jars of sauces, pickles, jams and baby
            food, and leases capping machines to those who fill them. We estimate that one of
            four jars of pasta sauce in the United States has a lid of ours.""",
        ),
        Segment(
            "Healthcare Packaging",
            209.7,
            {
                2020: Growth(14.6, 0.8, 0.0, -0.4),
                2021: Growth(9.7, 1.9, 0.0, 0.3),
                2022: Growth(-4.4, 3.7, 0.0, -0.6),
                2023: Growth(5.1, 3.3, 31.6, 0.4),
            },
            {2020: 0.158, 2021: 0.162, 2022: 0.149, 2023: 0.167},
            """makes {health_range}, in clean rooms under good manufacturing practice.""",
        ),
    ),
    plan=Plan(
        gross_margin=(0.218, 0.203, 0.196, 0.219),
        corporate=0.019,
        capex=(0.051, 0.054, 0.053, 0.058),
        opening_plant=486.0,
        opening_goodwill=298.0,
        opening_intangibles=161.0,
        opening_cash=54.0,
        receivable_days=(46, 48, 45, 44),
        inventory_days=(58, 66, 61, 57),
        payable_days=(52, 58, 51, 48),
        leases=(71, 74, 78, 83),
        shares=48.3,
        share_price=(24.9, 33.6, 26.8, 29.4),
        dividends=(0.30, 0.32, 0.36, 0.36),
        buyback_share=0.3,
        research=0.009,
        restructuring={2023: 6.4},
        foreign_share=0.22,
        foreign_tax=-0.6,
        tax_credits=-0.7,
    ),
    acquisitions=(
        Acquisition(
            "Norrbach Medical Packaging Limited", 2023, "January 31, 2023", 175.4, 2, 0.46, 0.33
        ),
    ),
    debts=(
        Debt("Term loan A due 2028", 4.4, 2028, (0, 0, 0, 0, 150), 7.5, True),
        Debt("Term loan B due 2029", 5.0, 2029, (380, 376, 372, 368, 364), 4, True),
        Debt("Revolving credit facility due 2026", 4.2, 2026, (60, 35, 70, 55, 40), 0, True),
    ),
    regions={"United States": 0.78, "Europe": 0.13, "Mexico": 0.09},
    overview="""
    Stavelock Containers, Inc. makes rigid plastic containers, metal closures and packaging for
    healthcare. At {period_end} we had {plants} plants in the United States, Mexico and Europe.
    The company goes back to a cooperage in Evansville that made barrels from 1867, is an Indiana
    corporation, and has been listed since its initial public offering in February 2012.

    Glenmarrow Foods, our largest customer, accounted for {glenmarrow} of net sales in {fy}. Two
    thirds of what we make holds food or medicine.
    """,
    customers="""We have about 4,700 customers, the largest of which are Glenmarrow Foods,
    Ludgrove Creamery and the paint maker Colbert & Fane. Contracts with large customers run for
    two to five years, set minimum shares rather than volumes, and let the price follow an index
    of resin or the yearly price of tinplate.""",
    supply="""Polypropylene and polyethylene come from six makers on the Gulf Coast, and
    tinplate from two mills in the United States and importers. Resin was {resin_cost} of cost
    of goods sold in {fy}. Recycled resin was {recycled} of the resin that we used, and our goal
    is 25% in fiscal 2027.""",
    competition="""In plastic containers we compete with two much larger makers and with many
    regional molders; in closures with one maker of worldwide reach. Paperboard of makers such
    as Aldercourt Packaging takes the place of plastic in some uses. In healthcare packaging,
    qualification by the customer and the quality of clean rooms count more than price.""",
    seasonality="""Food packers need most closures in our third and fourth fiscal quarters, when
    crops are harvested. Paint pails sell best in spring. The first quarter is the weakest.""",
    rights="""We hold 172 patents, among them those on LatchRight, which end in 2039, and on the
    safety button of our jar lids, which end in 2027.""",
    regulation="""Packages that touch food need materials cleared by the Food and Drug
    Administration, which also inspects our clean rooms. The European Union plans to require
    recycled content in plastic packaging from 2030 on, and California to cut single-use plastic
    by 25% until 2032.""",
    people="""We had {employees} employees at {period_end}. Unions represent about 1,450 in the
    United States, under eleven agreements, of which three end within a year. Turnover of hourly
    employees was {turnover}.""",
    revenue_policy="""Revenue is recognized at delivery for most containers and closures.
    Healthcare parts made to a customer's drawing, which the customer must take, are recognized
    over time as they are molded. Tools that customers pay for are recognized over the expected
    life of the program, five years on average. Leases of capping machines are operating leases.""",
    market_risk="""A change of 10% in the price of resin would change our yearly cost by about
    {resin_move}; contracts pass about 85% of it on within three months. We buy tinplate at
    yearly prices. A change of one percentage point in SOFR would change interest expense, after
    swaps, by about $3.5 million. A change of 10% in the euro would change net sales by about
    $16 million.""",
    risks=(
        Risk(
            "We depend on one customer for more than a tenth of our sales.",
            """Glenmarrow Foods was {glenmarrow} of net sales in {fy}. Its contract for closures
            ends in June 2025; it has built up a second source for jar lids and may invite
            tenders for the whole.""",
        ),
        Risk(
            "Public opinion and law turn against plastic packaging.",
            """Some food makers have promised to use less plastic. Deposit systems, fees for
            packaging that cannot be recycled and bans may shrink the market for tubs and pails,
            in which we earn the larger part of our income.""",
        ),
        Risk(
            "A defect in a closure or container can make people ill.",
            """Lids that lose vacuum can let food spoil. We insure recalls up to $10 million,
            with a retention of $2 million, and had accrued {reserve} for claims of customers at
            {period_end}.""",
        ),
        Risk(
            "Storms on the Gulf Coast interrupt our supply of resin.",
            """About 80% of polypropylene in the United States is made within 60 miles of the
            Gulf of Mexico. After the storms of August 2021 three of our six suppliers declared
            force majeure, one of them for eleven weeks.""",
        ),
    ),
    sites=(
        Site("Evansville, Indiana", "Headquarters; containers and lids", 980_000, "Owned"),
        Site("Bloomington, Indiana", "Healthcare packaging", 236_000, "Owned"),
        Site("Lancaster, Ohio", "Metal closures", 344_000, "Owned"),
        Site("Queretaro, Mexico", "Metal closures", 205_000, "Leased", opened="July 2022"),
        Site("Athlone, Ireland", "Inhaler and pen parts", 148_000, "Owned", opened="January 2023"),
        Site("Fontana, California", "Paint pails", 167_000, "Leased", closed="August 2023"),
    ),
    officers=(
        ("Philippa D. Stavely", "President and Chief Executive Officer", 56),
        ("Owen M. Trelawney", "Senior Vice President and Chief Financial Officer", 48),
        ("Ingrid C. Falkenrath", "President, Healthcare Packaging", 51),
        ("Jerome A. Pettibone", "Vice President, General Counsel and Secretary", 59),
    ),
    auditor="Hollis Granby LLP",
    stories={2022: _STORY_2022, 2023: _STORY_2023},
)
