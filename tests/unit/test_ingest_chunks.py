"""Cutting to chunks: under the limit, nothing lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.chunks import make_chunks
from ingest.outline import Passage
from ingest.parse import Parsed
from ingest.splitting import TokenCounts, split_text
from ingest.tables import Grid
from rag_service.core.types import Chunk, FilingFacts
from tests.unit.ingest_files import count_words

FACTS = FilingFacts(company="Harrow", form="10-K", fiscal_year=2023)


def count_characters(texts: Sequence[str]) -> list[int]:
    """A tokenizer to which line breaks and long words cost tokens too."""
    return [(len(text) + 2) // 3 + text.count("\n") + 2 for text in texts]


def chunks_of(
    passages: Sequence[Passage], limit: int = 64, count: object = count_words
) -> tuple[Chunk, ...]:
    parsed = Parsed(Path("a.pdf"), "0" * 16, 1, FACTS, tuple(passages), ())
    return make_chunks(parsed, limit, count)  # type: ignore[arg-type]


def prose(text: str, page: int = 1, heading: str = "Business") -> Passage:
    return Passage("prose", text, page, page, "Item 1", heading)


def heading(text: str, page: int = 1) -> Passage:
    return Passage("heading", text, page, page, "Item 1", text)


def table(rows: Sequence[tuple[str, ...]], title: str = "Sales", unit: str = "") -> Passage:
    names = tuple(str(2023 - i) for i in range(len(rows[0]) - 1))
    grid = Grid(unit, (), names, tuple(rows))
    text = "\n".join("  ".join(row) for row in rows)
    return Passage("table", text, 1, 1, "Item 8", "Statements", grid, title)


words = st.text(alphabet="abcdefgh.,;:!?()$%0123456789", min_size=1, max_size=24)
texts = st.lists(words, min_size=1, max_size=150).map(" ".join)


@given(texts, st.integers(16, 60))
@example("0" * 17, 16)
def test_splitting_loses_no_text(text: str, limit: int) -> None:
    counts = TokenCounts(count_words)
    parts = split_text(text, limit, counts)
    assert " ".join(parts).split() == text.split()
    assert all(counts.of(part) <= limit for part in parts)


@given(st.lists(texts, min_size=1, max_size=6), st.sampled_from([count_words, count_characters]))
@settings(max_examples=60)
def test_prose_chunks_lose_no_text_and_keep_the_limit(found: list[str], count: object) -> None:
    chunks = chunks_of([prose(text, page) for page, text in enumerate(found, 1)], 64, count)
    assert re.sub(r"\s", "", "".join(c.text for c in chunks)) == re.sub(r"\s", "", "".join(found))
    assert all(count([chunk.embedded_text])[0] <= 64 for chunk in chunks)  # type: ignore[operator]


cells = st.sampled_from(["1,234", "(56)", "—", "$7", ""])
labels = st.lists(words, min_size=1, max_size=6).map(" ".join)
row_lists = st.lists(st.tuples(labels, cells, cells), min_size=1, max_size=40)


@given(row_lists, st.sampled_from([count_words, count_characters]))
@settings(max_examples=60)
def test_tables_are_cut_between_rows(rows: list[tuple[str, str, str]], count: object) -> None:
    chunks = chunks_of([table(rows, unit="(in millions)")], 100, count)
    assert all(count([chunk.embedded_text])[0] <= 100 for chunk in chunks)  # type: ignore[operator]
    kept = [row for chunk in chunks if chunk.cells for row in chunk.cells.rows]
    assert kept == rows
    for chunk in chunks:
        assert chunk.cells is not None
        assert chunk.text.splitlines() == [
            "Sales",
            "(in millions)",
            "2023  2022",
            *("  ".join(filter(None, row)) for row in chunk.cells.rows),
        ]


def test_a_table_is_cut_evenly() -> None:
    rows = [(f"Line {number} of the table", "1,000", "900") for number in range(11)]
    sizes = [len(c.cells.rows) for c in chunks_of([table(rows)], 80) if c.cells]
    assert sum(sizes) == 11
    assert max(sizes) - min(sizes) <= 2


def test_a_title_too_long_to_repeat_is_printed_once_and_cut_elsewhere() -> None:
    title = " ".join(f"word{number}" for number in range(60))
    rows = [(f"Line {number}", "1,000", "900") for number in range(30)]
    chunks = chunks_of([table(rows, title=title, unit="(in millions)")], 64)
    assert all(count_words([chunk.embedded_text])[0] <= 64 for chunk in chunks)
    tables = [chunk for chunk in chunks if chunk.kind == "table"]
    assert "\n".join(chunk.text for chunk in chunks).split().count("word59") == 1
    assert len(tables) > 1
    for chunk in tables:
        lines = chunk.text.splitlines()
        start = next(at for at, line in enumerate(lines) if line.endswith(" …"))
        assert title.startswith(lines[start].removesuffix(" …"))
        assert len(lines[start].split()) > 4
        assert lines[start + 1 : start + 3] == ["(in millions)", "2023  2022"]


def test_names_of_columns_that_leave_no_room_do_not_take_the_unit_along() -> None:
    names = tuple(f"name {number} of a column" for number in range(20))
    rows = tuple((f"Line {number}", *["1"] * 20) for number in range(3))
    grid = Grid("(in millions)", (), names, rows)
    passage = Passage("table", "", 1, 1, "Item 8", "Statements", grid, "Sales")
    chunks = chunks_of([passage], 80)
    tables = [chunk for chunk in chunks if chunk.kind == "table"]
    assert all(chunk.text.splitlines()[:2] == ["Sales", "(in millions)"] for chunk in tables)
    assert "\n".join(chunk.text for chunk in chunks).count("name 19 of a column") == 1


def test_small_neighbours_are_joined() -> None:
    passages = [prose(f"Sentence number {number} stands here.") for number in range(20)]
    chunks = chunks_of(passages, 64)
    assert len(chunks) <= 3
    assert all(chunk.page_start == chunk.page_end == 1 for chunk in chunks)


def test_sections_are_never_joined() -> None:
    other = Passage("prose", "Short.", 1, 1, "Item 2", "Properties")
    assert [c.section for c in chunks_of([prose("Short."), other])] == ["Item 1", "Item 2"]


def test_a_heading_goes_with_the_text_below_it() -> None:
    chunks = chunks_of([heading("Business"), prose("We make instruments.")])
    assert [chunk.text for chunk in chunks] == ["Business\nWe make instruments."]


def test_a_heading_with_nothing_below_it_is_kept() -> None:
    chunks = chunks_of([prose("We make instruments."), heading("Signatures")])
    assert Counter("\n".join(chunk.text for chunk in chunks).split())["Signatures"] == 1


def test_twins_get_ids_of_their_own() -> None:
    twin = "The same sentence, which is long enough to stand alone in its chunk. " * 4
    chunks = chunks_of([prose(twin.strip()), prose(twin.strip())], 64)
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)
    assert all(chunk.chunk_id.startswith("0" * 16 + ".") for chunk in chunks)


def test_counts_are_asked_for_in_batches() -> None:
    calls: list[int] = []

    def count(found: Sequence[str]) -> list[int]:
        calls.append(len(found))
        return count_words(found)

    chunks_of(
        [prose(f"Sentence number {number} is here.", number) for number in range(400)], 64, count
    )
    assert len(calls) < 12
