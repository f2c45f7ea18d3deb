"""Searches by words in an index where frequent ones would make them slow."""

from __future__ import annotations

import numpy as np
import pytest

from rag_service.adapters.redis_schema import words
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.core.types import Chunk, Filters, IndexSpec
from tests.fakes.filings import filings
from tests.fakes.redis_servers import place

ASKED = "what were net sales and the goodwill of Alder Mills in 2022"
ANY = Filters()


@pytest.fixture
def stores(request: pytest.FixtureRequest) -> tuple[RedisVectorStore, RedisVectorStore]:
    """One that scores all entries, and one that must do with a tenth of 200; the same index."""
    client, namespace = place(request)
    chunks = filings(companies=6)
    store = RedisVectorStore(client, namespace)
    store.create(IndexSpec("ix", dims=len(chunks), model="m"))
    store.write("ix", chunks, np.eye(len(chunks), dtype=np.float32))
    assert store.count("ix") > 30
    return store, RedisVectorStore(client, namespace, scored=200)


def scores(store: RedisVectorStore, asked: str, filters: Filters = ANY) -> dict[str, float]:
    hits = store.search_text("ix", asked, 1000, filters)
    return {hit.chunk.chunk_id: hit.score for hit in hits}


def holds(chunk: Chunk, word: str) -> bool:
    return word in words(f"{chunk.context} {chunk.text}")


@pytest.mark.parametrize("stores", ["redis"], indirect=True)
def test_a_hit_has_a_rare_word_and_the_score_of_all_words(
    stores: tuple[RedisVectorStore, RedisVectorStore],
) -> None:
    every, few = scores(stores[0], ASKED), scores(stores[1], ASKED)
    assert 0 < len(few) <= 20
    assert few == pytest.approx({chunk_id: every[chunk_id] for chunk_id in few})
    found = [chunk for chunk in filings(companies=6) if chunk.chunk_id in few]
    assert any(holds(chunk, "goodwill") for chunk in found)
    left_out = [chunk for chunk in filings(companies=6) if chunk.chunk_id in every.keys() - few]
    assert left_out
    assert not any(holds(chunk, "goodwill") for chunk in left_out)


@pytest.mark.parametrize("stores", ["redis"], indirect=True)
def test_within_a_filing_all_words_are_looked_for(
    stores: tuple[RedisVectorStore, RedisVectorStore],
) -> None:
    filing = Filters(documents=(filings(companies=6)[0].document,))
    assert scores(stores[1], ASKED, filing) == scores(stores[0], ASKED, filing) != {}


@pytest.mark.parametrize("stores", ["redis"], indirect=True)
def test_a_word_that_nothing_holds_hides_none(
    stores: tuple[RedisVectorStore, RedisVectorStore],
) -> None:
    assert scores(stores[1], f"unheard {ASKED}") == pytest.approx(scores(stores[1], ASKED))
    assert scores(stores[1], "unheard of the") != {}
    assert scores(stores[1], "unheard") == {}
