"""The measure of how whole the rows of tables stay."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from eval.drawn_rows import draw_rows, rows_of_page
from eval.page_items import PageItems, items_right, read_page_items
from eval.table_rows import Integrity, Passage, TableRow, integrity, read_table_rows
from rag_service.core.errors import DataError
from rag_service.core.types import Chunk, FilingFacts, TableCells
from tests.unit.ingest_files import text_pdf

GOLD = Path(__file__).parents[2] / "eval" / "gold"
ROW = TableRow(
    "A.pdf",
    3,
    "Net income (loss)",
    ("$1,290", "(0.3)%", "—"),
    (("Years ended", "2023"), ("Years ended", "2022"), ("Years ended", "Change")),
)
CELLS = TableCells(
    "Results",
    "(in millions)",
    ("2023", "2022", "Change"),
    (("Net income (loss)", "$1,290", "(0.3)%", "—"),),
)
HEADED = "Years ended\n2023  2022  Change\n"
LINE = "Net income (loss)  $ 1,290  (0.3) %  –"


def of(text: str, cells: TableCells | None = None, page: int = 3) -> Integrity:
    return integrity(ROW, [Passage(text, page, page, cells)])


def test_a_whole_row_counts_for_all() -> None:
    assert of(HEADED + LINE, CELLS) == Integrity(True, True, True, True)


def test_marks_of_figures_and_spaces_do_not_matter() -> None:
    assert of(HEADED + "NET INCOME (LOSS) 1,290 (0.3)% -").whole


def test_a_missing_header_is_seen() -> None:
    assert of("Years ended\n2023  2022\n" + LINE) == Integrity(True, True, False, False)


def test_the_rows_own_line_does_not_count_as_header() -> None:
    row = TableRow("A.pdf", 3, "Due 2023", ("5", "6"), (("2023",), ("2024",)))
    assert not integrity(row, [Passage("2024\nDue 2023  5  6", 3, 3)]).whole


def test_torn_cells_are_in_one_chunk_alone() -> None:
    torn = HEADED + "\n".join(("Net income (loss)", "1,290", "(0.3)%", "—"))
    assert of(torn) == Integrity(True, False, False, False)


def test_a_label_may_begin_with_percent() -> None:
    row = TableRow("A.pdf", 3, "% of sales", ("84.0%", "83.7%"), (("2023",), ("2022",)))
    text = "2023  2022\nSales  5  4\n% of sales  84.0%  83.7%"
    assert integrity(row, [Passage(text, 3, 3)]).whole


@pytest.mark.parametrize(
    "line",
    [
        "Net income (loss)  (0.3)%  $1,290  —",
        "Net income  $1,290  (0.3)%  —",
        "Net income (loss)  $1,290  (0.3)%",
        "Net income (loss)  $11,290  (0.3)%  —",
    ],
    ids=["order", "label", "value gone", "other figure"],
)
def test_what_is_not_the_row_does_not_count(line: str) -> None:
    assert of(HEADED + line) == Integrity(False, False, False, False)


def test_another_label_that_ends_alike_does_not_count() -> None:
    assert not of(HEADED + "Total net income (loss)  $1,290  (0.3)%  —").on_one_line


def test_a_year_within_a_figure_is_no_header() -> None:
    row = TableRow("A.pdf", 3, "Sales", ("5", "6"), (("2021",), ("2020",)))
    assert not integrity(row, [Passage("12,021  2020\nSales  5  6", 3, 3)]).whole
    assert integrity(row, [Passage("Year 2021, 2020.\nSales  5  6", 3, 3)]).whole


def test_another_page_does_not_count() -> None:
    assert not of(HEADED + LINE, page=4).in_one_chunk


def test_values_under_the_wrong_names_are_not_aligned() -> None:
    shifted = TableCells("", "", ("Years ended 2022", "Years ended 2023", "Change"), CELLS.rows)
    assert of(HEADED + LINE, shifted) == Integrity(True, True, True, False)


def test_rows_are_drawn_by_another_reader(tmp_path: Path) -> None:
    path = tmp_path / "A.pdf"
    path.write_bytes(
        text_pdf([
            (400, 100, "2023"), (480, 100, "2022"), (54, 116, "Net sales"), (390, 116, "$"),
            (400, 116, "4,210"), (480, 116, "3,985"), (54, 132, "Net loss (1)"),
            (400, 132, "(12)"), (480, 132, "—"), (54, 148, "Margin"), (400, 148, "3.1"),
            (420, 148, "%"), (480, 148, "2.9%"), (54, 164, "A sentence with 12 words."),
        ])
    )  # fmt: skip
    rows = rows_of_page(path, 1)
    assert [(row.label, row.figures) for row in rows] == [
        ("Net sales", ("$4,210", "3,985")),
        ("Net loss (1)", ("(12)", "—")),
        ("Margin", ("3.1%", "2.9%")),
    ]
    (drawn,) = draw_rows(path, 5, 2, random.Random(1))
    assert len(drawn) == 2
    assert set(drawn) < set(rows)


def test_gold_rows_are_well_formed() -> None:
    rows = read_table_rows(GOLD / "table_rows.jsonl")
    assert len(rows) >= 300
    assert len({row.file for row in rows}) >= 15
    assert all(len(row.values) >= 2 and row.label for row in rows)
    developed_on = {(r.file, r.page) for r in read_table_rows(GOLD / "table_rows_dev.jsonl")}
    assert not developed_on & {(row.file, row.page) for row in rows}


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"file": "a", "page": 1, "label": "x", "values": ["1"], "columns": []}\n')
    with pytest.raises(DataError, match=r"rows\.jsonl:1 has 1 values, 0 columns"):
        read_table_rows(path)
    path.write_text("{}\n")
    with pytest.raises(DataError, match=r"rows\.jsonl:1 is no table row"):
        read_table_rows(path)
    with pytest.raises(DataError, match=r"rows\.jsonl:1 is no page"):
        read_page_items(path)


def test_items_are_those_of_the_pages_chunks() -> None:
    def chunk(section: str, start: int, end: int) -> Chunk:
        return Chunk("c", "d", "A.pdf", "t", "", "prose", section, "", start, end, 0, FilingFacts())

    chunks = [chunk("Item 1", 2, 3), chunk("Item 1A", 3, 5)]
    assert items_right(PageItems("A.pdf", 3, ("Item 1", "Item 1A")), chunks)
    assert items_right(PageItems("A.pdf", 4, ("Item 1A",)), chunks)
    assert not items_right(PageItems("A.pdf", 3, ("Item 1A",)), chunks)
    assert len({page.file for page in read_page_items(GOLD / "page_items.jsonl")}) >= 10
