"""Two releases side by side, and how alike two rankings are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rag_service.answering.compare import jaccard, rank_biased_overlap
from rag_service.answering.documents import comparison_document
from rag_service.core.errors import NotFound
from tests.fakes.answering import World
from tests.fakes.filings import filings

QUESTION = "What were net sales of Birchwater in 2022?"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    chunks = filings(companies=3)
    world.add_release("ma", chunks, live=True)
    world.add_release("mb", chunks)
    return world


def test_each_side_is_what_its_release_alone_gives(world: World) -> None:
    comparison = asyncio.run(world.comparer.compare(QUESTION, "r0001", "r0002", k=5))
    for side, name in ((comparison.a, "r0001"), (comparison.b, "r0002")):
        assert side.result.release == side.answer.release == name
        assert side.result.hits == world.retriever.search(QUESTION, 5, release=name).hits
        assert side.answer.hits == side.result.hits
        assert side.answer_ms >= 0
    assert comparison.a.result.model != comparison.b.result.model


def test_moves_tell_each_chunks_ranks_under_both(world: World) -> None:
    comparison = asyncio.run(world.comparer.compare(QUESTION, "r0001", "r0002", k=5))
    rank_a = {h.chunk.chunk_id: h.rank for h in comparison.a.result.hits}
    rank_b = {h.chunk.chunk_id: h.rank for h in comparison.b.result.hits}
    assert {m.chunk_id for m in comparison.moves} == rank_a.keys() | rank_b.keys()
    for move in comparison.moves:
        assert move.rank_a == rank_a.get(move.chunk_id)
        assert move.rank_b == rank_b.get(move.chunk_id)
        if move.rank_a is None or move.rank_b is None:
            assert move.move is None
        else:
            assert move.move == move.rank_a - move.rank_b
    best = [min(r for r in (m.rank_a, m.rank_b) if r) for m in comparison.moves]
    assert best == sorted(best)
    assert 0 < comparison.rbo < 1
    assert comparison.jaccard == len(rank_a.keys() & rank_b) / len(rank_a | rank_b)


def test_a_release_against_itself_is_equal(world: World) -> None:
    comparison = asyncio.run(world.comparer.compare(QUESTION, "r0001", "r0001"))
    assert comparison.rbo == pytest.approx(1)
    assert comparison.jaccard == 1
    assert {move.move for move in comparison.moves} == {0}


def test_an_unknown_release_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        asyncio.run(world.comparer.compare(QUESTION, "r0001", "r9999"))


def test_the_document_has_both_sides(world: World) -> None:
    comparison = asyncio.run(world.comparer.compare(QUESTION, "r0001", "r0002", k=5))
    document = comparison_document(comparison)
    assert [document[side]["release"] for side in "ab"] == ["r0001", "r0002"]
    assert [len(document[side]["hits"]) for side in "ab"] == [5, 5]
    assert set(document["a"]["timings"]) == {"pin", "understand", "encode", "search", "answer"}
    assert document["rbo"] == comparison.rbo


@pytest.mark.parametrize(
    ("a", "b", "overlap"),
    [
        ("abc", "abc", 1.0),
        ("abc", "xyz", 0.0),
        ("", "", 1.0),
        ("abc", "", 0.0),
        # by hand: (0.1/0.9) (0.9 · 0/1 + 0.81 · 2/2) + 2/2 · 0.81
        ("ab", "ba", 0.9),
        # by hand: (0.1/0.9) (0.9 · 1/1 + 0.81 · 1/2 + 0.81 · 1 (2-1)/(1·2)) + 1 · 0.81
        ("a", "ab", 1.0),
        # by hand: (0.1/0.9) (0.9 · 1/1 + 0.81 · 1/2) + 1/2 · 0.81
        ("ab", "ax", 0.55),
    ],
)
def test_rank_biased_overlap(a: str, b: str, overlap: float) -> None:
    assert rank_biased_overlap(a, b) == pytest.approx(overlap)
    assert rank_biased_overlap(b, a) == pytest.approx(overlap)


def test_jaccard() -> None:
    assert jaccard("abc", "bcd") == 0.5
    assert jaccard("", "") == 1.0
