"""The statements of one company for one fiscal year, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Income:
    """Income statement, in ticks; costs are positive."""

    segment_sales: tuple[int, ...]
    segment_profit: tuple[int, ...]
    sales: int
    cost: int
    overhead: int
    research: int
    amortization: int
    restructuring: int
    impairment: int
    corporate: int
    interest: int
    other_income: int
    tax_current: tuple[int, int, int]
    tax_deferred: int
    tax_steps: tuple[tuple[str, int], ...]
    basic_shares: int
    diluted_shares: int
    dividend: float

    @property
    def gross_profit(self) -> int:
        return self.sales - self.cost

    @property
    def operating_income(self) -> int:
        special = self.amortization + self.restructuring + self.impairment
        return self.gross_profit - self.overhead - self.research - special

    @property
    def pretax(self) -> int:
        return self.operating_income - self.interest + self.other_income

    @property
    def tax(self) -> int:
        return sum(self.tax_current) + self.tax_deferred

    @property
    def net_income(self) -> int:
        return self.pretax - self.tax

    @property
    def basic_eps(self) -> float:
        return self.net_income / self.basic_shares

    @property
    def diluted_eps(self) -> float:
        return self.net_income / self.diluted_shares


@dataclass(frozen=True, slots=True)
class Balance:
    """Balance sheet, in ticks; treasury stock is negative."""

    cash: int
    receivables: int
    inventories: int
    prepaid: int
    plant: int
    lease_assets: int
    goodwill: tuple[int, ...]
    intangibles: int
    other_assets: int
    current_debt: int
    payables: int
    accrued: int
    current_leases: int
    long_debt: int
    long_leases: int
    deferred_tax: int
    other_liabilities: int
    common_stock: int
    paid_in: int
    retained: int
    other_comprehensive: int
    treasury: int
    accumulated_depreciation: int
    intangibles_gross: int
    debts: tuple[int, ...]
    issuance_costs: int

    @property
    def current_assets(self) -> int:
        return self.cash + self.receivables + self.inventories + self.prepaid

    @property
    def total_assets(self) -> int:
        fixed = self.plant + self.lease_assets + self.intangibles + self.other_assets
        return self.current_assets + fixed + sum(self.goodwill)

    @property
    def current_liabilities(self) -> int:
        return self.current_debt + self.payables + self.accrued + self.current_leases

    @property
    def total_liabilities(self) -> int:
        long = self.long_debt + self.long_leases + self.deferred_tax + self.other_liabilities
        return self.current_liabilities + long

    @property
    def equity(self) -> int:
        stock = self.common_stock + self.paid_in + self.treasury
        return stock + self.retained + self.other_comprehensive

    @property
    def total_debt(self) -> int:
        return self.current_debt + self.long_debt


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Cash flow statement, in ticks, signed as cash in or out."""

    net_income: int
    depreciation: int
    amortization: int
    impairment: int
    deferred_tax: int
    stock_compensation: int
    issuance_amortization: int
    receivables: int
    inventories: int
    prepaid: int
    payables: int
    accrued: int
    other: int
    capex: int
    acquisitions: int
    disposals: int
    revolver: int
    borrowed: int
    repaid: int
    dividends: int
    buybacks: int
    stock_issued: int
    currency: int
    opening_cash: int

    @property
    def operating(self) -> int:
        noncash = self.depreciation + self.amortization + self.impairment + self.deferred_tax
        noncash += self.stock_compensation + self.issuance_amortization
        working = self.receivables + self.inventories + self.prepaid + self.payables
        return self.net_income + noncash + working + self.accrued + self.other

    @property
    def investing(self) -> int:
        return self.capex + self.acquisitions + self.disposals

    @property
    def financing(self) -> int:
        debt = self.revolver + self.borrowed + self.repaid
        return debt + self.dividends + self.buybacks + self.stock_issued

    @property
    def change(self) -> int:
        return self.operating + self.investing + self.financing + self.currency


@dataclass(frozen=True, slots=True)
class Purchase:
    """Allocation of the price of the businesses bought in one year, in ticks."""

    price: int = 0
    goodwill: int = 0
    intangibles: int = 0
    receivables: int = 0
    inventories: int = 0
    plant: int = 0
    payables: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """The statements of one company for one fiscal year."""

    year: int
    income: Income
    opening: Balance
    balance: Balance
    cash: CashFlow
    purchase: Purchase
    translation: tuple[int, ...]
    """Currency translation of each segment's goodwill."""
