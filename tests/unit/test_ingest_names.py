"""What a file's name says of a filing, and what counts where its cover says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.names import Hints, conflicts, hints, reconcile
from ingest.options import ReadOptions
from ingest.parse import parse_file
from rag_service.core.types import FilingFacts
from tests.unit import ingest_files as files


def facts(company: str = "Harrow, Inc.", ticker: str = "", form: str = "10-K") -> FilingFacts:
    return FilingFacts(company, ticker, form, 2020, "2020-09-30")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("HARROW_2018_10K.pdf", Hints("HARROW", "10-K", 2018)),
        ("7Q_2018_10K.pdf", Hints("7Q", "10-K", 2018)),
        ("2021Q3_10Q_HARROW.pdf", Hints("HARROW", "10-Q", 2021)),
        ("Harrow Inc - 10-K - FY2023.pdf", Hints("Harrow", "10-K", 2023)),
        ("hrw FY97 8-K.htm", Hints("hrw", "8-K", 1997)),
        ("harrow_fiscal_year_2019.txt", Hints("harrow", "", 2019)),
        ("HARROW_10-KA_2020.pdf", Hints("HARROW", "10-K/A", 2020)),
        ("HARROW_10 kt_2020 (1).pdf", Hints("HARROW", "10-KT", 2020)),
        ("hrw-20230930x10k.htm", Hints("hrw", "10-K", 0)),
        ("HARROW_10-K_2023-12-31.pdf", Hints("HARROW", "10-K", 0)),
        ("HARROW_12-31-2018_20-F.pdf", Hints("HARROW", "20-F", 0)),
        ("HARROW_2018-2019_10K.pdf", Hints("HARROW", "10-K", 0)),
        ("0001234567-23-000106-10k.pdf", Hints("", "10-K", 0)),
        ("d123456d10k.htm", Hints("", "10-K", 0)),
        ("annual report 2019.pdf", Hints("", "", 2019)),
        ("book10kids.pdf", Hints()),
        ("scan 0001.pdf", Hints()),
        ("harrow.pdf", Hints()),
        (".pdf", Hints()),
        ("HARR\udcffOW_2018.pdf", Hints("HARR OW", "", 2018)),
    ],
)
def test_hints(name: str, said: Hints) -> None:
    assert hints(name) == said


@pytest.mark.parametrize(
    ("said", "company", "ticker"),
    [
        ("HARROW", "HARROW, INC.", ""),
        ("HARROWMILLS", "Harrow Mills Co., Inc.", ""),
        ("Harrow_Mills", "Harrow Mills Co., Inc.", ""),
        ("HARROWINC", "Harrow, Inc.", ""),
        ("7Q", "7Q Company", "QQQ"),
        ("H&M", "Harrow & Mills Company", ""),
        ("HMC", "Harrow Mills Corporation", ""),
        ("HARMILL", "The Harrow & Mills Company", ""),
        ("HRW", "Mills International, Inc.", "HRW"),
        ("HRWINC", "Mills International, Inc.", "HRW"),
        ("HARROWCOM", "Harrow.com, Inc.", ""),
        ("COCONUT", "THE COCO-NUT COMPANY", ""),
        ("HARROW_signed", "Harrow, Inc.", ""),
    ],
)
def test_a_company_is_known_by_many_names(said: str, company: str, ticker: str) -> None:
    assert conflicts(facts(company, ticker), f"{said}_2020_10K.pdf") == []


@pytest.mark.parametrize(
    ("said", "company", "ticker"),
    [
        ("MILLS", "Harrow, Inc.", "HRW"),
        ("HARROW", "Hartwell Corporation", "HRT"),
        ("TILE", "Telephone Company", "T"),
        ("GM", "Segment Corp", ""),
    ],
)
def test_another_company_is_a_conflict(said: str, company: str, ticker: str) -> None:
    (warning,) = conflicts(facts(company, ticker), f"{said}_2020_10K.pdf")
    assert warning == (
        f"the file name says company {said}, the cover page {company}: the cover counts"
    )


@pytest.mark.parametrize(
    ("name", "warnings"),
    [
        ("HARROW_2020_10K.pdf", []),
        (
            "HARROW_2019_10K.pdf",
            ["the file name says fiscal year 2019, the cover page 2020: the cover counts"],
        ),
        (
            "HARROW_2020_10Q.pdf",
            ["the file name says form 10-Q, the cover page 10-K: the cover counts"],
        ),
        (
            "HARROW_2020_10KA.pdf",
            ["the file name says form 10-K/A, the cover page 10-K: the cover counts"],
        ),
    ],
)
def test_year_and_form_are_held_against_the_cover(name: str, warnings: list[str]) -> None:
    found, noticed = reconcile(facts(), name)
    assert found == facts()
    assert noticed == warnings


@pytest.mark.parametrize("form", ["10-K/A", "10-KT", "10-KT/A"])
def test_a_name_may_leave_out_what_kind_of_report_it_is(form: str) -> None:
    assert conflicts(facts(form=form), "HARROW_2020_10K.pdf") == []


@pytest.mark.parametrize("year", ["2022", "2023"])
def test_a_year_that_ends_in_january_goes_by_two_numbers(year: str) -> None:
    january = FilingFacts("Harrow", "", "10-K", 2022, "2023-01-28")
    assert conflicts(january, f"HARROW_{year}_10K.pdf") == []
    assert conflicts(january, "HARROW_2021_10K.pdf") != []


def test_what_the_cover_lacks_is_taken_from_the_name() -> None:
    found, noticed = reconcile(FilingFacts(ticker="HRW"), "HARROW_2018_10K.pdf")
    assert found == FilingFacts("HARROW", "HRW", "10-K", 2018)
    assert noticed == [
        "the cover page does not state the company: HARROW is taken from the file name",
        "the cover page does not state the form: 10-K is taken from the file name",
        "the cover page does not state the fiscal year: 2018 is taken from the file name",
    ]


def test_words_beside_a_year_alone_name_no_company() -> None:
    found, noticed = reconcile(FilingFacts(), "invoice march 2019.pdf")
    assert found == FilingFacts(fiscal_year=2019)
    assert noticed[-1] == "the cover page does not state: company, form"


def test_a_parsed_file_carries_the_warning(tmp_path: Path) -> None:
    path = files.filing(tmp_path / "MILLS_2021_10K.pdf")
    parsed = parse_file(path, ReadOptions())
    assert parsed.facts.company == "Harrow Instruments Corporation"
    assert parsed.facts.fiscal_year == 2023
    assert parsed.warnings == (
        "the file name says company MILLS, the cover page Harrow Instruments Corporation: the "
        "cover counts",
        "the file name says fiscal year 2021, the cover page 2023: the cover counts",
    )
