"""Headers, footers and contents lists are told from what a page says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ingest.contents import contents_lines
from ingest.furniture import running_lines

WORDS = [
    "alder", "birch", "cedar", "damson", "elder", "fir", "gorse", "hazel", "ivy", "juniper",
    "kale", "larch", "maple", "nettle", "oak", "pine", "quince", "rowan", "sorrel", "thyme",
]  # fmt: skip


def pages(*edges: Sequence[str], count: int = 20, below: Sequence[str] = ()) -> list[list[str]]:
    """Pages of six lines of their own, below ``edges`` and above ``below``; # is the page."""
    return [
        [
            *(line.replace("#", str(number)) for group in edges for line in group),
            *(f"The {WORDS[number - 1]} of line {line} grew" for line in WORDS[:6]),
            *(line.replace("#", str(number)) for line in below),
        ]
        for number in range(1, count + 1)
    ]


def removed(lines: Sequence[Sequence[str]]) -> list[list[str]]:
    return [
        [page[index] for index in sorted(headers | footers)]
        for page, (headers, footers) in zip(lines, running_lines(lines), strict=True)
    ]


@pytest.mark.parametrize(
    ("header", "footer"),
    [
        ("Table of Contents", "#"),
        ("Harrow Corporation", "Page # of 20"),
        ("Harrow | 2023 Annual Report | #", "2023 FORM 10-K #"),
        ("# HARROW, INC.", "- # -"),
    ],
)
def test_lines_on_all_pages(header: str, footer: str) -> None:
    lines = pages([header], below=[footer])
    assert removed(lines) == [[page[0], page[-1]] for page in lines]


def test_left_and_right_pages_have_their_own() -> None:
    lines = pages([], below=[])
    for number, page in enumerate(lines, 1):
        page.append(f"{number} HARROW, INC." if number % 2 else f"2023 FORM 10-K {number}")
    assert removed(lines) == [page[-1:] for page in lines]


def test_roman_page_numbers() -> None:
    lines = pages([], count=4)
    for page, number in zip(lines, ("i", "ii", "iii", "iv"), strict=True):
        page.append(number)
    assert removed(lines) == [["i"], ["ii"], ["iii"], ["iv"]]


def test_lines_that_recur_here_and_there_are_content() -> None:
    lines = pages([])
    for number in (2, 6, 11, 15):
        lines[number].insert(0, "ARTICLE I.")
        lines[number].append("None.")
    assert removed(lines) == [[]] * 20


def test_sentences_on_pages_in_a_row_are_content() -> None:
    lines = pages([])
    for page in lines[4:9]:
        page.insert(0, "The undersigned hereby appoints the secretary of the company, who may")
        page.insert(1, "sign this report on behalf of each of the directors that are named.")
    assert all(len(found) == 0 or found == [lines[4][0]] for found in removed(lines))


def test_a_header_on_some_pages_in_a_row_stays_once_as_the_heading() -> None:
    lines = pages(["Table of Contents"])
    for page in lines[8:13]:
        page.insert(1, "Notes to Consolidated Financial Statements")
    assert [len(found) for found in removed(lines)] == [1] * 9 + [2] * 4 + [1] * 7


def test_the_first_header_of_each_part_stays() -> None:
    lines = pages([])
    for number, page in enumerate(lines):
        page[:0] = ["PART I" if number < 9 else "PART II", f"Item {1 + number // 4}"]
    found = removed(lines)
    assert found[0] == ["Item 1"]
    assert found[9] == ["Item 3"]
    assert found[10] == ["PART II", "Item 3"]


def test_an_item_at_the_top_of_its_page_is_a_heading() -> None:
    lines = pages(["Table of Contents"])
    lines[5].insert(1, "Item 2. Properties")
    lines[9].insert(1, "Item 3. Legal Proceedings")
    assert removed(lines) == [["Table of Contents"]] * 20


def test_names_of_a_table_s_columns_stay_on_each_page() -> None:
    lines = pages([])
    for page in lines[5:9]:
        page.insert(0, "Name of the company  State  Share")
    assert removed(lines) == [[]] * 20


def test_what_statements_say_of_their_notes_is_a_footer() -> None:
    lines = pages([], below=["#"])
    lines[7].insert(-1, "The accompanying notes are an integral part of these statements.")
    lines[8].insert(-1, "See accompanying Notes to Consolidated Financial Statements.")
    assert [len(found) for found in removed(lines)] == [1] * 7 + [2, 2] + [1] * 11


def test_an_index_of_statements() -> None:
    lines = [
        "(a) What is filed with this report",
        "Page",
        "Report of Independent Registered Public Accounting Firm 41",
        "Consolidated Statements of Income for the years ended September 30, 2023, 2022 and",
        "2021 43",
        "Consolidated Balance Sheets 44",
        "Notes to Consolidated Financial Statements 47",
        "All other schedules are left out, for they are not required.",
    ]
    assert contents_lines(lines) == set(range(1, 7))


def test_an_index_of_notes() -> None:
    lines = [f"{n}. The {word} trees {40 + 3 * n}" for n, word in enumerate(WORDS[:6], 1)]
    assert contents_lines(["Trees", *lines, "The trees grew."]) == set(range(1, 7))


def test_sentences_between_entries_with_dots_stay() -> None:
    lines = [
        "The following statements are in Item 8 at the page numbers below:",
        "Page",
        "Consolidated Statements of Income ........ 41",
        "Consolidated Balance Sheets ........ 42",
        "The report of the auditors on these statements, and on the controls of the company, is",
        "in Item 8 and in Item 9A at the page numbers below.",
        "Report of the auditors ........ 60",
    ]
    assert contents_lines(lines) == {1, 2, 3, 6}


def test_tables_are_no_contents() -> None:
    figures = ["Sales of plants 120", "Costs of plants 90", "Taxes 14", "Net income 16"]
    assert contents_lines(figures) == set()
    ages = ["Holders of shares by number 12", "Plants 18", "Stores in the north 40", "All 70"]
    assert contents_lines(ages) == set()
    items = [f"Item {n}. Directors and officers" for n in range(10, 15)]
    assert contents_lines([f"{item}" for item in items]) == set()
