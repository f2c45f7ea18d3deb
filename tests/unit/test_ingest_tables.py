"""Rows, cells and tables from words on a page."""

from __future__ import annotations

import pytest

from ingest.html_tables import grids_of
from ingest.numbers import is_figure, is_period, is_unit, is_year
from ingest.pages import Row
from ingest.pdf import Pdf
from ingest.rows import build_rows
from ingest.tables import Grid, find_tables
from tests.unit.ingest_files import text_pdf

Line = tuple[float, float, str]


def rows_of(lines: list[Line]) -> tuple[Row, ...]:
    with Pdf(text_pdf(lines), 10) as pdf:
        words = pdf.words(1)
    return build_rows(words)


def cells_of(lines: list[Line]) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in rows_of(lines)]


def table_of(lines: list[Line]) -> Grid:
    (region,) = find_tables(rows_of(lines))
    return region.grid


@pytest.mark.parametrize(
    "text",
    ["1,234", "$1,234", "(1,234)", "$(12.5)", "12.5%", "(2.3)%", "—", "-", "N/A", "¥107", ".01",
     "5-35", "30 bps", "7 years", "1,234 (a)"],
)  # fmt: skip
def test_figures(text: str) -> None:
    assert is_figure(text)


@pytest.mark.parametrize("text", ["31,", "2018.", "Note 5", "41-0907483", "12/31/2023", "ten"])
def test_other_text(text: str) -> None:
    assert not is_figure(text)


def test_years_units_and_periods() -> None:
    assert is_year("2023")
    assert is_year("Fiscal 2023")
    assert not is_year("1,234")
    assert is_unit("(in millions, except per share amounts)")
    assert is_unit("(Dollars in thousands)")
    assert not is_unit("Sales rose to 4 million in the year")
    assert is_period("Years ended December 31,")
    assert is_period("Three months ended June 30, 2023")
    assert not is_period("Net sales")


def test_signs_join_the_figure_that_they_stand_beside() -> None:
    line: list[Line] = [
        (54, 100, "Net loss"), (300, 100, "$"), (340, 100, "(1,234"), (375, 100, ")"),
        (420, 100, "12.5"), (445, 100, "%"), (500, 100, "("), (506, 100, "7"), (513, 100, ")"),
    ]  # fmt: skip
    assert cells_of(line) == [["Net loss", "$(1,234)", "12.5%", "(7)"]]


def test_figures_side_by_side_are_cells_of_their_own() -> None:
    line: list[Line] = [(54, 100, "Balance at year end"), (300, 100, "$ 11,468 $ 4,800 36,296")]
    assert cells_of(line) == [["Balance at year end", "$11,468", "$4,800", "36,296"]]


def test_a_raised_value_belongs_to_the_label_beside_it() -> None:
    assert cells_of([(54, 100, "Class A"), (300, 105, "4,475")]) == [["Class A", "4,475"]]


def test_the_order_of_the_content_stream_does_not_matter() -> None:
    columns: list[Line] = [(400, 120, "20"), (300, 120, "10"), (400, 106, "40"), (300, 106, "30")]
    labels: list[Line] = [(54, 120, "Lower"), (54, 106, "Upper")]
    assert cells_of([*columns, *labels]) == [["Upper", "30", "40"], ["Lower", "10", "20"]]


def test_group_headers_stand_over_their_columns() -> None:
    grid = table_of([
        (330, 86, "Three months ended"), (450, 86, "Nine months ended"),
        (330, 100, "2023"), (390, 100, "2022"), (450, 100, "2023"), (510, 100, "2022"),
        (54, 114, "Revenue"), (330, 114, "10"), (390, 114, "9"), (450, 114, "30"), (510, 114, "27"),
        (54, 128, "Costs"), (330, 128, "(4)"), (390, 128, "(3)"), (450, 128, "(12)"),
        (510, 128, "(9)"),
    ])  # fmt: skip
    assert grid.columns == (
        "Three months ended 2023",
        "Three months ended 2022",
        "Nine months ended 2023",
        "Nine months ended 2022",
    )
    assert grid.rows == (("Revenue", "10", "9", "30", "27"), ("Costs", "(4)", "(3)", "(12)", "(9)"))


def test_years_may_be_labels() -> None:
    grid = table_of([
        (54, 100, "Year ending June 30,"), (54, 114, "2024"), (400, 114, "$5,250"),
        (54, 128, "2025"), (400, 128, "2,250"), (54, 142, "Thereafter"), (400, 142, "3,000"),
    ])  # fmt: skip
    assert grid.rows == (("2024", "$5,250"), ("2025", "2,250"), ("Thereafter", "3,000"))


def test_centred_headers_may_stand_left_of_their_figures() -> None:
    grid = table_of([
        (283, 100, "Fabric stores"), (363, 100, "Classes"), (436, 100, "Online"),
        (54, 114, "Comparable sales"), (316, 114, "8.2%"), (388, 114, "1.6%"), (462, 114, "0.7%"),
        (54, 128, "New stores"), (316, 128, "0.6%"), (388, 128, "0.9%"), (462, 128, "0.1%"),
    ])  # fmt: skip
    assert grid.columns == ("Fabric stores", "Classes", "Online")
    lone = table_of([
        (470, 100, "2022"), (54, 114, "Stores opened"), (505, 114, "9"),
        (54, 128, "Stores closed"), (505, 128, "(2)"),
    ])  # fmt: skip
    assert lone.columns == ("2022",)


def test_section_labels_and_empty_cells_are_kept() -> None:
    grid = table_of([
        (400, 100, "2023"), (480, 100, "2022"), (54, 114, "Current assets:"),
        (54, 128, "Cash"), (400, 128, "10"), (480, 128, "9"),
        (54, 142, "Restricted cash"), (480, 142, "4"),
        (54, 156, "Total"), (400, 156, "10"), (480, 156, "13"),
    ])  # fmt: skip
    assert grid.columns == ("2023", "2022")
    assert grid.rows == (
        ("Current assets:", "", ""),
        ("Cash", "10", "9"),
        ("Restricted cash", "", "4"),
        ("Total", "10", "13"),
    )


def test_a_second_header_begins_a_second_table() -> None:
    regions = find_tables(rows_of([
        (400, 100, "2023"), (480, 100, "2022"),
        (54, 114, "Cash"), (400, 114, "10"), (480, 114, "9"),
        (54, 128, "Debt"), (400, 128, "3"), (480, 128, "2"),
        (54, 156, "Shares"), (400, 156, "2023"), (480, 156, "2022"),
        (54, 170, "Issued"), (400, 170, "100"), (480, 170, "90"),
        (54, 184, "Held"), (400, 184, "7"), (480, 184, "6"),
    ]))  # fmt: skip
    assert [region.grid.rows for region in regions] == [
        (("Cash", "10", "9"), ("Debt", "3", "2")),
        (("Issued", "100", "90"), ("Held", "7", "6")),
    ]


def test_prose_is_no_table() -> None:
    text = "The company sold 12 plants in 2023, 14 in 2022 and 16 in 2021, at prices of 5 to 7."
    assert find_tables(rows_of([(54, 100 + 12 * i, text) for i in range(5)])) == []


def test_html_cells_with_spacers_and_signs() -> None:
    (grid,) = grids_of(
        "<table><tr><td>(in millions)</td><td></td><td colspan=3>2023</td><td></td>"
        "<td colspan=3>2022</td></tr>"
        "<tr><td>Revenue</td><td></td><td>$</td><td>1,234</td><td></td><td></td><td>$</td>"
        "<td>1,100</td><td></td></tr>"
        "<tr><td>Net<br>loss</td><td></td><td></td><td>(34</td><td>)</td><td></td><td></td>"
        "<td>(11</td><td>)</td></tr></table>"
    )
    assert grid == Grid(
        "(in millions)",
        (),
        ("2023", "2022"),
        (("Revenue", "$1,234", "$1,100"), ("Net loss", "(34)", "(11)")),
    )
