"""Note 6, debt, and the schedule of maturities on which other sections rest."""

from ingest.samples.blocks import Block, Heading, Paragraph, Row, Table, dollars
from ingest.samples.filing import Filing
from ingest.samples.profile import Debt


def debt_note(filing: Filing) -> list[Block]:
    return [
        Heading("6. Debt", 3),
        _debt_table(filing),
        *filing.paragraphs(filing.story.borrowing),
        Paragraph(
            filing.say(
                "Debt at the end of {fy} falls due as follows, before unamortized issuance costs."
            )
        ),
        _maturity_table(filing),
        Paragraph(
            "The fair value of floating-rate debt is close to its carrying amount. "
            f"{_fair_value(filing)}We complied with all covenants."
        ),
    ]


def maturities(filing: Filing) -> list[int]:
    """Principal due in each of the next five fiscal years, and thereafter, in ticks."""
    due = [0] * 6
    for debt, balance in zip(filing.company.debts, filing.now.balance.debts, strict=True):
        left = balance
        for ahead in range(5):
            last = filing.year + 1 + ahead >= debt.due
            paid = left if last else min(left, filing.company.unit.ticks(debt.installment))
            due[ahead] += paid
            left -= paid
        due[5] += left
    return due


def _debt_table(filing: Filing) -> Table:
    now, was = filing.now.balance, filing.before.balance
    held = [
        (debt, new, old)
        for debt, new, old in zip(filing.company.debts, now.debts, was.debts, strict=True)
        if new or old
    ]
    rows = [
        filing.line(_caption(filing, debt), [new, old], dollar=index == 0)
        for index, (debt, new, old) in enumerate(held)
    ]
    rows += [
        filing.line("Total principal", [sum(now.debts), sum(was.debts)], rule="single"),
        filing.line(
            "Less: unamortized debt issuance costs", [-now.issuance_costs, -was.issuance_costs]
        ),
        filing.line(
            "Less: current portion of long-term debt", [-now.current_debt, -was.current_debt]
        ),
        filing.line(
            "Long-term debt, less current portion",
            [now.long_debt, was.long_debt],
            dollar=True,
            rule="double",
        ),
    ]
    return filing.balance_table(rows)


def _caption(filing: Filing, debt: Debt) -> str:
    if not debt.floating:
        return debt.name
    market = (0.6, 0.55, 0.8, 1.3)[filing.year - 2020]
    return f"{debt.name}, at floating rates ({debt.rate * market:.2f}% average in {filing.fy})"


def _maturity_table(filing: Filing) -> Table:
    due = maturities(filing)
    labels = [filing.company.year_name(filing.year + ahead).capitalize() for ahead in range(1, 6)]
    rows = [
        filing.line(label, [amount], dollar=index == 0)
        for index, (label, amount) in enumerate(zip([*labels, "Thereafter"], due, strict=True))
    ]
    total = filing.line("Total", [sum(due)])
    rows.append(Row("Total", dollars(total.cells), rule="double"))
    return Table(("Amount",), tuple(rows), "", filing.unit_line)


def _fair_value(filing: Filing) -> str:
    fixed = sum(
        balance
        for debt, balance in zip(filing.company.debts, filing.now.balance.debts, strict=True)
        if not debt.floating
    )
    if not fixed:
        return ""
    value = round(fixed * filing.rng("fair value").uniform(0.88, 0.97))
    return (
        "The fair value of fixed-rate debt, from quoted prices of similar instruments (Level 2), "
        f"was {filing.prose(value)} at {filing.year_end}. "
    )
