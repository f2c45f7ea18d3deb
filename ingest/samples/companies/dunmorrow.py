"""Dunmorrow Pet & Garden Centers: retailer, September year-end, in thousands."""

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
    employees=8240,
    stores=(176, 10, 1),
    facts={
        "stores": "185",
        "clinics": "38",
        "vets": "116",
        "food": "39%",
        "own_growers": "34%",
        "autoship": "412,000",
    },
    developments="""
    On November 30, 2021, we acquired Hollin Creek Animal Clinics, 26 veterinary clinics in
    Tennessee, Georgia and the Carolinas, for $64.2 million in cash. Together with the twelve
    clinics inside our stores they form Veterinary Services, a segment that we report from fiscal
    2022 on and for which earlier years were restated.

    We opened ten stores in fiscal 2022 and closed one after a tornado in Dawson Springs,
    Kentucky, in December 2021. Our insurers paid $3.6 million for the building and the goods
    lost.
    """,
    drivers=(
        """A cold April delayed the planting season by three weeks, and sales of plants and soil
        in the third quarter were 6% lower than in the year before. Fertilizer and grills were
        sold at higher prices but in smaller numbers.""",
        """Pet food rose by 14%, of which about ten points were price. The puppies of the
        pandemic now eat adult food, and sales of crates and toys fell.""",
        """Hollin Creek contributed $50.1 million in ten months. In the clinics that we owned
        before, visits rose 7%.""",
    ),
    margin="""Pet food, which carries a low margin, grew fastest; diesel cost $6.2 million more;
    and plants worth $4.8 million were discarded after the cold April.""",
    overhead="""Hollin Creek, ten new stores and hourly pay in distribution, which we raised by
    11% in October 2021, explain the increase.""",
    liquidity="""We paid for Hollin Creek with a term loan of $60.0 million and cash. Inventory
    rose with the price of pet food and with safety stocks of fertilizer.""",
    outlook="""Capital expenditures of about $95 million are planned for fiscal 2023, $37
    million of them for a distribution center in Macon, Georgia.""",
    legal="""
    Pesticides. In July 2022 the United States Environmental Protection Agency issued a stop-sale
    order against a flea collar that we sold under our Dunmorrow Farms brand, because its label
    lacked a registered claim, and proposed a civil penalty of $1.4 million. We have withdrawn the
    collar and are negotiating.

    Store safety. A customer who was injured by falling pallets at our store in Huntsville,
    Alabama, in 2020 obtained a verdict of $7.9 million in May 2022. We have appealed; insurance
    covers all but $1.0 million.
    """,
    borrowing="""In November 2021 we borrowed $60.0 million as a term loan, repayable in
    quarterly installments to November 2028. The revolving credit facility of $225.0 million is
    due in November 2026.""",
    subsequent="""On October 20, 2022, we agreed on terms for a joint venture with Ferncastle
    Growers of McMinnville, Tennessee, in which we hold 49%, to grow perennials for our stores.""",
    risks=(
        Risk(
            "We have little experience in running veterinary clinics.",
            """Hollin Creek more than tripled the number of our clinics. At {period_end} we
            employed {vets} veterinarians and had 21 open positions; the law of some states does
            not let a company that is not owned by veterinarians employ them, so that we work
            there through management agreements.""",
        ),
        Risk(
            "Prices of grain and diesel may rise further than our own.",
            """Pet food and bird seed follow the prices of corn, chicken meal and sunflower
            seed, which rose after the invasion of Ukraine. Makers raised prices to us three
            times in fiscal 2022.""",
        ),
    ),
)

_STORY_2023 = YearStory(
    employees=8590,
    stores=(185, 8, 2),
    facts={
        "stores": "191",
        "clinics": "44",
        "vets": "131",
        "food": "42%",
        "own_growers": "37%",
        "autoship": "538,000",
    },
    developments="""
    Our distribution center in Macon, Georgia, opened on March 6, 2023, and took over 88 stores
    from Chattanooga. Errors in its first ten weeks left stores short of soil and fertilizer at
    the peak of spring; we estimate that this cost $9 million of sales.

    In August 2023 we recalled 61,000 heated bird baths of the Dunmorrow Farms brand after eleven
    reports of overheated cords, at a cost of $2.3 million. We added six veterinary clinics inside
    stores, and reached 538,000 customers with AutoShip, our subscription for pet food.
    """,
    drivers=(
        """Drought and water restrictions in Texas and Oklahoma cut sales of plants and lawn
        care by a fifth there, and the opening of Macon left stores short of goods in April and
        May. New stores more than made up for it.""",
        """Pet food grew on price and AutoShip. Supplies fell 3%, and live fish and birds, which
        we ended in 60 stores, fell by half.""",
        """Six new clinics, two more months of Hollin Creek, and fees raised by 6% in January
        2023 lifted revenue, although a shortage of veterinarians kept nine clinics closed on
        Saturdays.""",
    ),
    margin="""Starting Macon cost about 60 basis points through overtime, damage and double
    handling. Lower diesel and a better price for bagged goods offset a part.""",
    overhead="""New stores and clinics, depreciation of the Macon center, and a campaign for
    AutoShip in spring explain the increase; the cost of integrating Hollin Creek fell away.""",
    liquidity="""The Macon center was paid from operating cash flow and the revolving credit
    facility. We used supplier financing for seasonal goods for the first time, with $18 million
    outstanding at the peak in March 2023.""",
    outlook="""Capital expenditures of about $60 million are planned for fiscal 2024, among them
    fifteen clinics inside stores.""",
    legal="""
    Pesticides. In February 2023 we settled with the United States Environmental Protection Agency
    over the Dunmorrow Farms flea collar and paid a civil penalty of $0.9 million.

    Store safety. The Supreme Court of Alabama reduced the verdict for the customer injured in
    Huntsville in 2020 from $7.9 million to $4.6 million on September 8, 2023. Insurance covers
    all but $1.0 million, which we had accrued.

    Bird baths. A putative class action about the heated bird baths recalled in August 2023 was
    filed in the federal court in Nashville, Tennessee, on September 21, 2023.
    """,
    borrowing="""At September 30, 2023, $62.0 million was drawn under the revolving credit
    facility of $225.0 million, at an average rate of 6.7%, and $158.4 million was available.""",
    subsequent="""On November 2, 2023, we sold our interest of 49% in the joint venture with
    Ferncastle Growers to our partner for $5.5 million, close to its carrying amount.""",
    risks=(
        Risk(
            "Our new distribution center may again fail us in the spring.",
            """More than half of our lawn and garden goods pass through Macon between February
            and May. Its software was replaced in part in August 2023, and the spring of 2024
            will be the first season on the new version.""",
        ),
        Risk(
            "Drought and limits on watering reduce demand for plants.",
            """Thirty-one stores are in Texas and Oklahoma, where cities restricted watering
            from June to September 2023. Sales of plants and lawn care there fell by a fifth.""",
        ),
    ),
)

DUNMORROW = Company(
    key="DUNMORROW",
    name="Dunmorrow Pet & Garden Centers, Inc.",
    short="Dunmorrow",
    ticker="DMRW",
    exchange="The Nasdaq Stock Market LLC",
    state="Tennessee",
    irs_number="62-1588403",
    commission_file="000-27594",
    street="900 Moccasin Bend Road",
    city="Chattanooga, Tennessee 37405",
    phone="(423) 555-0129",
    sector="retail",
    year_ends={year: f"September 30, {year}" for year in range(2019, 2024)},
    year_note="""Our fiscal year ends on September 30; {fy} means the year ended {period_end}.""",
    fiscal_word=True,
    unit=Unit("thousands"),
    wording=Wording(
        sales="Net revenues",
        cost="Cost of merchandise sold and services provided",
        overhead="Operating, selling and administrative expenses",
        statement="INCOME",
        plant="Property and equipment",
        capex="Capital expenditures",
        receivables="Accounts receivable, net",
    ),
    look=Look("Times", 9.7, False),
    segments=(
        Segment(
            "Garden Centers",
            642.0,
            {
                2020: Growth(11.2, 3.1),
                2021: Growth(7.6, 3.4),
                2022: Growth(-2.8, 4.1),
                2023: Growth(-2.2, 3.6),
            },
            {2020: 0.109, 2021: 0.113, 2022: 0.094, 2023: 0.079},
            """sells plants, soil, seed, fertilizer, tools, grills and outdoor furniture from
            March to July above all, and Christmas trees and firewood in winter. About
            {own_growers} of the plants come from growers that work only for us.""",
        ),
        Segment(
            "Pet Care",
            531.0,
            {
                2020: Growth(6.9, 3.0),
                2021: Growth(8.8, 3.3),
                2022: Growth(5.7, 4.0),
                2023: Growth(3.9, 3.4),
            },
            {2020: 0.072, 2021: 0.076, 2022: 0.071, 2023: 0.074},
            """sells food and supplies for dogs, cats, poultry and small animals in stores and
            through AutoShip, and grooms dogs in 97 stores. AutoShip had {autoship} subscribers
            at {period_end}. Food alone was {food} of the net revenues of Dunmorrow in {fy}.""",
        ),
        Segment(
            "Veterinary Services",
            33.0,
            {
                2020: Growth(4.2, 5.0),
                2021: Growth(9.1, 4.0),
                2022: Growth(8.5, 6.0, 123.0),
                2023: Growth(6.4, 7.2, 11.6),
            },
            {2020: 0.041, 2021: 0.052, 2022: 0.063, 2023: 0.058},
            """runs {clinics} veterinary clinics, some inside our stores and 26 under the name
            Hollin Creek. They offer vaccination, dentistry and routine surgery; emergencies are
            referred to hospitals.""",
        ),
    ),
    plan=Plan(
        gross_margin=(0.324, 0.328, 0.309, 0.301),
        corporate=0.021,
        capex=(0.029, 0.034, 0.038, 0.054),
        opening_plant=304.0,
        opening_goodwill=48.0,
        opening_intangibles=17.0,
        opening_cash=58.0,
        receivable_days=(4.6, 4.8, 5.9, 6.1),
        inventory_days=(88, 86, 97, 94),
        payable_days=(44, 46, 45, 47),
        leases=(388, 406, 436, 471),
        shares=38.4,
        share_price=(36.9, 57.2, 41.8, 32.5),
        dividends=(0.24, 0.28, 0.32, 0.36),
        buyback_share=0.35,
        depreciation=0.132,
        state_tax=4.0,
        tax_credits=-1.1,
        stock_compensation=0.0055,
    ),
    acquisitions=(
        Acquisition("Hollin Creek Animal Clinics", 2022, "November 30, 2021", 64.2, 2, 0.71, 0.17),
    ),
    debts=(
        Debt("Term loan due 2028", 3.7, 2028, (0, 0, 0, 60, 52), 8, True),
        Debt("4.20% mortgage notes due 2031", 4.2, 2031, (80, 76, 72, 68, 64), 4),
        Debt("Revolving credit facility due 2026", 3.6, 2026, (40, 15, 10, 35, 62), 0, True),
    ),
    regions={"Tennessee and Kentucky": 0.34, "Georgia and Carolinas": 0.36, "Other": 0.30},
    overview="""
    Dunmorrow Pet & Garden Centers, Inc. sells what people need for their gardens and animals, and
    cares for the animals. At {period_end} we had {stores} stores in eleven southern states, with
    an average of 31,000 square feet indoors and as much again outdoors, and {clinics} veterinary
    clinics.

    Nurseryman Alasdair Dunmorrow opened a seed and feed store in Chattanooga in 1949. The company
    is a Tennessee corporation and has been listed on Nasdaq since 1999.
    """,
    customers="""Homeowners with a garden, most of them also with a dog or cat, are our main
    customers; those who buy for both garden and animals spend 2.8 times as much as others.
    Contractors and small farms are about 9% of net revenues. No customer accounts for as much
    as 1%.""",
    supply="""We buy from about 900 suppliers. Two makers of pet food, Harrow & Tansy Nutrition
    and Bellmead Pet Foods, together were 23% of our purchases in {fy}. Plants come from growers
    within 300 miles of our stores, {own_growers} of them under contracts under which the grower
    works only for us.""",
    competition="""We compete with two national chains of pet stores, with farm and ranch
    stores, with home improvement chains in lawn and garden, and with websites in pet food. No
    large competitor combines garden, pet and clinics as we do. Prices of pet food can be
    compared with ease, and websites often sell it at a loss.""",
    seasonality="""The third fiscal quarter, from April to June, brings about 35% of net
    revenues and 60% of operating income. Weather on the ten weekends between the end of March
    and the beginning of June matters more to our year than anything else.""",
    rights="""Dunmorrow Farms, AutoShip by Dunmorrow and Hollin Creek are registered trademarks.
    We hold licenses to grow 140 protected varieties of plants.""",
    regulation="""Pesticides and flea products are registered under the Federal Insecticide,
    Fungicide and Rodenticide Act, and live animals are inspected under the Animal Welfare Act.
    Our clinics hold registrations of the Drug Enforcement Administration for controlled
    substances.""",
    people="""At {period_end} we had {employees} employees, among them {vets} veterinarians and
    about 340 certified nursery professionals. We pay the license fees of our veterinarians and
    up to $75,000 of their student loans over five years. About 2,600 seasonal employees join us
    each spring.""",
    revenue_policy="""Revenue from merchandise is recognized at the sale or, for AutoShip, when
    the goods reach the customer. Clinic and grooming fees are recognized when the service is
    rendered. Plant guarantees, under which we replace shrubs and trees that die within a year,
    are accrued at 1.6% of the sales of such plants.""",
    market_risk="""A change of one percentage point in market rates would have changed the
    interest on our floating-rate debt by about $1.0 million. Diesel matters for our own fleet
    of 112 tractors: a change of 10% in its price would change cost by about $2.1 million. Grain
    influences the price of feed and bird seed, and natural gas that of fertilizer. We have no
    sales in foreign currency.""",
    risks=(
        Risk(
            "A cold or wet spring can spoil our year.",
            """Plants that are not sold within days are lost, and a weekend of rain in May can
            cost $6 million of net revenues. Most of our stores lie in one region, and share its
            weather.""",
        ),
        Risk(
            "Pet food sold online at low prices may draw our customers away.",
            """Food was {food} of net revenues in {fy}. A customer who orders food elsewhere no
            longer visits our stores. AutoShip, our answer, earns less than a sale in a store
            because we pay for its delivery.""",
        ),
        Risk(
            "Products under our own brand can harm people or animals.",
            """Dunmorrow Farms covers 2,300 articles, from flea collars to feed. We choose the
            makers, and bear the cost of recalls if the maker cannot.""",
        ),
        Risk(
            "Veterinarians are scarce.",
            """Schools graduate fewer veterinarians than retire or leave practice in the South.
            Pay of veterinarians in our clinics rose by 9% in {fy}.""",
        ),
    ),
    sites=(
        Site("Chattanooga, Tennessee", "Headquarters and distribution", 860_000, "Owned"),
        Site("Macon, Georgia", "Distribution center", 780_000, "Owned", opened="March 2023"),
        Site("Little Rock, Arkansas", "Distribution center", 455_000, "Leased"),
        Site("McMinnville, Tennessee", "Plant consolidation yard", 240_000, "Leased"),
        Site("Asheville, North Carolina", "Clinic support office", 26_000, "Leased"),
    ),
    officers=(
        ("Fiona G. Dunmorrow", "Chair and Chief Executive Officer", 58),
        ("Leland P. Strickbine", "Executive Vice President and Chief Financial Officer", 53),
        ("Dr. Amara C. Whitfield, DVM", "President, Veterinary Services", 45),
        ("Ruben A. Castellanos", "Senior Vice President, Supply Chain", 50),
    ),
    auditor="Larch & Penhallow LLP",
    stories={2022: _STORY_2022, 2023: _STORY_2023},
)
