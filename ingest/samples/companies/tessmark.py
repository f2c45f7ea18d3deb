"""Tessmark Pump Holdings: water and mining pumps, calendar year, in whole millions."""

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
    employees=7650,
    facts={
        "backlog": "$684 million",
        "municipal": "41%",
        "top_customer": "5%",
        "copper_move": "$9 million",
        "insured": "$11 million",
        "water_names": "Tessmark Vortex and Ardley",
    },
    developments="""
    On August 16, 2022, intruders encrypted servers of our Allentown data center. We shut down our
    order and production systems for nine days, restored them from backups without paying a
    ransom, and informed about 11,200 present and former employees whose data may have been
    copied. We estimate that the incident moved $38 million of sales from the third to the fourth
    quarter and cost $14 million, of which insurers had paid $5 million by year-end.

    We broke ground in May 2022 on a plant of 390,000 square feet in Monterrey, Mexico, which will
    make submersible pumps for the Americas.
    """,
    drivers=(
        """Towns began to spend the funds of the Infrastructure Investment and Jobs Act on lift
        stations and treatment plants. Price increases in April and September 2022 covered
        higher cost of motors and copper, and the cyber incident had no lasting effect on
        volume.""",
        """Copper and iron ore mines bought dewatering pumps at a pace last seen in 2012, and
        oil sands producers in Alberta resumed the rebuilds that they had put off. We stopped
        taking orders from Russia in March 2022; sales there were $17 million in 2021.""",
        """Housing starts weakened from July, and distributors of plumbing and heating supplies
        cut stocks of circulators and booster sets. Fire pump packages for warehouses and data
        centers continued to grow.""",
    ),
    margin="""Copper, motors and ocean freight rose by $71 million, which price recovered in
    full but without a margin. Overtime after the cyber incident and air freight to meet
    promised dates cost another $9 million.""",
    overhead="""Costs of the cyber incident that are not part of cost of sales were $6 million.
    Otherwise the increase follows wages, and commissions on higher orders.""",
    liquidity="""Working capital rose with longer lead times and with receivables of municipal
    contractors, who pay us when the town has paid them. We spent $29 million on the Monterrey
    plant in 2022.""",
    outlook="""Capital expenditures should be about $105 million in 2023, of which $55 million
    is for the Monterrey plant.""",
    legal="""
    Domestic content. In March 2022 a complaint that a former purchasing manager had filed under
    seal in the United States District Court for the Eastern District of Pennsylvania was
    disclosed to us. It alleges under the False Claims Act that between 2013 and 2019 we certified
    as made in America submersible pumps with motors from Taiwan, in projects paid by state
    revolving funds. The Department of Justice has not yet decided whether to intervene. We cannot
    estimate a range of loss.

    Cyber incident. Two putative class actions on behalf of employees were filed in Lehigh County,
    Pennsylvania, in October and November 2022.
    """,
    borrowing="""The $750 million revolving credit facility, which matures in October 2026, was
    undrawn except for $85 million at December 31, 2022. Its leverage covenant limits net debt
    to 3.5 times EBITDA as defined.""",
    subsequent="""On February 10, 2023, we agreed to acquire Rio Claro Bombas S.A. of São Paulo
    State, Brazil, for about $212 million in cash. Closing requires approval by the Brazilian
    antitrust authority.""",
    risks=(
        Risk(
            "An attack on our information systems stopped our production and could do so again.",
            """The incident of August 2022 closed our order and production systems for nine
            days. We have since separated plant networks from office networks and required a
            second factor for all remote access, but cannot be sure that intruders were found
            completely. Our insurance covers up to $30 million, and the premium has doubled.""",
        ),
        Risk(
            "Leaving Russia has cost sales and may cost assets.",
            """We took no new orders from Russia after March 2022. Inventory and receivables of
            $4 million were written off, and spare parts for mines there were 1% of our sales.""",
        ),
    ),
)

_STORY_2023 = YearStory(
    employees=8420,
    facts={
        "backlog": "$791 million",
        "municipal": "44%",
        "top_customer": "6%",
        "copper_move": "$10 million",
        "insured": "$13 million",
        "water_names": "Tessmark Vortex, Ardley and, since June 2023, Rio Claro",
    },
    developments="""
    On June 1, 2023, we acquired Rio Claro Bombas S.A., Brazil's second-largest maker of
    submersible and vertical turbine pumps, for $212 million. It runs two plants in São Paulo
    State with 1,040 employees and sells to farmers for irrigation as well as to water utilities.
    It is reported within Municipal Water.

    The Monterrey plant shipped its first pumps on November 6, 2023, two months later than planned
    because its substation was connected late. By the end of 2024 it is to take over products that
    are now made in Zelienople, Pennsylvania, where we will end production. We recorded $23
    million of restructuring charges in 2023, chiefly severance for 310 employees there.
    """,
    drivers=(
        """Rio Claro contributed $75 million. Federal infrastructure funds reached larger
        treatment plants, where our Tessmark Vortex grit and sludge pumps have a strong
        position, and a price increase of 4% took effect in February 2023.""",
        """Mine dewatering stayed strong in Chile and Peru, where we won the pumps of the
        Quebrada Larga desalination pipeline, worth $46 million over two years. Sales of frac
        water transfer pumps fell by a third as drilling for gas slowed.""",
        """Distributors of plumbing and heating supplies reduced stocks until September 2023,
        and volume of circulators fell 12%. Fire pumps and booster sets for data centers grew,
        and price held.""",
    ),
    margin="""Price exceeded inflation by about $40 million, and Rio Claro's margin is above our
    average. Starting the Monterrey plant cost $8 million before it had sales, and $5 million of
    inventory write-up at Rio Claro was charged to cost of sales.""",
    overhead="""Rio Claro added $14 million, acquisition costs were $7 million, and spending on
    information security rose by $5 million.""",
    liquidity="""We issued $250 million of 5.60% senior notes in May 2023 to pay for Rio Claro.
    Severance of $9 million was paid in 2023 and the rest is due in 2024.""",
    outlook="""Capital expenditures should be about $80 million in 2024, after the Monterrey
    plant's completion.""",
    legal="""
    Domestic content. In July 2023 the Department of Justice declined to intervene in the case
    under the False Claims Act about the origin of motors in submersible pumps sold between 2013
    and 2019, and the former purchasing manager continues it alone. On November 3, 2023, the court
    dismissed the claims that concern sales before 2016. We have accrued $6 million, the low end
    of the range that we can estimate, whose high end is $25 million.

    Cyber incident. The class actions of employees were settled in December 2023 for $2 million,
    which insurers will pay, subject to the court's approval.
    """,
    borrowing="""On May 9, 2023, we issued $250 million of 5.60% senior notes due 2033. The $750
    million revolving credit facility, which matures in October 2026, had $60 million drawn at
    December 31, 2023.""",
    subsequent="""On January 24, 2024, employees in Zelienople, Pennsylvania, ratified an
    agreement on the terms of the closure, which brings no change to the accrued severance.""",
    risks=(
        Risk(
            "Moving production to Monterrey may disrupt deliveries.",
            """We plan to move 214 pump models from Zelienople to Monterrey within 2024. The
            plant had hired 260 of the 540 people that it needs at year-end. Pumps made there do
            not count as domestic under the Build America, Buy America Act, so that models for
            federally funded projects must move to Allentown instead.""",
        ),
        Risk(
            "Rio Claro exposes us to Brazil's currency, tax law and weather.",
            """Half of Rio Claro's sales go to farmers, who buy less when the price of soybeans
            is low or credit is dear. The real has lost more than a fifth of its value in single
            years, and Brazil is replacing its taxes on consumption.""",
        ),
    ),
)

TESSMARK = Company(
    key="TESSMARK",
    name="Tessmark Pump Holdings, Inc.",
    short="Tessmark",
    ticker="TSPK",
    exchange="The Nasdaq Stock Market LLC",
    state="Delaware",
    irs_number="23-3057719",
    commission_file="000-52206",
    street="One Lehigh Pumpworks Plaza",
    city="Allentown, Pennsylvania 18102",
    phone="(610) 555-0183",
    sector="pumps",
    year_ends={year: f"December 31, {year}" for year in range(2019, 2024)},
    year_note="Our fiscal year is the calendar year.",
    fiscal_word=False,
    unit=Unit("millions"),
    wording=Wording(
        sales="Revenue",
        cost="Cost of sales",
        overhead="Selling, general and administrative",
        statement="OPERATIONS",
        capex="Capital expenditures",
        research="Research and development",
        receivables="Accounts receivable, net",
    ),
    look=Look("Helvetica", 8.7, False),
    segments=(
        Segment(
            "Municipal Water",
            764.0,
            {
                2020: Growth(-1.5, 1.4, 0.0, -0.3),
                2021: Growth(4.6, 2.9, 0.0, 0.6),
                2022: Growth(3.8, 7.1, 0.0, -1.1),
                2023: Growth(4.3, 4.4, 8.3, 0.3),
            },
            {2020: 0.151, 2021: 0.154, 2022: 0.158, 2023: 0.171},
            """makes submersible sewage pumps, vertical turbine pumps, grit and sludge pumps and
            lift stations for water and wastewater utilities, under the names {water_names}.
            Most sales follow public tenders, and the time from tender to delivery is six to
            eighteen months.""",
        ),
        Segment(
            "Energy and Mining",
            538.0,
            {
                2020: Growth(-16.4, 0.5, 0.0, -1.2),
                2021: Growth(5.2, 1.9, 0.0, 1.4),
                2022: Growth(9.7, 5.6, 0.0, -1.8),
                2023: Growth(2.9, 4.1, 0.0, -0.4),
            },
            {2020: 0.092, 2021: 0.104, 2022: 0.128, 2023: 0.136},
            """makes slurry pumps, mine dewatering pumps and pumps for oil and gas production.
            Wear parts of high-chrome iron, which a slurry pump needs every few months, make up
            more than half of its sales. Copper, iron ore and oil sands are its largest markets.""",
        ),
        Segment(
            "Building Solutions",
            382.0,
            {
                2020: Growth(-4.8, 1.2, 0.0, -0.2),
                2021: Growth(11.3, 4.4, 0.0, 0.5),
                2022: Growth(-0.9, 7.8, 0.0, -0.8),
                2023: Growth(-6.7, 3.2, 0.0, 0.1),
            },
            {2020: 0.128, 2021: 0.139, 2022: 0.137, 2023: 0.126},
            """makes circulators, booster sets and fire pumps for commercial and residential
            buildings under the names Harrowgate and FireLine. It sells almost only through
            distributors of plumbing, heating and fire protection supplies.""",
        ),
    ),
    plan=Plan(
        gross_margin=(0.312, 0.316, 0.311, 0.327),
        corporate=0.024,
        capex=(0.026, 0.029, 0.039, 0.049),
        opening_plant=436.0,
        opening_goodwill=512.0,
        opening_intangibles=305.0,
        opening_cash=164.0,
        receivable_days=(68, 66, 72, 70),
        inventory_days=(83, 91, 105, 98),
        payable_days=(57, 62, 63, 61),
        leases=(84, 88, 92, 103),
        shares=88.5,
        share_price=(22.7, 31.4, 28.9, 37.2),
        dividends=(0.36, 0.40, 0.44, 0.48),
        buyback_share=0.3,
        research=0.018,
        restructuring={2020: 12, 2023: 23},
        foreign_share=0.38,
        foreign_tax=1.6,
    ),
    acquisitions=(Acquisition("Rio Claro Bombas S.A.", 2023, "June 1, 2023", 212, 0, 0.44, 0.31),),
    debts=(
        Debt("3.95% senior notes due 2028", 3.95, 2028, (350, 350, 350, 350, 350)),
        Debt("5.60% senior notes due 2033", 5.6, 2033, (0, 0, 0, 0, 250)),
        Debt("Term loan due 2026", 3.6, 2026, (200, 180, 160, 140, 120), 20, True),
        Debt("Revolving credit facility due 2026", 3.7, 2026, (90, 40, 60, 85, 60), 0, True),
    ),
    regions={"United States": 0.56, "Latin America": 0.17, "Canada": 0.11, "Rest of world": 0.16},
    overview="""
    Tessmark Pump Holdings, Inc. is a maker of pumps for water, mining and buildings. We hold our
    businesses through Tessmark Corporation, whose oldest part, the Lehigh Pump Works, began in
    1871. Shares of Tessmark Pump Holdings have traded on Nasdaq since our initial public offering
    in November 2006.

    Water and wastewater utilities bought {municipal} of what we sold in {fy}. We believe that
    some 60,000 of our lift stations are in use in the United States, of an average age of 22
    years, which supports steady demand for replacement.
    """,
    customers="""No customer accounted for more than {top_customer} of revenue in {fy}.
    Utilities buy from us directly or through about 210 contractors and municipal
    representatives. Mining customers buy wear parts under frame agreements of two to four
    years. Backlog was {backlog} at {period_end}, of which about 78% is scheduled for delivery
    within twelve months.""",
    supply="""We buy electric motors, castings, copper wire and bearings. We wind our own motors
    above 75 kilowatts in Allentown and buy smaller ones from five makers in the United States,
    Taiwan and Mexico. High-chrome castings for slurry pumps come from our own foundry in
    Antofagasta, Chile, which pours about 9,000 metric tons a year.""",
    competition="""Two European groups lead the world market for submersible pumps; we estimate
    our share in the United States at 23%, the second-largest. Halversen Flow Industries
    competes with us in dosing and process pumps for water treatment. In slurry pumps one
    Australian maker leads, and makers of copied wear parts compete with us on price within
    months of any new design.""",
    seasonality="""Building Solutions sells most circulators in the third quarter, ahead of the
    heating season. Municipal deliveries are lowest in the first quarter, when frost stops
    construction in the northern states.""",
    rights="""Of our 388 patents, those on the Vortex recessed impeller matter most; they end
    between 2029 and 2036. Our FireLine pumps are listed by the approval bodies of the fire
    insurance industry, listings that take about a year to obtain.""",
    regulation="""Pumps in projects that receive federal funds must be made in the United
    States, and from 2024 on at least 55% of the cost of their components must be domestic,
    under the Build America, Buy America Act. Drinking water pumps must meet the standard
    NSF/ANSI 61.""",
    people="""We had {employees} employees at {period_end}, of whom 46% worked outside the
    United States. Works councils or unions represent about 3,100. Voluntary turnover was 9.8%.
    The Board ties 15% of the annual bonus of senior managers to safety and retention.""",
    revenue_policy="""We recognize revenue when a pump is shipped or, for tenders that call for
    it, when it has passed the acceptance test at the customer's site. Lift stations and large
    vertical turbine pumps built to order are recognized over time by cost. Retainage that
    utilities hold back, usually 5% for one year, is included in accounts receivable.""",
    market_risk="""We use about 5,100 metric tons of copper a year, mostly in windings. A change
    of 10% in its price would change cost of sales by about {copper_move} a year; we hedge about
    half of the next four quarters with futures. A change of 10% of the Brazilian real, the
    Chilean peso and the Canadian dollar against the U.S. dollar would change operating income
    by about $12 million.""",
    risks=(
        Risk(
            "Utilities depend on public funds, which may be late or less than announced.",
            """Water utilities bought {municipal} of what we sold in {fy}. Federal grants reach
            them through state revolving funds, often two years after Congress acts, and rising
            interest rates make bonds for their own share dearer.""",
        ),
        Risk(
            "Errors in certifying the origin of our pumps can lead to treble damages.",
            """Rules on domestic content differ between federal programs and have changed
            several times. Certificates that prove wrong can bring penalties under the False
            Claims Act of three times the damage and exclusion from public tenders. A case is
            pending against us; see Item 3.""",
        ),
        Risk(
            "Prices of copper and iron ore drive the demand of our mining customers.",
            """Revenue of Energy and Mining fell 17% in 2020, when mines closed pits and worked
            off stocks of wear parts. A foundry such as ours in Antofagasta cannot lower its
            cost at the same pace.""",
        ),
        Risk(
            "We are self-insured for a part of our liabilities.",
            """We bear the first $3 million of each product liability claim and had accrued
            {insured} for such claims at {period_end}. FireLine pumps must work in a fire; a
            failure can cause damage far beyond the limits of our insurance.""",
        ),
    ),
    sites=(
        Site("Allentown, Pennsylvania", "Headquarters; motors, large pumps", 870_000, "Owned"),
        Site("Zelienople, Pennsylvania", "Submersible pumps", 410_000, "Owned"),
        Site("Monterrey, Mexico", "Submersible pumps", 390_000, "Owned", opened="November 2023"),
        Site("Antofagasta, Chile", "Foundry and slurry pumps", 325_000, "Owned"),
        Site("Edmonton, Alberta", "Rebuild shop", 142_000, "Leased"),
        Site("Columbia, South Carolina", "Circulators and fire pumps", 298_000, "Leased"),
    ),
    officers=(
        ("Gregory P. Tesslin", "Chief Executive Officer", 59),
        ("Anneliese R. Coburn", "Executive Vice President and Chief Financial Officer", 47),
        ("Mateus F. Caldeira", "President, Municipal Water", 50),
        ("Harriet L. Boswell", "General Counsel and Corporate Secretary", 53),
    ),
    auditor="Eastlake Corwin LLP",
    stories={2022: _STORY_2022, 2023: _STORY_2023},
)
