"""The reindex benchmark over fake stores: who goes first, what is counted, what memory it sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
import pytest

from rag_service.core.errors import DataError
from rag_service.core.types import Vectors
from rag_service.loop.reindex_benchmark import ReindexBenchmark, watched_memory
from tests.fakes.filings import filing
from tests.fakes.models import FakeEmbedder
from tests.unit.test_indexing import World, card


def benchmark(world: World) -> ReindexBenchmark:
    sizes = count(1_000_000, 5_000_000)
    return ReindexBenchmark(
        chunks=world.chunks,
        registry=world.registry,
        indexer=world.indexer,
        used_memory=lambda: next(sizes),
    )


@pytest.fixture
def world() -> World:
    world = World()
    world.promoter.ensure_live(lambda: card("base"))
    return world


def test_each_round_has_both_sides_in_turn_on_all_texts(world: World) -> None:
    chunks = filing("Alder Mills", 2022)
    world.put(chunks)
    world.registry.embedded.clear()
    calls: list[tuple[str, int]] = []
    load = world.registry.load

    def watched(fingerprint: str) -> Any:
        embedder: FakeEmbedder = load(fingerprint)
        real = embedder.embed_documents

        def embed(texts: Sequence[str], on_done: Callable[[int], None] | None = None) -> Vectors:
            calls.append((fingerprint, len(texts)))
            return real(texts, on_done)

        embedder.embed_documents = embed  # type: ignore[method-assign]
        return embedder

    world.registry.load = watched
    report = benchmark(world).run([card("first"), card("second")])

    at_once = {
        model: [texts == len(chunks) for fingerprint, texts in calls if fingerprint == model]
        for model in ("first", "second")
    }
    warm = 1
    assert at_once["first"][-1]
    assert not any(at_once["first"][:-1]), "the first round begins with the reindex"
    assert at_once["second"][warm], "the second with the encoder alone"
    assert not any(at_once["second"][warm + 1 :])
    assert report["chunks"] == len(chunks)
    assert len(report["rounds"]) == 2
    for one in report["rounds"]:
        rates = one["chunks_per_second"] / one["encoder_chunks_per_second"]
        assert one["ratio"] == pytest.approx(rates)
        assert one["cpu_ratio"] > 0
    assert report["memory"]["index_mb"] == 5.0
    assert report["memory"]["allowed_mb"] == 305.0
    assert report["memory"]["beyond_mb"] >= 0
    built = [release for release in world.releases.all() if release.state == "candidate"]
    assert [release.model for release in built] == ["first", "second"]


def test_a_home_without_chunks_is_an_error(world: World) -> None:
    with pytest.raises(DataError, match="ingest filings"):
        benchmark(world).run([card("first")])


def test_memory_is_watched_at_its_highest() -> None:
    with watched_memory() as watched:
        for _ in range(3):
            np.ones(20_000_000).sum()
    assert watched.peak - watched.before > 100
