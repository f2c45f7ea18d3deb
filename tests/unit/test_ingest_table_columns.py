"""Columns of tables: what they are called, which hold words, which cells are one value."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from ingest.pdf import Pdf
from ingest.rows import build_rows
from ingest.tables import Grid, find_tables

Line = tuple[float, float, str]
Drawn = tuple[float, float, float]
"""A rule: left and right end, and its distance from the page's top."""


def sheet(lines: Sequence[Line], rules: Sequence[Drawn] = (), white: Sequence[Drawn] = ()) -> bytes:
    """One page whose values end at x, as figures do, and whose words begin there."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=letter, invariant=1)
    canvas.setFont("Helvetica", 10)
    height = letter[1]
    for x, y, text in lines:
        if text[0].isdigit() or text[0] in "$(":
            canvas.drawRightString(x, height - y, text)
        else:
            canvas.drawString(x, height - y, text)
    for drawn, shade in ((rules, 0), (white, 1)):
        canvas.setFillGray(shade)
        for left, right, y in drawn:
            canvas.rect(left, height - y, right - left, 0.7, stroke=0, fill=1)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def tables(content: bytes) -> list[Grid]:
    with Pdf(content, 10) as pdf:
        return [
            region.grid for region in find_tables(build_rows(pdf.words(1)), lambda: pdf.rules(1))
        ]


def table(lines: Sequence[Line], rules: Sequence[Drawn] = (), white: Sequence[Drawn] = ()) -> Grid:
    (grid,) = tables(sheet(lines, rules, white))
    return grid


SEGMENTS: list[Line] = [
    (54, 140, "Fasteners"), (260, 140, "100"), (320, 140, "37.2%"), (380, 140, "40"),
    (440, 140, "90"), (500, 140, "36.0%"), (560, 140, "(3)"),
    (54, 154, "Coatings"), (260, 154, "200"), (320, 154, "62.8%"), (380, 154, "50"),
    (440, 154, "160"), (500, 154, "64.0%"), (560, 154, "41"),
]  # fmt: skip
NAMES: list[Line] = [
    (240, 126, "Sales"), (290, 126, "Share"), (355, 126, "Profit"),
    (420, 126, "Sales"), (470, 126, "Share"), (535, 126, "Profit"),
]  # fmt: skip


def test_a_rule_says_how_far_a_header_reaches() -> None:
    # Both headers stand over the middle column of theirs; the rules cover three each.
    grid = table(
        [(280, 108, "Spring"), (460, 108, "Autumn"), *NAMES, *SEGMENTS],
        [(230, 382, 111), (410, 562, 111)],
    )
    assert grid.columns == (
        "Spring Sales", "Spring Share", "Spring Profit",
        "Autumn Sales", "Autumn Share", "Autumn Profit",
    )  # fmt: skip


def test_pieces_of_a_rule_are_one() -> None:
    pieces = [(230, 270, 111), (270, 330, 111), (330, 382, 111), (410, 562, 111)]
    grid = table([(280, 108, "Spring"), (460, 108, "Autumn"), *NAMES, *SEGMENTS], pieces)
    assert grid.columns[:3] == ("Spring Sales", "Spring Share", "Spring Profit")


def test_a_white_piece_between_two_rules_joins_nothing() -> None:
    rules, white = [(230, 382, 111), (410, 562, 111)], [(382, 410, 111)]
    grid = table([(280, 108, "Spring"), (460, 108, "Autumn"), *NAMES, *SEGMENTS], rules, white)
    assert grid.columns[2:4] == ("Spring Profit", "Autumn Sales")


def test_a_rule_over_all_columns_is_under_a_caption() -> None:
    grid = table([(340, 108, "By season of sale"), *NAMES, *SEGMENTS], [(230, 562, 111)])
    assert grid.captions == ("By season of sale",)
    assert grid.columns[0] == "Sales"


def test_a_wrapped_header_stays_in_its_column() -> None:
    grid = table(
        [
            (480, 92, "Weighted"), (475, 104, "remaining"), (330, 116, "Shares"),
            (400, 116, "Price"), (485, 116, "term"),
            (54, 132, "Granted"), (360, 132, "17"), (430, 132, "$21.60"), (520, 132, "6.5"),
            (54, 146, "Exercised"), (360, 146, "(4)"), (430, 146, "19.85"), (520, 146, "5.1"),
        ],
        [(320, 362, 119), (390, 432, 119), (460, 525, 119)],
    )  # fmt: skip
    assert grid.columns == ("Shares", "Price", "Weighted remaining term")
    assert grid.captions == ()


def test_header_words_over_neighbouring_columns_are_parted() -> None:
    grid = table([
        (330, 100, "Harbour"), (372, 100, "Corporate"),
        (54, 116, "Revenue"), (365, 116, "1,986"), (418, 116, "40"),
        (54, 130, "Costs"), (365, 130, "1,500"), (418, 130, "31"),
    ])  # fmt: skip
    assert grid.columns == ("Harbour", "Corporate")


def test_columns_of_words_are_columns() -> None:
    grid = table([
        (230, 100, "Level"), (400, 100, "Cost"), (480, 100, "Value"),
        (54, 116, "Commercial paper"), (230, 116, "Level 2"), (420, 116, "25"), (505, 116, "24"),
        (54, 130, "Government bonds"), (230, 130, "Level 1"), (420, 130, "79"), (505, 130, "78"),
    ])  # fmt: skip
    assert grid.columns == ("Level", "Cost", "Value")
    assert grid.rows == (
        ("Commercial paper", "Level 2", "25", "24"),
        ("Government bonds", "Level 1", "79", "78"),
    )


def test_words_wrapped_beside_a_label_go_to_their_row() -> None:
    grid = table([
        (230, 100, "Location"), (400, 100, "Cost"), (480, 100, "Value"),
        (54, 116, "Net hedges"), (230, 116, "Other assets"), (420, 116, "25"), (505, 116, "24"),
        (230, 134, "Other liabilities and"),
        (54, 145, "Swaps"), (230, 145, "Other assets"), (420, 145, "1"), (505, 145, "5"),
        (54, 163, "Options"), (230, 163, "Other assets"), (420, 163, "2"), (505, 163, "7"),
    ])  # fmt: skip
    assert grid.rows[1] == ("Swaps", "Other liabilities and Other assets", "1", "5")


def test_a_range_is_one_value() -> None:
    near = table([
        (400, 100, "2023"), (500, 100, "2022"),
        (54, 116, "Volatility"), (372, 116, "34%"), (374.5, 116, "-"), (400, 116, "37%"),
        (472, 116, "40%"), (474.5, 116, "-"), (500, 116, "50%"),
        (54, 130, "Fair value"), (400, 130, "$71.45"), (500, 130, "$48.85"),
    ])  # fmt: skip
    assert near.columns == ("2023", "2022")
    assert near.rows == (
        ("Volatility", "34% - 37%", "40% - 50%"),
        ("Fair value", "$71.45", "$48.85"),
    )


def test_the_ends_of_a_range_may_stand_far_apart() -> None:
    grid = table([
        (395, 100, "2023"), (520, 100, "2022"),
        (54, 116, "Volatility"), (360, 116, "29.5"), (376, 116, "-"), (420, 116, "29.9"),
        (485, 116, "30.6"), (501, 116, "-"), (545, 116, "31.4"),
        (54, 130, "Rate"), (360, 130, "1.5"), (376, 130, "-"), (420, 130, "2.4"),
        (485, 130, "2.7"), (501, 130, "-"), (545, 130, "3.1"),
        (54, 144, "Term in years"), (384, 144, "7.4"), (509, 144, "7.4"),
    ])  # fmt: skip
    assert grid.columns == ("2023", "2022")
    assert grid.rows[0] == ("Volatility", "29.5 - 29.9", "30.6 - 31.4")
    assert grid.rows[2] == ("Term in years", "7.4", "7.4")


def test_a_footnote_mark_is_no_column() -> None:
    grid = table([
        (400, 100, "2023"), (500, 100, "2022"),
        (54, 116, "Obtained for leases"), (400, 116, "$489"), (500, 116, "$705"), (518, 116, "(1)"),
        (54, 130, "Paid for leases"), (400, 130, "583"), (500, 130, "532"),
    ])  # fmt: skip
    assert grid.columns == ("2023", "2022")
    assert grid.rows[0] == ("Obtained for leases", "$489", "$705 (1)")


def test_percent_begins_a_header_beside_a_year() -> None:
    grid = table([
        (400, 100, "2023"), (440, 100, "% Change"),
        (54, 116, "Apparel"), (400, 116, "3,996"), (470, 116, "31%"),
        (54, 130, "Footwear"), (400, 130, "6,970"), (470, 130, "18%"),
    ])  # fmt: skip
    assert grid.columns == ("2023", "% Change")


def test_a_year_may_end_a_header_or_a_label() -> None:
    grid = table([
        (330, 100, "Patents that expire"), (350, 112, "before"), (408, 112, "2025"),
        (330, 124, "Number"), (420, 124, "Share"),
        (54, 140, "Optics: all patents that were granted in"),
        (54, 152, "and before"), (360, 152, "84"), (445, 152, "27%"),
        (54, 170, "Displays: those granted before the end of"),
        (76, 182, "2020"), (360, 182, "15"), (445, 182, "7%"),
        (54, 200, "Others"), (360, 200, "9"), (445, 200, "3%"),
    ])  # fmt: skip
    labels = [row[0] for row in grid.rows]
    assert labels == [
        "Optics: all patents that were granted in and before",
        "Displays: those granted before the end of 2020",
        "Others",
    ]
    assert all("2020" not in name for name in grid.columns)


def test_lines_of_one_label_stand_closer_than_rows() -> None:
    rows: list[Line] = [
        (54, 116, "Sales to shops"), (400, 116, "27"), (500, 116, "25"),
        (54, 134, "Sales to the public"), (400, 134, "21"), (500, 134, "18"),
        (54, 152, "Sales from our own shops to Direct"),
        (54, 161, "Operations"), (400, 161, "12"), (500, 161, "10"),
        (54, 179, "Adjustments"), (400, 179, "1"), (500, 179, "2"),
    ]  # fmt: skip
    grid = table([(400, 100, "2023"), (500, 100, "2022"), *rows])
    assert grid.rows[2] == ("Sales from our own shops to Direct Operations", "12", "10")


def test_a_second_part_puts_its_years_under_the_first_parts_names() -> None:
    first: list[Line] = [
        (350, 100, "Before tax"), (450, 100, "After tax"), (400, 114, "2020"), (500, 114, "2020"),
        (54, 128, "Realized"), (400, 128, "18"), (500, 128, "14"),
        (54, 142, "Unrealized"), (400, 142, "230"), (500, 142, "179"),
    ]  # fmt: skip
    second: list[Line] = [
        (400, 166, "2019"), (500, 166, "2019"),
        (54, 180, "Realized"), (400, 180, "97"), (500, 180, "78"),
        (54, 194, "Unrealized"), (400, 194, "(190)"), (500, 194, "(189)"),
    ]  # fmt: skip
    above, below = tables(sheet([*first, *second]))
    assert above.columns == ("Before tax 2020", "After tax 2020")
    assert below.columns == ("Before tax 2019", "After tax 2019")


def test_letters_set_apart_are_one_word() -> None:
    widths = {"N": 7.22, "e": 5.56, "t": 2.78}
    x = 54.0
    letters: list[Line] = []
    for letter_ in "Net":
        letters.append((x, 116, letter_))
        x += widths[letter_]
    content = sheet([
        (400, 100, "2023"), (500, 100, "2022"), *letters, (x + 2.8, 116, "income"),
        (400, 116, "12"), (500, 116, "10"),
        (54, 130, "Taxes"), (400, 130, "3"), (500, 130, "2"),
    ])  # fmt: skip
    (grid,) = tables(content)
    assert grid.rows[0] == ("Net income", "12", "10")


def test_no_rules_are_read_where_text_stands_turned() -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=letter, invariant=1)
    canvas.rect(100, 300, 200, 0.7, stroke=0, fill=1)
    canvas.rotate(90)
    canvas.drawString(100, -100, "Landscape tables are set so")
    canvas.showPage()
    canvas.save()
    with Pdf(buffer.getvalue(), 10) as pdf:
        assert next(word.text for word in pdf.words(1)) == "Landscape"
        assert pdf.rules(1) == []
