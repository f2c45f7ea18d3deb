"""What is known of one invented company before its statements are worked out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Sector = Literal["pumps", "retail", "packaging"]

FIRST_YEAR = 2020
"""First fiscal year that a filing shows; the year before it is the opening balance."""

FILING_YEARS = (2022, 2023)


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit in which a company reports; amounts are whole ticks, the last digit that it prints.

    Whole ticks make every printed column add up exactly, with no rounding differences.
    """

    word: Literal["millions", "thousands"]
    decimals: int = 0

    @property
    def per_million(self) -> int:
        return 1000 if self.word == "thousands" else int(10**self.decimals)

    def ticks(self, millions: float) -> int:
        return round(millions * self.per_million)

    def cell(self, ticks: int) -> str:
        """A table cell: thousands separated, negatives in parentheses, an em dash for nil."""
        if ticks == 0:
            return "—"
        scale = 1 if self.word == "thousands" else self.per_million
        text = f"{abs(ticks) / scale:,.{self.decimals}f}"
        return f"({text})" if ticks < 0 else text

    def prose(self, ticks: int) -> str:
        """An amount inside a sentence, always in millions and without a sign."""
        digits = 0 if self.per_million == 1 else 1
        return f"${abs(ticks) / self.per_million:,.{digits}f} million"


@dataclass(frozen=True, slots=True)
class Wording:
    """Captions that filers choose freely."""

    sales: str = "Net sales"
    cost: str = "Cost of products sold"
    overhead: str = "Selling, general and administrative expenses"
    statement: str = "INCOME"
    capex: str = "Purchases of property, plant and equipment"
    plant: str = "Property, plant and equipment"
    research: str = "Research and development expenses"
    receivables: str = "Accounts receivable, net of allowances"


@dataclass(frozen=True, slots=True)
class Look:
    """Typography of one company's filings."""

    family: Literal["Times", "Helvetica"] = "Times"
    size: float = 10.0
    justify: bool = True


@dataclass(frozen=True, slots=True)
class Growth:
    """Change of a segment's sales in percent of the year before, by cause.

    The causes are named by sector in `sales_causes`.
    """

    first: float
    second: float = 0.0
    third: float = 0.0
    fourth: float = 0.0

    @property
    def parts(self) -> tuple[float, float, float, float]:
        return (self.first, self.second, self.third, self.fourth)


@dataclass(frozen=True, slots=True)
class Segment:
    """A reportable segment: sales in millions in the opening year, then growth and margins."""

    name: str
    opening_sales: float
    growth: Mapping[int, Growth]
    margins: Mapping[int, float]
    about: str


@dataclass(frozen=True, slots=True)
class Acquisition:
    """A business bought for cash; shares of the price say what was bought."""

    name: str
    year: int
    closed: str
    price: float
    segment: int
    goodwill_share: float = 0.48
    intangible_share: float = 0.34


@dataclass(frozen=True, slots=True)
class Debt:
    """A borrowing: balance in millions at the end of 2019, 2020, ... 2023."""

    name: str
    rate: float
    due: int
    balances: tuple[float, float, float, float, float]
    installment: float = 0.0
    floating: bool = False

    @property
    def revolving(self) -> bool:
        return self.name.startswith("Revolving")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What drives the financial model; amounts in millions, per-year tuples run 2020 to 2023."""

    gross_margin: tuple[float, float, float, float]
    corporate: float
    capex: tuple[float, float, float, float]
    opening_plant: float
    opening_goodwill: float
    opening_intangibles: float
    opening_cash: float
    receivable_days: tuple[float, float, float, float]
    inventory_days: tuple[float, float, float, float]
    payable_days: tuple[float, float, float, float]
    leases: tuple[float, float, float, float]
    shares: float
    share_price: tuple[float, float, float, float]
    dividends: tuple[float, float, float, float]
    buyback_share: float
    research: float = 0.0
    depreciation: float = 0.125
    restructuring: Mapping[int, float] = field(default_factory=dict)
    impairment: Mapping[int, tuple[int, float]] = field(default_factory=dict)
    foreign_share: float = 0.0
    state_tax: float = 3.1
    foreign_tax: float = 0.0
    tax_credits: float = -0.9
    stock_compensation: float = 0.006


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk factor: its headline and its text."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Site:
    """A row of the properties table; months of opening and closing as `June 2023`."""

    place: str
    use: str
    square_feet: int
    tenure: Literal["Owned", "Leased"]
    opened: str = ""
    closed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class YearStory:
    """What happened in one fiscal year. Texts may name figures, as `{sales}`; see `figures`."""

    employees: int
    developments: str
    drivers: tuple[str, ...]
    margin: str
    overhead: str
    liquidity: str
    outlook: str
    legal: str
    borrowing: str
    subsequent: str
    risks: tuple[Risk, ...]
    facts: Mapping[str, str]
    """Figures of the year that no statement holds; the company's texts name them in braces."""
    stores: tuple[int, int, int] | None = None
    """Stores at the start of the year, opened, closed; retailers only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """An invented registrant: identity, financial plan and texts."""

    key: str
    name: str
    short: str
    ticker: str
    exchange: str
    state: str
    irs_number: str
    commission_file: str
    street: str
    city: str
    phone: str
    sector: Sector
    year_ends: Mapping[int, str]
    """Last day of each fiscal year, 2019 to 2023, as `December 31, 2023`."""
    year_note: str
    fiscal_word: bool
    """Whether the text says `fiscal 2023` rather than `2023`."""
    unit: Unit
    wording: Wording
    look: Look
    segments: tuple[Segment, ...]
    plan: Plan
    acquisitions: tuple[Acquisition, ...]
    debts: tuple[Debt, ...]
    regions: Mapping[str, float]
    """Share of sales by region; the first takes what rounding leaves."""
    overview: str
    customers: str
    supply: str
    competition: str
    seasonality: str
    rights: str
    regulation: str
    people: str
    revenue_policy: str
    market_risk: str
    risks: tuple[Risk, ...]
    sites: tuple[Site, ...]
    officers: tuple[tuple[str, str, int], ...]
    auditor: str
    stories: Mapping[int, YearStory]

    def year_name(self, year: int) -> str:
        return f"fiscal {year}" if self.fiscal_word else str(year)


def sales_causes(sector: Sector) -> tuple[str, str, str, str]:
    """Names of the four parts of `Growth`."""
    if sector == "pumps":
        return ("Volume", "Price", "Acquisitions", "Currency")
    if sector == "retail":
        return ("Comparable sales", "New stores, net", "Acquisitions", "Calendar")
    return ("Volume and mix", "Price and pass-through", "Acquisitions", "Currency")
