from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.significance import (
    clustered_interval,
    difference,
    interval,
    intervals,
    median_interval,
)
from rag_service.core.types import Interval

UNIT = st.floats(0, 1, width=32)


def test_an_interval_is_about_two_standard_errors_wide() -> None:
    values = np.random.default_rng(3).normal(0.5, 0.1, 400)
    got = interval(list(values), seed=1)
    error = values.std() / 20
    assert got.value == pytest.approx(values.mean())
    assert got.value - got.low == pytest.approx(1.96 * error, rel=0.1)
    assert got.high - got.value == pytest.approx(1.96 * error, rel=0.1)


def test_equal_values_have_an_interval_of_no_width() -> None:
    got = interval([0.25] * 12, seed=1)
    assert (got.value, got.low, got.high) == (0.25, 0.25, 0.25)
    assert interval([1.0], seed=1).low == 1.0


def test_p_is_exact_where_there_are_few_questions() -> None:
    a = [0.1, 0.4, 0.2, 0.9, 0.3, 0.5]
    b = [0.3, 0.5, 0.7, 0.8, 0.9, 0.6]
    gains = np.subtract(b, a)
    flipped = [abs(np.mean(gains * signs)) for signs in product((1, -1), repeat=6)]
    expected = np.mean(np.asarray(flipped) >= abs(gains.mean()) - 1e-12)
    assert difference(a, b, seed=1).p == pytest.approx(expected)


def test_a_clear_gain_is_significant_and_a_noise_is_not() -> None:
    rng = np.random.default_rng(5)
    before = rng.random(200)
    better = difference(list(before), list(before + rng.normal(0.1, 0.2, 200)), seed=1)
    assert better.p < 0.001
    assert 0 < better.low < better.value < better.high
    same = difference(list(before), list(rng.permutation(before)), seed=1)
    assert same.value == pytest.approx(0.0)
    assert same.p > 0.5
    assert same.low < 0 < same.high


def test_no_change_is_no_difference() -> None:
    got = difference([0.5, 0.2], [0.5, 0.2], seed=1)
    assert (got.value, got.low, got.high, got.p) == (0.0, 0.0, 0.0, 1.0)


def test_one_question_proves_nothing() -> None:
    assert difference([0.0], [1.0], seed=1).p == 1.0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(UNIT, UNIT), min_size=1, max_size=12), st.integers(0, 99))
def test_differences_are_repeatable_and_mirror_each_other(
    pairs: list[tuple[float, float]], seed: int
) -> None:
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    forth, back = difference(a, b, seed), difference(b, a, seed)
    assert forth == difference(a, b, seed)
    assert forth.value == pytest.approx(-back.value, abs=1e-12)
    assert forth.low == pytest.approx(-back.high, abs=1e-6)
    assert forth.p == pytest.approx(back.p)
    assert 0 < forth.p <= 1
    assert -1 <= forth.low <= forth.high <= 1


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        interval([], seed=1)
    with pytest.raises(ValueError, match="cannot be paired"):
        difference([0.1], [0.1, 0.2], seed=1)


def test_values_that_fail_together_are_less_sure() -> None:
    values = [0.0] * 3 + [1.0] * 27
    apart = clustered_interval(values, [str(i) for i in range(30)], seed=1)
    together = clustered_interval(values, [str(i // 3) for i in range(30)], seed=1)
    assert apart.value == together.value == pytest.approx(0.9)
    assert together.low < apart.low
    equal = clustered_interval([1.0, 1.0], ["a", "b"], seed=1)
    assert equal == Interval(1.0, 1.0, 1.0, by="clusters")
    with pytest.raises(ValueError, match="2 values and 1 clusters"):
        clustered_interval([1.0, 0.0], ["a"], seed=1)


DOCUMENTS = [f"D{i % 12}.pdf" for i in range(48)]
FAILING = [float(i % 12 > 2) for i in range(48)]
"""All questions of three of twelve documents fail."""


def test_questions_that_fail_together_widen_the_interval() -> None:
    apart, together = interval(FAILING, 1), interval(FAILING, 1, DOCUMENTS)
    assert (apart.by, together.by) == ("questions", "documents")
    assert apart.value == together.value == 0.75
    assert together.high - together.low > 1.5 * (apart.high - apart.low)
    assert together == replace(clustered_interval(FAILING, DOCUMENTS, 1), by="documents")


@pytest.mark.parametrize(
    "documents", [None, [f"D{i % 9}.pdf" for i in range(48)], [f"D{i}.pdf" for i in range(48)]]
)
def test_few_documents_or_one_a_question_are_not_clustered(documents: list[str] | None) -> None:
    assert interval(FAILING, 1, documents) == interval(FAILING, 1)


def test_measures_of_the_same_questions_share_their_draws() -> None:
    rows = [FAILING, [0.5] * 48, [value / 3 for value in FAILING]]
    first, same, third = intervals(rows, 1, DOCUMENTS)
    assert first == interval(FAILING, 1, DOCUMENTS)
    assert (same.value, same.low, same.high) == (0.5, 0.5, 0.5)
    assert third.low == pytest.approx(first.low / 3)


def test_documents_are_exchanged_whole() -> None:
    before = [0.2] * 48
    after = [0.2 + gain for gain in FAILING]
    got = difference(before, after, 1, DOCUMENTS)
    gains = np.asarray(FAILING).reshape(4, 12).sum(axis=0)
    flipped = [abs(float(np.dot(gains, signs))) for signs in product((1, -1), repeat=12)]
    assert got.p == pytest.approx(np.mean(np.asarray(flipped) >= gains.sum() - 1e-9))
    assert got.p > difference(before, after, 1).p
    assert got.by == "documents"


def test_all_differences_zero_or_equal() -> None:
    same = difference([0.3] * 48, [0.3] * 48, 1, DOCUMENTS)
    assert (same.value, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    shifted = difference([0.25] * 48, [0.5] * 48, 1, DOCUMENTS)
    assert (shifted.value, shifted.low, shifted.high) == (0.25, 0.25, 0.25)
    assert shifted.p == pytest.approx(2 / 2**12)


def test_the_median_has_an_interval_too() -> None:
    values = list(np.random.default_rng(2).normal(1.0, 0.1, 101))
    got = median_interval([*values, 50.0], seed=1)
    assert got.value == pytest.approx(float(np.median([*values, 50.0])))
    assert 0.9 < got.low < got.value < got.high < 1.1
    assert median_interval([1.5], seed=1) == Interval(1.5, 1.5, 1.5)
    with pytest.raises(ValueError, match="no values"):
        median_interval([], seed=1)
