"""How a figure grows with the size of a store: the exponent of a power law."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag_service.core.types import Interval


def exponent(sizes: Sequence[float], values: Sequence[float]) -> Interval:
    """The slope of log ``values`` over log ``sizes`` by least squares, with its 95 % interval.

    1: in proportion; 0: not at all. The interval is Student's, of a straight line with equal noise
    at all sizes, and says little where a figure does not follow a power law.

    Raises:
        ValueError: if there are fewer than three sizes, or a figure is not positive.
    """
    from scipy.stats import linregress, t

    if len(sizes) < 3 or min(*sizes, *values) <= 0:
        raise ValueError("an exponent needs three sizes or more, and positive figures")
    line = linregress(np.log(sizes), np.log(values))
    reach = float(t.ppf(0.975, len(sizes) - 2) * line.stderr)
    slope = float(line.slope)
    return Interval(slope, slope - reach, slope + reach, by="sizes")
