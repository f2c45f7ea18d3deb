"""Which years, quarters and days a question names, and a company's fiscal calendar."""

from __future__ import annotations

from datetime import date

import pytest

from rag_service.answering.scope.calendar import FiscalCalendar
from rag_service.answering.scope.periods import periods_of

NIKE = FiscalCalendar.of([(date(year, 5, 31), year) for year in (2018, 2019, 2023)])
TARGET = FiscalCalendar.of([(date(2022, 1, 29), 2021), (date(2023, 1, 28), 2022)])
BEST_BUY = FiscalCalendar.of([(date(2023, 1, 28), 2023)])
PLAIN = FiscalCalendar.of([])


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("in FY2018", [2018]),
        ("FY18 against FY’17", [2018, 2017]),
        ("FY 2018, FYE 2019", [2018, 2019]),
        ("fiscal 2018 and fiscal year '19", [2018, 2019]),
        ("the 2018 fiscal year", [2018]),
        ("2018's debt, 2019?", [2018, 2019]),
        ("fiscal years 2018, 2019 and 2020", [2018, 2019, 2020]),
        ("2016-2018", [2016, 2017, 2018]),
        ("2018–2016", [2016, 2017, 2018]),
        ("FY16 to FY18", [2016, 2017, 2018]),
        ("FY2016 - FY2018", [2016, 2017, 2018]),
        ("between fiscal 2016 and fiscal 2018", [2016, 2017, 2018]),
        ("from 2016 through 2018", [2016, 2017, 2018]),
        ("2021-22", [2021, 2022]),
        ("FY2021/22", [2022]),
        ("1990 to 2020", [1990, 2020]),
        ("back in '18", [2018]),
        ("FY97", [1997]),
    ],
)
def test_years(text: str, years: list[int]) -> None:
    assert [year for period in periods_of(text) for year in period.years] == years


@pytest.mark.parametrize(
    "text",
    [
        "$2,018 million and 2018%",
        "2018.5 or 12018 units at $2018",
        "notes due 2027, or maturing in June 2027",
        "bonds due June 15, 2031",
        "the 2016 Equity Incentive Plan",
        "the 2019 Notes under ASU 2016-02",
        "Item 7A of Form 10-K",
        "may 31 and last week",
        "",
    ],
)
def test_numbers_that_are_no_period_asked_for(text: str) -> None:
    assert periods_of(text) == ()


@pytest.mark.parametrize(
    ("text", "year", "quarter"),
    [
        ("Q2 FY2024", 2024, 2),
        ("Q2 of FY24", 2024, 2),
        ("Q2 2024", 2024, 2),
        ("Q2'24", 2024, 2),
        ("2Q24", 2024, 2),
        ("3Q of fiscal 2024", 2024, 3),
        ("FY2024 Q2", 2024, 2),
        ("2024Q2", 2024, 2),
        ("the second quarter of fiscal 2024", 2024, 2),
        ("the 2nd quarter of 2024", 2024, 2),
        ("fourth fiscal quarter of fiscal year 2024", 2024, 4),
        ("the first half of 2024", 2024, 2),
        ("H2 2024", 2024, 4),
    ],
)
def test_quarters(text: str, year: int, quarter: int) -> None:
    [period] = periods_of(text)
    assert (period.years, period.quarter) == ((year,), quarter)


@pytest.mark.parametrize(
    ("text", "day", "ended"),
    [
        ("as of Dec 31 2019", "2019-12-31", ""),
        ("the fiscal year ended June 30, 2018", "2018-06-30", "year"),
        ("the quarter ended Sept. 30th, 2022", "2022-09-30", "quarter"),
        ("for the nine months ended September 30, 2022", "2022-09-30", "quarter"),
        ("the year ending in January 2023", "2023-01-31", "year"),
        ("February 2020", "2020-02-29", ""),
        ("at 30 June 2018", "2018-06-30", ""),
        ("on 12/31/2019", "2019-12-31", ""),
        ("on 31.12.2019", "2019-12-31", ""),
        ("on 2019-12-31", "2019-12-31", ""),
    ],
)
def test_days(text: str, day: str, ended: str) -> None:
    [period] = periods_of(text)
    assert (period.day, period.ended) == (day, ended)


@pytest.mark.parametrize(
    ("text", "basis", "count"),
    [
        ("last year", "latest", 1),
        ("the most recent fiscal year", "latest", 1),
        ("the latest annual report", "latest", 1),
        ("the newest", "latest", 1),
        ("this fiscal year", "latest", 1),
        ("the last three fiscal years", "latest", 3),
        ("over the past 5 years", "latest", 5),
        ("year over year", "prior", 1),
        ("yoy", "prior", 1),
        ("than in the prior year", "prior", 1),
        ("from a year ago", "prior", 1),
    ],
)
def test_periods_that_depend_on_the_filings(text: str, basis: str, count: int) -> None:
    [period] = periods_of(text)
    assert (period.basis, period.count, period.years) == (basis, count, ())


def test_a_calendar_year_is_told_from_a_fiscal_one() -> None:
    said = periods_of("calendar 2018, CY2019, fiscal 2020, 2021")
    assert [p.basis for p in said] == ["calendar", "calendar", "fiscal", "year"]


def test_places_and_words_are_those_of_the_text() -> None:
    text = "Compare FY2018 with the quarter ended June 30, 2019 and Q3."
    for period in periods_of(text):
        assert text[period.start :].startswith(period.words)
    assert [p.words for p in periods_of(text)] == ["FY2018", "June 30, 2019", "Q3"]


@pytest.mark.parametrize(
    ("calendar", "day", "year", "quarter"),
    [
        (NIKE, "2018-05-31", 2018, 4),
        (NIKE, "2018-06-10", 2019, 1),
        (NIKE, "2018-08-31", 2019, 1),
        (NIKE, "2018-11-30", 2019, 2),
        (NIKE, "2019-02-28", 2019, 3),
        (NIKE, "2021-12-31", 2022, 3),
        (NIKE, "2030-01-01", 2030, 3),
        (TARGET, "2022-10-29", 2022, 3),
        (TARGET, "2023-01-28", 2022, 4),
        (TARGET, "2023-01-31", 2022, 4),
        (TARGET, "2020-02-01", 2019, 4),
        (BEST_BUY, "2023-07-29", 2024, 2),
        (BEST_BUY, "2022-01-31", 2022, 4),
        (PLAIN, "2020-02-29", 2020, 1),
        (PLAIN, "2020-12-31", 2020, 4),
        (PLAIN, "2021-01-02", 2020, 4),
    ],
)
def test_a_day_has_its_fiscal_year_and_quarter(
    calendar: FiscalCalendar, day: str, year: int, quarter: int
) -> None:
    on = date.fromisoformat(day)
    assert (calendar.year_of(on), calendar.quarter_of(on)) == (year, quarter)


def test_a_calendar_year_is_the_fiscal_year_with_most_of_its_months() -> None:
    assert BEST_BUY.year_within(2022) == 2023
    assert TARGET.year_within(2022) == 2022
    assert NIKE.year_within(2018) == 2019
    assert PLAIN.year_within(2018) == 2018


def test_a_quarter_ends_within_two_weeks_of_the_reported_day() -> None:
    for calendar, year, quarter, day in (
        (BEST_BUY, 2024, 2, date(2023, 7, 29)),
        (NIKE, 2019, 1, date(2018, 8, 31)),
        (PLAIN, 2020, 4, date(2020, 12, 31)),
    ):
        assert abs((calendar.end_of(year, quarter) - day).days) <= 14
