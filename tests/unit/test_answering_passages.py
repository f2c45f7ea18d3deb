"""The rest of a table, the neighbours of the first hits, and the statements of a filing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag_service.answering.extract import extract
from rag_service.answering.numeric.compute import Computed, compute
from rag_service.answering.passages import Passages
from rag_service.core.types import Chunk, Document, Hit
from tests.fakes.filings import filing, table_text
from tests.fakes.stores import FakeChunkStore

WHOLE = filing("Alder Mills", 2023)
INCOME, BALANCE = WHOLE[0], WHOLE[1]


def pieces(chunk: Chunk, size: int, heads: tuple[str, ...] = ()) -> list[Chunk]:
    """``chunk``'s table cut into pieces, each with its header, after rows that are ``heads``."""
    assert chunk.cells is not None
    rows = (*((head, *[""] * len(chunk.cells.columns)) for head in heads), *chunk.cells.rows)
    cut = []
    for start in range(0, len(rows), size):
        cells = replace(chunk.cells, rows=rows[start : start + size])
        cut.append(
            replace(
                chunk,
                chunk_id=f"{chunk.document_id}.{chunk.heading[13:16]}{start}",
                cells=cells,
                text=table_text(cells),
            )
        )
    return cut


def stored(*parts: Chunk) -> tuple[FakeChunkStore, list[Chunk]]:
    chunks = [replace(chunk, position=place) for place, chunk in enumerate(parts)]
    store = FakeChunkStore()
    first = chunks[0]
    document = Document(first.document_id, first.document, first.facts, 9, len(chunks), 4, "2024")
    store.replace(document, chunks, None)
    return store, chunks


def hit(chunk: Chunk, rank: int = 1) -> Hit:
    return Hit(rank, 0.5, chunk, scores={"vectors": 0.5})


def test_the_whole_table_of_a_hit_is_read() -> None:
    store, chunks = stored(*WHOLE[4:6], *pieces(INCOME, 2), *pieces(BALANCE, 4), *WHOLE[6:])
    far = [hit(chunk, rank) for rank, chunk in enumerate(chunks[-3:], start=1)]
    found = Passages(store).around([*far, hit(chunks[4], 4)])
    assert [h.chunk for h in found[:4]] == [*chunks[-3:], chunks[4]]
    table = {h.chunk.chunk_id for h in found if h.rank == 4}
    assert table == {chunk.chunk_id for chunk in chunks[2:6]}
    assert all(h.scores == {} for h in found[4:])


def test_the_neighbours_of_the_first_hits_are_read_once() -> None:
    more = [replace(chunk, chunk_id=f"{chunk.chunk_id}x") for chunk in WHOLE[4:]]
    store, chunks = stored(*WHOLE[4:], *more)
    hits = [hit(chunks[place], rank) for rank, place in enumerate((5, 6, 0, 3), start=1)]
    found = [h.chunk.position for h in Passages(store).around(hits)]
    # 3 is a hit itself, and of the fourth hit no neighbour is read.
    assert found[:4] == [5, 6, 0, 3]
    assert sorted(found[4:]) == [1, 4, 7]


def test_of_a_document_that_is_gone_the_hits_alone_are_read() -> None:
    hits = [hit(INCOME)]
    assert Passages(FakeChunkStore()).around(hits) == tuple(hits)
    assert Passages(FakeChunkStore()).around([]) == ()
    assert Passages(FakeChunkStore()).statements([INCOME.document_id], hits) == ()


def test_the_statements_of_a_filing_are_read() -> None:
    store, chunks = stored(*WHOLE[4:], *pieces(INCOME, 4), BALANCE, WHOLE[2], WHOLE[3])
    known = [hit(chunks[4])]
    found = Passages(store).statements([INCOME.document_id], known)
    assert [h.chunk.position for h in found] == [5, 6, 7]
    assert Passages(store).statements([], known) == ()


def test_the_rest_of_a_table_makes_a_figure_computable() -> None:
    store, chunks = stored(*WHOLE[4:6], *pieces(BALANCE, 3))
    question = "What was the current ratio of Alder Mills in 2023?"
    alone = [hit(chunks[3])]
    assert not isinstance(compute(question, alone), Computed)
    found = compute(question, Passages(store).around(alone))
    assert isinstance(found, Computed), found
    assert len({citation.chunk_id for citation in found.citations}) == 2


@pytest.mark.parametrize("question", ["What was Basic in 2023?", "basic earnings per share 2023"])
def test_rows_of_a_later_piece_stand_under_the_head_of_an_earlier_one(question: str) -> None:
    assert INCOME.cells is not None
    cells = replace(
        INCOME.cells,
        rows=(
            ("Net income", "5,100", "4,900", "4,700"),
            ("Earnings per share:", "", "", ""),
            ("Diluted", "2.31", "2.11", "2.01"),
            ("Basic", "2.41", "2.21", "2.05"),
        ),
    )
    table = replace(INCOME, cells=cells, text=table_text(cells))
    store, chunks = stored(*pieces(table, 3))
    hits = Passages(store).around([hit(chunks[1])])
    found = compute("What were basic earnings per share of Alder Mills in 2023?", hits)
    assert isinstance(found, Computed), found
    assert found.calculation == "2.41"
    extracted = extract(question, hits)
    assert extracted is not None
    assert extracted.text == "Basic: 2.41 (2023, in millions)"
