"""Halversen Flow Industries: process pumps and valves, calendar year, in millions."""

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
    employees=4180,
    facts={
        "backlog": "$318.4 million",
        "shipped": "83%",
        "top_customer": "7.2%",
        "union": "31%",
        "claims": "2,914",
        "asbestos_reserve": "$22.6 million",
        "asbestos_insurance": "$15.1 million",
        "steel_move": "$6.3 million",
    },
    developments="""
    On April 4, 2022, we acquired Kolbe-Ritter Dosiertechnik GmbH, a maker of metering and dosing
    pumps in Heilbronn, Germany, for $96.5 million in cash, net of cash acquired. Kolbe-Ritter
    serves water treatment plants and specialty chemical producers in Central Europe, had net
    sales of about EUR 58 million in the year before the acquisition, and is reported within
    Industrial Pumps.

    In September 2022 we began shipping the Meridian 900, a sealless magnetic-drive process pump
    rated for fluids of up to 340 degrees Celsius. The Meridian 900 replaces two earlier product
    lines and shares some 70% of its parts with the Meridian 600, which lets our distributors
    carry fewer spares.
    """,
    drivers=(
        """Kolbe-Ritter contributed $41.9 million of net sales in the nine months that we owned
        it. Without it, demand from chemical producers on the Gulf Coast and from lithium
        processors in Nevada and Chile more than made up for fewer shipments to European
        fertilizer plants, several of which idled capacity when the price of natural gas rose.""",
        """Refinery turnarounds that customers had put off in 2020 and 2021 took place, and
        orders for TrueLine gate valves from petrochemical customers rose 14%. Shipments of
        cast-steel valves above 16 inches were held back in the first half by a shortage of
        castings from a foundry in Gujarat, India.""",
        """Field service hours rose 9% as customers reopened sites to contractors, and we raised
        the rates of our service contracts in January and again in July 2022.""",
    ),
    margin="""Price increases announced in November 2021 and May 2022 recovered the higher cost
    of nickel alloys, freight and energy, but about one third of the backlog at the start of the
    year had been priced before them. Inventory of Kolbe-Ritter, which was written up to fair
    value on acquisition, raised cost of products sold by $3.4 million.""",
    overhead="""The increase came from Kolbe-Ritter, from acquisition costs of $2.9 million and
    from the return of travel and trade shows; incentive compensation was lower than in the year
    before because the cash flow target was not met.""",
    liquidity="""We paid for Kolbe-Ritter with $60.0 million drawn on the revolving credit
    facility and with cash on hand. Inventories rose because we bought castings and mechanical
    seals ahead of need while lead times from our suppliers ran as long as 40 weeks.""",
    outlook="""We plan capital expenditures of $44 million to $48 million in 2023, of which
    about $12 million is for a test loop for large pumps in Racine.""",
    legal="""
    Asbestos. Halversen and one of its subsidiaries, Tuckahoe Packing Company, are among many
    defendants in lawsuits that allege injury from asbestos contained in gaskets and packing that
    were bought from others and used in some of our pumps before 1985. As of December 31, 2022
    there were 2,914 claims pending, against 3,067 a year earlier. During 2022 we were served with
    611 new claims and 764 were dismissed or settled, at an average cost of about $4,900 for each
    claim that was settled.

    Kessock Point. In June 2022 the owner of the Kessock Point desalination plant in Florida sued
    us in the Circuit Court of Hillsborough County, alleging that eleven high-pressure pumps that
    we delivered in 2019 corroded early, and claiming $18.7 million. We believe that the plant was
    run outside the agreed limits of chloride content, and we are defending the case.
    """,
    borrowing="""The revolving credit facility of $350.0 million was amended in March 2022, when
    its maturity was extended to March 2027 and LIBOR was replaced by the Secured Overnight
    Financing Rate (SOFR).""",
    subsequent="""On January 31, 2023, the Board of Directors approved a plan to close the
    foundry in Erie, Pennsylvania, and to buy its castings from others. We expect charges of $11
    million to $14 million, most of them in 2023.""",
    risks=(
        Risk(
            "Energy shortages in Europe could interrupt production at Heilbronn and at customers.",
            """Our Heilbronn plant heats its test stands and paint line with natural gas. If gas
            were rationed in Germany, production there could stop, and fertilizer and chemical
            customers in Europe, which bought about 9% of what we sold in 2022, could idle
            further capacity.""",
        ),
        Risk(
            "We may not gain what we expect from the Kolbe-Ritter acquisition.",
            """Kolbe-Ritter uses an enterprise system of its own and sells through independent
            agents whose contracts end between 2023 and 2025. Losing agents, or failing to move
            the business to our system by the middle of 2024 as planned, could cost sales and
            could lead to an impairment of the $46.3 million of goodwill that we recorded.""",
        ),
    ),
)

_STORY_2023 = YearStory(
    employees=4035,
    facts={
        "backlog": "$342.9 million",
        "shipped": "86%",
        "top_customer": "8.1%",
        "union": "28%",
        "claims": "2,702",
        "asbestos_reserve": "$20.8 million",
        "asbestos_insurance": "$13.7 million",
        "steel_move": "$5.8 million",
    },
    developments="""
    On August 18, 2023, we closed our foundry in Erie, Pennsylvania, which had poured iron and
    bronze castings since 1921, and ended 187 jobs. We now buy the castings from three suppliers
    in Ohio, Mexico and Turkey. Charges for the closure were $11.8 million in 2023, and we expect
    it to save about $7 million a year from 2024 on.

    In May 2023 Arden Basin Chemical awarded us the pumps and valves for its chlor-alkali
    expansion in Lake Charles, Louisiana, an order of $37.5 million, the largest in our history.
    About $14 million of it was shipped in 2023 and the rest is due by October 2024. We also
    brought Sentry Pulse, a wireless vibration and temperature monitor for pumps of any make, to
    market in November 2023.
    """,
    drivers=(
        """Kolbe-Ritter added one more quarter than in the year before. The Arden Basin order
        and semiconductor-grade chemical plants in Arizona and Texas carried volume, while
        distributors cut their stock of ANSI pumps in the second half as lead times returned to
        eight to ten weeks.""",
        """Price was the larger part of the increase. Volume to liquefied natural gas terminals
        grew, and volume to refineries fell slightly against a year with an unusual number of
        turnarounds. The supply of large castings returned to normal in March 2023.""",
        """The installed base under service contract rose to 21,400 pumps from 18,900, and parts
        sales for Meridian pumps rose with it. A contract to maintain brine pumps for a potash
        mine in Saskatchewan began in April 2023.""",
    ),
    margin="""Prices realized on backlog exceeded the inflation of material and wages for the
    first time since 2020, freight cost $5.1 million less, and the write-up of Kolbe-Ritter
    inventory did not recur. Lower absorption at Erie before it closed took back about 30 basis
    points.""",
    overhead="""The increase reflects wage increases of about 4%, higher incentive compensation
    and $3.2 million spent to move Kolbe-Ritter onto our enterprise system, partly offset by
    lower acquisition costs.""",
    liquidity="""We repaid $45.0 million of the revolving credit facility as inventories came
    down from their peak of March 2023. Cash payments for the Erie closure were $8.3 million in
    2023, and $3.1 million remains to be paid.""",
    outlook="""We plan capital expenditures of $50 million to $54 million in 2024, of which
    about $15 million is for an assembly hall for metering pumps in Heilbronn.""",
    legal="""
    Asbestos. Halversen and one of its subsidiaries, Tuckahoe Packing Company, are among many
    defendants in lawsuits that allege injury from asbestos contained in gaskets and packing that
    were bought from others and used in some of our pumps before 1985. As of December 31, 2023
    there were 2,702 claims pending, against 2,914 a year earlier. During 2023 we were served with
    548 new claims and 760 were dismissed or settled, at an average cost of about $5,300 for each
    claim that was settled.

    Kessock Point. On October 12, 2023, we settled the suit that the owner of the Kessock Point
    desalination plant in Florida had brought in June 2022. We paid $4.2 million, of which our
    insurers bore $1.5 million, and agreed to supply replacement impellers at cost until 2026.
    """,
    borrowing="""At December 31, 2023, $278.9 million was available under the revolving credit
    facility of $350.0 million, which matures in March 2027, after outstanding letters of credit
    of $11.1 million.""",
    subsequent="""On February 6, 2024, we agreed to sell the land and buildings of the former
    Erie foundry for $4.6 million. We expect the sale to close in the second quarter of 2024
    without a material gain or loss.""",
    risks=(
        Risk(
            "We now depend on outside foundries for castings that we used to pour ourselves.",
            """Since the Erie foundry closed in August 2023, three suppliers pour nearly all of
            our iron and bronze castings. Patterns for some 1,900 parts were moved to them.
            Rejected castings reached 6% in the fourth quarter of 2023, against 2% at Erie, and
            a supplier that fails could not be replaced in less than about six months.""",
        ),
        Risk(
            "One large order makes our results depend on the progress of one project.",
            """The Arden Basin order of $37.5 million is to be delivered by October 2024 and
            carries liquidated damages of up to 10% of its value for late delivery. A change of
            the project's schedule would move sales between quarters and could leave us with
            inventory that has no other use.""",
        ),
    ),
)

HALVERSEN = Company(
    key="HALVERSEN",
    name="Halversen Flow Industries, Inc.",
    short="Halversen",
    ticker="HVFL",
    exchange="New York Stock Exchange",
    state="Delaware",
    irs_number="39-0817264",
    commission_file="001-31877",
    street="2400 Foundry Road",
    city="Racine, Wisconsin 53403",
    phone="(262) 555-0140",
    sector="pumps",
    year_ends={year: f"December 31, {year}" for year in range(2019, 2024)},
    year_note="Our fiscal year is the calendar year.",
    fiscal_word=False,
    unit=Unit("millions", 1),
    wording=Wording(),
    look=Look("Times", 9.5, True),
    segments=(
        Segment(
            "Industrial Pumps",
            412.6,
            {
                2020: Growth(-7.1, 1.2, 0.0, -0.6),
                2021: Growth(6.4, 2.1, 0.0, 1.1),
                2022: Growth(3.1, 5.2, 9.9, -2.9),
                2023: Growth(1.4, 4.6, 2.8, 0.5),
            },
            {2020: 0.141, 2021: 0.149, 2022: 0.146, 2023: 0.163},
            """makes centrifugal, sealless and metering pumps for the chemical, water treatment,
            pulp and paper, and metals processing industries under the names Meridian, Caldera
            and, since 2022, Kolbe-Ritter. Pumps range from units for laboratory dosing that
            sell for a few hundred dollars to engineered pumps of 900 kilowatts that sell for
            more than $600,000. Plants in Racine, Wisconsin, and Heilbronn, Germany, assemble
            and test all pumps of this segment.""",
        ),
        Segment(
            "Process Valves",
            286.3,
            {
                2020: Growth(-9.3, 0.8, 0.0, -0.4),
                2021: Growth(3.8, 2.6, 0.0, 0.7),
                2022: Growth(4.0, 4.7, 0.0, -1.2),
                2023: Growth(1.1, 4.9, 0.0, 0.2),
            },
            {2020: 0.118, 2021: 0.121, 2022: 0.127, 2023: 0.139},
            """makes gate, globe and check valves under the name TrueLine and lined ball valves
            under the name Corrolock, in sizes from one half to 48 inches. The valves isolate or
            direct corrosive, hot or abrasive fluids in refineries, petrochemical plants and
            liquefied natural gas terminals. They are made in Tulsa, Oklahoma, and in
            Coimbatore, India.""",
        ),
        Segment(
            "Aftermarket Services",
            191.7,
            {
                2020: Growth(-3.2, 1.6, 0.0, -0.3),
                2021: Growth(4.9, 2.4, 0.0, 0.5),
                2022: Growth(5.8, 4.1, 0.0, -0.9),
                2023: Growth(5.2, 3.9, 0.0, -0.1),
            },
            {2020: 0.187, 2021: 0.192, 2022: 0.201, 2023: 0.209},
            """repairs, rebuilds and monitors pumps and valves of our own and other makes in 23
            service centers, and sells spare parts. Service contracts run for one to five years.
            Sentry sensors on pumps under contract send vibration and temperature readings to
            our monitoring center in Racine, which is staffed at all hours.""",
        ),
    ),
    plan=Plan(
        gross_margin=(0.338, 0.341, 0.336, 0.352),
        corporate=0.031,
        capex=(0.031, 0.033, 0.038, 0.041),
        opening_plant=214.0,
        opening_goodwill=168.0,
        opening_intangibles=96.0,
        opening_cash=71.0,
        receivable_days=(62, 63, 65, 63),
        inventory_days=(96, 102, 118, 104),
        payable_days=(48, 52, 54, 50),
        leases=(38.0, 39.5, 43.0, 41.2),
        shares=41.6,
        share_price=(27.4, 36.1, 34.8, 43.5),
        dividends=(0.60, 0.64, 0.68, 0.74),
        buyback_share=0.45,
        research=0.021,
        restructuring={2020: 4.6, 2023: 11.8},
        foreign_share=0.34,
        foreign_tax=1.3,
    ),
    acquisitions=(Acquisition("Kolbe-Ritter Dosiertechnik GmbH", 2022, "April 4, 2022", 96.5, 0),),
    debts=(
        Debt("4.35% senior notes due 2029", 4.35, 2029, (150, 150, 150, 150, 150)),
        Debt("Term loan due 2027", 3.9, 2027, (90, 82.5, 75, 67.5, 60), 7.5, True),
        Debt("Revolving credit facility due 2027", 3.9, 2027, (35, 20, 45, 105, 60), 0.0, True),
    ),
    regions={"United States": 0.58, "Europe": 0.19, "Asia Pacific": 0.14, "Other": 0.09},
    overview="""
    Halversen Flow Industries, Inc. designs, makes and services pumps and valves that move and
    control fluids which are corrosive, hot, abrasive or must not leak. The company was founded in
    Racine in 1908 by the pattern maker Anders Halversen to make bilge pumps for lake steamers,
    was incorporated in Delaware in 1954, and has been listed on the New York Stock Exchange since
    1967.

    Some 44% of our net sales come from spare parts and services for equipment that is already
    installed, which we estimate at more than 240,000 pumps and 1.1 million valves. Such sales
    vary less with the investment budgets of our customers than sales of new equipment do.
    """,
    customers="""We sold to about 9,300 customers in {fy}. The largest, Arden Basin Chemical
    Company, accounted for {top_customer} of net sales, and no other customer for more than 4%.
    About 55% of sales went through some 140 independent distributors, which stock ANSI pumps
    and standard valves; engineered products and service contracts are sold by our own
    engineers. At {period_end}, our backlog of unfilled orders was {backlog}, and we expect to
    ship about {shipped} of it within a year.""",
    supply="""Our main materials are castings of iron, stainless steel and nickel alloys, bar
    stock, motors, and mechanical seals. Motors come chiefly from two makers and mechanical
    seals for the Meridian line from one, Silverthorn Seal Company, under an agreement that runs
    to 2026. Nickel and molybdenum surcharges of the mills follow market prices with a lag of
    one to two months.""",
    competition="""We compete with a few large pump makers with worldwide reach and with many
    regional makers. In North America we meet Tessmark Pump Holdings most often in water
    treatment, and Brannoch Valve & Controls in valves for severe service. Customers choose by
    reliability, the cost of energy and repair over the life of the equipment, delivery time,
    and price. We hold what we believe to be the second-largest share of the North American
    market for sealless process pumps.""",
    seasonality="""Orders for water treatment pumps are strongest in the second quarter, and
    repair work follows the turnaround seasons of refineries in spring and autumn. The first
    quarter is usually our weakest.""",
    rights="""We own 214 patents in the United States and abroad, which end between 2024 and
    2041, and the registered trademarks Meridian, Caldera, TrueLine, Corrolock and Sentry. The
    hydraulic designs of the Meridian line matter more to us than any single patent.""",
    regulation="""Our pumps for hazardous areas must comply with the rules of the European Union
    on explosive atmospheres, and since 2020 clean-water pumps sold in the United States must
    meet the Department of Energy's pump energy index. Foundry and paint operations hold air
    permits under Title V of the Clean Air Act.""",
    people="""At {period_end} we had {employees} employees, of whom about {union} in the United
    States were members of the International Molders and Metalworkers Guild. The agreement for
    Racine ends on June 30, 2025, and that for Tulsa on September 15, 2024. Our recordable
    injury rate was 1.4 per 200,000 hours worked. We train apprentices in Racine in a four-year
    program that had 62 apprentices at the end of the year.""",
    revenue_policy="""Sales of standard pumps, valves and parts are recognized when control
    passes, which is usually at shipment. Engineered pumps that have no alternative use to us,
    and for which we have a right to payment for work done, are recognized over time by cost
    incurred against estimated total cost; they were about 11% of net sales. Revenue of service
    contracts is recognized evenly over their term.""",
    market_risk="""We buy about 6,800 metric tons of castings and bar stock a year, whose price
    includes surcharges for nickel and molybdenum. A change of 10% in the price of these metals
    would change cost of products sold by about {steel_move} before any change of our own
    prices. We do not hedge metals. We sell in euro, Indian rupee and Canadian dollar; a change
    of 10% of the dollar against all of them would change operating income by about $4.4
    million.""",
    risks=(
        Risk(
            "Demand for our products follows the capital spending of process industries.",
            """Chemical, refining and metals customers decide on new plants years ahead and
            cancel or delay them when margins fall. In 2020, our orders for new pumps fell 19%
            within two quarters. A downturn of similar depth would leave fixed cost of our
            plants in Racine and Tulsa uncovered.""",
        ),
        Risk(
            "Claims for asbestos in products sold decades ago may cost more than we have accrued.",
            """At {period_end}, {claims} claims were pending, and we had accrued
            {asbestos_reserve} for claims expected over the next fifteen years and recorded
            {asbestos_insurance} due from insurers. One of our insurers for the years 1972 to
            1979 is insolvent. Changes in the number of claims, in verdicts or in law could
            require a much larger accrual.""",
        ),
        Risk(
            "A single supplier makes the mechanical seals of our most important product line.",
            """Silverthorn Seal Company makes the seals of all Meridian pumps in one plant in
            Ontario, Canada. Qualifying another maker takes between nine and fourteen months,
            because customers in the chemical industry must approve the change.""",
        ),
        Risk(
            "Failure of our equipment can injure people and harm the environment.",
            """Our pumps and valves handle chlorine, acids and flammable gases. We carry product
            liability insurance of $75 million above a retention of $2 million for each
            occurrence, which may not be enough, and warranties that go beyond our standard
            terms have become more common in large orders.""",
        ),
    ),
    sites=(
        Site("Racine, Wisconsin", "Headquarters; pump assembly and test", 612_000, "Owned"),
        Site("Tulsa, Oklahoma", "Valve manufacturing", 348_000, "Owned"),
        Site("Erie, Pennsylvania", "Foundry", 221_000, "Owned", closed="August 2023"),
        Site("Heilbronn, Germany", "Metering pumps", 164_000, "Leased"),
        Site("Coimbatore, India", "Valve machining and assembly", 275_000, "Owned"),
        Site("Houston, Texas", "Service center and training", 88_000, "Leased"),
    ),
    officers=(
        ("Margit E. Solheim", "President and Chief Executive Officer", 57),
        ("Dale R. Whitcombe", "Senior Vice President and Chief Financial Officer", 52),
        ("Priya N. Raghunath", "President, Industrial Pumps", 48),
        ("Thomas J. Okafor", "Senior Vice President, General Counsel and Secretary", 55),
    ),
    auditor="Larch & Penhallow LLP",
    stories={2022: _STORY_2022, 2023: _STORY_2023},
)
