"""Every chunk store keeps these promises: the one in Redis and its fake."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from rag_service.adapters.redis_chunks import RedisChunkStore
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.core.errors import NotFound, ReleaseConflict, StoreError
from rag_service.core.protocols import ChunkStore, ReleaseStore, VectorStore
from rag_service.core.types import Chunk, Document, FilingFacts, IndexSpec, Release, TableCells
from tests.fakes.redis_servers import place
from tests.fakes.stores import FakeChunkStore, FakeRedis, FakeReleaseStore, FakeVectorStore

FACTS = FilingFacts("3M Company", "MMM", "10-K", 2018, "2018-12-31")


@dataclass(frozen=True)
class Stores:
    chunks: ChunkStore
    releases: ReleaseStore
    vectors: VectorStore

    def go_live(self, release: str) -> None:
        self.vectors.create(IndexSpec(release, 4, "m"))
        self.releases.put(Release(release, "candidate", "m", release, 4, 0, "2026"))
        self.releases.swap(None, release, self.chunks.revision())


@pytest.fixture(params=["fake", "redis", "cluster"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "fake":
        shared = FakeRedis()
        return Stores(FakeChunkStore(shared), FakeReleaseStore(shared), FakeVectorStore(shared))
    at = place(request)
    return Stores(RedisChunkStore(*at), RedisReleaseStore(*at), RedisVectorStore(*at))


@pytest.fixture
def store(stores: Stores) -> ChunkStore:
    return stores.chunks


def filing(document_id: str, name: str, count: int = 3) -> tuple[Document, list[Chunk]]:
    document = Document(document_id, name, FACTS, 9, count, 1, "2026-01-01T00:00:00Z", "v1")
    chunks = [
        Chunk(
            chunk_id=f"{document_id}.{9 - position}",
            document_id=document_id,
            document=name,
            text=f"text {position} “ü” \x00",
            context="3M 2018",
            kind="table" if position == 0 else "prose",
            section="Item 7",
            heading="Sales",
            page_start=position + 1,
            page_end=position + 2,
            position=position,
            facts=FACTS,
            cells=TableCells("Sales", "$", ("2018",), (("Net", "1"),)) if position == 0 else None,
            page_breaks=((4, position + 2),),
        )
        for position in range(count)
    ]
    return document, chunks


def test_an_empty_store(store: ChunkStore) -> None:
    assert store.revision() == 0
    assert store.documents() == []
    assert store.find("a.pdf") is None
    assert store.get("aa") is None
    assert store.chunk_ids() == set()
    assert list(store.chunks()) == []
    assert store.load(["aa.1"]) == []


def test_documents_and_chunks_come_back_as_they_were(store: ChunkStore) -> None:
    second, second_chunks = filing("aa", "b.pdf")
    first, first_chunks = filing("bb", "a.pdf")
    store.replace(second, second_chunks, None)
    store.replace(first, list(reversed(first_chunks)), None)
    assert store.documents() == [first, second]
    assert (store.find("a.pdf"), store.get("aa")) == (first, second)
    assert list(store.chunks()) == first_chunks + second_chunks
    assert list(store.chunks(["aa", "none"])) == second_chunks
    assert store.chunk_ids() == {chunk.chunk_id for chunk in first_chunks + second_chunks}
    assert store.revision() == 2


def test_load_keeps_the_order_asked_for(store: ChunkStore) -> None:
    document, chunks = filing("aa", "a.pdf")
    store.replace(document, chunks, None)
    asked = [chunks[2].chunk_id, "aa.gone", "zz.1", chunks[0].chunk_id]
    assert store.load(asked) == [chunks[2], chunks[0]]


def test_chunks_around_others_come_in_reading_order(store: ChunkStore) -> None:
    _, first = filing("aa", "b.pdf", 9)
    _, second = filing("bb", "a.pdf", 4)
    store.replace(filing("aa", "b.pdf", 9)[0], list(reversed(first)), None)
    store.replace(filing("bb", "a.pdf", 4)[0], second, None)
    assert store.around([second[0], first[5], first[4]], 1) == [*first[3:7], *second[:2]]
    assert store.around([first[8], first[0]], 2) == [*first[:3], *first[6:]]
    assert store.around([first[3]], 0) == [first[3]]
    assert store.around([first[3]], 99) == first
    assert store.around([], 3) == []


def test_nothing_is_around_a_chunk_that_is_gone(store: ChunkStore) -> None:
    document, chunks = filing("aa", "a.pdf", 5)
    store.replace(document, chunks, None)
    assert store.around([chunks[1]], 1) == chunks[:3]
    moved = [replace(c, position=c.position + 1) for c in chunks[:4]]
    added = replace(chunks[0], chunk_id="aa.new")
    store.replace(replace(document, chunker="v2"), [added, *moved], None)
    assert store.around([moved[1]], 1) == moved[:3]
    assert store.around([chunks[4]], 1) == []
    store.remove("aa", None)
    assert store.around([chunks[1]], 1) == []


def test_a_new_file_of_the_same_name_takes_the_place(store: ChunkStore) -> None:
    store.replace(*filing("aa", "a.pdf"), None)
    document, chunks = filing("bb", "a.pdf", 2)
    store.replace(document, chunks, None)
    assert store.documents() == [document]
    assert list(store.chunks()) == chunks
    assert store.load(["aa.9"]) == []


def test_equal_bytes_under_another_name_are_one_document(store: ChunkStore) -> None:
    store.replace(*filing("aa", "a.pdf"), None)
    document, chunks = filing("aa", "copy.pdf")
    store.replace(document, chunks, None)
    assert store.documents() == [document]
    assert store.find("a.pdf") is None
    assert list(store.chunks()) == chunks


def test_chunks_of_an_earlier_parse_go(store: ChunkStore) -> None:
    store.replace(*filing("aa", "a.pdf", 5), None)
    document, chunks = filing("aa", "a.pdf", 2)
    store.replace(replace(document, chunker="v2"), chunks, None)
    assert list(store.chunks()) == chunks


def test_a_document_without_chunks(store: ChunkStore) -> None:
    document, _ = filing("aa", "a.pdf", 0)
    store.replace(document, [], None)
    assert store.documents() == [document]
    assert list(store.chunks()) == []


def test_a_chunk_of_another_document_is_refused(store: ChunkStore) -> None:
    document, chunks = filing("aa", "a.pdf")
    with pytest.raises(StoreError):
        store.replace(document, [replace(chunks[0], chunk_id="bb.1")], None)
    assert store.documents() == []


def test_removing(store: ChunkStore) -> None:
    store.replace(*filing("aa", "a.pdf"), None)
    store.remove("aa", None)
    assert store.documents() == []
    assert store.chunk_ids() == set()
    assert store.revision() == 2
    with pytest.raises(NotFound):
        store.remove("aa", None)
    assert store.revision() == 2


def test_a_change_prepared_for_another_live_release_is_refused(stores: Stores) -> None:
    store = stores.chunks
    store.replace(*filing("aa", "a.pdf"), None)
    stores.go_live("r1")
    before = store.documents()
    for live in (None, "r0"):
        with pytest.raises(ReleaseConflict):
            store.replace(*filing("bb", "b.pdf"), live)
        with pytest.raises(ReleaseConflict):
            store.remove("aa", live)
    assert store.documents() == before
    assert store.revision() == 1
    store.replace(*filing("bb", "b.pdf"), "r1")
    assert store.revision() == 2
