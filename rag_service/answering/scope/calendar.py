"""A company's fiscal years and quarters, as the ends of its annual reports show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

SLACK = 7
"""Days by which a year of 52 or 53 weeks ends off the last day of its month."""
_QUARTER = 365.25 / 4
_FIRST, _LAST = 1900, 2200


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """``ends`` are the known last days of fiscal years with the year's number, sorted."""

    ends: tuple[tuple[date, int], ...]

    @classmethod
    def of(cls, ends: Iterable[tuple[date, int]]) -> FiscalCalendar:
        """The calendar of a company; without any end, years are those of the calendar."""
        return cls(tuple(sorted(set(ends))) or ((date(2000, 12, 31), 2000),))

    def year_of(self, day: date) -> int:
        """The fiscal year that ``day`` is in, or that ended within the week before it."""
        return self._year_and_end(day)[0]

    def quarter_of(self, day: date) -> int:
        """The quarter of its fiscal year that ``day`` is in, or that ended the week before."""
        _, end = self._year_and_end(day)
        begun = _shifted(end, -1)
        return min(max(ceil(((day - begun).days - SLACK) / _QUARTER), 1), 4)

    def year_within(self, calendar_year: int) -> int:
        """The fiscal year that has most of a calendar year's months."""
        return self.year_of(date(calendar_year, 7, 1))

    def end_of(self, year: int, quarter: int = 4) -> date:
        """The last day, within two weeks, of a quarter of a fiscal year."""
        end, number = min(self.ends, key=lambda known: (abs(known[1] - year), known))
        last = _shifted(end, year - number)
        return last - timedelta(days=round((4 - quarter) * _QUARTER))

    def _year_and_end(self, day: date) -> tuple[int, date]:
        end, year = min(self.ends, key=lambda known: (abs((known[0] - day).days), known))
        shift = day.year - end.year - 1
        while _shifted(end, shift) < day - timedelta(days=SLACK):
            shift += 1
        return year + shift, _shifted(end, shift)


def _shifted(day: date, years: int) -> date:
    year = min(max(day.year + years, _FIRST), _LAST)
    return day.replace(year=year, day=min(day.day, 28) if day.month == 2 else day.day)
