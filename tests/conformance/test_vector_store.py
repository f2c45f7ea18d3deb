"""Every vector store keeps these promises: the one in Redis and its fake."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_service.adapters.redis_chunks import RedisChunkStore
from rag_service.adapters.redis_keys import Keys
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.core.errors import IndexMissing, InvalidRequest, StoreError
from rag_service.core.protocols import ChunkStore, ReleaseStore, VectorStore
from rag_service.core.types import (
    Algorithm,
    Chunk,
    Document,
    FilingFacts,
    Filters,
    IndexSpec,
    Lookup,
    Release,
    TableCells,
    Vectors,
    VectorType,
)
from tests.fakes.redis_servers import place
from tests.fakes.stores import FakeChunkStore, FakeRedis, FakeReleaseStore, FakeVectorStore

DIMS = 8
NO_FILTER = Filters()
ODD_NAMES = (
    "Johnson & Johnson",
    "Amcor, plc.",
    'The "Best" Buy Co., Inc.',
    "O'Reilly | Automotive",
    "Émigré Ünï 株式会社",
    "back`tick {x} [y] (z) $p %q ~t * ? \\ end\\",
    "100% of A\tB",
    "_",
    "__init__",
    "Nike",
    "Nike Inc",
)


@dataclass(frozen=True)
class Stores:
    vectors: VectorStore
    releases: ReleaseStore
    chunks: ChunkStore
    alias: str


@pytest.fixture(params=["fake", "redis", "slots"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "fake":
        shared = FakeRedis()
        return Stores(
            FakeVectorStore(shared), FakeReleaseStore(shared), FakeChunkStore(shared), "t-live"
        )
    client, namespace = place(request)
    return Stores(
        RedisVectorStore(client, namespace),
        RedisReleaseStore(client, namespace),
        RedisChunkStore(client, namespace),
        Keys(namespace).alias,
    )


@pytest.fixture
def store(stores: Stores) -> VectorStore:
    stores.vectors.create(IndexSpec("ix1", DIMS, "model-a"))
    return stores.vectors


def passage(number: int, text: str = "", **facts: str | int) -> Chunk:
    return Chunk(
        chunk_id=f"d{number % 3}.{number:04d}",
        document_id=f"d{number % 3}",
        document=str(facts.pop("document", f"D{number % 3}.pdf")),
        text=text or f"passage {number}",
        context="",
        kind="prose",
        section=str(facts.pop("section", "Item 7")),
        heading="",
        page_start=1,
        page_end=1,
        position=number,
        facts=FilingFacts(**facts),  # type: ignore[arg-type]
    )


def directions(count: int) -> Vectors:
    made = np.random.default_rng(7).standard_normal((count, DIMS)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def found(store: VectorStore, filters: Filters, k: int = 50) -> set[str]:
    return {hit.chunk.chunk_id for hit in store.search("ix1", directions(1)[0], k, filters)}


def test_the_nearest_come_first_with_their_cosine(store: VectorStore) -> None:
    vectors = directions(40)
    chunks = [passage(n) for n in range(40)]
    store.write("ix1", chunks, vectors)
    hits = store.search("ix1", vectors[5], 10, NO_FILTER)
    cosines = vectors @ vectors[5]
    expected = sorted(range(40), key=lambda n: -float(cosines[n]))[:10]
    assert [hit.chunk for hit in hits] == [chunks[n] for n in expected]
    assert [hit.rank for hit in hits] == list(range(1, 11))
    assert [hit.score for hit in hits] == pytest.approx([cosines[n] for n in expected], abs=1e-5)


def test_lengths_of_vectors_do_not_matter(store: VectorStore) -> None:
    vectors = directions(2)
    store.write("ix1", [passage(0), passage(1)], vectors * np.float32(3))
    assert store.search("ix1", vectors[0] * 5, 1, NO_FILTER)[0].score == pytest.approx(1, abs=1e-5)


def test_ties_are_ordered_by_id(store: VectorStore) -> None:
    same = np.repeat(directions(1), 5, axis=0)
    chunks = [passage(n) for n in (4, 2, 0, 3, 1)]
    store.write("ix1", chunks, same)
    hits = store.search("ix1", same[0], 5, NO_FILTER)
    assert [hit.chunk.chunk_id for hit in hits] == sorted(chunk.chunk_id for chunk in chunks)


@pytest.mark.parametrize("algorithm", ["hnsw", "flat"])
@pytest.mark.parametrize("datatype", ["float32", "float16"])
def test_every_kind_of_index_finds_filters_and_gives_back(
    stores: Stores, algorithm: Algorithm, datatype: VectorType
) -> None:
    store, vectors = stores.vectors, directions(40)
    spec = IndexSpec("ix", DIMS, "model-a", algorithm, datatype, m=8, ef_runtime=99)
    store.create(spec)
    assert store.spec("ix") == spec
    chunks = [passage(n, company="3M" if n % 4 == 0 else "Nike") for n in range(40)]
    store.write("ix", chunks, vectors)
    hits = store.search("ix", vectors[5], 40, NO_FILTER)
    cosines = vectors @ vectors[5]
    near = 1e-5 if datatype == "float32" else 2e-3
    assert hits[0].chunk == chunks[5]
    assert sorted(hit.chunk.position for hit in hits) == list(range(40))
    assert [hit.score for hit in hits] == pytest.approx(
        [cosines[hit.chunk.position] for hit in hits], abs=near
    )
    (wide,) = store.look_up("ix", [Lookup(40, vector=vectors[5], ef_runtime=80)])
    assert {hit.chunk.chunk_id for hit in wide} == {hit.chunk.chunk_id for hit in hits}
    asked = store.search("ix", vectors[5], 10, Filters(company="3m"))
    assert sorted(hit.chunk.position for hit in asked) == list(range(0, 40, 4))
    read = store.vectors("ix", [chunk.chunk_id for chunk in chunks])
    assert read.dtype == np.float32
    assert read == pytest.approx(vectors, abs=near)


@pytest.mark.parametrize("algorithm", ["hnsw", "flat"])
@pytest.mark.parametrize("length", [1e-15, 1e-6, 1, 1e6, 1e15])
def test_half_precision_holds_vectors_of_any_length(
    stores: Stores, algorithm: Algorithm, length: float
) -> None:
    store, vectors = stores.vectors, directions(20)
    store.create(IndexSpec("ix", DIMS, "model-a", algorithm, "float16"))
    chunks = [passage(n) for n in range(20)]
    store.write("ix", chunks, vectors * np.float32(length))
    for sign in (1, -1):
        hits = store.search("ix", vectors[3] * np.float32(length * sign), 20, NO_FILTER)
        scores = {hit.chunk.position: hit.score for hit in hits}
        assert scores[3] == pytest.approx(sign, abs=2e-3)
        assert len(scores) == 20
        assert all(-1 <= score <= 1 for score in scores.values())
    read = store.vectors("ix", [chunk.chunk_id for chunk in chunks])
    assert read == pytest.approx(vectors, abs=1e-3)


def test_hits_name_the_model_of_their_vectors(stores: Stores) -> None:
    store = stores.vectors
    for number in (1, 2):
        store.create(IndexSpec(f"ix{number}", DIMS, f"model-{number}"))
        store.write(f"ix{number}", [passage(1), passage(2)], directions(2))
    for number in (1, 2):
        hits = store.search(f"ix{number}", directions(1)[0], 2, NO_FILTER)
        hits += store.search_text(f"ix{number}", "passage", 2, NO_FILTER)
        assert [hit.model for hit in hits] == [f"model-{number}"] * 4


def test_a_chunk_comes_back_whole(store: VectorStore) -> None:
    facts = FilingFacts('Zürich "Re", Inc.', "ZRE", "10-K", 2021, "2021-12-31")
    cells = TableCells("Net sales", "$ millions", ("2021", "2020"), (("Sales", "1,2", ""),))
    chunk = replace(passage(1, "“Net” sales\n\x00 | 株"), kind="table", facts=facts, cells=cells)
    store.write("ix1", [chunk], directions(1))
    assert store.search("ix1", directions(1)[0], 1, NO_FILTER)[0].chunk == chunk
    assert store.search_text("ix1", "net sales", 1, NO_FILTER)[0].chunk == chunk


@pytest.mark.parametrize("name", ODD_NAMES)
def test_each_chunk_names_its_document(store: VectorStore, name: str) -> None:
    store.write("ix1", [passage(1, document=name), passage(2)], directions(2))
    asked = ["d1.0001", "d2.0002", "d0.0003"]
    assert store.documents("ix1", asked) == {"d1.0001": name, "d2.0002": "D2.pdf"}
    assert store.documents("ix1", []) == {}


def test_what_the_chunk_store_has_otherwise_is_outdated(stores: Stores) -> None:
    store = stores.vectors
    store.create(IndexSpec("ix1", DIMS, "model-a"))
    cells = TableCells("Net sales", "$ millions", ("2021",), (("Sales", "1,2"),))
    old = [replace(passage(3 * n), cells=cells) for n in range(400)]
    ids = [chunk.chunk_id for chunk in old]
    store.write("ix1", old[:399], directions(399))
    assert store.outdated("ix1", ids) == set(), "there is nothing to compare with"
    facts = Document("d0", "D0.pdf", FilingFacts(), 1, 400, 0, "2026-01-01T00:00:00Z")
    stores.chunks.replace(facts, old, None)
    assert store.outdated("ix1", ids) == set()
    changed = {
        7: replace(old[7], facts=FilingFacts(company="3M")),
        8: replace(old[8], document="OTHER.pdf"),
        300: replace(old[300], cells=replace(cells, unit="$ thousands")),
        301: replace(old[301], section="Item 1"),
        302: replace(old[302], page_breaks=((1, 2),)),
        399: replace(old[399], section="Item 1"),
    }
    new = [changed.get(n, chunk) for n, chunk in enumerate(old)]
    stores.chunks.replace(facts, new, None)
    assert store.outdated("ix1", ids) == {ids[n] for n in (7, 8, 300, 301, 302)}
    assert store.outdated("ix1", ids[:8]) == {ids[7]}
    assert store.outdated("ix1", []) == set()
    store.write("ix1", [new[7]], directions(1))
    assert store.outdated("ix1", ids[:8]) == set()


def test_vectors_come_back_as_written_in_the_order_asked(store: VectorStore) -> None:
    vectors = directions(2100) * np.float32(3)
    chunks = [passage(n) for n in range(2100)]
    store.write("ix1", chunks, vectors)
    order = np.random.default_rng(1).permutation(2100)
    got = store.vectors("ix1", [chunks[n].chunk_id for n in order])
    assert got.dtype == np.float32
    assert np.array_equal(got, vectors[order])
    twice = store.vectors("ix1", [chunks[5].chunk_id] * 2)
    assert np.array_equal(twice, vectors[[5, 5]])
    assert store.vectors("ix1", []).shape == (0, DIMS)


def test_a_vector_that_is_not_there_is_named(store: VectorStore) -> None:
    store.write("ix1", [passage(1)], directions(1))
    with pytest.raises(StoreError, match=r"d2\.0002"):
        store.vectors("ix1", ["d1.0001", "d2.0002"])


def test_writing_again_replaces_and_removing_removes(store: VectorStore) -> None:
    store.write("ix1", [passage(n) for n in range(4)], directions(4))
    changed = passage(1, "changed")
    store.write("ix1", [changed, passage(9)], directions(2), remove=["d0.0000", "d0.none"])
    assert store.ids("ix1") == {"d1.0001", "d2.0002", "d0.0003", "d0.0009"}
    assert store.count("ix1") == 4
    hits = store.search("ix1", directions(1)[0], 10, NO_FILTER)
    assert changed in [hit.chunk for hit in hits]


def test_what_is_removed_and_added_at_once_stays(store: VectorStore) -> None:
    store.write("ix1", [passage(1)], directions(1))
    store.write("ix1", [passage(1, "again")], directions(1), remove=[passage(1).chunk_id])
    assert store.search("ix1", directions(1)[0], 1, NO_FILTER)[0].chunk.text == "again"


def test_nothing_to_add_still_removes(store: VectorStore) -> None:
    store.write("ix1", [passage(1)], directions(1))
    store.write("ix1", [], np.empty((0, DIMS), np.float32), remove=[passage(1).chunk_id])
    assert store.ids("ix1") == set()
    assert store.count("ix1") == 0
    assert store.search("ix1", directions(1)[0], 3, NO_FILTER) == []


@pytest.mark.parametrize("field", ["company", "section", "document"])
def test_filters_match_whole_values(store: VectorStore, field: str) -> None:
    chunks = [passage(n, **{field: name}) for n, name in enumerate(ODD_NAMES)]
    store.write("ix1", chunks, directions(len(chunks)))
    for chunk, name in zip(chunks, ODD_NAMES, strict=True):
        filters = (
            Filters(documents=(name,)) if field == "document" else Filters(**{field: name})  # type: ignore[arg-type]
        )
        assert found(store, filters) == {chunk.chunk_id}, name
        asked = store.search_text("ix1", "passage", 50, filters)
        assert [hit.chunk for hit in asked] == [chunk], name


def test_company_is_found_in_any_case(store: VectorStore) -> None:
    store.write("ix1", [passage(0, company="NIKE, Inc."), passage(1, company="3M")], directions(2))
    assert found(store, Filters(company="nike, inc.")) == {"d0.0000"}
    assert found(store, Filters(company="Nike")) == set()


def test_filters_are_joined_by_and(store: VectorStore) -> None:
    chunks = [
        passage(0, company="3M", fiscal_year=2021, form="10-K"),
        passage(1, company="3M", fiscal_year=2022, form="10-K"),
        replace(passage(2, company="3M", fiscal_year=2022, form="10-K/A"), kind="table"),
        passage(3, company="Nike", fiscal_year=2022),
    ]
    store.write("ix1", chunks, directions(4))
    assert found(store, Filters(company="3M", fiscal_year=2022)) == {"d1.0001", "d2.0002"}
    assert found(store, Filters(fiscal_year=2022, form="10-K/A")) == {"d2.0002"}
    assert found(store, Filters(kind="table")) == {"d2.0002"}
    assert found(store, Filters(company="3M", fiscal_year=2023)) == set()


def test_a_filter_leaves_k_results(store: VectorStore) -> None:
    chunks = [passage(n, company="rare" if n % 40 == 0 else "common") for n in range(400)]
    store.write("ix1", chunks, directions(400))
    assert len(found(store, Filters(company="rare"), k=10)) == 10


def test_text_search_ranks_by_words(store: VectorStore) -> None:
    chunks = [
        passage(0, "Capital expenditures were $1,577 million."),
        passage(1, "Revenue of the year."),
        replace(passage(2, "Totals of the year."), context="Capital plan"),
    ]
    store.write("ix1", chunks, directions(3))
    hits = store.search_text("ix1", "capital expenditures", 5, NO_FILTER)
    assert [hit.chunk.chunk_id for hit in hits] == ["d0.0000", "d2.0002"]
    assert hits[0].score > hits[1].score > 0
    assert store.search_text("ix1", "1577", 5, NO_FILTER)[0].chunk == chunks[0]
    assert store.search_text("ix1", "1,577", 5, NO_FILTER)[0].chunk == chunks[0]
    assert store.search_text("ix1", "the of", 1, NO_FILTER) != []
    assert store.search_text("ix1", "absent", 5, NO_FILTER) == []


@pytest.mark.parametrize("query", ["", "  ", "()|-@{}[]*~%$:\"'\\", "@company:{3M}", "-revenue"])
def test_text_search_has_no_syntax(store: VectorStore, query: str) -> None:
    store.write("ix1", [passage(0, "revenue"), passage(1, "other")], directions(2))
    expected = ["revenue"] if "revenue" in query else []
    assert [h.chunk.text for h in store.search_text("ix1", query, 5, NO_FILTER)] == expected


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_any_text_can_be_stored_filtered_and_asked(store: VectorStore, text: str) -> None:
    chunk = passage(0, text, company=text, section=text, document=text)
    store.write("ix1", [chunk], directions(1))
    for filters in (Filters(company=text), Filters(section=text), Filters(documents=(text,))):
        assert [hit.chunk for hit in store.search("ix1", directions(1)[0], 1, filters)] == [chunk]
    assert {hit.chunk for hit in store.search_text("ix1", text, 3, NO_FILTER)} <= {chunk}


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((1, DIMS + 1), np.float32),
        np.ones((2, DIMS), np.float32),
        np.ones(DIMS, np.float32),
        np.full((1, DIMS), np.nan, np.float32),
        np.full((1, DIMS), np.inf, np.float32),
        np.zeros((1, DIMS), np.float32),
    ],
)
def test_wrong_vectors_are_refused(store: VectorStore, vectors: Vectors) -> None:
    with pytest.raises(StoreError):
        store.write("ix1", [passage(0)], vectors)
    assert store.ids("ix1") == set()


@pytest.mark.parametrize(
    "vector",
    [
        np.ones((1, DIMS), np.float32),
        np.ones(DIMS - 1, np.float32),
        np.full(DIMS, np.nan, np.float32),
        np.zeros(DIMS, np.float32),
    ],
)
def test_a_wrong_question_vector_is_refused(store: VectorStore, vector: Vectors) -> None:
    with pytest.raises(StoreError):
        store.search("ix1", vector, 3, NO_FILTER)


def test_k_counts_from_one(store: VectorStore) -> None:
    with pytest.raises(InvalidRequest, match="k must be"):
        store.search("ix1", directions(1)[0], 0, NO_FILTER)
    with pytest.raises(InvalidRequest, match="k must be"):
        store.search_text("ix1", "word", 0, NO_FILTER)


def test_indexes_are_apart(store: VectorStore) -> None:
    store.create(IndexSpec("ix10", DIMS, "model-b"))
    store.write("ix10", [passage(0)], directions(1))
    assert store.count("ix1") == 0
    assert store.ids("ix1") == set()
    assert (store.model("ix1"), store.model("ix10")) == ("model-a", "model-b")
    assert store.names() == ["ix1", "ix10"]
    store.drop("ix1")
    assert store.names() == ["ix10"]
    assert store.ids("ix10") == {"d0.0000"}
    assert store.count("ix10") == 1


def test_names_are_never_used_again(store: VectorStore) -> None:
    with pytest.raises(StoreError, match="used before"):
        store.create(IndexSpec("ix1", DIMS, "model-b"))
    store.drop("ix1")
    with pytest.raises(StoreError, match="used before"):
        store.create(IndexSpec("ix1", DIMS, "model-b"))


@pytest.mark.parametrize("name", ["", "a:b", "a*", "a b", "[a]"])
def test_names_that_could_reach_other_entries_are_refused(store: VectorStore, name: str) -> None:
    with pytest.raises(StoreError, match="no index name"):
        store.create(IndexSpec(name, DIMS, "m"))


def test_a_missing_index_is_named(stores: Stores) -> None:
    store = stores.vectors
    store.create(IndexSpec("ix1", DIMS, "m"))
    store.drop("ix1")
    for name in ("ix1", "never", stores.alias):
        with pytest.raises(IndexMissing):
            store.search(name, directions(1)[0], 3, NO_FILTER)
        with pytest.raises(IndexMissing):
            store.search_text(name, "word", 3, NO_FILTER)
        with pytest.raises(IndexMissing):
            store.write(name, [passage(0)], directions(1))
        with pytest.raises(IndexMissing):
            store.documents(name, ["d0.0000"])
        with pytest.raises(IndexMissing):
            store.outdated(name, ["d0.0000"])
        with pytest.raises(IndexMissing):
            store.vectors(name, ["d0.0000"])
        for read in (store.ids, store.count, store.model, store.drop):
            with pytest.raises(IndexMissing):
                read(name)


def test_the_live_index_and_the_alias_cannot_be_dropped(stores: Stores) -> None:
    store, releases = stores.vectors, stores.releases
    for number in (1, 2):
        store.create(IndexSpec(f"ix{number}", DIMS, "m"))
        store.write(f"ix{number}", [passage(number)], directions(1))
        releases.put(Release(f"r{number}", "candidate", "m", f"ix{number}", DIMS, 1, "2026"))
    releases.swap(None, "r1", stores.chunks.revision())
    for name in ("ix1", stores.alias):
        with pytest.raises(StoreError):
            store.drop(name)
    assert store.search("ix1", directions(1)[0], 3, NO_FILTER)[0].chunk == passage(1)
    releases.swap("r1", "r2", stores.chunks.revision())
    store.drop("ix1")
    assert store.count("ix2") == 1
