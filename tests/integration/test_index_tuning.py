"""Tuning and growth through Redis: what is kept, what a reindex makes of it, what is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rag_service import wiring
from rag_service.core.errors import StoreError
from rag_service.core.settings import Settings
from rag_service.core.types import Chunk, ModelCard, TunedIndex
from rag_service.loop import index_recall, index_tuning
from rag_service.loop.growing_corpus import GrowingCorpus
from rag_service.loop.growth_benchmark import about_headings
from rag_service.loop.index_recall import RecallTarget
from rag_service.wiring import Services
from tests.fakes.filings import filings
from tests.fakes.models import FakeRegistry
from tests.integration.command_line import CommandLine
from tests.unit.test_indexing import document

CHUNKS = filings(6, (2022, 2023, 2024))
CARD = ModelCard("base", "base", "", 64, 256, "", "", "2026-01-01T00:00:00Z")
TUNED = TunedIndex("hnsw", 8, 50, 20, "r0001", 144, 0.99, 10, "2026-01-01T00:00:00Z")


@pytest.fixture(autouse=True)
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "make_registry", lambda settings: FakeRegistry([CARD]))


def services_of(client: Redis, namespace: str, home: Path, **said: Any) -> Services:
    settings = Settings(
        home=home, namespace=namespace, embedding_model=CARD.name, llm="none", **said
    )
    return Services(settings, client, background=False)


@pytest.fixture
def services(client: Redis, namespace: str, tmp_path: Path) -> Iterator[Services]:
    services = services_of(client, namespace, tmp_path / "home")
    services.ensure_live()
    yield services
    services.close()


def put(services: Services, chunks: list[Chunk]) -> None:
    for name in dict.fromkeys(chunk.document for chunk in chunks):
        own = [chunk for chunk in chunks if chunk.document == name]
        services.writer.put(document(own), own)


def test_new_indexes_are_made_as_tuned_where_no_setting_says_otherwise(
    services: Services, client: Redis, namespace: str, tmp_path: Path
) -> None:
    assert services.index_tuning.get() is None
    before = services.indexer.create(CARD)
    services.index_tuning.put(TUNED)
    assert services.index_tuning.get() == TUNED
    after = services.indexer.start(CARD)
    assert after.release != before.release, "one that was begun with another graph is left"
    spec = services.vectors.spec(after.index)
    assert (spec.m, spec.ef_construction, spec.ef_runtime) == (8, 50, 20)
    assert services.vectors.spec(before.index).m == 16

    said = services_of(client, namespace, tmp_path / "home", hnsw_m=24)
    spec = said.vectors.spec(said.indexer.create(CARD).index)
    assert (spec.m, spec.ef_construction) == (24, 50), "what a setting says comes first"
    said.close()


def test_tuned_parameters_of_another_version_are_named(
    services: Services, client: Redis, namespace: str
) -> None:
    client.set(f"{namespace}:index-tuning", json.dumps({"m": 3}))
    with pytest.raises(StoreError, match="tune-index --apply"):
        services.index_tuning.get()


def test_the_command_tunes_on_the_live_release_and_keeps_what_is_to_be_applied(
    services: Services,
    redis_url: str,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(index_tuning, "GRAPHS", ((4, 40),))
    monkeypatch.setattr(index_recall, "WIDTHS", (10, 60))
    put(services, CHUNKS)
    live = services.ensure_live()
    environment = {
        "RAGLOOP_REDIS_URL": redis_url,
        "RAGLOOP_NAMESPACE": namespace,
        "RAGLOOP_EMBEDDING_MODEL": CARD.name,
    }
    ragloop = CommandLine(tmp_path / "home", environment, monkeypatch, capfd)
    told = ragloop("tune-index", "--questions", 40)
    assert told.status == 0
    assert "--apply" in told.stdout
    assert services.index_tuning.get() is None

    found = ragloop("tune-index", "--questions", 40, "--apply", "--json").document
    assert (found["release"], found["chunks"], found["applied"]) == ("r0001", len(CHUNKS), True)
    assert [one["algorithm"] for one in found["tries"]] == ["flat", "hnsw"]
    assert found["tries"][0]["recall"]["value"] == 1
    assert found["float16"]["datatype"] == "float16"
    kept = services.index_tuning.get()
    assert kept
    assert (kept.algorithm, kept.chunks) == (found["chosen"]["algorithm"], len(CHUNKS))
    assert services.vectors.names() == [live.index], "what was tried is dropped"
    assert len(services.vectors.ids(live.index)) == len(CHUNKS)

    reindexed = ragloop("reindex", "--model", CARD.name, "--json").document
    assert (reindexed["algorithm"], reindexed["embedded"]) == (kept.algorithm, 0)


def test_a_store_is_measured_as_it_grows_by_copies(services: Services, client: Redis) -> None:
    live = services.ensure_live()
    embedder = services.registry.load(live.model)
    vectors = embedder.embed_documents([chunk.embedded_text for chunk in CHUNKS])
    texts = [f"What does {chunk.facts.company} say about {chunk.heading}?" for chunk in CHUNKS]
    report = services.growth_benchmark.run(
        GrowingCorpus(CHUNKS, vectors, 7),
        about_headings(texts[:20], embedder),
        live,
        CARD,
        [50, 100, 200],
        RecallTarget(0.9, 5, 7),
        reindex_most=100,
    )
    assert [at["chunks"] for at in report["sizes"]] == [50, 100, 200]
    assert services.vectors.count(live.index) == 200
    assert services.chunks.chunk_ids() == services.vectors.ids(live.index)
    for at in report["sizes"]:
        assert at["recall"]["low"] >= 0.9
        assert at["vectors"]["requests"] == 100
        assert 0 < at["vectors"]["p50_ms"]["value"] <= at["vectors"]["p99_ms"]["value"]
        assert at["hybrid"]["p50_ms"]["value"] > at["vectors"]["p50_ms"]["value"]
    reindexed = [at["reindex_chunks_per_second"] for at in report["sizes"]]
    assert [rate is None for rate in reindexed] == [False, False, True]
    assert {"vectors_p99_ms", "hybrid_p50_ms", "bytes_per_chunk"} <= report["exponents"].keys()
    assert "reindex_chunks_per_second" not in report["exponents"], "two sizes tell no exponent"
    assert [release.release for release in services.releases.all()] == [live.release]
    assert services.vectors.names() == [live.index]
