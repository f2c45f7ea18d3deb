"""How sure a figure is: bootstrap intervals and a paired permutation test over questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_service.core.types import Difference, Interval

_RESAMPLES = 9_999
_BATCH = 500
"""Resamples held in memory at a time."""
_CONFIDENCE = 0.95

_Values = npt.NDArray[np.float64]


def interval(values: Sequence[float], seed: int) -> Interval:
    """Mean with its 95 % bootstrap interval over the questions that ``values`` come from.

    Percentile method: on differences of which most are zero, BCa covered the true mean less
    often (88 % against 92 % at 30 questions).

    Raises:
        ValueError: if there is no value.
    """
    sample = _sample(values)
    low, high = _bounds(sample, seed)
    return Interval(value=float(sample.mean()), low=low, high=high)


def clustered_interval(values: Sequence[float], clusters: Sequence[str], seed: int) -> Interval:
    """Mean with a 95 % bootstrap interval in which whole clusters are drawn.

    For values that fail together, such as the rows of one page.

    Raises:
        ValueError: if there is no value, or ``clusters`` does not name one for each.
    """
    sample = _sample(values)
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    if len(clusters) != len(sample):
        raise ValueError(f"{len(sample)} values and {len(clusters)} clusters cannot be paired")
    sums = np.bincount(index, weights=sample, minlength=len(names))
    counts = np.bincount(index, minlength=len(names))
    drawn = np.random.default_rng(seed).integers(0, len(names), (_RESAMPLES, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(sample.mean()), float(low), float(high))


def difference(a: Sequence[float], b: Sequence[float], seed: int) -> Difference:
    """Mean of b − a, question by question, with its 95 % interval and p-value.

    The p-value is that of the paired two-sided permutation test: exact where there are few
    questions, else from 9,999 random exchanges of a and b within questions.

    Raises:
        ValueError: if there is no value, or ``a`` and ``b`` differ in length.
    """
    before, after = _sample(a), _sample(b)
    if before.shape != after.shape:
        raise ValueError(f"{len(before)} and {len(after)} values cannot be paired")
    gains = after - before
    low, high = _bounds(gains, seed)
    return Difference(
        value=float(gains.mean()), low=low, high=high, p=_p_value(before, after, seed)
    )


def _sample(values: Sequence[float]) -> _Values:
    if not len(values):
        raise ValueError("no values")
    return np.asarray(values, dtype=np.float64)


def _bounds(sample: _Values, seed: int) -> tuple[float, float]:
    from scipy.stats import bootstrap

    if np.all(sample == sample[0]):
        return float(sample.mean()), float(sample.mean())
    bounds = bootstrap(
        (sample,),
        np.mean,
        n_resamples=_RESAMPLES,
        batch=_BATCH,
        confidence_level=_CONFIDENCE,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(bounds.low), float(bounds.high)


def _p_value(before: _Values, after: _Values, seed: int) -> float:
    from scipy.stats import permutation_test

    # One question, or none that changed: every exchange is as extreme as what was seen.
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


def _mean_difference(after: _Values, before: _Values, axis: int = -1) -> Any:
    return np.mean(after - before, axis=axis)
