"""What only the stores in Redis can get wrong: races, aliases, interrupted work."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
import redis

from rag_service.adapters.redis_chunks import RedisChunkStore
from rag_service.adapters.redis_claims import RedisClaimStore
from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_keys import Keys
from rag_service.adapters.redis_latency import RedisLatencyLog
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.core.errors import IndexMissing, ReleaseConflict, StoreError
from rag_service.core.types import (
    Algorithm,
    Chunk,
    Document,
    FilingFacts,
    Filters,
    IndexSpec,
    Lookup,
    Release,
    Vectors,
    VectorType,
)
from tests.fakes.at_once import at_once, comes_true
from tests.fakes.filings import filings
from tests.fakes.redis_servers import place

DIMS = 16
BOTH = pytest.mark.parametrize("stores", ["redis", "slots"], indirect=True)


@dataclass(frozen=True)
class Stores:
    client: redis.Redis
    keys: Keys
    vectors: RedisVectorStore
    chunks: RedisChunkStore
    releases: RedisReleaseStore

    def add(self, name: str) -> None:
        self.vectors.create(IndexSpec(f"ix-{name}", DIMS, "m"))
        self.releases.put(Release(name, "candidate", "m", f"ix-{name}", DIMS, 0, name))

    def aliased(self) -> str:
        info = self.client.ft(self.keys.alias).info()  # type: ignore[no-untyped-call]
        return str(info["index_name"])


@pytest.fixture
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_on(*place(request))


def stores_on(client: redis.Redis, namespace: str) -> Stores:
    return Stores(
        client,
        Keys(namespace),
        RedisVectorStore(client, namespace),
        RedisChunkStore(client, namespace),
        RedisReleaseStore(client, namespace),
    )


def some_chunks(count: int) -> list[Chunk]:
    return filings()[:count]


def directions(count: int) -> Vectors:
    made = np.random.default_rng(3).standard_normal((count, DIMS)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


@BOTH
def test_the_alias_moves_with_the_pointer(stores: Stores) -> None:
    for name in ("r1", "r2"):
        stores.add(name)
    stores.releases.swap(None, "r1", 0)
    assert stores.aliased() == stores.keys.physical("ix-r1")
    stores.releases.swap("r1", "r2", 0)
    assert stores.aliased() == stores.keys.physical("ix-r2")
    with pytest.raises(ReleaseConflict):
        stores.releases.swap("r1", "r2", 0)
    stores.releases.swap("r2", "r1", 0, rollback=True)
    assert stores.aliased() == stores.keys.physical("ix-r1")


@BOTH
def test_of_many_swaps_one_wins(stores: Stores) -> None:
    names = [f"r{number}" for number in range(9)]
    for name in names:
        stores.add(name)
    stores.releases.swap(None, "r0", 0)
    outcomes = at_once(
        *(lambda name=name: stores.releases.swap("r0", name, 0) for name in names[1:])
    )
    assert outcomes == ["", *["ReleaseConflict"] * 7]
    current = stores.releases.current()
    assert current is not None
    assert stores.aliased() == stores.keys.physical(current.index)
    assert [release.state for release in stores.releases.all()].count("live") == 1


@BOTH
def test_a_swap_and_an_ingest_do_not_both_pass(stores: Stores) -> None:
    stores.add("r0")
    stores.releases.swap(None, "r0", 0)
    for number in range(10):
        name, revision = f"c{number}", stores.chunks.revision()
        live = stores.releases.current()
        assert live is not None
        stores.add(name)
        document = Document(f"d{number}", f"{number}.pdf", FilingFacts(), 1, 0, 0, "2026")
        outcomes = at_once(
            lambda name=name, live=live, revision=revision: stores.releases.swap(  # type: ignore[misc]
                live.release, name, revision
            ),
            lambda document=document, live=live: stores.chunks.replace(  # type: ignore[misc]
                document, [], live.release
            ),
        )
        assert outcomes == ["", "ReleaseConflict"]


@BOTH
def test_concurrent_changes_of_documents_are_all_kept(stores: Stores) -> None:
    documents = [Document(f"d{n}", f"{n}.pdf", FilingFacts(), 1, 0, 0, "2026") for n in range(8)]
    outcomes = at_once(
        *(lambda d=document: stores.chunks.replace(d, [], None) for document in documents)
    )
    assert outcomes == [""] * 8
    assert stores.chunks.documents() == documents
    assert stores.chunks.revision() == 8


def test_an_index_under_another_alias_is_reached_by_its_own_name_alone(stores: Stores) -> None:
    stores.add("r1")
    other = stores.keys.physical("other")
    stores.client.ft(stores.keys.physical("ix-r1")).aliasadd(other)
    for name in ("other", stores.keys.alias):
        with pytest.raises(IndexMissing):
            stores.vectors.drop(name)
        with pytest.raises(IndexMissing):
            stores.vectors.search(name, directions(1)[0], 1, Filters())
    assert stores.vectors.count("ix-r1") == 0


def test_dropping_through_an_alias_of_a_dropped_name_spares_the_target(stores: Stores) -> None:
    stores.add("r1")
    stores.add("r2")
    stores.client.ft(stores.keys.physical("ix-r2")).dropindex()
    stores.client.ft(stores.keys.physical("ix-r1")).aliasadd(stores.keys.physical("ix-r2"))
    with pytest.raises(StoreError, match="alias"):
        stores.vectors.drop("ix-r2")
    with pytest.raises(IndexMissing):
        stores.vectors.write("ix-r2", some_chunks(1), directions(1))
    assert stores.vectors.count("ix-r1") == 0


@BOTH
def test_an_interrupted_drop_can_be_taken_up(stores: Stores) -> None:
    stores.add("r1")
    chunks = some_chunks(20)
    stores.vectors.write("ix-r1", chunks, directions(20))
    stores.client.ft(stores.keys.physical("ix-r1")).dropindex()
    stores.client.hset(stores.keys.index_spec("ix-r1"), "dropped", "1")
    assert stores.vectors.names() == ["ix-r1"]
    assert list(stores.client.scan_iter(stores.keys.entries("ix-r1") + "*")) != []
    stores.vectors.drop("ix-r1")
    assert list(stores.client.scan_iter(stores.keys.entries("ix-r1") + "*")) == []
    with pytest.raises(IndexMissing):
        stores.vectors.ids("ix-r1")


@BOTH
def test_a_write_that_races_a_drop_leaves_no_entries(stores: Stores) -> None:
    chunks, vectors = some_chunks(40), directions(40)
    for number in range(5):
        name = f"r{number}"
        stores.add(name)
        outcomes = at_once(
            lambda name=name: stores.vectors.drop(f"ix-{name}"),  # type: ignore[misc]
            lambda name=name: stores.vectors.write(f"ix-{name}", chunks, vectors),  # type: ignore[misc]
        )
        assert outcomes in (["", ""], ["", "IndexMissing"])
        assert list(stores.client.scan_iter(stores.keys.entries(f"ix-{name}") + "*")) == []


def test_two_namespaces_do_not_meet(stores: Stores, client: redis.Redis) -> None:
    stores.add("r1")
    other = RedisVectorStore(client, f"{stores.keys.namespace}x")
    other.create(IndexSpec("ix-r1", DIMS, "other"))
    other.write("ix-r1", some_chunks(3), directions(3))
    assert stores.vectors.count("ix-r1") == 0
    stores.vectors.drop("ix-r1")
    assert other.count("ix-r1") == 3


def test_a_larger_ef_finds_more_of_the_true_neighbours(stores: Stores) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((2000, DIMS)).astype(np.float32)
    queries = rng.standard_normal((40, DIMS)).astype(np.float32)
    base = some_chunks(1)[0]
    chunks = [_numbered(base, number) for number in range(2000)]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    recalls = []
    for ef in (4, 200):
        index = f"ix-ef{ef}"
        stores.vectors.create(IndexSpec(index, DIMS, "m", m=4, ef_construction=16, ef_runtime=ef))
        stores.vectors.write(index, chunks, vectors)
    for index, ef in (("ix-ef4", 0), ("ix-ef200", 0), ("ix-ef4", 200)):
        right = 0
        asked = [Lookup(4, vector=query, ef_runtime=ef) for query in queries]
        for query, hits in zip(queries, stores.vectors.look_up(index, asked), strict=True):
            true = np.argsort(-(unit @ query))[:4]
            right += len({hit.chunk.position for hit in hits} & set(true.tolist()))
        recalls.append(right / (4 * len(queries)))
    by_index, by_lookup = recalls[1:]
    assert by_index > 0.9
    assert by_index > recalls[0] + 0.1
    assert by_lookup == pytest.approx(by_index, abs=0.02), "a lookup may say how wide it is"


def test_what_was_stored_by_another_version_is_named(stores: Stores) -> None:
    stores.client.hset(stores.keys.documents, "aa", '{"name": "a.pdf"}')
    with pytest.raises(StoreError, match="ingest again"):
        stores.chunks.documents()


def test_chunks_of_an_earlier_version_are_read_without_page_breaks(stores: Stores) -> None:
    (chunk,) = some_chunks(1)
    document = Document(
        chunk.document_id, chunk.document, chunk.facts, 1, 1, 0, "2026-01-01T00:00:00Z"
    )
    stores.add("r1")
    stores.vectors.write("ix-r1", [chunk], directions(1))
    stores.chunks.replace(document, [chunk], None)
    key = stores.keys.chunks(chunk.document_id)
    stored = json.loads(stores.client.hget(key, chunk.chunk_id) or "")
    del stored["page_breaks"]
    stores.client.hset(key, chunk.chunk_id, json.dumps(stored))
    assert list(stores.chunks.chunks()) == [chunk]
    assert stores.vectors.outdated("ix-r1", [chunk.chunk_id]) == set()


def test_a_release_of_an_earlier_version_is_of_the_kinds_that_it_knew(stores: Stores) -> None:
    stores.add("r1")
    stored = json.loads(stores.client.hget(stores.keys.releases, "r1") or "")
    del stored["algorithm"], stored["datatype"]
    stores.client.hset(stores.keys.releases, "r1", json.dumps(stored))
    release = stores.releases.get("r1")
    assert (release.algorithm, release.datatype) == ("hnsw", "float32")


def test_an_index_of_an_earlier_version_is_of_the_kinds_that_it_knew(stores: Stores) -> None:
    stores.add("r1")
    stores.client.hdel(stores.keys.index_spec("ix-r1"), "algorithm", "datatype")
    vectors = directions(3) * np.float32(7)
    chunks = some_chunks(3)
    stores.vectors.write("ix-r1", chunks, vectors)
    read = stores.vectors.vectors("ix-r1", [chunk.chunk_id for chunk in chunks])
    assert np.array_equal(read, vectors)
    assert stores.vectors.search("ix-r1", vectors[1], 1, Filters())[0].chunk == chunks[1]


def test_an_entry_that_does_not_name_its_model_is_refused(stores: Stores) -> None:
    stores.add("r1")
    chunks = some_chunks(2)
    stores.vectors.write("ix-r1", chunks, directions(2))
    stores.client.hdel(stores.keys.entries("ix-r1") + chunks[0].chunk_id, "model")
    with pytest.raises(StoreError, match="ragloop reindex"):
        stores.vectors.search("ix-r1", directions(1)[0], 2, Filters())
    with pytest.raises(StoreError, match="ragloop reindex"):
        stores.vectors.search_text("ix-r1", chunks[0].text.split()[0], 2, Filters())


@pytest.mark.parametrize("algorithm", ["hnsw", "flat"])
@pytest.mark.parametrize("datatype", ["float32", "float16"])
def test_the_engine_makes_the_index_that_was_asked_for(
    stores: Stores, algorithm: Algorithm, datatype: VectorType
) -> None:
    stores.vectors.create(IndexSpec("ix", DIMS, "m", algorithm, datatype))
    stores.vectors.write("ix", some_chunks(1), directions(1))
    info = stores.client.ft(stores.keys.physical("ix")).info()  # type: ignore[no-untyped-call]
    assert {algorithm.upper(), datatype.upper()} <= {str(v).upper() for v in info["attributes"][-1]}
    stored = stores.client.hstrlen(stores.keys.entries("ix") + some_chunks(1)[0].chunk_id, "vector")
    assert stored == DIMS * (2 if datatype == "float16" else 4)


def test_a_deleted_release_leaves_no_keys(stores: Stores) -> None:
    stores.add("r1")
    stores.releases.swap(None, "r1", 0)
    before = set(stores.client.scan_iter(f"{stores.keys.namespace}:*"))
    stores.add("r2")
    stores.vectors.write("ix-r2", some_chunks(2), directions(2))
    stores.releases.use("r2", "a", 60)
    stores.releases.leave("r2", "a")
    stores.releases.use("r2", "died", 0.05)
    assert comes_true(lambda: at_once(lambda: stores.releases.delete("r2")) == [""])
    stores.vectors.drop("ix-r2")
    assert set(stores.client.scan_iter(f"{stores.keys.namespace}:*")) == before
    assert stores.client.hkeys(stores.keys.states) == ["r1"]


def test_what_a_crash_leaves_goes_by_itself(stores: Stores) -> None:
    stores.add("r1")
    stores.releases.use("r1", "a", 1000)
    stores.releases.use("r1", "b", 10)
    claims = RedisClaimStore(stores.client, stores.keys.namespace)
    claims.take("w", ["1"], 1, "a", 1000)
    claims.take("w", ["2"], 1, "a", 10)
    RedisLatencyLog(stores.client, stores.keys.namespace).record([1])
    for key, lasts in (
        (stores.keys.users("r1"), 1000),
        (stores.keys.claims("w"), 1000),
        (stores.keys.latencies, 60),
    ):
        assert lasts - 10 < stores.client.ttl(key) <= lasts


def test_the_newest_latencies_are_kept(stores: Stores) -> None:
    latencies = RedisLatencyLog(stores.client, stores.keys.namespace)
    latencies.record([float(number) for number in range(15_000)])
    kept = latencies.recent(60)
    assert 10_000 <= len(kept) <= 10_200
    assert kept[-1] == 14_999
    assert (stores.client.memory_usage(stores.keys.latencies) or 0) < 500_000


def test_a_full_server_is_named(stores: Stores, redis_url: str) -> None:
    admin = connect(redis_url)
    try:
        admin.config_set("maxmemory", "1mb")
        with pytest.raises(StoreError, match="out of memory"):
            stores.chunks.replace(Document("aa", "a.pdf", FilingFacts(), 1, 0, 0, "2026"), [], None)
    finally:
        admin.config_set("maxmemory", "0")
        admin.close()
    assert stores.chunks.revision() == 0


def _numbered(chunk: Chunk, number: int) -> Chunk:
    return Chunk(
        **{
            **{name: getattr(chunk, name) for name in Chunk.__slots__},
            "chunk_id": f"{chunk.document_id}.{number:05d}",
            "position": number,
        }
    )
