"""A figure with its 95 % interval, and how intervals go through sums and products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from statistics import fmean, stdev

_INSIDE = 0.975


@dataclass(frozen=True, slots=True)
class Estimate:
    """``value`` ± ``error``, the half of a 95 % interval; 0 for what was measured once or counted.

    Errors of parts are taken as independent, and go through products to first order.
    """

    value: float
    error: float = 0.0

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.value + other.value, hypot(self.error, other.error))

    def __mul__(self, other: Estimate) -> Estimate:
        error = hypot(self.error * other.value, other.error * self.value)
        return Estimate(self.value * other.value, error)

    def times(self, factor: float) -> Estimate:
        """The same in another unit, or of so many that share its error."""
        return Estimate(self.value * factor, self.error * abs(factor))

    @property
    def low(self) -> float:
        return max(0.0, self.value - self.error)

    @property
    def high(self) -> float:
        return self.value + self.error


def mean(values: Sequence[float], ahead: int = 0) -> Estimate:
    """The mean by Student's t; with ``ahead``, that of so many further ones of the same kind.

    Raises ValueError if there is no value.
    """
    if not values:
        raise ValueError("nothing was measured")
    if len(values) == 1:
        return Estimate(values[0])
    return Estimate(fmean(values), _half(stdev(values), len(values), ahead))


def ratio(parts: Sequence[tuple[float, float]], ahead: int = 0) -> Estimate:
    """Of ``(what, how much)``: all of ``how much`` by all of ``what``, as `mean` says how sure.

    A ratio of sums; its error is that of what each part has beyond it (Cochran, *Sampling
    Techniques*, section 6.3). Raises ValueError if there is nothing to divide by.
    """
    whole = sum(what for what, _ in parts)
    if not whole:
        raise ValueError("nothing was measured")
    value = sum(much for _, much in parts) / whole
    if len(parts) == 1:
        return Estimate(value)
    beyond = sqrt(sum((much - value * what) ** 2 for what, much in parts) / (len(parts) - 1))
    return Estimate(value, _half(beyond, len(parts), ahead) * len(parts) / whole)


def _half(spread: float, count: int, ahead: int) -> float:
    from scipy.special import stdtrit

    steps = 1 / count + (1 / ahead if ahead else 0.0)
    return float(stdtrit(count - 1, _INSIDE)) * spread * sqrt(steps)
