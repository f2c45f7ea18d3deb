"""Which filings can answer for a company and a period, and how sure that is."""

from __future__ import annotations

import pytest

from rag_service.answering.scope.index import FilingIndex, family
from rag_service.answering.scope.types import Part, Scope
from rag_service.answering.scope.understand import understand_scope
from tests.unit.scope_cases import NIKE, STORE, annual, document

INDEX = FilingIndex(STORE)


def ask(question: str) -> Scope:
    return understand_scope(question, INDEX)


def only(question: str) -> Part:
    [part] = ask(question).parts
    return part


def names(part: Part) -> list[str]:
    return [filing.document for filing in part.filings]


@pytest.mark.parametrize(
    ("question", "document", "year"),
    [
        ("What was 3M's FY2018 capex?", "3M_2018_10-K.pdf", 2018),
        ("3M's debt as of December 31, 2022", "3M_2022_10-K.pdf", 2022),
        ("Nike's sales in the fiscal year ended May 31, 2021", "NIKE,_2021_10-K.pdf", 2021),
        ("Nike's sales in fiscal 2018", "NIKE,_2018_10-K.pdf", 2018),
        ("Nike's cash on November 30, 2018", "NIKE,_2019_10-K.pdf", 2019),
        ("Nike's sales in calendar 2018", "NIKE,_2019_10-K.pdf", 2019),
        ("Nike's sales last year", "NIKE,_2023_10-K.pdf", 2023),
        ("What are Nike's latest sales?", "NIKE,_2023_10-K.pdf", 2023),
        ("Nike's sales compared with the prior year", "NIKE,_2023_10-K.pdf", 2023),
        ("Nike's sales in 2021, year over year", "NIKE,_2021_10-K.pdf", 2021),
        ("Target's stores in fiscal 2022", "TARGET_2022_10-K.pdf", 2022),
        ("Target's stores on January 28, 2023", "TARGET_2022_10-K.pdf", 2022),
        ("Target's stores in the year that ended in January 2023", "TARGET_2022_10-K.pdf", 2022),
        ("Best Buy's stores in fiscal 2023", "BEST_2023_10-K.pdf", 2023),
        ("Best Buy's stores on January 31, 2023", "BEST_2023_10-K.pdf", 2023),
        ("Best Buy's sales in calendar 2022", "BEST_2023_10-K.pdf", 2023),
        ("Corning's 10-K for 2021", "CORNING_2021_10-K.pdf", 2021),
        ("3M's cash in Q2 of FY2023", "3M_2023_10-Q.pdf", 2023),
        ("3M's cash for the quarter ended June 30, 2023", "3M_2023_10-Q.pdf", 2023),
        ("3M's cash in the latest quarter", "3M_2023_10-Q.pdf", 2023),
        ("What did the 8-K of 3M in 2023 announce?", "3M_2023_8-K.pdf", 2023),
    ],
)
def test_the_filing_of_the_very_period_is_first(question: str, document: str, year: int) -> None:
    part = only(question)
    assert names(part)[0] == document
    assert (part.fiscal_year, part.confidence, part.missing) == (year, "confident", "")


def test_later_reports_follow_since_they_state_the_year_for_comparison() -> None:
    part = only("What was Corning's revenue in 2020?")
    assert [(f.document, f.weight) for f in part.filings] == [
        ("CORNING_2020_10-K.pdf", 1.0), ("CORNING_2021_10-K.pdf", 0.6),
        ("CORNING_2022_10-K.pdf", 0.4),
    ]  # fmt: skip
    assert part.filings[1].reason == "of fiscal 2021, which states 2020 for comparison"


def test_a_year_that_is_only_compared_with_is_likely_and_said_to_be_missing() -> None:
    part = only("What were Nike's sales in 2022?")
    assert names(part) == ["NIKE,_2023_10-K.pdf"]
    assert part.confidence == "likely"
    assert "no filing of NIKE, Inc. of fiscal 2022, only filings that state it" in part.missing


def test_a_year_that_no_filing_states_leaves_all_of_the_company() -> None:
    part = only("What were Nike's sales in 2012?")
    assert names(part)[0] == "NIKE,_2023_10-K.pdf"
    assert len(names(part)) == len(NIKE)
    assert part.confidence == "likely"
    assert part.missing == "the store has no filing of NIKE, Inc. of fiscal 2012"


def test_without_a_period_all_filings_of_the_company_count_the_newest_first() -> None:
    part = only("Who audits Nike?")
    assert names(part) == [f"NIKE,_{year}_10-K.pdf" for year in (2023, 2021, 2019, 2018)]
    assert part.confidence == "confident"
    assert (part.fiscal_year, part.filings[0].reason) == (0, "the newest")


def test_a_quarter_without_its_report_is_sought_in_the_annual_one() -> None:
    part = only("What was Nike's debt in the second quarter of fiscal 2021?")
    assert (part.quarter, part.confidence) == (2, "likely")
    assert names(part) == ["NIKE,_2021_10-K.pdf", "NIKE,_2023_10-K.pdf"]
    assert "Q2 of fiscal 2021" in part.missing


def test_a_form_that_is_not_there_is_said_to_be_missing() -> None:
    part = only("What does Nike's latest quarterly report say of debt?")
    assert (part.form, part.confidence) == ("10-Q", "likely")
    part = only("What does Nike's 8-K of 2021 say?")
    assert part.missing.startswith("the store has no current report of NIKE, Inc. of fiscal 2021")


def test_an_amended_report_comes_after_the_first_one() -> None:
    index = FilingIndex([
        document("Delmar Inc", "", 2021, "2021-12-31", "10-K/A"),
        document("Delmar Inc", "", 2021, "2021-12-31"),
    ])  # fmt: skip
    [part] = understand_scope("What did Delmar sell in 2021?", index).parts
    assert names(part) == ["DELMAR_2021_10-K.pdf", "DELMAR_2021_10-K/A.pdf"]


def test_several_years_give_a_part_each_and_the_report_that_states_them_all() -> None:
    scope = ask("How did Lockheed's margin move between 2020 and 2022?")
    assert [part.fiscal_year for part in scope.parts] == [2020, 2021, 2022]
    assert [names(part)[0] for part in scope.parts] == [
        f"LOCKHEED_{year}_10-K.pdf" for year in (2020, 2021, 2022)
    ]
    assert [filing.document for filing in scope.together] == ["LOCKHEED_2022_10-K.pdf"]
    assert scope.confidence == "confident"


def test_a_year_stated_by_another_report_that_is_asked_for_is_not_missing() -> None:
    scope = ask("Nike's average inventory over the last two years")
    assert [part.fiscal_year for part in scope.parts] == [2023, 2022]
    assert [part.confidence for part in scope.parts] == ["confident", "confident"]
    assert [part.missing for part in scope.parts] == ["", ""]
    assert [filing.document for filing in scope.together] == ["NIKE,_2023_10-K.pdf"]


def test_years_far_apart_have_no_report_together() -> None:
    scope = ask("3M's sales from 2018 to 2022")
    assert [part.fiscal_year for part in scope.parts] == [2018, 2019, 2020, 2021, 2022]
    assert scope.together == ()
    assert scope.confidence == "likely"


def parts(question: str) -> list[tuple[str, int]]:
    return [(part.company, part.fiscal_year) for part in ask(question).parts]


def test_several_companies_give_a_part_each() -> None:
    both = [("NIKE, Inc.", 2021), ("Corning Incorporated", 2021)]
    assert parts("Nike versus Corning: who paid more tax in 2021?") == both
    assert parts("In 2021, did Nike pay more tax than Corning?") == both


def test_each_company_keeps_the_year_beside_it() -> None:
    pairs = [("NIKE, Inc.", 2021), ("Corning Incorporated", 2022)]
    assert parts("Compare Nike in 2021 with Corning in 2022") == pairs
    assert parts("Compare FY2021 Nike with FY2022 Corning") == pairs


def test_a_year_alone_is_likely_meant_of_any_company() -> None:
    part = only("What was revenue in FY2021?")
    assert (part.company, part.fiscal_year, part.filings) == ("", 2021, ())
    assert part.confidence == "likely"


def test_nothing_understood_is_no_scope() -> None:
    scope = ask("What drove the change in margins?")
    assert (scope.parts, scope.confidence) == ((), "none")
    assert ask("").confidence == "none"
    assert understand_scope("What was Nike's revenue in 2021?", []).parts[0].company == ""


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("10-K", "annual"), ("10-K/A", "annual"), ("10-KT", "annual"), ("20-F", "annual"),
        ("10-Q", "quarterly"), ("8-K", "current"), ("6-K", "current"), ("", "other"),
        ("Annual Report", "annual"),
    ],
)  # fmt: skip
def test_kinds_of_report(form: str, kind: str) -> None:
    assert family(form) == kind


def test_covers_that_state_little_are_no_hindrance() -> None:
    index = FilingIndex([
        document("", "", 0, "", "", "scan.pdf"),
        document("Delmar Inc", "", 0, "", "", "delmar.pdf"),
        document("Delmar Inc", "", 0, "2020-13-45", "10-K", "odd.pdf"),
        *annual("Delmar Inc", "", 2021),
    ])  # fmt: skip
    [part] = understand_scope("What did Delmar sell in 2021?", index).parts
    assert names(part) == ["DELMAR_2021_10-K.pdf"]
    [part] = understand_scope("What does Delmar sell?", index).parts
    assert names(part) == ["DELMAR_2021_10-K.pdf", "delmar.pdf", "odd.pdf"]
