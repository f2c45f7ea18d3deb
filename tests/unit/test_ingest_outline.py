"""Items, headings and furniture."""

from __future__ import annotations

import pytest

from ingest.contents import contents_lines
from ingest.elements import Piece, text_element
from ingest.furniture import running_lines
from ingest.headings import item_of
from ingest.outline import Passage, outline


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("Item 1. Business", "Item 1"),
        ("ITEM 1A. RISK FACTORS", "Item 1A"),
        ("Item 7A - Quantitative and Qualitative Disclosures About Market Risk", "Item 7A"),
        ("Item 6. [Reserved]", "Item 6"),
        ("PART II, Item 5. Market for Registrant’s Common Equity,", "Item 5"),
        ("Item 8.", "Item 8"),
        ("Item 2.02 Results of Operations and Financial Condition", "Item 2.02"),
    ],
)
def test_item_headings(text: str, item: str) -> None:
    assert item_of(text) == item


@pytest.mark.parametrize(
    "text",
    [
        "Item 7 of this report, which holds the discussion",
        "Item 1A, “Risk Factors”",
        "Item 8. Financial Statements of this Annual Report on Form 10-K",
        "Item 3. Legal Proceedings for a discussion of these matters",
        "items of income and expense",
        "Item 405 of Regulation S-K",
        "Business",
    ],
)
def test_references_are_no_headings(text: str) -> None:
    assert item_of(text) is None


WORDS = ["alder", "birch", "cedar", "damson", "elder", "fir", "gorse"]


def piece(kind: str, text: str, page: int, rank: tuple[float, int, int] | None = None) -> Piece:
    return Piece(text_element(kind, text, page), page, rank=rank)


def test_contents_and_back_references_do_not_move_the_section() -> None:
    found = outline([
        piece("Title", "Item 1. Business", 1),
        piece("NarrativeText", "We make instruments.", 1),
        piece("Title", "Item 7. Management’s Discussion and Analysis", 2),
        piece("Title", "Item 1. Business", 2),
        piece("NarrativeText", "Sales rose.", 2),
        piece("Title", "Item 8. Financial Statements", 3),
        piece("NarrativeText", "See below.", 3),
    ])  # fmt: skip
    prose = [(passage.text, passage.section) for passage in found if passage.kind == "prose"]
    assert prose == [
        ("We make instruments.", "Item 1"),
        ("Sales rose.", "Item 7"),
        ("See below.", "Item 8"),
    ]


def test_items_begin_again_in_part_two_of_a_quarterly_report() -> None:
    found = outline([
        piece("Title", "PART I. FINANCIAL INFORMATION", 1),
        piece("Title", "Item 1. Financial Statements", 1),
        piece("Title", "Item 2. Management’s Discussion and Analysis", 2),
        piece("Title", "PART II. OTHER INFORMATION", 3),
        piece("Title", "Item 1. Legal Proceedings", 3),
        piece("Title", "Item 1A. Risk Factors", 3),
        piece("NarrativeText", "No change.", 3),
    ])  # fmt: skip
    assert found[-1].section == "Item 1A"


def test_heading_path_follows_the_type() -> None:
    found = outline([
        piece("Title", "Item 7. Management’s Discussion and Analysis", 1, (12.0, 0, 2)),
        piece("Title", "RESULTS", 1, (10.0, 1, 2)),
        piece("Title", "Sales", 1, (10.0, 0, 2)),
        piece("NarrativeText", "They rose.", 1),
        piece("Title", "Costs", 1, (10.0, 0, 2)),
        piece("NarrativeText", "They fell.", 1),
        piece("Title", "LIQUIDITY", 1, (10.0, 1, 2)),
        piece("NarrativeText", "It is ample.", 1),
    ])  # fmt: skip
    assert [passage.heading for passage in found if passage.kind == "prose"] == [
        "RESULTS > Sales",
        "RESULTS > Costs",
        "Management’s Discussion and Analysis > LIQUIDITY",
    ]


def test_a_paragraph_that_a_page_end_cuts_is_joined() -> None:
    found = outline([
        piece("NarrativeText", "Sales rose in the north and", 1),
        piece("Footer", "1", 1),
        piece("Header", "Harrow", 2),
        piece("NarrativeText", "fell in the south.", 2),
        piece("NarrativeText", "Costs fell.", 2),
    ])  # fmt: skip
    assert found == [
        Passage(
            "prose",
            "Sales rose in the north and fell in the south.",
            1,
            2,
            "",
            "",
            page_breaks=((28, 2),),
        ),
        Passage("prose", "Costs fell.", 2, 2, "", ""),
    ]


def test_running_headers_footers_and_page_numbers() -> None:
    pages = [
        ["Harrow Corporation", f"The {word} plant", f"{word} is closed", f"10-K | {number}"]
        for number, word in enumerate(WORDS, 1)
    ]
    assert running_lines(pages) == [({0}, {3})] * 7


def test_a_figure_at_the_end_of_a_page_is_no_page_number() -> None:
    pages = [[word, f"Total of {word}", str(3 * n * n + 500)] for n, word in enumerate(WORDS)]
    assert running_lines(pages) == [(set(), set())] * 7


def test_years_and_units_at_the_top_of_pages_are_kept() -> None:
    pages = [["(in millions)", "2023 2022", f"Sales of {word}"] for word in WORDS]
    pages += [
        [f"{word} text", f"more {word}", f"{number} {word}s"]
        for number, word in enumerate(WORDS * 2)
    ]
    assert all(not headers for headers, _ in running_lines(pages))


def test_contents_lists() -> None:
    lines = [
        "Harrow",
        "TABLE OF CONTENTS",
        "PART I",
        "Item 1. Business 3",
        "Item 1A. Risk Factors 5",
    ]
    lines += ["Item 2. Properties 9", "Item 3. Legal Proceedings 9", "Overview 10"]
    lines += ["Item 7. Management’s Discussion 11", "Signatures 60", "This report speaks of plans."]
    assert contents_lines(lines) == set(range(1, 10))
    assert contents_lines(["Business .......... 3", "Risks .......... 5", "Notes ...... 60"]) == {
        0,
        1,
        2,
    }
    assert contents_lines(["Item 1. Business", "We make instruments in 7 plants"]) == set()
