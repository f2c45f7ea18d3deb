"""Which companies a question names, however people write them."""

from __future__ import annotations

import pytest

from rag_service.answering.scope.index import FilingIndex
from rag_service.answering.scope.understand import understand_scope
from tests.unit.scope_cases import STORE, annual

INDEX = FilingIndex(STORE)


def companies(question: str, index: FilingIndex = INDEX) -> dict[str, str]:
    """Each company that is named, in order, with its confidence."""
    found = understand_scope(question, index).companies
    return {match.company: match.confidence for match in found}


@pytest.mark.parametrize(
    ("question", "company"),
    [
        ("What was 3M's capex in 2018?", "3M Company"),
        ("what did nike's marketing cost?", "NIKE, Inc."),
        ("WHAT WAS NIKE'S REVENUE?", "NIKE, Inc."),
        ("Nike’s and NIKE's debt", "NIKE, Inc."),
        ("Which segments does Nike, Inc. report?", "NIKE, Inc."),
        ("What did Best Buy spend on leases?", "Best Buy Co., Inc."),
        ("what is bestbuy capex", "Best Buy Co., Inc."),
        ("Did Lockheed repay its notes?", "Lockheed Martin Corporation"),
        ("lockheed martin backlog", "Lockheed Martin Corporation"),
        ("How large is Lockheed-Martin's backlog?", "Lockheed Martin Corporation"),
        ("the assets of JPMorgan in 2021", "JPMORGAN CHASE & CO"),
        ("the assets of JP Morgan in 2021", "JPMORGAN CHASE & CO"),
        ("the assets of J.P. Morgan Chase in 2021", "JPMORGAN CHASE & CO"),
        ("jpmorgan chase and co deposits", "JPMORGAN CHASE & CO"),
        ("Does Coca-Cola own bottlers?", "COCA COLA CO /DE/"),
        ("Does The Coca‑Cola Company own bottlers?", "COCA COLA CO /DE/"),
        ("Johnson and Johnson's goodwill", "Johnson & Johnson"),
        ("What did AT&T pay?", "AT&T INC."),
        ("Procter & Gamble's brands", "The Procter & Gamble Company"),
        ("What is Lowe's inventory?", "Lowe’s Companies, Inc."),
        ("How many people did Amazon employ?", "Amazon.com, Inc."),
        ("How many people did amazon.com employ?", "Amazon.com, Inc."),
        ("costco membership fees", "Costco Wholesale Corporation"),
        ("Costco Wholesale's stores", "Costco Wholesale Corporation"),
        ("What did Bank of America lend?", "Bank of America Corporation"),
        ("How does Nestle hedge?", "Nestlé S.A."),
        ("MMM dividends in 2022", "3M Company"),
        ("dividends of $mmm", "3M Company"),
        ("What did AT&T (NYSE: T) pay?", "AT&T INC."),
        ("Debt of (KO) in 2021", "COCA COLA CO /DE/"),
        ("Is $V growing?", "VISA INC."),
        ("What was Target's inventory?", "TARGET CORP"),
        ("What does Target report as inventory?", "TARGET CORP"),
        ("how much inventory did target corporation hold, says Target Corp?", "TARGET CORP"),
        ("Who audits Block?", "Block, Inc."),
        ("What did Apple, Inc. sell?", "Apple Inc."),
        ("inventory of Ball Corporation in 2021", "BALL Corp"),
        ("What does Texas Instruments owe?", "Texas Instruments Incorporated"),
    ],
)
def test_a_company_is_known_by_what_people_call_it(question: str, company: str) -> None:
    assert companies(question) == {company: "confident"}


@pytest.mark.parametrize(
    ("question", "company"),
    [
        ("What is Microsft's headcount?", "MICROSOFT CORPORATION"),
        ("What is Mircosoft's headcount?", "MICROSOFT CORPORATION"),
        ("what is microsooft's headcount", "MICROSOFT CORPORATION"),
        ("what did costcco sell in 2021", "Costco Wholesale Corporation"),
        ("Lockhead Martin's backlog", "Lockheed Martin Corporation"),
        ("What did P&G sell, and to whom?", "The Procter & Gamble Company"),
        ("best buy revenue 2023", "Best Buy Co., Inc."),
        ("what was target's revenue in 2021", "TARGET CORP"),
        ("Target opened how many stores in 2021?", "TARGET CORP"),
        ("What does the Visa program of Nevada cost?", "VISA INC."),
        ("Who runs Apple Orchards of Kent?", "Apple Inc."),
        ("How much did Gamble earn?", "The Procter & Gamble Company"),
        ("nke revenue", "NIKE, Inc."),
        ("what did 3m spend on research", "3M Company"),
        ("How did Delta fund its dividends?", "Delta Air Lines, Inc."),
        ("Delta's margin in 2021", "Delta Air Lines, Inc."),
    ],
)
def test_what_may_be_another_word_is_likely_at_most(question: str, company: str) -> None:
    assert companies(question) == {company: "likely"}


@pytest.mark.parametrize(
    "question",
    [
        "What is the target for revenue in 2022?",
        "Is there a gap between the two, or a block?",
        "How many visa holders eat an apple at the ball?",
        "Which of them is the best buy for investors?",
        "What Is The Target Of The Best Plan In 2021?",
        "Revenue of $3M, or 3m of debt",
        "revenue of $3m in 2021",
        "What was the cost of goods sold at low prices?",
        "WHAT IS THE TARGET?",
        "A good morning for learning and corning",
        "What does General Motors make?",
        "What do Sherwin-Amazon and Nike-Kohl make?",
        "Which taxes does Texas raise, and which America?",
        "AR and AP in the U.S.",
        "What did the delta of the Domestic and International segments cost the European Union?",
        "",
    ],
)
def test_words_that_name_nobody(question: str) -> None:
    found = companies(question)
    if "corning" in question:
        assert found == {"Corning Incorporated": "confident"}
    else:
        assert found == {}


def test_several_companies_in_the_order_of_the_question() -> None:
    found = companies("Did Microsoft, Coca-Cola and Apple grow faster than Nike or 3M?")
    assert list(found) == [
        "MICROSOFT CORPORATION", "COCA COLA CO /DE/", "Apple Inc.", "NIKE, Inc.", "3M Company",
    ]  # fmt: skip
    assert set(found.values()) == {"confident"}


def test_the_words_that_matched_are_told() -> None:
    question = "How did J.P. Morgan’s assets compare with those of $MMM?"
    first, second = understand_scope(question, INDEX).companies
    assert (first.words, first.named) == ("J.P. Morgan", "part of the name")
    assert question[first.start : first.end] == first.words
    assert (second.words, second.named) == ("MMM", "ticker")
    said = " / ".join(understand_scope(question, INDEX).explain())
    assert "“J.P. Morgan” is JPMORGAN CHASE & CO (part of the name, confident)" in said


def test_a_part_of_two_names_is_sure_of_neither() -> None:
    index = FilingIndex(annual("Delmar Foods Inc", "", 2021) + annual("Delmar Steel Inc", "", 2021))
    assert companies("What does Delmar owe?", index) == {
        "Delmar Foods Inc": "likely", "Delmar Steel Inc": "likely",
    }  # fmt: skip
    assert companies("What does Delmar Steel owe?", index) == {"Delmar Steel Inc": "confident"}


def test_a_whole_name_comes_before_a_part_of_another() -> None:
    index = FilingIndex(annual("Delmar Inc", "", 2021) + annual("Delmar Steel Inc", "", 2021))
    assert companies("What does Delmar owe?", index) == {"Delmar Inc": "confident"}


def test_a_company_is_one_however_its_covers_print_it() -> None:
    scope = understand_scope("What are 3M's 10-K reports?", INDEX)
    assert {f.document for part in scope.parts for f in part.filings} == {
        "3M_2018_10-K.pdf", "3M_2022_10-K.pdf",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("What was Tesla's revenue in 2020?", ("Tesla",)),
        ("What did Tesla sell in China?", ("Tesla",)),
        ("Compare Nike and Adidas in 2021", ("Adidas",)),
        ("Compare Nike's revenue versus Adidas's", ()),
        ("Is Puma or Nike larger?", ("Puma",)),
        ("What does Rocket Lab Inc. owe Nike?", ("Rocket Lab",)),
        ("what did tesla inc owe in 2021", ("tesla",)),
        ("How did $TSLA do?", ("TSLA",)),
        ("What is Sherwin-Williams's debt?", ("Sherwin-Williams",)),
        ("What is General Electric's debt?", ("General Electric",)),
        ("What did Nike earn in China with Converse and Jordan?", ()),
        ("What was Net Income in the United States in FY2021, by GAAP?", ()),
        ("Describe Item 7A, the Balance Sheet and the Statement of Cash Flows in 2021.", ()),
        ("What happened in March?", ()),
        ("what was tesla's revenue", ()),
    ],
)
def test_companies_that_the_store_does_not_have(question: str, unknown: tuple[str, ...]) -> None:
    assert understand_scope(question, INDEX).unknown == unknown


def test_an_unknown_company_leaves_the_year_to_go_by() -> None:
    scope = understand_scope("What was Tesla's revenue in 2020?", INDEX)
    assert [(p.company, p.fiscal_year, p.confidence) for p in scope.parts] == [("", 2020, "likely")]
    assert "“Tesla” has no filing in the store" in scope.explain()


def test_a_store_of_one_company_is_likely_asked_about_it() -> None:
    index = FilingIndex(annual("NIKE, Inc.", "NKE", 2020, 2021))
    [part] = understand_scope("What was revenue in 2021?", index).parts
    assert (part.company, part.confidence) == ("NIKE, Inc.", "likely")
    assert part.filings[0].document == "NIKE,_2021_10-K.pdf"
    assert understand_scope("What was Tesla's revenue?", index).parts == ()
