"""Parts, Items, notes and statements: what a place in a filing stands below."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ingest.elements import Piece, text_element
from ingest.headings import (
    Note,
    is_end_matter,
    is_notes_heading,
    is_section_heading,
    note_of,
    numbered_note_of,
    part_of,
    statement_of,
)
from ingest.hyphens import Hyphens
from ingest.outline import Passage, outline
from ingest.tables import Grid

LARGE, BOLD, ITALIC = (12.0, 0, 2), (10.0, 0, 2), (10.0, 0, 1)


def title(
    text: str, page: int = 1, rank: tuple[float, int, int] | None = BOLD, kind: str = "Title"
) -> Piece:
    return Piece(text_element(kind, text, page), page, rank=rank)


def prose(text: str, page: int = 1) -> Piece:
    return Piece(text_element("NarrativeText", text, page), page)


def headings(found: Sequence[Passage]) -> list[tuple[int, str]]:
    return [(passage.level, passage.text) for passage in found if passage.kind == "heading"]


def paths(found: Sequence[Passage]) -> list[str]:
    return [passage.heading for passage in found if passage.kind == "prose"]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("NOTE 5. Leases", Note("5", "Leases")),
        ("Note 12 — Goodwill and Other Assets", Note("12", "Goodwill and Other Assets")),
        ("Note 3 - Held for Sale", Note("3", "Held for Sale")),
        ("NOTE 7: INCOME TAXES", Note("7", "INCOME TAXES")),
        ("Note 9— Taxes", Note("9", "Taxes")),
        ("Note 4 Inventories", Note("4", "Inventories")),
        ("NOTE A – BASIS OF PRESENTATION", Note("A", "BASIS OF PRESENTATION")),
        ("NOTE 6", Note("6", "")),
    ],
)  # fmt: skip
def test_headings_of_notes(text: str, note: Note) -> None:
    assert note_of(text) == note
    assert is_section_heading(text)


@pytest.mark.parametrize(
    "text",
    [
        "Note 13.",
        "Note 13",
        "Note 4, Leases, for more information",
        "Note 11 of the financial statements tells more",
        "Note 8 — Debt in the accompanying Notes to the Financial Statements.",
        "Note 10 – Goodwill and Note 11 – Debt for additional details.",
        "Notes 5 and 6",
        "Note A company that leases its plants",
        "Noteworthy events",
    ],
)
def test_references_to_notes_are_no_headings(text: str) -> None:
    assert note_of(text) is None


def test_numbers_alone_head_notes_too() -> None:
    assert numbered_note_of("5. Leases") == Note("5", "Leases")
    assert numbered_note_of("(5) LEASES") == Note("5", "LEASES")
    assert numbered_note_of("14 — Segments") == Note("14", "Segments")
    assert numbered_note_of("2023 was a good year") is None
    assert numbered_note_of("3. see the notes") is None


@pytest.mark.parametrize(
    "text",
    [
        "Consolidated Statements of Income",
        "CASH FLOWS STATEMENTS",
        "Statement of Financial Position",
        "Condensed Consolidated Balance Sheets (Unaudited)",
        "Consolidated Statements of Changes in Stockholders’ Equity",
        "Consolidated Statements of Cash Flows for the years ended June 30",
    ],
)
def test_names_of_statements(text: str) -> None:
    assert statement_of(text) == text
    assert statement_of(f"{text} (Continued)") == text
    assert statement_of(f"Harrow Corporation and Subsidiaries {text}") == text
    assert statement_of(f"{text}  Harrow Corporation and Subsidiaries") == text


@pytest.mark.parametrize(
    "text",
    [
        "Off-Balance Sheet Arrangements",
        "Consolidated Financial Statements",
        "Statements of income are drawn up by management",
        "Location in the Consolidated Balance Sheet",
        "Cash flows from operating activities",
    ],
)
def test_what_names_no_statement(text: str) -> None:
    assert statement_of(text) == ""


def test_headings_above_and_after_the_notes() -> None:
    assert is_notes_heading("NOTES TO CONSOLIDATED FINANCIAL STATEMENTS — (Continued)")
    assert is_notes_heading("Notes to the Condensed Consolidated Financial Statements (Unaudited)")
    assert not is_notes_heading(
        "Notes to Consolidated Financial Statements are part of this report"
    )
    assert is_end_matter("SIGNATURES")
    assert is_end_matter("Exhibit 31.1")
    assert is_end_matter("Report of Independent Registered Public Accounting Firm")
    assert is_end_matter("SCHEDULE II — VALUATION AND QUALIFYING ACCOUNTS")
    assert not is_end_matter("Schedule of maturities")


@pytest.mark.parametrize(
    ("text", "part"),
    [("PART II", 2), ("PART II I", 3), ("Part IV.", 4), ("PART I — FINANCIAL INFORMATION", 1),
     ("PART II, Item 5. Market for Registrant’s Common Equity", 2), ("Part of the cost", 0),
     ("PART II of this report", 0)],
)  # fmt: skip
def test_parts(text: str, part: int) -> None:
    assert part_of(text) == part


def test_the_path_keeps_the_note_and_the_nearest_heading() -> None:
    found = outline([
        title("PART II", rank=LARGE),
        title("Item 8. Financial Statements", rank=LARGE),
        title("Notes to Consolidated Financial Statements"),
        title("Note 1. Accounting Policies"),
        title("Revenue", rank=ITALIC),
        prose("Sales count once the goods are with the customer."),
        title("Note 2. Leases"),
        title("Plants", rank=LARGE),
        title("Rents", rank=ITALIC),
        prose("Rent is paid once a quarter."),
        title("Item 9A. Controls and Procedures", rank=LARGE),
        title("Evaluation"),
        prose("They are sound."),
    ])  # fmt: skip
    assert paths(found) == [
        "Note 1. Accounting Policies > Revenue",
        "Note 2. Leases > Rents",
        "Controls and Procedures > Evaluation",
    ]
    assert headings(found) == [
        (0, "PART II"),
        (1, "Item 8. Financial Statements"),
        (2, "Notes to Consolidated Financial Statements"),
        (3, "Note 1. Accounting Policies"),
        (4, "Revenue"),
        (3, "Note 2. Leases"),
        (4, "Plants"),
        (5, "Rents"),
        (1, "Item 9A. Controls and Procedures"),
        (2, "Evaluation"),
    ]
    assert {passage.part for passage in found} == {"Part II"}
    assert {passage.level for passage in found if passage.kind == "prose"} == {0}


def test_notes_that_are_numbered_alone_count_below_their_heading() -> None:
    found = outline([
        title("1. Build on what we have"),
        prose("We aim at growth."),
        title("Notes to Consolidated Financial Statements", rank=LARGE),
        title("1. Accounting Policies"),
        title("1. First rule", rank=ITALIC),
        prose("Sales count late."),
        title("2. Leases"),
        prose("3. Taxes"),
        prose("Taxes rose."),
        title("4. Debt"),
        prose("There is none."),
        title("SIGNATURES"),
        prose("Signed by order."),
        title("5. Governing Law"),
        prose("That of the state."),
    ])  # fmt: skip
    assert paths(found) == [
        "1. Build on what we have",
        "1. Accounting Policies > 1. First rule",
        "3. Taxes",
        "4. Debt",
        "SIGNATURES",
        "SIGNATURES > 5. Governing Law",
    ]


def test_the_number_of_a_note_may_stand_above_its_title() -> None:
    found = outline([
        title("Notes to Consolidated Financial Statements", rank=LARGE),
        title("NOTE 1"),
        title("LEASES"),
        prose("Rent is paid."),
    ])  # fmt: skip
    assert paths(found) == ["NOTE 1 LEASES"]


def test_headings_that_are_printed_again_change_nothing() -> None:
    found = outline([
        title("Item 8. Financial Statements", 1, LARGE),
        title("Notes to Consolidated Financial Statements", 1, LARGE),
        title("Note 1. Leases", 1),
        title("Plants", 1, ITALIC),
        prose("Rent is paid.", 1),
        title("Notes to Consolidated Financial Statements", 2, LARGE),
        title("Note 1. Leases (continued)", 2),
        prose("It rose.", 2),
        title("Item 8. Financial Statements", 3, LARGE),
        title("NOTE 1. LEASES — (Cont’d)", 3),
        prose("It will fall.", 3),
    ])  # fmt: skip
    assert paths(found) == ["Note 1. Leases > Plants"] * 3
    assert len(headings(found)) == 4


def test_a_heading_that_goes_on_from_nowhere_is_kept_without_the_word() -> None:
    found = outline([title("Properties (continued)", 1), prose("We own them.", 1)])
    assert paths(found) == ["Properties"]


def test_statements_and_what_stands_between_them() -> None:
    grid = Grid("", ("Consolidated Statements of Equity", "2023"), ("Stock",), (("Balance", "9"),))
    table = Piece(text_element("Table", "Balance  9", 3), 3, grid=grid)
    found = outline([
        title("Item 8. Financial Statements", 1, LARGE),
        title("Report of Independent Registered Public Accounting Firm", 1),
        title("Basis for Opinion", 1),
        prose("We have audited them.", 1),
        title("Harrow Corporation Consolidated Balance Sheets", 2),
        title("(in millions)", 2),
        title("Assets", 2),
        prose("See the notes.", 2),
        table,
    ])  # fmt: skip
    assert paths(found) == [
        "Report of Independent Registered Public Accounting Firm > Basis for Opinion",
        "Consolidated Balance Sheets > Assets",
    ]
    assert found[-1].heading == "Consolidated Statements of Equity"
    assert found[-1].title == "Consolidated Statements of Equity"


def test_names_of_statements_in_a_discussion_are_plain_headings() -> None:
    found = outline([
        title("Item 7. Management’s Discussion and Analysis", rank=LARGE),
        title("Liquidity", rank=(10.0, 1, 2)),
        title("Balance Sheet"),
        prose("Our balance sheet is strong."),
    ])  # fmt: skip
    assert paths(found) == ["Liquidity > Balance Sheet"]


def test_statements_after_the_summary_belong_to_the_exhibits() -> None:
    found = outline([
        title("Item 15. Exhibits, Financial Statement Schedules", 1, LARGE),
        prose("See the index.", 1),
        title("Item 16. Form 10-K Summary", 1, LARGE),
        prose("None.", 1),
        title("Consolidated Balance Sheets", 2),
        prose("See the notes.", 2),
        title("SIGNATURES", 3),
        prose("Signed.", 3),
    ])  # fmt: skip
    assert [p.section for p in found if p.kind == "prose"] == [
        "Item 15", "Item 16", "Item 15", "Item 15",
    ]  # fmt: skip


QUARTERLY = [
    title("Item 1. Financial Statements", 1),
    prose("They follow.", 1),
    title("Note 1. Leases", 1),
    prose("Rent is paid.", 1),
    title("Item 2. Management’s Discussion and Analysis", 2),
    prose("Sales rose.", 2),
    title("Item 4. Controls and Procedures", 2),
    prose("They are sound.", 2),
    title("Item 1. Legal Proceedings", 3),
    prose("There are none.", 3),
    title("Item 1A. Risk Factors", 3),
    prose("No change.", 3),
    title("Item 6. Exhibits", 3),
    prose("A list.", 3),
]
PARTS = [
    (0, title("PART I. FINANCIAL INFORMATION", 1)),
    (9, title("PART II — OTHER INFORMATION", 3)),
]


@pytest.mark.parametrize("headed", [True, False])
def test_items_of_a_quarterly_report_name_their_part(headed: bool) -> None:
    pieces = list(QUARTERLY)
    for place, part in PARTS if headed else ():
        pieces.insert(place, part)
    found = [passage for passage in outline(pieces) if passage.kind == "prose"]
    assert [(passage.section, passage.part) for passage in found] == [
        ("Part I, Item 1", "Part I"),
        ("Part I, Item 1", "Part I"),
        ("Part I, Item 2", "Part I"),
        ("Part I, Item 4", "Part I"),
        ("Part II, Item 1", "Part II"),
        ("Item 1A", "Part II"),
        ("Item 6", "Part II"),
    ]
    assert found[1].heading == "Note 1. Leases"


def test_items_of_a_current_report() -> None:
    found = outline([
        title("Item 2.02 Results of Operations and Financial Condition"),
        prose("On May 1 the company announced its results."),
        title("Item 9.01 Financial Statements and Exhibits"),
        prose("(d) Exhibits"),
        title("SIGNATURE"),
        prose("Signed."),
        title("Exhibit 99.1"),
        title("Condensed Consolidated Balance Sheets", rank=LARGE),
        prose("Unaudited."),
    ])  # fmt: skip
    assert [(p.section, p.heading) for p in found if p.kind == "prose"] == [
        ("Item 2.02", "Results of Operations and Financial Condition"),
        ("Item 9.01", "Financial Statements and Exhibits"),
        ("Item 9.01", "SIGNATURE"),
        ("Item 9.01", "Condensed Consolidated Balance Sheets"),
    ]


def test_an_annual_report_without_items() -> None:
    found = outline([
        title("Letter to Shareholders", rank=LARGE),
        prose("It was a good year."),
        title("Consolidated Balance Sheets", rank=LARGE),
        prose("See the notes."),
        title("Notes to Consolidated Financial Statements", rank=LARGE),
        title("Note 1. Leases"),
        prose("Rent is paid."),
    ])  # fmt: skip
    assert [(p.section, p.heading) for p in found if p.kind == "prose"] == [
        ("", "Letter to Shareholders"),
        ("", "Consolidated Balance Sheets"),
        ("", "Note 1. Leases"),
    ]


def test_a_paragraph_goes_on_with_a_name_on_the_next_page() -> None:
    found = outline([
        prose("The plants are run by the", 1),
        prose("Harrow Corporation and others.", 2),
        prose("They are old.", 2),
    ])  # fmt: skip
    assert [(p.text, p.page_start, p.page_end) for p in found] == [
        ("The plants are run by the Harrow Corporation and others.", 1, 2),
        ("They are old.", 2, 2),
    ]


def test_hyphens_at_the_end_of_a_line() -> None:
    texts = [
        "Compensation is paid for long-term work, and for short ones.",
        "It is self-",
        "evident. A non-GAAP figure; the pay-as-you-go rule; an uncom-",
        "mon word",
    ]
    hyphens = Hyphens(lambda: texts)
    assert hyphens.join("for compen-", "sation of it") == "for compensation of it"
    assert hyphens.join("a long-", "term debt") == "a long-term debt"
    assert hyphens.join("a short-", "term debt") == "a short-term debt"
    assert hyphens.join("the non-", "operating part") == "the non-operating part"
    assert hyphens.join("an uncom-", "mon word") == "an uncommon word"
    assert hyphens.join("the years 2021-", "2023") == "the years 2021-2023"
    assert hyphens.join("no hyphen", "here") == "no hyphen here"
