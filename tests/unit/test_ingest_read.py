"""A drawn filing, read whole: facts, sections, tables, furniture, ids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ingest.read import Filing, ReadOptions, chunker, find_files, read_file
from rag_service.core.errors import ConfigError, NotFound
from rag_service.core.types import Chunk, FilingFacts
from tests.unit import ingest_files as files
from tests.unit.ingest_files import count_words


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.filing(tmp_path_factory.mktemp("filing") / "HARROW_2023_10K.pdf")


@pytest.fixture(scope="module")
def filing(path: Path) -> Filing:
    return read_file(path, ReadOptions(chunk_tokens=120), count_words)


def tables(filing: Filing, title: str) -> list[Chunk]:
    return [c for c in filing.chunks if c.cells is not None and c.cells.title == title]


def test_cover_facts(filing: Filing) -> None:
    assert filing.document.facts == FilingFacts(
        company="Harrow Instruments Corporation",
        ticker="HRWI",
        form="10-K",
        fiscal_year=2023,
        period_end="2023-09-30",
    )
    assert filing.warnings == ()


def test_document_counts(filing: Filing) -> None:
    document = filing.document
    assert document.name == "HARROW_2023_10K.pdf"
    assert document.pages == 6
    assert document.chunks == len(filing.chunks)
    assert document.tables == 3
    assert document.chunker == chunker(ReadOptions(chunk_tokens=120))
    assert [chunk.position for chunk in filing.chunks] == list(range(document.chunks))
    assert all(chunk.document_id == document.document_id for chunk in filing.chunks)


def test_sections_come_from_headings_alone(filing: Filing) -> None:
    sections = {(chunk.page_start, chunk.section) for chunk in filing.chunks}
    assert sections == {
        (1, ""),
        (3, "Item 1"),
        (3, "Item 1A"),
        (4, "Item 8"),
        (5, "Item 8"),
        (6, "Item 9A"),
    }


def test_a_reference_in_running_text_is_no_heading(filing: Filing) -> None:
    chunk = next(c for c in filing.chunks if "Item 8 of this report" in c.text)
    assert chunk.section == "Item 1"
    assert "For what may go wrong see the next part and Item 8 of this report" in chunk.text


def test_context_line(filing: Filing) -> None:
    chunk = next(c for c in filing.chunks if files.PROSE[0] in c.text)
    assert chunk.context == (
        "Harrow Instruments Corporation | FY2023 10-K | Item 1 | Business > Overview"
    )
    assert chunk.heading == "Business > Overview"
    assert chunk.kind == "prose"


def test_furniture_and_contents_stay_out(filing: Filing) -> None:
    text = "\n".join(chunk.text for chunk in filing.chunks)
    assert files.HEADER not in text
    assert "TABLE OF CONTENTS" not in text
    assert "Analysis  3" not in text
    assert not any(line.strip().isdigit() for line in text.splitlines())


def test_income_statement_rows_are_whole(filing: Filing) -> None:
    (chunk,) = tables(filing, "Consolidated Statements of Income")
    assert chunk.cells is not None
    assert chunk.cells.unit == "(in millions, except per share amounts)"
    assert chunk.cells.columns == ("2023", "2022", "2021")
    assert chunk.cells.rows == tuple(
        (label, *(value.replace("$ ", "$") for value in values)) for label, values in files.INCOME
    )
    assert chunk.text.splitlines() == [
        "Item 8. Financial Statements and Supplementary Data",
        "Consolidated Statements of Income",
        "(in millions, except per share amounts)",
        "Years ended September 30,",
        "2023  2022  2021",
        "Net sales  $4,210  $3,985  $3,600",
        "Cost of sales  2,105  1,990  1,812",
        "Research and development  310  295  270",
        "Gain on sale of businesses  (54)  (12)  —",
        "Operating income  1,849  1,712  1,518",
        "Net income  $1,290  $1,180  $1,020",
    ]


def test_a_long_table_repeats_its_header_in_every_chunk(filing: Filing) -> None:
    chunks = tables(filing, "Segment Sales")
    assert {chunk.page_start for chunk in chunks} == {4, 5}
    for chunk in chunks:
        assert chunk.cells is not None
        assert chunk.text.startswith("Segment Sales\n(in millions)\n2023  2022  2021\n")
        assert chunk.cells.columns == ("2023", "2022", "2021")
        rows = chunk.text.splitlines()[3:]
        assert rows == ["  ".join(row) for row in chunk.cells.rows]
    labels = [row[0] for chunk in chunks if chunk.cells for row in chunk.cells.rows]
    assert labels[:48] == [f"Plant {number:02d} sales" for number in range(48)]


def test_a_wrapped_label_is_joined(filing: Filing) -> None:
    row = tables(filing, "Segment Sales")[-1].cells
    assert row is not None
    assert row.rows[-1] == (
        "Adjustments to reconcile the sales of plants to the sales of the company as a whole",
        "(7)",
        "(6)",
        "(5)",
    )


def test_no_chunk_is_longer_than_the_limit(path: Path) -> None:
    for limit in (64, 100, 220):
        filing = read_file(path, ReadOptions(chunk_tokens=limit), count_words)
        lengths = count_words([chunk.embedded_text for chunk in filing.chunks])
        assert max(lengths) <= limit


def test_ids_are_stable_and_distinct(path: Path, filing: Filing) -> None:
    again = read_file(path, ReadOptions(chunk_tokens=120), count_words)
    assert [c.chunk_id for c in again.chunks] == [c.chunk_id for c in filing.chunks]
    assert len({c.chunk_id for c in filing.chunks}) == len(filing.chunks)
    assert replace(again.document, ingested_at="") == replace(filing.document, ingested_at="")


def test_a_limit_without_room_for_text_is_a_wrong_setting(path: Path) -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_CHUNK_TOKENS=18"):
        read_file(path, ReadOptions(chunk_tokens=18), count_words)


def test_find_files(tmp_path: Path) -> None:
    inner = tmp_path / "b"
    inner.mkdir()
    for name in ("b/z.PDF", "a.htm", "c.txt", "notes.md", "d.html"):
        (tmp_path / name).write_text("x")
    found = [tmp_path / name for name in ("a.htm", "b/z.PDF", "c.txt", "d.html")]
    assert find_files([tmp_path]) == found
    assert find_files([tmp_path / "notes.md", tmp_path / "a.htm", tmp_path]) == [
        tmp_path / "notes.md",
        *found,
    ]
    with pytest.raises(NotFound, match="gone"):
        find_files([tmp_path / "gone"])
