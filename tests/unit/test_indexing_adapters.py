"""Releases of models that share their document vectors: built by copying, on the fakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rag_service.core.errors import StoreError, StoreUnavailable
from rag_service.core.types import Filters
from rag_service.indexing.shadow import BuildOptions
from tests.fakes.filings import filing
from tests.unit.test_indexing import World, card


@pytest.fixture
def world() -> World:
    world = World()
    world.promoter.ensure_live(lambda: card("base"))
    world.put(filing("Alder Mills", 2022))
    world.put(filing("Birchwater", 2022))
    world.registry.embedded.clear()
    return world


def stored(world: World, index: str) -> np.ndarray[Any, Any]:
    return world.vectors.vectors(index, sorted(world.chunks.chunk_ids()))


def test_an_adapted_release_is_built_without_encoding_a_document(world: World) -> None:
    live = world.releases.current()
    assert live is not None
    candidate = world.indexer.build(card("base+map"))
    assert world.registry.embedded == []
    assert candidate.index != live.index
    assert world.vectors.model(candidate.index) == "base+map"
    assert np.array_equal(stored(world, candidate.index), stored(world, live.index))
    assert world.indexer.completeness(candidate).complete


def test_another_model_encodes_anew_and_the_same_model_only_if_it_is_to_be_fresh(
    world: World,
) -> None:
    total = len(world.chunks.chunk_ids())
    world.indexer.build(card("other+map"))
    assert len(world.registry.embedded) == total
    world.indexer.build(card("base"))
    assert len(world.registry.embedded) == total
    fresh = world.indexer.start(card("base"), options=BuildOptions(fresh=True))
    world.indexer.finish(fresh)
    assert len(world.registry.embedded) == 2 * total


def test_adapters_of_one_base_copy_from_one_another(world: World) -> None:
    world.indexer.build(card("other+one"))
    world.registry.embedded.clear()
    world.indexer.build(card("other+two"))
    world.indexer.build(card("other"))
    assert world.registry.embedded == []


def test_a_killed_copy_goes_on_where_it_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = world.vectors.write
    written: list[str] = []

    def die_at_the_second_batch(index: str, chunks: Any, *arguments: Any) -> None:
        if written:
            raise StoreUnavailable("Redis is away")
        written.extend(chunk.chunk_id for chunk in chunks)
        real(index, chunks, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(world.vectors, "write", die_at_the_second_batch)
        with pytest.raises(StoreUnavailable):
            world.indexer.build(card("base+map"))
    again: list[str] = []

    def watched(index: str, chunks: Any, *arguments: Any) -> None:
        again.extend(chunk.chunk_id for chunk in chunks)
        real(index, chunks, *arguments)

    monkeypatch.setattr(world.vectors, "write", watched)
    candidate = world.indexer.build(card("base+map"))
    assert written
    assert set(again) == world.chunks.chunk_ids() - set(written)
    assert world.registry.embedded == []
    assert [r.release for r in world.releases.all()] == ["r0001", candidate.release]
    assert world.indexer.completeness(candidate).complete


def test_documents_are_ingested_and_taken_out_under_an_adapted_release_and_after_a_rollback(
    world: World,
) -> None:
    promoted = world.promoter.promote(world.indexer.build(card("base+map")).release)
    new = filing("Cedarline", 2022)
    world.put(new)
    world.writer.remove("BIRCHWATER_2022_10K.pdf")
    assert len(world.registry.embedded) == len(new)
    assert world.live_ids() == world.chunks.chunk_ids()

    restored = world.promoter.rollback()

    assert restored.model == "base"
    assert len(world.registry.embedded) == len(new), "a rollback copies what came since"
    assert world.live_ids() == world.chunks.chunk_ids()
    assert np.array_equal(stored(world, restored.index), stored(world, promoted.index))
    world.put(filing("Dunlin Foods", 2022))
    world.promoter.promote(promoted.release)
    assert world.live_ids() == world.chunks.chunk_ids()
    base = world.registry.load("base")
    texts = [chunk.embedded_text for chunk in world.chunks.load(sorted(world.live_ids()))]
    assert np.array_equal(stored(world, promoted.index), base.embed_documents(texts))


def test_a_document_that_comes_during_a_copy_is_in_it_when_it_goes_live(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = world.vectors.write
    new = filing("Cedarline", 2022)

    def write_after_an_ingestion(*arguments: Any) -> None:
        monkeypatch.setattr(world.vectors, "write", real)
        world.put(new)
        real(*arguments)

    monkeypatch.setattr(world.vectors, "write", write_after_an_ingestion)
    candidate = world.indexer.build(card("base+map"))
    world.promoter.promote(candidate.release)
    assert world.live_ids() == world.chunks.chunk_ids() >= {chunk.chunk_id for chunk in new}
    assert len(world.registry.embedded) == len(new)


def test_what_vanishes_from_the_other_index_meanwhile_is_encoded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(index: str, chunk_ids: Any) -> Any:
        raise StoreError(f"chunk {chunk_ids[0]} is not in index {index}")

    with monkeypatch.context() as patch:
        patch.setattr(world.vectors, "vectors", gone)
        candidate = world.indexer.build(card("base+map"))
    live = world.releases.current()
    assert live is not None
    assert len(world.registry.embedded) == len(world.chunks.chunk_ids())
    assert np.array_equal(stored(world, candidate.index), stored(world, live.index))


def test_a_store_that_is_away_ends_the_copy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*arguments: Any) -> Any:
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr(world.vectors, "vectors", away)
    with pytest.raises(StoreUnavailable):
        world.indexer.build(card("base+map"))
    assert world.registry.embedded == []


def test_an_index_whose_model_was_deleted_is_not_copied(world: World) -> None:
    world.indexer.build(card("other"))
    world.registry.embedded.clear()
    world.registry.gone.add("other")
    world.indexer.build(card("other+map"))
    assert len(world.registry.embedded) == len(world.chunks.chunk_ids())


def test_one_map_is_searched_with_its_own_queries(world: World) -> None:
    candidate = world.indexer.build(card("base+map"))
    queries = world.registry.load("base+map").embed_queries(["net sales 2022"])
    hits = world.vectors.search(candidate.index, queries[0], 3, Filters())
    plain = world.registry.load("base").embed_queries(["net sales 2022"])
    assert [hit.score for hit in hits] != [
        hit.score for hit in world.vectors.search(candidate.index, plain[0], 3, Filters())
    ]


def test_passages_for_training_come_from_the_index_and_are_encoded_where_it_lacks_them(
    world: World,
) -> None:
    live = world.releases.current()
    assert live is not None
    known, new = filing("Alder Mills", 2022), filing("Cedarline", 2022)
    mixed = [new[0], *known, new[1]]
    vectors = world.indexer.document_vectors(live, mixed)
    assert world.registry.embedded == [new[0].embedded_text, new[1].embedded_text]
    expected = world.registry.load("base").embed_documents([c.embedded_text for c in mixed])
    assert np.array_equal(vectors, expected)
    assert world.indexer.document_vectors(live, []).shape == (0, live.dims)
