"""Amounts read from cells, and the arithmetic on them: exact, with units checked."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rag_service.answering.numeric import calculate
from rag_service.answering.numeric.calculate import (
    Amount,
    Kind,
    Uncomputable,
    read_cell,
    same,
    scale_of,
)

AMOUNTS = st.builds(
    Amount,
    st.decimals(-(10**9), 10**9, places=3),
    st.just("money"),
    st.sampled_from([0, 3, 6, 9]),
)
COUNTS = st.builds(
    Amount, st.decimals(1, 10**7, places=0), st.just("count"), st.sampled_from([0, 3, 6])
)


def money(value: str, scale: int | None = 6) -> Amount:
    return Amount(Decimal(value), "money", scale)


@pytest.mark.parametrize(
    ("cell", "value", "mark"),
    [
        ("1,577", "1577", ""),
        ("$1,577.25", "1577.25", ""),
        ("(1,577)", "-1577", ""),
        ("$(86,878)", "-86878", ""),
        ("$ (86,878 )", "-86878", ""),
        ("($12.5)", "-12.5", ""),
        ("-46", "-46", ""),
        ("−46", "-46", ""),
        (".57", "0.57", ""),
        ("—", "0", ""),
        ("$—", "0", ""),
        ("—%", "0", "%"),
        ("- -", None, ""),
        ("37.1%", "37.1", "%"),
        ("(0.9)%", "-0.9", "%"),
        ("(0.9%)", "-0.9", "%"),
        ("2.3x", "2.3", "x"),
        ("€1,200", "1200", ""),
        ("914 (1)", "914", ""),
        ("", None, ""),
        ("Chairman", None, ""),
        ("(914", None, ""),
        ("914)", None, ""),
        ("1,23", None, ""),
        ("June 30", None, ""),
        ("10-K", None, ""),
    ],
)
def test_reads_what_a_cell_says(cell: str, value: str | None, mark: str) -> None:
    read = read_cell(cell)
    assert (read.value if read else None) == (None if value is None else Decimal(value))
    assert (read.mark if read else "") == mark


@settings(deadline=None, max_examples=60)
@given(st.integers(-(10**12), 10**12))
def test_a_printed_integer_is_read_back(number: int) -> None:
    text = f"({-number:,})" if number < 0 else f"{number:,}"
    read = read_cell(text)
    assert read is not None
    assert read.value == number


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=12))
def test_no_cell_makes_it_fail(cell: str) -> None:
    read = read_cell(cell)
    assert read is None or read.value.is_finite()


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("(in millions, except per share amounts)", 6),
        ("(Dollars in thousands)", 3),
        ("$ in billions", 9),
        ("(Millions)", 6),
        ("in whole dollars", 0),
        ("", None),
        ("(percent of net sales)", None),
    ],
)
def test_unit_lines_name_a_scale(unit: str, scale: int | None) -> None:
    assert scale_of(unit) == scale


def test_scales_are_reconciled() -> None:
    assert calculate.total(money("1.5", 9), money("250", 6)) == money("1.750", 9)
    assert calculate.ratio(money("2", 6), money("500", 3)).value == 4
    assert calculate.difference(money("1", 6), money("250", 3)).size == 750_000


@settings(deadline=None, max_examples=60)
@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_sums_are_exact_and_do_not_depend_on_order(a: Amount, b: Amount, c: Amount) -> None:
    whole = calculate.total(a, b, c).size
    assert whole == a.size + b.size + c.size
    assert whole == calculate.total(c, a, b).size
    assert calculate.difference(calculate.total(a, b), b).size == a.size


@settings(deadline=None, max_examples=60)
@given(AMOUNTS, AMOUNTS)
def test_a_ratio_times_its_divisor_is_the_dividend(a: Amount, b: Amount) -> None:
    assume(b.value != 0)
    back = calculate.multiply(b, calculate.ratio(a, b))
    assert abs(Fraction(back.size) - Fraction(a.size)) <= abs(Fraction(a.size)) / 10**50


@settings(deadline=None, max_examples=60)
@given(AMOUNTS, AMOUNTS)
def test_growth_and_difference_agree(before: Amount, after: Amount) -> None:
    assume(before.value != 0)
    grown = calculate.growth(before, after)
    change = Fraction(calculate.difference(after, before).size)
    exact = 100 * change / abs(Fraction(before.size))
    assert grown.kind == "percent"
    assert abs(Fraction(grown.value) - exact) <= abs(exact) / 10**50
    assert (grown.value > 0) == (after.size > before.size)


@settings(deadline=None, max_examples=60)
@given(AMOUNTS, st.integers(2, 5))
def test_the_average_of_equal_amounts_is_that_amount(amount: Amount, times: int) -> None:
    assert calculate.average(*[amount] * times).size == amount.size


@settings(deadline=None, max_examples=60)
@given(st.decimals(1, 10**6, places=2), st.decimals("0.5", 3, places=3), st.integers(1, 10))
def test_compound_growth_leads_from_the_first_amount_to_the_last(
    first: Decimal, rate: Decimal, years: int
) -> None:
    last = first * rate**years
    found = calculate.cagr(Amount(first), Amount(last), years)
    assert abs(found.value - (rate - 1) * 100) < Decimal("1e-20")


@settings(deadline=None, max_examples=60)
@given(AMOUNTS, COUNTS)
def test_an_amount_per_unit_is_in_ones(amount: Amount, units: Amount) -> None:
    each = calculate.per_unit(amount, units)
    assert (each.kind, each.scale) == ("per unit", 0)
    assert abs(each.value * units.size - amount.size) <= abs(amount.size) * Decimal("1e-25")


def test_division_by_zero_is_refused() -> None:
    nothing = money("0")
    for operation in (calculate.ratio, calculate.divide, calculate.share):
        with pytest.raises(Uncomputable, match="divide by zero"):
            operation(money("5"), nothing)
    with pytest.raises(Uncomputable, match="divide by zero"):
        calculate.growth(nothing, money("5"))
    with pytest.raises(Uncomputable, match="divide by zero"):
        calculate.per_unit(money("5"), Amount(Decimal(0), "count"))


@pytest.mark.parametrize("kind", ["per unit", "count", "percent", "number"])
def test_money_is_not_put_together_with_other_kinds(kind: Kind) -> None:
    other = Amount(Decimal(2), kind)
    for operation in (calculate.total, calculate.difference, calculate.ratio, calculate.average):
        with pytest.raises(Uncomputable, match="cannot be put together"):
            operation(money("5"), other)


def test_money_by_an_amount_per_share_is_refused() -> None:
    with pytest.raises(Uncomputable, match="money and per unit"):
        calculate.divide(money("70852", 3), Amount(Decimal("2.17"), "per unit"))


def test_amounts_of_an_unknown_unit_are_not_mixed_with_known_ones() -> None:
    with pytest.raises(Uncomputable, match="does not say the unit"):
        calculate.ratio(money("5", None), money("5"))
    assert calculate.ratio(money("6", None), money("3", None)).value == 2
    with pytest.raises(Uncomputable, match="does not say the unit"):
        calculate.per_unit(money("5", None), Amount(Decimal(2), "count"))


def test_percentages_change_by_points() -> None:
    before, after = (Amount(Decimal(x), "percent") for x in ("34.5", "37.1"))
    assert calculate.growth(before, after) == Amount(Decimal("2.6"), "points")
    assert calculate.difference(before, after) == Amount(Decimal("-2.6"), "points")


def test_compound_growth_needs_amounts_above_zero_and_two_years() -> None:
    with pytest.raises(Uncomputable, match="above zero"):
        calculate.cagr(money("-4"), money("5"), 2)
    with pytest.raises(Uncomputable, match="two different years"):
        calculate.cagr(money("4"), money("5"), 0)


def test_amounts_are_the_same_as_exactly_as_they_are_printed() -> None:
    assert same(money("1577", 6), money("1577.0", 6))
    assert same(money("1.6", 9), money("1577", 6))
    assert same(money("914051", 3), money("914", 6))
    assert not same(money("1577", 6), money("1578", 6))
    assert not same(money("1.5", 9), money("1577", 6))
    assert not same(money("37", 0), Amount(Decimal(37), "percent"))
