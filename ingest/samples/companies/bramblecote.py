"""Bramblecote Outfitters: outdoor retailer, 52/53-week year near January 31, in thousands."""

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
    employees=6900,
    stores=(148, 9, 2),
    facts={
        "stores": "155",
        "members": "5.8 million",
        "own_brands": "27%",
        "vendor": "12%",
        "square_feet": "3.41 million",
        "seasonal": "2,100",
        "weeks": "Fiscal 2022, 2021 and 2020 had 52 weeks each.",
        "no_buyback": "yes",
    },
    developments="""
    In fiscal 2022 we opened nine stores, among them our first in Texas, and closed two whose
    leases ended. We also began to sell used gear: members can bring in jackets, packs and tents,
    receive store credit, and buy from a resale page called Second Trail, which took in some
    84,000 pieces in its first ten months.

    Goods that had been ordered early because of the congestion of ports arrived together with
    those ordered on time. Inventory at {period_end} was well above plan, and we sold about
    410,000 pairs of winter boots and insulated pants at reduced prices in the fourth quarter.
    """,
    drivers=(
        """Comparable store sales fell as members bought fewer bicycles, kayaks and tents than
        in the two years before; footwear and apparel grew. Stores in ski towns did well, and
        nine new stores added to sales.""",
        """Orders on our website fell when customers came back to stores, and returns rose to
        19% of online sales. Orders that were picked up in a store grew to 31% of online orders.""",
    ),
    margin="""Markdowns to clear winter goods cost about 170 basis points, and freight on goods
    received in the first half about 90 basis points. A higher share of our own brands offset
    some of this.""",
    overhead="""Store wages rose by 8% an hour on average, and the Reno distribution center was
    open for the full year. We paid no bonuses to management, because the profit target was
    missed.""",
    liquidity="""Inventory that arrived early absorbed cash, and we drew on the asset-based
    credit facility, up to $118 million in October 2022. We suspended the buyback of shares in
    August 2022.""",
    outlook="""In fiscal 2023 we plan capital expenditures of $58 million to $62 million, ten to
    twelve new stores, and purchases about 15% lower than in fiscal 2022.""",
    legal="""
    Wage claims. In May 2022 a former sales lead sued us in the Superior Court of Alameda County
    on behalf of about 3,400 present and former employees in California, alleging unpaid time for
    security checks of bags and missed meal breaks. We removed the case to the federal court in
    Oakland and deny the claims.

    Website. In November 2022 a putative class action in Pennsylvania alleged that replay software
    on our website recorded the clicks and typing of visitors without consent. We have moved to
    dismiss it.
    """,
    borrowing="""The asset-based revolving credit facility of $275.0 million was renewed in July
    2022 until July 2027. Borrowings are limited by eligible inventory and card receivables; at
    January 28, 2023, $183.1 million could be drawn.""",
    subsequent="""On March 14, 2023, we signed a lease for 310,000 square feet near Columbus,
    Ohio, for a third distribution center, which will raise lease assets and liabilities by
    about $21 million when it starts.""",
    risks=(
        Risk(
            "We have too much inventory and may have to reduce prices further.",
            """Inventory at {period_end} was {inventories}, against {inventories_prior} a year
            earlier. Most of the excess is in bicycles, paddle sports and winter apparel.
            Clearing it may take until the autumn of 2023 and may teach our members to wait for
            sales.""",
        ),
        Risk(
            "Spending may move from outdoor gear back to travel and entertainment.",
            """Sales of equipment in fiscal 2020 and 2021 gained from people who took up camping
            and cycling. Households that bought tents and bicycles then do not need them again
            soon.""",
        ),
    ),
)

_STORY_2023 = YearStory(
    employees=7150,
    stores=(155, 11, 3),
    facts={
        "stores": "163",
        "members": "6.3 million",
        "own_brands": "30%",
        "vendor": "13%",
        "square_feet": "3.58 million",
        "seasonal": "1,900",
        "weeks": "Fiscal 2023 had 53 weeks; fiscal 2022 and 2021 had 52 weeks.",
    },
    developments="""
    Fiscal 2023 had 53 weeks. The extra week, which ended on February 3, 2024, added about $26.0
    million of net sales and $2.9 million of operating income.

    We opened eleven stores and closed three. In September 2023 the distribution center in
    Columbus, Ohio, began to serve 61 stores in the Midwest, which cut the time from order to
    shelf from six days to two. Fellhound, our brand for trail running, which began with shoes in
    2021, was extended to apparel in the spring of 2023 and passed $100 million of sales in the
    year.
    """,
    drivers=(
        """Comparable store sales returned to growth in the second half. Footwear and trail
        running led, climbing was steady, and bicycles fell by 18%, after which we ended the
        sale of electric bicycles in 40 smaller stores.""",
        """Traffic on our website rose with a new search and with free shipping for members, and
        returns fell to 17% of online sales. Second Trail doubled to $19 million.""",
    ),
    margin="""Lower freight, fewer markdowns and a larger share of Cairnlight and Fellhound, our
    own brands, raised margin. Shrink cost 20 basis points more than in the year before, most of
    it in stores on the West Coast.""",
    overhead="""The extra week, eleven new stores and the start of the Columbus distribution
    center account for most of the increase. Bonuses were accrued again, and we spent less on
    paid search.""",
    liquidity="""Inventory fell, although the number of stores rose, and the asset-based credit
    facility was paid down. We resumed the buyback of shares in November 2023.""",
    outlook="""In fiscal 2024 we plan capital expenditures of $50 million to $55 million and
    eight new stores. Fiscal 2024 will have 52 weeks.""",
    legal="""
    Wage claims. In January 2024 we agreed to settle the case of about 3,400 present and former
    employees in California, who claim pay for security checks of bags and for missed meal breaks,
    for $6.8 million, which we accrued in the fourth quarter of fiscal 2023. The federal court in
    Oakland has to approve the settlement.

    Website. The putative class action in Pennsylvania about replay software on our website was
    dismissed on June 30, 2023, for lack of standing; an appeal is pending.
    """,
    borrowing="""At February 3, 2024, $214.6 million could be drawn under the asset-based
    revolving credit facility of $275.0 million, which is due in July 2027. We repaid the $30.0
    million mortgage loan on our Burlington campus down to the balance shown as it fell due.""",
    subsequent="""On February 27, 2024, the Board of Directors authorized the purchase of up to
    $60.0 million of our common stock until the end of fiscal 2026.""",
    risks=(
        Risk(
            "Theft in stores is rising and costs us sales as well as goods.",
            """Shrink was 2.3% of store sales in fiscal 2023, against 2.1% in fiscal 2022.
            Locking goods away lowers theft and sales alike. We closed a store in Oakland,
            California, in July 2023 because of it.""",
        ),
        Risk(
            "Our own brands put more of the fashion and quality risk on us.",
            """Cairnlight and Fellhound were {own_brands} of net sales. We cannot return what
            does not sell, and in October 2023 we recalled 23,000 Cairnlight canister stoves
            whose valve could leak, at a cost of $1.7 million.""",
        ),
    ),
)

BRAMBLECOTE = Company(
    key="BRAMBLECOTE",
    name="Bramblecote Outfitters, Inc.",
    short="Bramblecote",
    ticker="BCOT",
    exchange="The Nasdaq Stock Market LLC",
    state="Delaware",
    irs_number="03-0349915",
    commission_file="000-50771",
    street="18 Battery Cove Road",
    city="Burlington, Vermont 05401",
    phone="(802) 555-0162",
    sector="retail",
    year_ends={
        2019: "February 1, 2020",
        2020: "January 30, 2021",
        2021: "January 29, 2022",
        2022: "January 28, 2023",
        2023: "February 3, 2024",
    },
    year_note="""Our fiscal year ends on the Saturday closest to January 31 and is named after
    the calendar year in which it begins. {weeks}""",
    fiscal_word=True,
    unit=Unit("thousands"),
    wording=Wording(
        cost="Cost of sales, including buying and occupancy costs",
        statement="INCOME",
        plant="Property and equipment",
        capex="Purchases of property and equipment",
        receivables="Card and other receivables",
    ),
    look=Look("Times", 9.5, True),
    segments=(
        Segment(
            "Stores",
            884.0,
            {
                2020: Growth(-4.6, 2.1),
                2021: Growth(12.4, 2.6),
                2022: Growth(-2.3, 4.2),
                2023: Growth(1.9, 3.7, 0.0, 1.6),
            },
            {2020: 0.088, 2021: 0.124, 2022: 0.091, 2023: 0.108},
            """sells apparel, footwear and equipment for hiking, camping, climbing, skiing,
            cycling and paddling in stores of about 22,000 square feet. Stores rent skis and
            boats, repair bicycles and boots, and hold classes, which about 190,000 people
            attended in {fy}.""",
        ),
        Segment(
            "Direct-to-Consumer",
            412.0,
            {
                2020: Growth(31.5),
                2021: Growth(4.8),
                2022: Growth(-3.9),
                2023: Growth(3.4, 0.0, 0.0, 1.8),
            },
            {2020: 0.104, 2021: 0.109, 2022: 0.074, 2023: 0.093},
            """sells through bramblecote.com, our app, and the catalog that we mail six times a
            year, and includes Second Trail, our resale business. Orders that a customer picks
            up in a store count here.""",
        ),
    ),
    plan=Plan(
        gross_margin=(0.352, 0.381, 0.349, 0.366),
        corporate=0.027,
        capex=(0.024, 0.032, 0.041, 0.037),
        opening_plant=238.0,
        opening_goodwill=34.6,
        opening_intangibles=21.5,
        opening_cash=112.0,
        receivable_days=(5.2, 5.4, 5.6, 5.3),
        inventory_days=(112, 118, 146, 124),
        payable_days=(53, 61, 55, 54),
        leases=(415, 432, 461, 498),
        shares=44.2,
        share_price=(31.7, 48.9, 27.6, 33.8),
        dividends=(0.0, 0.0, 0.0, 0.0),
        buyback_share=0.5,
        depreciation=0.168,
        state_tax=4.3,
        tax_credits=-0.4,
        stock_compensation=0.0085,
    ),
    acquisitions=(),
    debts=(
        Debt("Mortgage loan due 2029", 4.1, 2029, (30.0, 28.5, 27.0, 25.5, 24.0), 1.5),
        Debt(
            "Revolving asset-based credit facility due 2027",
            3.4,
            2027,
            (65, 0, 0, 74, 28),
            0.0,
            True,
        ),
    ),
    regions={"Northeast": 0.38, "West": 0.27, "Midwest": 0.20, "South": 0.15},
    overview="""
    Bramblecote Outfitters, Inc. sells gear, footwear and clothing for the outdoors. We began in
    1976 as a canoe rental on Lake Champlain, opened our first store in Burlington, Vermont, in
    1981, and sold shares to the public in October 2004. At {period_end} we had {stores} stores in
    29 states with {square_feet} square feet of selling space.

    The members of Trailhead Rewards, our loyalty program, numbered {members} at year-end; those
    who had bought within twelve months accounted for 71% of our net sales. Membership costs
    nothing and gives a credit of 5% on most purchases.
    """,
    customers="""We sell to people who spend time outdoors, from beginners to guides. Our
    typical member buys 3.6 times a year and lives within 25 minutes of a store. Credits earned
    and not yet used under Trailhead Rewards expire after 18 months, and we defer the revenue
    until then or until they are used.""",
    supply="""We buy from about 520 vendors. The largest, Northmarch Mountain Works, accounted
    for {vendor} of our purchases in {fy}. Our own brands, Cairnlight for camping and Fellhound
    for running, were {own_brands} of net sales; they are made by 44 factories, mostly in
    Vietnam, Bangladesh and Portugal, and reach us through the ports of Oakland and Norfolk.""",
    competition="""We compete with a large cooperative, with chains of sporting goods stores,
    with the stores and websites of our own vendors, and with online marketplaces. Vendors that
    sell directly to consumers have taken share in running and skiing. We rely on staff who use
    the gear, on rental and repair, and on brands that others do not have.""",
    seasonality="""About 36% of net sales and more than half of operating income fall in the
    fourth fiscal quarter, from November to January. A winter with little snow in the Northeast
    leaves us with goods that must be marked down.""",
    rights="""Bramblecote, Cairnlight, Fellhound, Second Trail and Trailhead Rewards are
    registered trademarks. We renew them as long as we use them.""",
    regulation="""Several states forbid, from 2025 on, the sale of outdoor clothing treated with
    perfluorinated substances (PFAS), which give rain jackets their water repellence. Since
    fiscal 2022 we have bought no new styles of our own brands that contain them.""",
    people="""At {period_end} we had {employees} employees, of whom 58% worked part-time, and we
    hire about {seasonal} more for the winter holidays. Employees of our stores in Boulder,
    Colorado, and Portland, Maine, voted for union representation; no agreement has been
    reached. Employees receive two paid days a year to spend outdoors.""",
    revenue_policy="""Revenue is recognized in stores at the sale, and online when the goods are
    handed to the carrier or picked up. We estimate returns from experience of the two years
    before; the reserve covers about 60 days of sales. Unused gift cards are recognized as
    revenue in proportion to the redemptions of customers.""",
    market_risk="""Borrowings under our asset-based facility bear interest at SOFR plus 1.25% to
    1.75%. If they had been at their average of the year throughout, a change of one percentage
    point would have changed interest expense by about $0.6 million. We buy in U.S. dollars; a
    lasting fall of the dollar against the currencies of Vietnam and Bangladesh would raise our
    cost over time. Cotton, down and synthetic fabrics based on oil influence the cost of
    apparel.""",
    risks=(
        Risk(
            "Our results depend on a few months and on the weather in them.",
            """A warm, dry winter in New England and the Rockies can take away sales of skis,
            boots and insulated jackets that cannot be made up in spring. In fiscal 2019 such a
            winter cost us an estimated 4% of sales in the fourth quarter.""",
        ),
        Risk(
            "Vendors that are also our competitors could limit what we may sell.",
            """Northmarch Mountain Works, {vendor} of our purchases, runs 70 stores of its own.
            It may keep new products for them, as it did with its lightest rain jacket in the
            spring of 2021, or end its agreement with us at six months' notice.""",
        ),
        Risk(
            "Goods from Asia may arrive late, cost more or be seized.",
            """The Uyghur Forced Labor Prevention Act requires us to prove the origin of cotton.
            Five shipments were held at the border for more than six weeks in the two years to
            {period_end}.""",
        ),
        Risk(
            "A loss of members' data would damage their trust.",
            """We hold names, addresses and purchases of {members} members. State laws on
            privacy differ, and plaintiffs claim statutory damages that do not depend on harm.""",
        ),
    ),
    sites=(
        Site("Burlington, Vermont", "Headquarters campus", 196_000, "Owned"),
        Site("Reno, Nevada", "Distribution center", 540_000, "Leased"),
        Site("Hagerstown, Maryland", "Distribution center", 720_000, "Leased"),
        Site("Columbus, Ohio", "Distribution center", 310_000, "Leased", opened="September 2023"),
        Site("Barre, Vermont", "Customer service and repair shop", 38_000, "Leased"),
        Site("Portland, Oregon", "Design studio for own brands", 22_000, "Leased"),
    ),
    officers=(
        ("Corinne T. Ashgrove", "President and Chief Executive Officer", 51),
        ("Daniel W. Lindenmuth", "Executive Vice President and Chief Financial Officer", 46),
        ("Rosalind J. Petrakis", "Chief Merchandising Officer", 49),
        ("Marcus D. Villeneuve", "General Counsel and Secretary", 44),
    ),
    auditor="Hollis Granby LLP",
    stories={2022: _STORY_2022, 2023: _STORY_2023},
)
