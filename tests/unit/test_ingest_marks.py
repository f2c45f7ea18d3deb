"""Where quotes stand on pages: boxes as fractions of the page as it is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pikepdf
import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from ingest import marks
from ingest.marks import find_marks, mark
from ingest.options import ReadOptions
from ingest.pdf import Pdf
from ingest.placed_words import Box, placed_words
from rag_service.core.errors import IngestError

WIDTH, HEIGHT = 600.0, 800.0
SIZE = 10.0
OPTIONS = ReadOptions()


def page(path: Path, draw: Callable[[Canvas], None]) -> Path:
    canvas = Canvas(str(path), pagesize=(WIDTH, HEIGHT))
    canvas.setFont("Helvetica", SIZE)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return path


def texts(*placed: tuple[float, float, str]) -> Callable[[Canvas], None]:
    """Draws each text at (x, y from the top)."""

    def draw(canvas: Canvas) -> None:
        for x, y, text in placed:
            canvas.drawString(x, HEIGHT - y, text)

    return draw


def marked(path: Path, quote: str) -> list[Box]:
    with Pdf(path.read_bytes(), 10) as pdf:
        return mark(placed_words(pdf, 1), quote)


def in_points(boxes: Sequence[Box]) -> list[tuple[float, ...]]:
    return [(x0 * WIDTH, y0 * HEIGHT, x1 * WIDTH, y1 * HEIGHT) for x0, y0, x1, y1 in boxes]


def covers(box: Sequence[float], x0: float, baseline: float, x1: float) -> bool:
    """Whether a box holds letters from ``x0`` to ``x1`` on a baseline, and no other line."""
    return (
        abs(box[0] - x0) < 1
        and abs(box[2] - x1) < 1
        and baseline - 1.2 * SIZE < box[1] < baseline - 0.6 * SIZE
        and baseline < box[3] < baseline + 0.4 * SIZE
    )


def across(text: str) -> float:
    return float(stringWidth(text, "Helvetica", SIZE))


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """A page with a sentence over two lines, a hyphen, a table and a row over three lines."""
    return page(
        tmp_path / "letter.pdf",
        texts(
            (50, 40, "Harrow Instruments"),
            (50, 100, "Demand grew. The compen-"),
            (50, 112, "sation of our directors was raised. It is paid yearly."),
            (50, 200, "Net sales"), (300, 200, "$"), (320, 200, "4,210"), (400, 200, "3,985"),
            (50, 214, "Cost of sales"), (320, 214, "2,105"), (400, 214, "1,990"),
            (50, 250, "Effect of exchange"), (320, 256, "(54)"), (400, 256, "12"),
            (50, 262, "rates on cash"),
            (50, 300, "Sales of 14,210 and 4,210.5 in 2023"),
        ),
    )  # fmt: skip


def test_a_sentence_over_two_lines_has_a_box_on_each(letter: Path) -> None:
    first, second = in_points(marked(letter, "The compensation of our directors was raised."))
    assert covers(first, 50 + across("Demand grew. "), 100, 50 + across("Demand grew. The compen-"))
    assert covers(second, 50, 112, 50 + across("sation of our directors was raised."))


@pytest.mark.parametrize(
    "quote",
    [
        "Net sales | $ 4,210 | 3,985",
        "Net sales 4,210 3,985",
        "net\n sales\t$4,210   3,985",
        "Net sales — $ 4,210 — 3,985",
    ],
)
def test_a_row_of_a_table_has_one_box_however_its_cells_are_joined(
    letter: Path, quote: str
) -> None:
    (box,) = in_points(marked(letter, quote))
    assert covers(box, 50, 200, 400 + across("3,985"))


def test_a_row_whose_label_stands_beside_its_figures_is_found_in_pieces(letter: Path) -> None:
    boxes = in_points(marked(letter, "Effect of exchange rates on cash | (54) | 12"))
    assert min(box[1] for box in boxes) > 235
    assert max(box[3] for box in boxes) < 268
    assert min(box[0] for box in boxes) == pytest.approx(50, abs=1)
    assert max(box[2] for box in boxes) == pytest.approx(411, abs=1)


@pytest.mark.parametrize(
    "quote",
    [
        "",
        " | — ",
        "Net profit 4,210",
        "4,21",
        "210",
        "ales",
        "Harrow Instrument",
        "not there at all",
    ],
)
def test_what_is_not_there_has_no_boxes(letter: Path, quote: str) -> None:
    assert marked(letter, quote) == []


def test_a_figure_is_not_found_in_a_longer_one(letter: Path) -> None:
    (box,) = in_points(marked(letter, "4,210"))
    assert covers(box, 320, 200, 320 + across("4,210"))


def test_an_empty_page_has_no_boxes(tmp_path: Path) -> None:
    assert marked(page(tmp_path / "empty.pdf", lambda canvas: None), "Net sales") == []


def test_columns_of_text_have_boxes_of_their_own(tmp_path: Path) -> None:
    left = ["We make measuring", "instruments for laboratories", "and for process plants."]
    right = ["Our customers stand", "in forty countries and", "buy once a year."]
    path = page(
        tmp_path / "columns.pdf",
        texts(
            *((50, 100 + 12 * n, line) for n, line in enumerate(left)),
            *((320, 100 + 12 * n, line) for n, line in enumerate(right)),
        ),
    )
    boxes = in_points(marked(path, " ".join(left)))
    assert len(boxes) == 3
    assert max(box[2] for box in boxes) < 300
    crossing = in_points(marked(path, "process plants. Our customers"))
    assert [box[0] > 300 for box in sorted(crossing, key=lambda box: box[1])] == [True, False]


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_boxes_are_where_a_turned_page_is_seen(tmp_path: Path, turn: int) -> None:
    letter = page(
        tmp_path / "table.pdf",
        texts((50, 200, "Net sales"), (320, 200, "4,210"), (50, 214, "Costs"), (320, 214, "2,105")),
    )
    upright = marked(letter, "Net sales | 4,210")
    with pikepdf.open(letter, allow_overwriting_input=True) as pdf:
        pdf.pages[0].rotate(turn, relative=False)
        pdf.save(letter)
    ((x0, y0, x1, y1),) = upright
    seen = {
        90: (1 - y1, x0, 1 - y0, x1),
        180: (1 - x1, 1 - y1, 1 - x0, 1 - y0),
        270: (y0, 1 - x1, y1, 1 - x0),
    }[turn]
    boxes = marked(letter, "Net sales | 4,210")
    edges = zip(*boxes, strict=True)
    around = [f(edge) for f, edge in zip((min, min, max, max), edges, strict=True)]
    assert around == pytest.approx(seen, abs=0.003)


def test_boxes_are_fractions_of_the_part_that_is_seen(letter: Path) -> None:
    ((x0, y0, x1, _),) = marked(letter, "Cost of sales | 2,105 | 1,990")
    with pikepdf.open(letter, allow_overwriting_input=True) as pdf:
        pdf.pages[0].cropbox = pikepdf.Array([40, 200, 540, 700])
        pdf.save(letter)
    (box,) = marked(letter, "Cost of sales | 2,105 | 1,990")
    expected = [(x0 * 600 - 40) / 500, (y0 * 800 - 100) / 500, (x1 * 600 - 40) / 500]
    assert box[:3] == pytest.approx(expected, abs=0.003)


def test_text_that_stands_upright_on_its_side_is_found(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rotate(90)
        canvas.drawString(100, -300, "Net sales of instruments")

    boxes = in_points(marked(page(tmp_path / "side.pdf", draw), "Net sales of instruments"))
    assert boxes
    assert all(288 < box[0] < box[2] < 306 for box in boxes)
    assert max(box[3] for box in boxes) == pytest.approx(HEIGHT - 100, abs=1)


def test_of_a_quote_that_runs_over_the_page_the_part_on_it_is_found(tmp_path: Path) -> None:
    beginning = "The instruments that we sell are calibrated by"
    path = page(
        tmp_path / "end.pdf",
        texts(
            (50, 60, "Calibrated by whom is told at once."),
            *((50, 100 + 12 * n, "Customers ask for more than we can make.") for n in range(12)),
            (
                50,
                680,
                "We answer each of them within a day, and sell what is left over then.",
            ),
            (50, 700, beginning),
            (300, 780, "Harrow 17"),
        ),
    )
    (box,) = in_points(marked(path, f"{beginning} two of our own laboratories."))
    assert 680 < box[1] < box[3] < 710
    (box,) = in_points(marked(path, "We were asked if calibrated by whom is told at once."))
    assert 45 < box[1] < box[3] < 70
    assert marked(path, "Customers ask for more than they did in any year before.") == []


def test_marks_are_found_in_a_process_of_its_own(letter: Path) -> None:
    (box,) = find_marks(letter, 1, "Cost of sales 2,105", OPTIONS)
    assert covers(in_points([box])[0], 50, 214, 320 + across("2,105"))


def test_a_page_or_file_that_cannot_be_read_is_an_error(letter: Path, tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="page 2 cannot be read"):
        find_marks(letter, 2, "Net sales", OPTIONS)
    (tmp_path / "none.pdf").write_bytes(b"none")
    with pytest.raises(IngestError, match="cannot be opened"):
        find_marks(tmp_path / "none.pdf", 1, "Net sales", OPTIONS)
    with pytest.raises(IngestError, match="ended with status"):
        find_marks(tmp_path / "missing.pdf", 1, "Net sales", OPTIONS)


def test_a_reader_that_hangs_is_given_up(letter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "PAGE_SECONDS", 0.01)
    with pytest.raises(IngestError, match="not done after"):
        find_marks(letter, 1, "Net sales", OPTIONS)
