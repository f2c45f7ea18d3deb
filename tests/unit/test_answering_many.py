"""Many questions under one release: by words, and as similarities to given chunks."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_service.core.errors import InvalidRequest, StoreError
from tests.fakes.answering import World
from tests.fakes.filings import filings

CHUNKS = filings(companies=3)
QUESTIONS = ["net sales of Birchwater", "goodwill and accounts payable"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS[:4])
    return world


def test_words_are_searched_in_the_release_that_is_named(world: World) -> None:
    live = world.retriever.search_text_many(QUESTIONS, k=5)
    assert [[hit.rank for hit in hits] for hits in live] == [[1, 2, 3, 4, 5]] * 2
    assert "Goodwill" in live[1][0].chunk.text
    named = world.retriever.search_text_many(QUESTIONS, k=5, release="r0002")
    assert {hit.chunk.chunk_id for hits in named for hit in hits} <= {
        chunk.chunk_id for chunk in CHUNKS[:4]
    }
    assert world.retriever.search_text_many([], k=5) == []


def test_scores_are_those_of_the_search(world: World) -> None:
    found = world.retriever.search_many(QUESTIONS, k=6)
    asked = [[hit.chunk.chunk_id for hit in reversed(hits)] for hits in found]
    scores = world.retriever.score_many(QUESTIONS, asked)
    for hits, row in zip(found, scores, strict=True):
        assert row == pytest.approx([hit.score for hit in reversed(hits)], abs=1e-6)
    assert world.retriever.score_many(["net sales"], [[]]) == [[]]
    assert world.retriever.score_many([], []) == []


def test_what_cannot_be_searched_or_scored_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        world.retriever.search_text_many(["net sales", " "], k=5)
    with pytest.raises(InvalidRequest, match="k is 1001"):
        world.retriever.search_text_many(["net sales"], k=1001)
    with pytest.raises(InvalidRequest, match="empty"):
        world.retriever.score_many([" "], [[]])
    with pytest.raises(StoreError, match=CHUNKS[9].chunk_id):
        world.retriever.score_many(["net sales"], [[CHUNKS[9].chunk_id]], release="r0002")
