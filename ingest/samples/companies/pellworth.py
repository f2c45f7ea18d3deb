"""Pellworth Craft Stores: crafts retailer, 52/53-week year near December 31, in millions."""

from ingest.samples.profile import (
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
    employees=14300,
    stores=(312, 6, 11),
    facts={
        "stores": "307",
        "frame_shops": "241",
        "private": "54%",
        "china": "62%",
        "active": "11.6 million",
        "tariffs": "$14 million",
        "weeks": "Fiscal 2022 and 2021 had 52 weeks, and fiscal 2020 had 53 weeks.",
        "marks": "Pellworth, Hearthloom, Tinder Lane and Maker Card",
    },
    developments="""
    Demand for yarn, fabric and beads, which had jumped in 2020, fell back in fiscal 2022 to about
    its level of 2019. We closed eleven stores, opened six in smaller towns in a format of 12,000
    square feet, and cut 210 positions in Fort Wayne in September 2022.

    In the fourth quarter we lowered the plan for Framing and Classes, since fewer customers than
    expected have come back to classes, and recorded a goodwill impairment of $18.4 million. A new
    website, built on another platform, went live in June 2022; orders could not be tracked for
    about three weeks.
    """,
    drivers=(
        """Transactions fell 9%, partly offset by a higher average ticket. Sewing, which had
        been lifted by the making of masks in 2020 and 2021, fell by 24%; seasonal decor and
        floral grew.""",
        """Custom framing rose slightly as price increases covered lower volume, and fees for
        classes recovered to 57% of their level of 2019.""",
        """The move to the new website in June 2022 lost orders, and customers returned to
        stores.""",
    ),
    margin="""Ocean freight cost $31 million more than in fiscal 2021, and clearing fabric and
    yarn took markdowns of $12 million above plan. Coupons were issued in 44 weeks of the year,
    against 38.""",
    overhead="""Lower bonuses and closed stores did not fully offset wage increases in states
    that raised their minimum wage, and $3.9 million of severance.""",
    liquidity="""Lower earnings and early receipt of Christmas goods reduced operating cash
    flow. The Board of Directors cut the quarterly dividend from $0.15 to $0.12 from the fourth
    quarter on.""",
    outlook="""Capital expenditures in fiscal 2023 are planned at about $38 million, and we
    expect to close twelve to fifteen stores.""",
    legal="""
    Coupons. In April 2022 a putative class action was filed in the federal court in Chicago,
    which alleges that regular prices on which our coupons are calculated were not charged for the
    periods that the law of Illinois requires. The plaintiffs seek to represent customers since
    2018. The court denied our motion to dismiss in December 2022, and discovery has begun.

    Customs. U.S. Customs and Border Protection has asked for $5.3 million of antidumping duty on
    artist canvas that we imported between 2017 and 2020. We have protested.
    """,
    borrowing="""In May 2022 we replaced our term loan with $275.0 million of 6.125% senior
    notes due 2030, and recorded a loss of $1.1 million on the repayment.""",
    subsequent="""On January 26, 2023, we decided to close fourteen stores in fiscal 2023, and
    expect charges of $9 million to $11 million for leases and severance.""",
    risks=(
        Risk(
            "Crafting may keep falling from the level that it reached during the pandemic.",
            """Our sales in fiscal 2020 and 2021 included purchases of people who took up a
            craft at home. The number of active customers fell to {active} at {period_end}. If
            it falls further, more stores will lose money and more assets may be impaired.""",
        ),
        Risk(
            "Our new website may lose customers or sales.",
            """The change of platform in June 2022 lost order data for about three weeks. Some
            7% of customers with an online account have not ordered since.""",
        ),
    ),
)

_STORY_2023 = YearStory(
    employees=13650,
    stores=(307, 4, 14),
    facts={
        "stores": "297",
        "frame_shops": "236",
        "private": "58%",
        "china": "55%",
        "active": "11.1 million",
        "tariffs": "$13 million",
        "weeks": "Fiscal 2023, 2022 and 2021 had 52 weeks each.",
        "marks": "Pellworth, Hearthloom, Tinder Lane, Maker's Crate and Plain Price",
    },
    developments="""
    We closed fourteen stores in fiscal 2023 and recorded charges of $9.7 million for it. About
    30% of the sales of the closed stores moved to other stores nearby. Four small-town stores
    opened, for a total of ten in the format of 12,000 square feet.

    In March 2023 we replaced most coupons by lower regular prices on 6,400 articles, under the
    name Plain Price. Private brands, among them Hearthloom yarn and Tinder Lane decor, reached
    {private} of net sales. In October 2023 we began to sell craft kits by subscription, called
    Maker's Crate.
    """,
    drivers=(
        """Plain Price lowered the average ticket by 6% and raised transactions by 4%. Store
        closings took away about $27 million of sales; yarn grew for the first time since fiscal
        2020.""",
        """Framing volume rose with a simpler price list of three tiers, while classes grew to
        64% of their level of 2019. We closed five framing shops together with their stores.""",
        """The website ran without interruption, orders picked up in stores grew 22%, and
        Maker's Crate had 38,000 subscribers by year-end.""",
    ),
    margin="""Freight fell back by $26 million, which was given to customers in part through
    Plain Price. Private brands and lower clearance raised margin.""",
    overhead="""Advertising fell by $11.8 million since Plain Price needs fewer inserts, and
    payroll fell with closed stores, while bonuses were paid again and insurance became dearer.""",
    liquidity="""Inventory fell by design: we carry about 9,000 fewer articles than a year ago.
    Cash went to the revolving credit facility first.""",
    outlook="""Capital expenditures in fiscal 2024 are planned at about $41 million, of which
    $13 million is for self-checkout in 180 stores.""",
    legal="""
    Coupons. On August 30, 2023, the federal court in Chicago certified a class of customers in
    Illinois in the case about the regular prices on which our coupons were calculated, and
    refused a national class. In December 2023 we agreed in principle to a settlement of $8.5
    million in vouchers and cash, which we have accrued.

    Customs. In July 2023 U.S. Customs and Border Protection allowed our protest against
    antidumping duty on artist canvas in part, and we paid $1.9 million of the $5.3 million that
    it had asked for.
    """,
    borrowing="""The revolving credit facility of $200.0 million, secured by inventory, is due
    in April 2026; $40.0 million was drawn at December 31, 2023. The notes forbid dividends of
    more than $40 million a year while leverage exceeds 3.0 times.""",
    subsequent="""On January 18, 2024, we sold the lease of our former store on State Street in
    Chicago for $2.2 million.""",
    risks=(
        Risk(
            "Customers may not accept fewer coupons.",
            """Coupons were used in 61% of transactions in fiscal 2022, before Plain Price. A
            competitor that keeps them may draw away customers; sales in the three markets where
            we tested the change first fell by 3% in the first half-year and then recovered.""",
        ),
        Risk(
            "Closing stores may cost more than we expect and lose more customers.",
            """We remain liable for the leases of six of the fourteen stores that we closed in
            fiscal 2023, and for two leases that we assigned to others. Some 45 further stores
            have leases that end before January 2026.""",
        ),
    ),
)

PELLWORTH = Company(
    key="PELLWORTH",
    name="Pellworth Craft Stores, Inc.",
    short="Pellworth",
    ticker="PLWR",
    exchange="New York Stock Exchange",
    state="Indiana",
    irs_number="35-1740386",
    commission_file="001-29953",
    street="4100 Spindle Parkway",
    city="Fort Wayne, Indiana 46825",
    phone="(260) 555-0198",
    sector="retail",
    year_ends={
        2019: "December 29, 2019",
        2020: "January 3, 2021",
        2021: "January 2, 2022",
        2022: "January 1, 2023",
        2023: "December 31, 2023",
    },
    year_note="""Our fiscal year ends on the Sunday closest to December 31. {weeks}""",
    fiscal_word=True,
    unit=Unit("millions", 1),
    wording=Wording(
        cost="Cost of goods sold",
        statement="OPERATIONS",
        plant="Property and equipment",
        capex="Additions to property and equipment",
        receivables="Receivables",
    ),
    look=Look("Helvetica", 8.8, True),
    segments=(
        Segment(
            "Craft and Fabric Stores",
            1118.0,
            {
                2020: Growth(13.9, 1.2, 0.0, 1.8),
                2021: Growth(4.1, 0.8, 0.0, -1.9),
                2022: Growth(-8.2, -0.6),
                2023: Growth(-1.1, -1.9),
            },
            {2020: 0.118, 2021: 0.112, 2022: 0.066, 2023: 0.079},
            """sells yarn, fabric, floral, art and paper supplies, beads and seasonal decor,
            some 52,000 articles in a typical store of 24,000 square feet, in 34 states. Fabric
            is cut to length; about a third of transactions include it.""",
        ),
        Segment(
            "Framing and Classes",
            149.0,
            {
                2020: Growth(-17.5, 0.4, 0.0, 1.2),
                2021: Growth(8.3, 0.5, 0.0, -1.4),
                2022: Growth(1.6, -0.9),
                2023: Growth(5.1, -1.2),
            },
            {2020: 0.061, 2021: 0.083, 2022: 0.069, 2023: 0.088},
            """makes custom frames in {frame_shops} framing shops inside our stores and in a
            central workshop in Dayton, Ohio, and holds classes in sewing, painting and cake
            decorating. Custom framing carries our highest gross margin and is bought by people
            who often buy little else from us.""",
        ),
        Segment(
            "Online",
            96.0,
            {
                2020: Growth(118.0),
                2021: Growth(-8.4),
                2022: Growth(-12.7),
                2023: Growth(9.6),
            },
            {2020: 0.072, 2021: 0.058, 2022: 0.011, 2023: 0.034},
            """sells through pellworth.com and its app. About 60% of orders are picked up in
            stores or sent from them, and the rest from Dayton, Ohio.""",
        ),
    ),
    plan=Plan(
        gross_margin=(0.392, 0.389, 0.356, 0.371),
        corporate=0.026,
        capex=(0.022, 0.026, 0.029, 0.027),
        opening_plant=291.0,
        opening_goodwill=262.0,
        opening_intangibles=44.0,
        opening_cash=64.0,
        receivable_days=(4.1, 4.3, 4.4, 4.2),
        inventory_days=(158, 171, 186, 163),
        payable_days=(58, 60, 52, 53),
        leases=(612, 604, 588, 561),
        shares=57.8,
        share_price=(19.4, 24.6, 12.9, 14.7),
        dividends=(0.56, 0.60, 0.57, 0.48),
        buyback_share=0.25,
        depreciation=0.155,
        restructuring={2022: 3.9, 2023: 9.7},
        impairment={2022: (1, 18.4)},
        state_tax=3.8,
        tax_credits=-0.6,
        stock_compensation=0.005,
    ),
    acquisitions=(),
    debts=(
        Debt("Term loan due 2024", 4.4, 2024, (280, 265, 250, 0, 0), 15, True),
        Debt("6.125% senior notes due 2030", 6.125, 2030, (0, 0, 0, 275, 275)),
        Debt("Revolving credit facility due 2026", 3.3, 2026, (45, 0, 10, 75, 40), 0, True),
    ),
    regions={"Midwest": 0.47, "South": 0.28, "Northeast": 0.16, "West": 0.09},
    overview="""
    Pellworth Craft Stores, Inc. is a retailer of materials for crafts, sewing and home
    decoration. At {period_end} we ran {stores} stores in 34 states, most of them in strip centers
    of towns with 20,000 to 150,000 people, {frame_shops} of them with a framing shop.

    The first Pellworth store, a fabric remnant shop, opened in Fort Wayne in 1958. We are an
    Indiana corporation, and our common stock has been listed since 1996. In the twelve months to
    {period_end}, {active} customers bought from us at least once.
    """,
    customers="""Three quarters of our customers are women, and the median age is 47. Teachers,
    and people who sell what they make, are about 8% of customers and 21% of sales. Our Maker
    Card gives them a discount of 10%.""",
    supply="""We buy from about 640 vendors and import directly through our own agents in
    Ningbo, China, and Jaipur, India. About {china} of merchandise, by cost, came from China in
    {fy}. Private brands were {private} of net sales. Tariffs under Section 301 cost us about
    {tariffs} in {fy}.""",
    competition="""Two national chains of craft stores are larger than we are, and a third sells
    mostly fabric. Mass merchants and online marketplaces sell the fastest-moving articles at
    low prices. Like Bramblecote Outfitters in its own field, we rely on advice and classes that
    general merchants do not give.""",
    seasonality="""The quarter from October to December brings about 37% of net sales and nearly
    all of our net income. Christmas goods are ordered in February and arrive from June on.""",
    rights="""Our trademarks include {marks}. Designs of our private brands are protected by
    copyright where possible.""",
    regulation="""Children's craft kits, paints and jewelry must be tested under the Consumer
    Product Safety Improvement Act, and art materials be labeled under the Labeling of Hazardous
    Art Materials Act. Laws of the states on reference prices govern our advertising.""",
    people="""We had {employees} employees at {period_end}, of whom 4,100 worked full-time.
    Average pay in stores was $15.40 an hour. No employees are represented by a union. Half of
    our store managers began as part-time associates.""",
    revenue_policy="""Sales in stores are recognized when the customer pays; custom frames, for
    which a deposit of half the price is taken, when they are picked up; and class fees when the
    class takes place. Coupons reduce revenue when they are used. Vendor allowances reduce the
    cost of the goods and are recognized in cost of goods sold when those are sold.""",
    market_risk="""Our notes carry a fixed rate. A change of one percentage point in the rate of
    our revolving credit facility would have changed interest expense by about $0.5 million.
    Polyester, acrylic fiber and cotton, diesel fuel and ocean freight influence our costs; a
    change of 10% in container rates would change cost of goods sold by about $4.2 million. We
    pay vendors in dollars.""",
    risks=(
        Risk(
            "We depend on imports from China.",
            """About {china} of our merchandise came from China in {fy}. New tariffs, a closing
            of ports or a conflict over Taiwan would interrupt supply of articles for which we
            know no other maker, such as artificial flowers and glass beads.""",
        ),
        Risk(
            "A poor Christmas season cannot be made up in the rest of the year.",
            """Nearly all of our net income arises from October to December. Seasonal decor that
            is not sold by December 20 is marked down by half or more.""",
        ),
        Risk(
            "Our debt limits what we can do.",
            """Total debt was {debt} at {period_end}. The notes and the revolving credit
            facility restrict dividends, buybacks and further debt, and the notes cannot be
            called before May 2025 without a premium.""",
        ),
        Risk(
            "Competition from larger chains and marketplaces may lower our prices.",
            """Both national chains have more than 900 stores each and opened 31 within ten
            miles of ours in the two years to {period_end}.""",
        ),
    ),
    sites=(
        Site("Fort Wayne, Indiana", "Headquarters", 174_000, "Owned"),
        Site("Fort Wayne, Indiana", "Distribution center", 1_080_000, "Owned"),
        Site("Dayton, Ohio", "Online fulfillment; frame workshop", 415_000, "Leased"),
        Site("Greenville, Mississippi", "Distribution center", 690_000, "Leased"),
        Site("Ningbo, China", "Buying office", 14_000, "Leased"),
        Site("Jaipur, India", "Buying office", 9_000, "Leased"),
    ),
    officers=(
        ("Eleanor V. Pellworth", "Executive Chair", 66),
        ("Craig B. Hathersage", "President and Chief Executive Officer", 55),
        ("Yolanda S. Merriweather", "Senior Vice President and Chief Financial Officer", 50),
        ("Stuart L. Inverarity", "Senior Vice President, Merchandising", 47),
    ),
    auditor="Quarrington Marsh LLP",
    stories={2022: _STORY_2022, 2023: _STORY_2023},
)
