"""Brannoch Valve & Controls: severe-service valves, June year-end, in thousands."""

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
    employees=3240,
    facts={
        "backlog": "$402.7 million",
        "nuclear": "16%",
        "top_customer": "11.4%",
        "cleanup": "$13.9 million",
        "alloy_move": "$7.9 million",
    },
    developments="""
    From October 11 to November 29, 2021, about 840 members of Local 1147 of the United Valve
    Workers were on strike at our plant in Mansfield, Ohio. Salaried employees kept part of the
    machining running, and deliveries of about $31 million were delayed into the second half of
    fiscal 2022. The new agreement runs for four years, raises wages by 17% over that time and
    ends on October 10, 2025.

    In fiscal 2022 we finished the qualification of our BR-7 main steam isolation valve for small
    modular reactors, and signed a framework agreement with Thornquist Nuclear Services, which
    expects to build its first plant in Idaho.
    """,
    drivers=(
        """The strike at Mansfield lowered volume in the second quarter, and most of the delayed
        valves were delivered by June 2022. Orders of combined-cycle power plants in Texas and
        Southeast Asia rose, while those of coal-fired plants continued to fall.""",
        """Shortages of microcontrollers limited shipments of digital positioners to about 70%
        of orders in the first three quarters. We redesigned the Accura 4 positioner around a
        different controller in March 2022, and shipped about 5,200 units of the new design by
        year-end.""",
    ),
    margin="""Work lost to the strike left some $9.6 million of factory cost unabsorbed, and the
    price of cobalt, which we use to hard-face the trim of severe-service valves, rose more than
    50%. Price increases took effect only from January 2022.""",
    overhead="""Security and temporary staff during the strike cost $3.7 million, and legal fees
    in the Orrin patent case $2.2 million; both were partly offset by lower incentive
    compensation.""",
    liquidity="""Operating cash flow suffered from the strike, and from deposits of $12.5
    million paid to suppliers of forgings to secure capacity. We did not buy back shares between
    October 2021 and March 2022.""",
    outlook="""We expect capital expenditures of about $34 million in fiscal 2023, including $8
    million for five-axis machining centers in Mansfield.""",
    legal="""
    Orrin patent case. In February 2021 we sued Orrin Flow Systems, LLC in the United States
    District Court for the Northern District of Ohio for infringing two patents on the
    stacked-disk trim of our DragonTooth control valves. Orrin counterclaimed that the patents are
    invalid. Trial is set for November 2022.

    Mansfield site. Under an order on consent of the Ohio Environmental Protection Agency of 2014
    we are treating groundwater below our Mansfield plant for trichloroethylene that was used for
    degreasing until 1986. At June 30, 2022, we had accrued $13.9 million for treatment and
    monitoring until 2044.
    """,
    borrowing="""In June 2022 we entered into a credit agreement for a term loan of $200.0
    million and a revolving credit facility of $300.0 million, both due in June 2027, and repaid
    the agreement of 2018.""",
    subsequent="""On August 22, 2022, we agreed to buy Lindqvist Aktuator AB of Västerås,
    Sweden, a maker of electric actuators, for about $148 million. The purchase closed on
    October 3, 2022.""",
    risks=(
        Risk(
            "Shortages of electronic components limit what we can deliver.",
            """Lead times for the microcontrollers and pressure sensors of our positioners
            exceeded 52 weeks during fiscal 2022. We bought components from brokers at up to
            eleven times their usual price, and may lose customers to competitors with better
            supply.""",
        ),
        Risk(
            "Labor disputes have stopped our production before and may do so again.",
            """The strike of 50 days at Mansfield in the autumn of 2021 delayed deliveries of
            about $31 million and cost us an estimated $14 million of operating income. The
            agreement at our foundry partner in Canton, Ohio, ends in May 2023.""",
        ),
    ),
)

_STORY_2023 = YearStory(
    employees=3610,
    facts={
        "backlog": "$471.2 million",
        "nuclear": "19%",
        "top_customer": "10.6%",
        "cleanup": "$17.3 million",
        "alloy_move": "$8.6 million",
    },
    developments="""
    On October 3, 2022, we acquired Lindqvist Aktuator AB, which makes electric actuators and
    fieldbus controls in Västerås, Sweden, for $148.0 million. With Lindqvist we can offer
    electric actuation where customers replace pneumatic systems to cut methane emissions. It
    employed 290 people and is part of Actuation and Controls.

    In January 2023 Thornquist Nuclear Services ordered the first set of BR-7 main steam isolation
    valves, for delivery in fiscal 2025. In April 2023 we opened a repair shop in Rayong,
    Thailand, our first in Southeast Asia.
    """,
    drivers=(
        """Deliveries recovered from the strike of the year before. Liquefied natural gas
        projects on the Gulf Coast took DragonTooth control valves for compressor recycle, and
        life extension work at nuclear plants in the United States and Korea raised sales of
        isolation valves.""",
        """Lindqvist contributed $61.4 million in the nine months since its acquisition.
        Shipments of the Accura 4 positioner doubled once the redesigned model was available in
        quantity, and the overdue backlog of $18 million at June 30, 2022 was worked off by
        March 2023.""",
    ),
    margin="""Higher volume at Mansfield, the price increases of January and July 2022 and a
    cobalt price that fell by about half from its peak more than covered higher wages and the
    sale of Lindqvist inventory that was written up by $4.1 million.""",
    overhead="""Lindqvist added $13.4 million, transaction costs came to $3.8 million, and legal
    fees rose with the trial against Orrin; the cost of the strike did not recur.""",
    liquidity="""We financed Lindqvist with $110.0 million of the revolving credit facility and
    cash, and had repaid $55.0 million of the drawing by year-end. The judgment against Orrin of
    $23.6 million is not recorded until it is paid.""",
    outlook="""We expect capital expenditures of about $46 million in fiscal 2024, including $14
    million for a clean room in Mansfield for valves of nuclear grade.""",
    legal="""
    Orrin patent case. On December 9, 2022, a jury in the Northern District of Ohio found that
    Orrin Flow Systems, LLC had infringed both patents on the stacked-disk trim of our DragonTooth
    valves, and awarded us damages of $23.6 million. Orrin has appealed to the Court of Appeals
    for the Federal Circuit. Gain contingencies are not recognized until they are realized.

    Mansfield site. After new borings in February 2023 found trichloroethylene beyond the eastern
    boundary of our Mansfield plant, we agreed with the Ohio Environmental Protection Agency to
    add four extraction wells, and raised our accrual to $17.3 million at June 30, 2023.
    """,
    borrowing="""At June 30, 2023, $233.6 million of the revolving credit facility was unused.
    In November 2022 we swapped $100.0 million of the term loan to a fixed rate of 5.94% until
    June 2027.""",
    subsequent="""On July 27, 2023, the Board of Directors authorized the repurchase of up to
    $75.0 million of common stock, in place of the program of 2019, of which $6.2 million was
    unused.""",
    risks=(
        Risk(
            "The integration of Lindqvist may be slower or dearer than planned.",
            """Lindqvist's actuators must be certified anew for nuclear and hazardous areas in
            the United States, which we expect by December 2024. Until then it cannot serve the
            customers for whom we chiefly bought it, and its results could fall short of those
            that justified $71.0 million of goodwill.""",
        ),
        Risk(
            "Small modular reactors may come later than we plan for, or not at all.",
            """We have spent $9.4 million on the BR-7 valve and intend to spend $14 million on a
            clean room. No utility has yet received a construction license for the Thornquist
            reactor, and the order that we hold may be canceled against payment of our cost.""",
        ),
    ),
)

BRANNOCH = Company(
    key="BRANNOCH",
    name="Brannoch Valve & Controls Corporation",
    short="Brannoch",
    ticker="BRVC",
    exchange="New York Stock Exchange",
    state="Ohio",
    irs_number="34-1296058",
    commission_file="001-14420",
    street="75 Ritter Works Avenue",
    city="Mansfield, Ohio 44902",
    phone="(419) 555-0117",
    sector="pumps",
    year_ends={year: f"June 30, {year}" for year in range(2019, 2024)},
    year_note="""Our fiscal year ends on June 30; {fy} means the year ended {period_end}.""",
    fiscal_word=True,
    unit=Unit("thousands"),
    wording=Wording(
        cost="Cost of sales",
        overhead="Selling and administrative expenses",
        statement="EARNINGS",
        capex="Additions to property, plant and equipment",
        research="Research, development and engineering",
        receivables="Trade receivables, less allowances",
    ),
    look=Look("Times", 9.6, False),
    segments=(
        Segment(
            "Severe-Service Valves",
            524.0,
            {
                2020: Growth(-4.0, 1.1, 0.0, -0.5),
                2021: Growth(-2.2, 1.3, 0.0, 0.9),
                2022: Growth(-1.9, 3.4, 0.0, -0.7),
                2023: Growth(6.8, 5.5, 0.0, -0.9),
            },
            {2020: 0.152, 2021: 0.148, 2022: 0.129, 2023: 0.161},
            """makes control, isolation and safety valves for steam, gas and slurry at high
            pressure drop, under the names DragonTooth, BR and Kesteven. Trim of DragonTooth
            valves is stacked from disks with winding passages that let pressure down in up to
            40 steps, so that steam at 300 bar does not erode the seat. Every valve is
            pressure-tested, and valves for nuclear plants are documented from the melt of the
            forging on.""",
        ),
        Segment(
            "Actuation and Controls",
            243.5,
            {
                2020: Growth(-2.8, 1.0, 0.0, -0.4),
                2021: Growth(3.1, 1.5, 0.0, 0.8),
                2022: Growth(-3.6, 3.9, 0.0, -0.8),
                2023: Growth(10.4, 4.8, 24.6, -1.4),
            },
            {2020: 0.131, 2021: 0.138, 2022: 0.112, 2023: 0.142},
            """makes pneumatic and electric actuators, digital positioners and limit switches
            that open and close valves, ours and those of others. Accura positioners find their
            own calibration and report friction of the stem, which warns of a valve that is
            about to stick. About half of this segment's products are sold to other makers of
            valves.""",
        ),
    ),
    plan=Plan(
        gross_margin=(0.361, 0.363, 0.344, 0.372),
        corporate=0.028,
        capex=(0.036, 0.034, 0.035, 0.039),
        opening_plant=198.4,
        opening_goodwill=141.2,
        opening_intangibles=72.6,
        opening_cash=88.1,
        receivable_days=(66, 67, 71, 68),
        inventory_days=(121, 124, 139, 131),
        payable_days=(46, 49, 52, 50),
        leases=(24.1, 23.3, 22.8, 29.4),
        shares=33.9,
        share_price=(41.2, 52.8, 47.3, 58.9),
        dividends=(0.88, 0.92, 0.96, 1.00),
        buyback_share=0.4,
        research=0.034,
        foreign_share=0.41,
        foreign_tax=1.0,
        tax_credits=-1.7,
    ),
    acquisitions=(Acquisition("Lindqvist Aktuator AB", 2023, "October 3, 2022", 148.0, 1),),
    debts=(
        Debt("3.80% senior notes due 2030", 3.8, 2030, (125, 125, 125, 125, 125)),
        Debt("Term loan under the 2018 agreement", 4.2, 2023, (160, 150, 140, 0, 0), 10.0, True),
        Debt("Term loan due 2027", 4.2, 2027, (0, 0, 0, 200, 190), 10.0, True),
        Debt("Revolving credit facility due 2027", 4.3, 2027, (40, 30, 25, 0, 55), 0.0, True),
    ),
    regions={"United States": 0.49, "Europe and Middle East": 0.24, "Asia": 0.22, "Other": 0.05},
    overview="""
    Brannoch Valve & Controls Corporation makes valves and controls for service that wears out
    ordinary valves: steam in power plants, compressor recycle in gas liquefaction, letdown of
    slurry in refineries and mines. An Ohio corporation since 1923, we make what we believe is the
    broadest line of severe-service valves in North America.

    Our strategy rests on three aims: to grow in nuclear power, which accounted for {nuclear} of
    net sales in {fy}; to offer electric actuation wherever pneumatic systems vent methane; and to
    earn more from repair, for which we run fourteen shops close to our customers.
    """,
    customers="""Our customers are utilities, oil and gas companies, engineering contractors and
    other makers of valves. Gulfmere LNG Partners, with its contractors, was the largest at
    {top_customer} of net sales in {fy}. Sales are made by 165 of our own engineers and by
    representatives in 48 countries. Backlog was {backlog} at {period_end}; about 30% of it,
    mostly for nuclear plants, is to be delivered later than twelve months from that date.""",
    supply="""Forgings, castings and bar of stainless and chrome-molybdenum steel are our
    largest purchases, followed by cobalt alloys for hard facing and by electronic components.
    Forgings for nuclear valves come from only two mills that hold the needed certificates, one
    in Pennsylvania and one in Japan.""",
    competition="""In severe service we compete with two global makers of control valves and
    with specialists such as Orrin Flow Systems; in general process valves we meet Halversen
    Flow Industries. Qualification, delivery and the quality of documents decide orders of
    nuclear customers more than price does. In actuation there are more than thirty makers, some
    in Asia at markedly lower prices.""",
    seasonality="""Power plants repair in spring and autumn, when demand for electricity is low,
    so that our second and fourth fiscal quarters are usually the strongest for parts and
    repair.""",
    rights="""We hold 137 patents, including those on the stacked-disk trim of DragonTooth
    valves, the last of which ends in 2033, and the certificates N, NPT and NV of the American
    Society of Mechanical Engineers for nuclear components, which are renewed every three years.""",
    regulation="""Valves for nuclear plants are subject to Appendix B of 10 CFR Part 50, and we
    must report defects under Part 21. Exports of some valves need a license of the Department
    of Commerce, because they can be used in chemical processing.""",
    people="""We had {employees} employees at {period_end}. About 840 in Mansfield belong to
    Local 1147 of the United Valve Workers, under an agreement that ends on October 10, 2025.
    Machinists and welders qualified for nuclear work are scarce; we train some 40 a year
    together with the community college in Mansfield.""",
    revenue_policy="""Revenue from valves and controls is recognized at a point in time, when
    control passes under the shipping terms. Nuclear valves built to a customer's specification
    are recognized over time, measured by labor hours, since they have no other use and the
    customer must pay for work done. Payments received ahead of work are contract liabilities,
    most of which become revenue within eighteen months.""",
    market_risk="""Cobalt, nickel and molybdenum enter our cost through hard-facing alloys and
    steel surcharges. A change of 10% in these prices, held for a year, would change cost of
    sales by about {alloy_move}. We buy cobalt alloys forward for up to six months. Our Swedish
    and Korean subsidiaries report in krona and won; a change of 10% of both against the dollar
    would change net sales by about $9.1 million.""",
    risks=(
        Risk(
            "Nuclear customers can suspend us if our quality system fails.",
            """Auditors of the utilities' joint committee inspect our plants every three years.
            A serious finding can stop all deliveries to nuclear plants, which were {nuclear} of
            net sales in {fy}, until it is corrected; in 2015 a finding on weld records stopped
            deliveries for eleven weeks.""",
        ),
        Risk(
            "Cleaning up our Mansfield site may cost more than we have accrued.",
            """We had accrued {cleanup} at {period_end} for the treatment of groundwater. The
            plume is not fully mapped, the method may change, and neighbors may claim damages.
            We have no insurance for this.""",
        ),
        Risk(
            "A few projects in liquefied natural gas account for much of our backlog.",
            """Gulfmere LNG Partners and its contractors were {top_customer} of our net sales in
            {fy}. Permits, financing and the price of gas can delay such projects by years, and
            contracts let the customer cancel against payment of our cost.""",
        ),
        Risk(
            "Makers in Asia sell actuators at prices that we cannot match.",
            """Imports have taken what we estimate to be a quarter of the North American market
            for standard pneumatic actuators within five years. Tariffs under Section 301 now
            add 25% to the price of those from China, and could be lowered.""",
        ),
    ),
    sites=(
        Site("Mansfield, Ohio", "Headquarters; valve manufacturing", 745_000, "Owned"),
        Site("Lynchburg, Virginia", "Nuclear assembly and test", 186_000, "Owned"),
        Site("Sugar Land, Texas", "Repair and positioners", 132_000, "Leased"),
        Site("Changwon, South Korea", "Control valves", 158_000, "Owned"),
        Site("Leek, England", "Safety valves", 119_000, "Owned"),
        Site("Pune, India", "Engineering office", 41_000, "Leased"),
    ),
    officers=(
        ("Walter K. Brannoch III", "Chairman of the Board", 68),
        ("Lucinda M. Faraday", "President and Chief Executive Officer", 54),
        ("Henrik O. Stallworth", "Vice President, Finance and Chief Financial Officer", 49),
        ("Josephine A. Dierking", "Vice President, General Counsel", 51),
    ),
    auditor="Quarrington Marsh LLP",
    stories={2022: _STORY_2022, 2023: _STORY_2023},
)
