"""The table of figures before and after, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag_service.core.types import Difference, Interval, Run


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of two runs."""

    measure: str
    before: Interval
    after: Interval
    difference: Difference


def table(before: Run, after: Run, difference: Mapping[str, Difference]) -> list[Row]:
    """A row for each measure of ``difference``, in its order."""
    return [
        Row(measure, before.metrics[measure], after.metrics[measure], change)
        for measure, change in difference.items()
    ]
