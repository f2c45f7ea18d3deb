"""A financial model of one company whose statements tie out to the last printed digit.

Every balance moves only through a line of the cash flow statement or a named non-cash item, so
the balance sheet balances by construction once the opening one does.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from ingest.samples.books import Balance, Books, CashFlow, Income, Purchase
from ingest.samples.profile import FIRST_YEAR, Company, Debt

LAST_YEAR = 2023


def build_books(company: Company) -> dict[int, Books]:
    """Statements by fiscal year, `FIRST_YEAR` to 2023; the same for the same company, always."""
    rng = Random(f"statements of {company.key}")
    sales = tuple(company.unit.ticks(s.opening_sales) for s in company.segments)
    balance = _opening_balance(company, sum(sales), rng)
    books: dict[int, Books] = {}
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        books[year] = _next_year(company, year, sales, balance, rng)
        sales, balance = books[year].income.segment_sales, books[year].balance
    return books


def _opening_balance(company: Company, sales: int, rng: Random) -> Balance:
    plan, ticks = company.plan, company.unit.ticks
    cost = round(sales * (1 - plan.gross_margin[0]))
    net_plant, goodwill = ticks(plan.opening_plant), ticks(plan.opening_goodwill)
    parts = split(goodwill, [s.opening_sales for s in company.segments])
    debts = tuple(ticks(debt.balances[0]) for debt in company.debts)
    costs = round(sum(debts) * 0.011)
    current = _current_debt(company, FIRST_YEAR - 1)
    lease = ticks(plan.leases[0] * 0.97)
    lease_debt = round(lease * 1.04)
    assets = {
        "cash": ticks(plan.opening_cash),
        "receivables": round(sales * plan.receivable_days[0] / 365),
        "inventories": round(cost * plan.inventory_days[0] / 365),
        "prepaid": round(sales * rng.uniform(0.017, 0.022)),
        "plant": net_plant,
        "lease_assets": lease,
        "intangibles": ticks(plan.opening_intangibles),
        "other_assets": round(sales * rng.uniform(0.018, 0.026)),
    }
    liabilities = {
        "current_debt": current,
        "payables": round(cost * plan.payable_days[0] / 365),
        "accrued": round(sales * rng.uniform(0.062, 0.071)),
        "current_leases": round(lease_debt * 0.21),
        "long_debt": sum(debts) - costs - current,
        "long_leases": lease_debt - round(lease_debt * 0.21),
        "deferred_tax": round(net_plant * rng.uniform(0.08, 0.11)),
        "other_liabilities": round(sales * rng.uniform(0.019, 0.027)),
    }
    common, comprehensive = ticks(plan.shares * 0.01), -round(sales * 0.012)
    equity = sum(assets.values()) + goodwill - sum(liabilities.values())
    paid_in, treasury = round(equity * 0.42), -round(equity * 0.17)
    return Balance(
        **assets,
        **liabilities,
        goodwill=parts,
        common_stock=common,
        paid_in=paid_in,
        treasury=treasury,
        other_comprehensive=comprehensive,
        retained=equity - common - paid_in - treasury - comprehensive,
        accumulated_depreciation=round(net_plant * rng.uniform(0.88, 1.12)),
        intangibles_gross=round(ticks(plan.opening_intangibles) * 1.55),
        debts=debts,
        issuance_costs=costs,
    )


def _next_year(
    company: Company, year: int, sales: tuple[int, ...], opening: Balance, rng: Random
) -> Books:
    plan, ticks, index = company.plan, company.unit.ticks, year - FIRST_YEAR
    purchase, bought_goodwill = _purchases(company, year)
    impairment = _impairment(company, year)
    translation = _translation(company, opening, rng)
    income = _income(company, year, sales, opening, rng)
    depreciation = round(opening.plant * plan.depreciation * rng.uniform(0.98, 1.02))
    capex = round(income.sales * plan.capex[index] * rng.uniform(0.98, 1.02))
    disposals = round(capex * rng.uniform(0.02, 0.06))
    retired = round(opening.accumulated_depreciation * rng.uniform(0.03, 0.05))
    debts = tuple(ticks(debt.balances[index + 1]) for debt in company.debts)
    moves = [
        (debt.revolving, now - was)
        for debt, now, was in zip(company.debts, debts, opening.debts, strict=True)
    ]
    new_costs = round(opening.issuance_costs * 0.82)
    compensation = round(income.sales * plan.stock_compensation * rng.uniform(0.94, 1.06))
    issued = round(compensation * rng.uniform(0.18, 0.42))
    dividends = round(income.basic_shares * income.dividend)
    lease = ticks(plan.leases[index])
    lease_debt = round(lease * 1.04)
    current_leases = round(lease_debt * rng.uniform(0.2, 0.22))
    receivables = round(income.sales * _near(plan.receivable_days[index], rng) / 365)
    inventories = round(income.cost * _near(plan.inventory_days[index], rng) / 365)
    payables = round(income.cost * _near(plan.payable_days[index], rng) / 365)
    prepaid = round(income.sales * rng.uniform(0.017, 0.022))
    accrued = round(income.sales * rng.uniform(0.062, 0.071))
    other_assets = round(opening.other_assets * rng.uniform(0.97, 1.08))
    other_liabilities = round(opening.other_liabilities * rng.uniform(0.96, 1.06))
    lease_growth = (
        lease_debt - lease - (opening.current_leases + opening.long_leases - opening.lease_assets)
    )
    other_growth = other_liabilities - opening.other_liabilities
    currency = round(opening.cash * plan.foreign_share * rng.uniform(-0.03, 0.02))
    flow = CashFlow(
        net_income=income.net_income,
        depreciation=depreciation,
        amortization=income.amortization,
        impairment=income.impairment,
        deferred_tax=income.tax_deferred,
        stock_compensation=compensation,
        issuance_amortization=opening.issuance_costs - new_costs,
        receivables=opening.receivables + purchase.receivables - receivables,
        inventories=opening.inventories + purchase.inventories - inventories,
        prepaid=opening.prepaid - prepaid,
        payables=payables - opening.payables - purchase.payables,
        accrued=accrued - opening.accrued,
        other=lease_growth + other_growth - (other_assets - opening.other_assets),
        capex=-capex,
        acquisitions=-purchase.price,
        disposals=disposals,
        revolver=sum(move for revolving, move in moves if revolving),
        borrowed=sum(move for revolving, move in moves if move > 0 and not revolving),
        repaid=sum(move for revolving, move in moves if move < 0 and not revolving),
        dividends=-dividends,
        buybacks=0,
        stock_issued=issued,
        currency=currency,
        opening_cash=opening.cash,
    )
    free = flow.operating - capex - dividends
    buybacks = max(0, round(free * plan.buyback_share * rng.uniform(0.9, 1.1)))
    flow = replace(flow, buybacks=-buybacks)
    current = _current_debt(company, year)
    closing = Balance(
        cash=opening.cash + flow.change,
        receivables=receivables,
        inventories=inventories,
        prepaid=prepaid,
        plant=opening.plant + capex + purchase.plant - depreciation - disposals,
        lease_assets=lease,
        goodwill=tuple(
            was + new - lost + moved
            for was, new, lost, moved in zip(
                opening.goodwill, bought_goodwill, impairment, translation, strict=True
            )
        ),
        intangibles=opening.intangibles - income.amortization + purchase.intangibles,
        other_assets=other_assets,
        current_debt=current,
        payables=payables,
        accrued=accrued,
        current_leases=current_leases,
        long_debt=sum(debts) - new_costs - current,
        long_leases=lease_debt - current_leases,
        deferred_tax=opening.deferred_tax + income.tax_deferred,
        other_liabilities=other_liabilities,
        common_stock=opening.common_stock,
        paid_in=opening.paid_in + compensation + issued,
        retained=opening.retained + income.net_income - dividends,
        other_comprehensive=opening.other_comprehensive + sum(translation) + currency,
        treasury=opening.treasury - buybacks,
        accumulated_depreciation=opening.accumulated_depreciation + depreciation - retired,
        intangibles_gross=opening.intangibles_gross + purchase.intangibles,
        debts=debts,
        issuance_costs=new_costs,
    )
    return Books(year, income, opening, closing, flow, purchase, translation)


def _income(
    company: Company, year: int, before: tuple[int, ...], opening: Balance, rng: Random
) -> Income:
    plan, ticks, index = company.plan, company.unit.ticks, year - FIRST_YEAR
    sales = tuple(
        round(was * (1 + sum(segment.growth[year].parts) / 100))
        for was, segment in zip(before, company.segments, strict=True)
    )
    profit = tuple(
        round(now * (segment.margins[year] + rng.uniform(-0.0015, 0.0015)))
        for now, segment in zip(sales, company.segments, strict=True)
    )
    total = sum(sales)
    cost = total - round(total * (plan.gross_margin[index] + rng.uniform(-0.0012, 0.0012)))
    research = round(total * plan.research * rng.uniform(0.97, 1.03))
    amortization = round(opening.intangibles * rng.uniform(0.085, 0.095))
    restructuring = ticks(plan.restructuring.get(year, 0.0))
    impaired = sum(_impairment(company, year))
    corporate = round(total * plan.corporate * rng.uniform(0.97, 1.03))
    overhead = total - cost - research - sum(profit) + corporate
    interest = round(sum(_interest(debt, index, ticks(1)) for debt in company.debts))
    interest += opening.issuance_costs - round(opening.issuance_costs * 0.82)
    other_income = round(total * rng.uniform(-0.0008, 0.0022))
    special = amortization + restructuring + impaired
    pretax = sum(profit) - corporate - special - interest + other_income
    steps = _tax_steps(company, pretax, impaired, rng)
    tax = sum(amount for _, amount in steps)
    deferred = round(tax * rng.uniform(-0.04, 0.11))
    current = tax - deferred
    state = round(current * plan.state_tax / 26)
    foreign = round(current * plan.foreign_share * 0.8)
    shares = ticks(plan.shares * (1 - plan.buyback_share * 0.028) ** (index + 1))
    return Income(
        segment_sales=sales,
        segment_profit=profit,
        sales=total,
        cost=cost,
        overhead=overhead,
        research=research,
        amortization=amortization,
        restructuring=restructuring,
        impairment=impaired,
        corporate=corporate,
        interest=interest,
        other_income=other_income,
        tax_current=(current - state - foreign, state, foreign),
        tax_deferred=deferred,
        tax_steps=steps,
        basic_shares=shares,
        diluted_shares=shares + max(1, round(shares * rng.uniform(0.008, 0.013))),
        dividend=plan.dividends[index],
    )


def _tax_steps(
    company: Company, pretax: int, impaired: int, rng: Random
) -> tuple[tuple[str, int], ...]:
    """The bridge from the federal statutory rate to the provision."""
    plan = company.plan
    steps = [
        ("Income taxes at the federal statutory rate of 21%", round(pretax * 0.21)),
        (
            "State income taxes, net of federal benefit",
            round(pretax * plan.state_tax / 100 * rng.uniform(0.92, 1.08)),
        ),
    ]
    if plan.foreign_tax:
        foreign = round(pretax * plan.foreign_tax / 100 * rng.uniform(0.7, 1.2))
        steps.append(("Effect of foreign operations", foreign))
    credit = round(pretax * plan.tax_credits / 100 * rng.uniform(0.8, 1.2))
    steps.append(("Research and other tax credits", credit))
    if impaired:
        steps.append(("Nondeductible goodwill impairment", round(impaired * 0.21)))
    excess = round(pretax * rng.uniform(-0.007, -0.001))
    steps.append(("Excess tax benefits from stock-based compensation", excess))
    steps.append(("Other, net", round(pretax * rng.uniform(-0.004, 0.006))))
    return tuple(steps)


def _purchases(company: Company, year: int) -> tuple[Purchase, tuple[int, ...]]:
    """What the year's acquisitions brought, and their goodwill by segment."""
    goodwill = [0] * len(company.segments)
    total = Purchase()
    for deal in company.acquisitions:
        if deal.year != year:
            continue
        price = company.unit.ticks(deal.price)
        bought, named = round(price * deal.goodwill_share), round(price * deal.intangible_share)
        goodwill[deal.segment] += bought
        tangible = price - bought - named
        stock, plant = round(tangible * 0.42), round(tangible * 0.52)
        owed = round(tangible * 0.33)
        total = Purchase(
            price=total.price + price,
            goodwill=total.goodwill + bought,
            intangibles=total.intangibles + named,
            receivables=total.receivables + tangible - stock - plant + owed,
            inventories=total.inventories + stock,
            plant=total.plant + plant,
            payables=total.payables + owed,
        )
    return total, tuple(goodwill)


def _impairment(company: Company, year: int) -> tuple[int, ...]:
    amounts = [0] * len(company.segments)
    if year in company.plan.impairment:
        segment, millions = company.plan.impairment[year]
        amounts[segment] = company.unit.ticks(millions)
    return tuple(amounts)


def _translation(company: Company, opening: Balance, rng: Random) -> tuple[int, ...]:
    exposure = company.plan.foreign_share * rng.uniform(-0.05, 0.04)
    return tuple(round(goodwill * exposure) for goodwill in opening.goodwill)


def _interest(debt: Debt, index: int, million: int) -> float:
    """Interest on the average balance; floating rates follow the market of each year."""
    market = (0.6, 0.55, 0.8, 1.3)[index] if debt.floating else 1.0
    average = (debt.balances[index] + debt.balances[index + 1]) / 2
    return average * million * debt.rate / 100 * market


def _current_debt(company: Company, year: int) -> int:
    """Principal that falls due within a year of the balance sheet."""
    balances = {debt: debt.balances[year - FIRST_YEAR + 1] for debt in company.debts}
    due = sum(min(debt.installment, balance) for debt, balance in balances.items())
    return company.unit.ticks(due)


def _near(days: float, rng: Random) -> float:
    return days * rng.uniform(0.985, 1.015)


def split(total: int, weights: Sequence[float]) -> tuple[int, ...]:
    """Parts of a total in proportion to weights; the first takes what rounding leaves."""
    rest = [round(total * weight / sum(weights)) for weight in weights[1:]]
    return (total - sum(rest), *rest)
