"""How sure a figure is: bootstrap intervals and a paired permutation test, both from scipy.

Questions of one document fail together: its tables were read well or badly, its company is named
or not. Where enough documents were asked about, whole documents are drawn and exchanged; where
they are few, questions are, and the figure says so (``by``): it then tells how sure the mean is on
these documents, not on others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_service.core.types import Difference, Interval

MIN_DOCUMENTS = 10
"""Of fewer, a bootstrap is too narrow, and exchanging them can hardly prove a thing."""

_RESAMPLES = 9_999
_BATCH = 250
"""Resamples held in memory at a time."""
_CONFIDENCE = 0.95

_Values = npt.NDArray[np.float64]
_Index = npt.NDArray[np.intp]


def interval(
    values: Sequence[float], seed: int, documents: Sequence[str] | None = None
) -> Interval:
    """Mean with its 95 % bootstrap interval.

    Percentile method: on differences of which most are zero, BCa covered the true mean less
    often (88 % against 92 % at 30 questions).

    Args:
        values: one of each question.
        seed: of the bootstrap.
        documents: the document that each question is about, if that is known.

    Raises:
        ValueError: if there is no value, or ``documents`` does not name one for each.
    """
    return intervals([values], seed, documents)[0]


def intervals(
    rows: Sequence[Sequence[float]], seed: int, documents: Sequence[str] | None = None
) -> list[Interval]:
    """`interval` of several measures of the same questions, on the same draws."""
    values = np.stack([_sample(row) for row in rows])
    unit, by = _units(values.shape[1], documents)
    return _figures(values, unit, by, seed)


def clustered_interval(values: Sequence[float], clusters: Sequence[str], seed: int) -> Interval:
    """Mean with a 95 % bootstrap interval in which whole clusters are drawn, however few.

    For values that fail together, such as the rows of one page.

    Raises:
        ValueError: if there is no value, or ``clusters`` does not name one for each.
    """
    sample = _sample(values)
    return _figures(sample[np.newaxis], _cluster(clusters, len(sample)), "clusters", seed)[0]


def median_interval(values: Sequence[float], seed: int) -> Interval:
    """Median with its 95 % bootstrap interval. Raises ValueError if there is no value."""
    sample = _sample(values)
    middle = float(np.median(sample))
    if np.ptp(sample) == 0:
        return Interval(middle, middle, middle)
    low, high = _bounds((sample,), np.median, seed)
    return Interval(middle, float(low), float(high))


def quantile_interval(values: Sequence[float], q: float) -> Interval:
    """The quantile ``q`` with the 95 % interval that ranks give, whatever the distribution.

    (Binomial limits, as in W. J. Conover, Practical Nonparametric Statistics.) Where there are too
    few values for a limit it is the least or the greatest of them. Raises ValueError if there is
    none.
    """
    from scipy.stats import binom

    ordered = np.sort(_sample(values))
    first, last = (int(binom.ppf(tail, len(ordered), q)) for tail in (0.025, 0.975))
    low, high = ordered[max(0, first - 1)], ordered[min(last, len(ordered) - 1)]
    return Interval(float(np.quantile(ordered, q)), float(low), float(high), by="requests")


def difference(
    a: Sequence[float], b: Sequence[float], seed: int, documents: Sequence[str] | None = None
) -> Difference:
    """Mean of b − a, question by question, with its 95 % interval and p-value.

    The p-value is that of the paired two-sided permutation test: exact where there are up to 13
    questions (or documents), else from 9,999 random exchanges of a and b within them.

    Raises:
        ValueError: if there is no value, or ``a``, ``b`` and ``documents`` differ in length.
    """
    before, after = _sample(a), _sample(b)
    if before.shape != after.shape:
        raise ValueError(f"{len(before)} and {len(after)} values cannot be paired")
    unit, by = _units(len(before), documents)
    gain = _figures((after - before)[np.newaxis], unit, by, seed)[0]
    p = _p_value(_sums(unit, before), _sums(unit, after), seed)
    return Difference(value=gain.value, low=gain.low, high=gain.high, p=p, by=by)


def _sample(values: Sequence[float]) -> _Values:
    if not len(values):
        raise ValueError("no values")
    return np.asarray(values, dtype=np.float64)


def _units(count: int, documents: Sequence[str] | None) -> tuple[_Index, str]:
    """What is drawn: the unit that each value belongs to, and what units are called."""
    if documents is not None:
        unit = _cluster(documents, count)
        if MIN_DOCUMENTS <= unit.max() + 1 < count:
            return unit, "documents"
    return np.arange(count), "questions"


def _cluster(names: Sequence[str], count: int) -> _Index:
    if len(names) != count:
        raise ValueError(f"{count} values and {len(names)} clusters cannot be paired")
    return np.asarray(np.unique(np.asarray(names), return_inverse=True)[1], dtype=np.intp)


def _figures(values: _Values, unit: _Index, by: str, seed: int) -> list[Interval]:
    """Means with intervals of the rows of ``values`` ``(measures, questions)``."""
    means = values.mean(axis=1)
    lows, highs = means.copy(), means.copy()
    varied = np.ptp(values, axis=1) > 0
    if varied.any() and unit.max() > 0:
        sums = np.stack([_sums(unit, row) for row in values[varied]])
        sizes = np.bincount(unit).astype(np.float64)
        if sizes.max() == 1:
            lows[varied], highs[varied] = _bounds((sums,), np.mean, seed)
        else:
            sizes = np.broadcast_to(sizes, sums.shape)
            lows[varied], highs[varied] = _bounds((sums, sizes), _mean_of_units, seed)
    return [
        Interval(float(mean), float(low), float(high), by)
        for mean, low, high in zip(means, lows, highs, strict=True)
    ]


def _sums(unit: _Index, values: _Values) -> _Values:
    return np.asarray(np.bincount(unit, weights=values), dtype=np.float64)


def _bounds(data: tuple[_Values, ...], statistic: Any, seed: int) -> tuple[Any, Any]:
    from scipy.stats import bootstrap

    bounds = bootstrap(
        data,
        statistic,
        n_resamples=_RESAMPLES,
        batch=_BATCH,
        confidence_level=_CONFIDENCE,
        method="percentile",
        paired=True,
        vectorized=True,
        axis=-1,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return bounds.low, bounds.high


def _p_value(before: _Values, after: _Values, seed: int) -> float:
    from scipy.stats import permutation_test

    # One unit, or none that changed: every exchange is as extreme as what was seen.
    if len(before) == 1 or np.array_equal(before, after):
        return 1.0
    test = permutation_test(
        (after, before),
        _mean_difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_RESAMPLES,
        batch=_BATCH,
        alternative="two-sided",
        rng=np.random.default_rng(seed),
    )
    return float(test.pvalue)


def _mean_of_units(sums: _Values, sizes: _Values, axis: int = -1) -> Any:
    return sums.sum(axis=axis) / sizes.sum(axis=axis)


def _mean_difference(after: _Values, before: _Values, axis: int = -1) -> Any:
    return np.mean(after - before, axis=axis)
