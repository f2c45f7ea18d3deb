"""Facts from covers that print them in many ways."""

from __future__ import annotations

import pytest

from ingest.cover import Line, read_cover


def cover(*lines: str | Line) -> list[Line]:
    return [line if isinstance(line, tuple) else (line,) for line in lines]


@pytest.mark.parametrize(
    ("printed", "company"),
    [
        ("Harrow Instruments, Inc.", "Harrow Instruments, Inc."),
        ("HARROW INSTRUMENTS CO., INC.", "Harrow Instruments Co., Inc."),
        ("HARROW PLC", "Harrow plc"),
        ("7Q CORPORATION", "7Q Corporation"),
        ("HARROW, Inc .", "HARROW, Inc."),
        ("HRW HOLDINGS LLC", "HRW Holdings LLC"),
    ],
)
def test_company_above_the_words_exact_name(printed: str, company: str) -> None:
    lines = cover(
        "FORM 10-K",
        "Commission file number 1-99999",
        "____________________",
        printed,
        "_____",
        "(Exact name of registrant as specified in its charter)",
    )
    assert read_cover(lines).company == company


def test_company_as_the_text_prints_it() -> None:
    lines = cover(
        "HARROW MCLEOD CORPORATION",
        "(Exact name of Registrant as specified in its charter)",
        "Harrow McLeod Corporation makes instruments.",
    )
    assert read_cover(lines).company == "Harrow McLeod Corporation"


def test_company_below_the_file_number() -> None:
    lines = cover("FORM 10-K", "Commission file number 1-99999", "HARROW COMPANY", "Delaware")
    assert read_cover(lines).company == "Harrow Company"


@pytest.mark.parametrize(
    ("printed", "form"),
    [
        ("FORM 10-K", "10-K"),
        ("Form 10-K/A", "10-K/A"),
        ("FORM 10-K (Amendment No. 1)", "10-K/A"),
        ("FORM 10–Q", "10-Q"),
        ("FORM 8-K", "8-K"),
        ("An annual report", ""),
    ],
)
def test_form(printed: str, form: str) -> None:
    assert read_cover(cover(printed)).form == form


@pytest.mark.parametrize(
    ("printed", "end", "year"),
    [
        ("For the fiscal year ended December 31, 2018", "2018-12-31", 2018),
        ("FOR THE FISCAL YEAR ENDED May 31, 2021", "2021-05-31", 2021),
        ("For the quarterly period ended March 31, 2024", "2024-03-31", 2024),
        ("For the fiscal year ended January 3, 2021", "2021-01-03", 2020),
        ("For the fiscal year ended February 31, 2021", "", 0),
    ],
)
def test_period(printed: str, end: str, year: int) -> None:
    facts = read_cover(cover("FORM 10-K", printed))
    assert (facts.period_end, facts.fiscal_year) == (end, year)


def test_a_date_that_is_set_on_two_lines() -> None:
    facts = read_cover(cover("For the fiscal year ended", "September 30, 2023"))
    assert facts.period_end == "2023-09-30"


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Fiscal 2023 sales rose. In fiscal 2022 and fiscal 2022 they fell.", 2023),
        ("Fiscal 2022 sales rose. In fiscal 2022 and fiscal 2021 too. In fiscal 2022.", 2022),
        ("The year ended January 28, 2023 (“fiscal 2022”) and fiscal 2023, fiscal 2023.", 2022),
        ("Nothing is said of it.", 2023),
    ],
)
def test_a_year_that_ends_in_january_is_named_as_the_filing_names_it(text: str, year: int) -> None:
    lines = cover("For the fiscal year ended January 28, 2023", text)
    assert read_cover(lines).fiscal_year == year


def test_ticker_below_its_header_above_it_or_in_the_text() -> None:
    row = ("Common Stock", "HRWI", "New York Stock Exchange")
    header = ("Title of each class", "Trading Symbol", "Name of each exchange")
    assert read_cover([header, row]).ticker == "HRWI"
    assert read_cover([row, header]).ticker == "HRWI"
    joined = cover("Trading Symbol(s)", "Common Stock HRWI The NASDAQ Global Select Market")
    assert read_cover(joined).ticker == "HRWI"
    assert read_cover(cover("Our stock trades under the symbol “HRWI”.")).ticker == "HRWI"
    assert read_cover([header, ("Notes", "None", "NYSE")]).ticker == ""
