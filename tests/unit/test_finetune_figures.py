"""Numbers in text are compared as numbers."""

from dataclasses import replace

import pytest

from finetune.figures import PrintedFigures, figures_in
from rag_service.core.types import Chunk, TableCells
from tests.fakes.filings import filing

PROSE = filing("Alder Mills", 2023)[4]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,234", [1234]),
        ("1234", [1234]),
        ("$ (1,234.5)", [1234.5]),
        ("(56)", [56]),
        ("-56", [56]),
        ("\u221256", [56]),
        (".75", [0.75]),
        ("12.5 %", [12.5]),
        ("$1.2 billion", [1.2e9]),
        ("$1.2bn and $3M", [1.2e9, 3e6]),
        ("$4 and 5 million", [4, 5e6]),
        ("2.5x", [2.5]),
        ("(72) ($ and shares in millions, except per share amounts)", [72e6]),
        ("rose from $1,234 to (56.7) in 2023.", [1234, 56.7, 2023]),
        ("10, 20 and 30.", [10, 20, 30]),
        ("a | 1,100 | 1,000", [1100, 1000]),
    ],
)
def test_numbers_are_read_however_they_are_printed(text: str, values: list[float]) -> None:
    assert [figure.value for figure in figures_in(text)] == values


@pytest.mark.parametrize("text", ["3M", "10-K", "FY18", "1st", "Item 7A", "v1.2.3", "5-year"])
def test_numbers_within_names_are_none(text: str) -> None:
    assert not figures_in(text)


@pytest.mark.parametrize(
    ("text", "telling"),
    [("2018", False), ("2,018", True), ("7", False), ("$7", True), ("7%", True), ("7.5", True),
     ("456", True), ("7 million", True)],
)  # fmt: skip
def test_years_and_small_counts_tell_nothing(text: str, telling: bool) -> None:
    (figure,) = figures_in(text)
    assert figure.telling is telling


def _table(unit: str, *cells: str, text: str = "") -> Chunk:
    held = TableCells("Sales", unit, ("2023",), tuple(("Sales", cell) for cell in cells))
    lines = "\n".join(f"Sales | {cell}" for cell in cells)
    return replace(PROSE, kind="table", cells=held, text=text or f"Sales\n{unit}\n{lines}")


@pytest.mark.parametrize(
    ("answer", "chunk", "stated"),
    [
        ("1234", _table("", "1,234"), True),
        ("-56", _table("", "(56)"), True),
        ("(56)", replace(PROSE, text="a loss of 56"), True),
        ("$1.2 billion", _table("in millions", "1,200"), True),
        ("$1.2 billion", _table("in millions", "1,234"), False),
        ("1,200", replace(PROSE, text="It was $1,200 million."), True),
        ("1,200 million", replace(PROSE, text="It was $1.2 billion."), True),
        ("$1,200,000,000", _table("in millions", "1,200"), True),
        ("$1,200 million", _table("in thousands", "1,200"), False),
        ("$1,200 million", _table("in thousands", "1,200,000"), True),
        ("$1,200 million", _table("", "1,200"), True),
        ("$1,200 million", replace(PROSE, text="We run 1,200 stores."), False),
        ("$1,200 million", _table("", "1,200", text="(in millions)\nSales | 1,200"), True),
        ("12.5%", _table("", "12.5"), True),
        ("12.5%", replace(PROSE, text="It grew by 12.5 percent."), True),
        ("234", _table("", "1,234"), False),
        ("123", _table("", "1,234"), False),
    ],
)
def test_a_number_is_found_in_whichever_unit_it_is_printed(
    answer: str, chunk: Chunk, stated: bool
) -> None:
    (figure,) = figures_in(answer)
    assert PrintedFigures(chunk).state(figure) is stated
