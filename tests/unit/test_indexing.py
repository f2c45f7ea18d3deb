"""Writing, shadow building, promotion and rollback, on the fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pytest

from rag_service.core.errors import (
    InvalidRequest,
    ModelError,
    NotFound,
    ReleaseConflict,
    StoreUnavailable,
)
from rag_service.core.types import Chunk, Document, Filters, IndexSpec, ModelCard, Vectors
from rag_service.indexing.crew import Crew
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import BuildOptions, ShadowIndexer
from rag_service.indexing.writer import DocumentWriter
from tests.fakes.filings import filing
from tests.fakes.models import FakeEmbedder
from tests.fakes.stores import FakeChunkStore, FakeRedis, FakeReleaseStore, FakeVectorStore

DIMS = 32


def card(fingerprint: str) -> ModelCard:
    """That of ``base+x`` is an adapted ``base``."""
    base, _, adapter = fingerprint.partition("+")
    return ModelCard(
        fingerprint=fingerprint,
        name=fingerprint,
        path="",
        dims=DIMS,
        max_tokens=256,
        query_prompt="",
        document_prompt="",
        created="2026-01-01T00:00:00Z",
        documents_like=base if adapter else "",
    )


def document(chunks: Sequence[Chunk], version: str = "") -> Document:
    first = chunks[0]
    return Document(
        document_id=first.document_id + version,
        name=first.document,
        facts=first.facts,
        pages=4,
        chunks=len(chunks),
        tables=4,
        ingested_at="2026-01-01T00:00:00Z",
    )


class CountingRegistry:
    """Loads fake encoders and counts what they embed; ``gone`` are models that were deleted."""

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.gone: set[str] = set()

    def get(self, fingerprint: str) -> ModelCard:
        if fingerprint in self.gone:
            raise NotFound(f"no model {fingerprint}")
        return card(fingerprint)

    def load(self, fingerprint: str) -> Any:
        like = self.get(fingerprint).documents_like
        embedder = FakeEmbedder(dims=DIMS, fingerprint=fingerprint, documents_like=like)
        counted = self.embedded
        real = embedder.embed_documents

        def embed_documents(texts: Sequence[str], on_done: Any = None) -> Vectors:
            counted.extend(texts)
            return real(texts, on_done)

        embedder.embed_documents = embed_documents  # type: ignore[method-assign]
        return embedder


@dataclass
class World:
    redis: FakeRedis = field(default_factory=FakeRedis)
    crew: Crew | None = None
    sample: int = 0

    def __post_init__(self) -> None:
        self.vectors = FakeVectorStore(self.redis)
        self.chunks = FakeChunkStore(self.redis)
        self.releases = FakeReleaseStore(self.redis)
        self.registry = cast(Any, CountingRegistry())
        self.writer = DocumentWriter(self.chunks, self.vectors, self.releases, self.registry)
        self.indexer = ShadowIndexer(
            self.chunks,
            self.vectors,
            self.releases,
            self.registry,
            lambda release, model: IndexSpec(f"ix-{release}", model.dims, model.fingerprint),
            batch=5,
            sample=self.sample,
            crew=self.crew,
        )
        self.promoter = Promoter(self.indexer, self.vectors, self.releases, self.registry, 2)

    def live_ids(self) -> set[str]:
        live = self.releases.current()
        assert live is not None
        return self.vectors.ids(live.index)

    def put(self, chunks: list[Chunk]) -> None:
        self.writer.put(document(chunks), chunks)


@pytest.fixture
def world() -> World:
    world = World()
    world.promoter.ensure_live(lambda: card("base"))
    world.put(filing("Alder Mills", 2022))
    return world


def test_the_first_release_is_made_once(world: World) -> None:
    again = world.promoter.ensure_live(lambda: card("other"))
    assert (again.release, again.model) == ("r0001", "base")
    assert len(world.releases.all()) == 1


def test_a_document_is_in_the_index_and_in_the_chunk_store(world: World) -> None:
    assert world.live_ids() == world.chunks.chunk_ids() != set()
    live = world.releases.current()
    assert live is not None
    assert live.chunks == len(world.live_ids())


def test_a_changed_document_replaces_its_chunks(world: World) -> None:
    old = filing("Alder Mills", 2022)
    new = [
        replace(chunk, chunk_id=f"new.{n}", document_id="new", text=f"{chunk.text} restated")
        for n, chunk in enumerate(old)
    ]
    world.writer.put(document(new), new)

    assert world.live_ids() == {chunk.chunk_id for chunk in new} == world.chunks.chunk_ids()
    assert [d.document_id for d in world.chunks.documents()] == ["new"]


def test_a_removed_document_is_gone_everywhere(world: World) -> None:
    world.put(filing("Birchwater", 2022))
    removed = world.writer.remove("ALDERMILLS_2022_10K.pdf")

    assert removed.name == "ALDERMILLS_2022_10K.pdf"
    assert world.live_ids() == world.chunks.chunk_ids()
    assert {chunk.document for chunk in world.chunks.chunks()} == {"BIRCHWATER_2022_10K.pdf"}
    with pytest.raises(NotFound, match="no document named"):
        world.writer.remove("ALDERMILLS_2022_10K.pdf")


def test_a_document_lands_in_the_release_that_went_live_while_it_was_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = world.indexer.build(card("better"))
    real = world.chunks.replace

    def replace_after_a_swap(*arguments: Any) -> None:
        monkeypatch.setattr(world.chunks, "replace", real)
        world.promoter.promote(candidate.release)
        real(*arguments)

    monkeypatch.setattr(world.chunks, "replace", replace_after_a_swap)
    world.put(filing("Birchwater", 2022))

    live = world.releases.current()
    assert live is not None
    assert live.release == candidate.release
    assert world.live_ids() == world.chunks.chunk_ids()


def test_a_candidate_holds_what_the_live_release_holds_under_another_model(world: World) -> None:
    candidate = world.indexer.build(card("better"))

    assert candidate.state == "candidate"
    assert world.vectors.model(candidate.index) == "better"
    assert world.vectors.ids(candidate.index) == world.live_ids()
    assert candidate.chunks == len(world.live_ids())
    assert world.indexer.completeness(candidate).complete


def test_a_killed_build_goes_on_without_embedding_anything_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.registry.embedded.clear()
    real = world.vectors.write
    written: list[str] = []

    def die_at_the_second_batch(index: str, chunks: Any, *arguments: Any) -> None:
        if written:
            raise StoreUnavailable("Redis is away")
        real(index, chunks, *arguments)
        written.extend(chunk.chunk_id for chunk in chunks)

    monkeypatch.setattr(world.vectors, "write", die_at_the_second_batch)
    with pytest.raises(StoreUnavailable):
        world.indexer.build(card("better"))
    assert written
    monkeypatch.setattr(world.vectors, "write", real)
    world.registry.embedded.clear()
    candidate = world.indexer.build(card("better"))

    total = len(world.chunks.chunk_ids())
    assert len(world.registry.embedded) == total - len(written)
    assert [r.release for r in world.releases.all()] == ["r0001", candidate.release]
    assert world.indexer.completeness(candidate).complete


def test_documents_that_come_change_and_go_during_a_build_are_in_it_when_it_goes_live(
    world: World,
) -> None:
    world.put(filing("Birchwater", 2022))
    candidate = world.indexer.build(card("better"))
    world.put(filing("Cedarline", 2022))
    world.writer.remove("BIRCHWATER_2022_10K.pdf")
    assert not world.indexer.completeness(candidate).complete

    promoted = world.promoter.promote(candidate.release)

    assert promoted.state == "live"
    assert world.live_ids() == world.chunks.chunk_ids()
    assert {chunk.document for chunk in world.chunks.chunks()} == {
        "ALDERMILLS_2022_10K.pdf",
        "CEDARLINE_2022_10K.pdf",
    }


def test_a_changed_document_changes_in_a_candidate_in_one_step(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = world.indexer.build(card("better"))
    old = filing("Alder Mills", 2022)
    new = [
        replace(chunk, chunk_id=f"new.{n}", document_id="new", text=f"{chunk.text} restated")
        for n, chunk in enumerate(old)
    ]
    world.writer.put(document(new), new)
    world.put(filing("Birchwater", 2022))
    real = world.vectors.write
    seen: list[set[str]] = []

    def write(*arguments: Any) -> None:
        real(*arguments)
        seen.append(set(world.vectors.ids(candidate.index)))

    monkeypatch.setattr(world.vectors, "write", write)
    world.indexer.catch_up(candidate)
    states = [{chunk.chunk_id for chunk in old}, {chunk.chunk_id for chunk in new}]
    assert len(seen) > 2, "documents that are new come in batches"
    assert all(sum(state <= ids for state in states) == 1 for ids in seen)
    assert all(sum(state.isdisjoint(ids) for state in states) == 1 for ids in seen)
    assert world.indexer.completeness(candidate).complete


def test_other_facts_under_the_same_chunk_ids_reach_every_release_without_the_encoder(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = world.indexer.build(card("better"))
    fresh = BuildOptions(fresh=True)
    building = world.indexer.start(card("better"), options=fresh)
    world.indexer.mend(building)
    old = filing("Alder Mills", 2022)
    facts = replace(old[0].facts, company="Alder Mills Holdings", fiscal_year=2021)
    new = [replace(old[0], section="Item 9"), *old[1:]]
    new = [replace(chunk, facts=facts) for chunk in new]
    world.put(new)

    ids = {chunk.chunk_id for chunk in old}
    found = world.indexer.completeness(candidate)
    assert found.missing == found.outdated == ids
    assert not found.complete
    vectors = world.vectors.vectors(candidate.index, sorted(ids))
    monkeypatch.setattr(world.registry, "load", lambda _: pytest.fail("loaded an encoder"))
    world.indexer.catch_up(candidate)
    world.indexer.mend(building)
    for release in (candidate, building):
        entries = world.redis.indexes[release.index].entries
        assert [entries[chunk.chunk_id][0] for chunk in new] == new
        assert world.indexer.completeness(release).complete
    assert np.array_equal(world.vectors.vectors(candidate.index, sorted(ids)), vectors)


def test_who_was_slow_to_catch_up_writes_nothing_into_what_went_live_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = world.indexer.build(card("better"))
    world.put(filing("Birchwater", 2022))
    late = World(world.redis)
    real = late.chunks.load

    def load(ids: Sequence[str]) -> list[Chunk]:
        found = real(ids)
        if world.releases.get(candidate.release).state == "candidate":
            world.promoter.promote(candidate.release)
            world.writer.remove("BIRCHWATER_2022_10K.pdf")
        return found

    monkeypatch.setattr(late.chunks, "load", load)
    with pytest.raises(ReleaseConflict, match="went live"):
        late.indexer.catch_up(candidate)
    assert world.live_ids() == world.chunks.chunk_ids()


def test_a_document_that_is_replaced_again_meanwhile_is_never_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> list[Chunk]:
        return [
            replace(chunk, chunk_id=f"{name}.{n}", document_id=name, text=f"{chunk.text} {name}")
            for n, chunk in enumerate(filing("Alder Mills", 2022))
        ]

    candidate = world.indexer.build(card("better"))
    world.writer.put(document(version("one")), version("one"))
    real = world.chunks.load

    def load_too_late(ids: Sequence[str]) -> list[Chunk]:
        monkeypatch.setattr(world.chunks, "load", real)
        world.writer.put(document(version("two")), version("two"))
        return real(ids)

    sizes: list[int] = []
    write = world.vectors.write

    def counted(index: str, *arguments: Any) -> None:
        write(index, *arguments)
        sizes.append(len(world.vectors.ids(candidate.index)))

    monkeypatch.setattr(world.vectors, "write", counted)
    monkeypatch.setattr(world.chunks, "load", load_too_late)
    world.indexer.catch_up(candidate)
    assert set(sizes) == {len(version("two"))}
    assert world.vectors.ids(candidate.index) == {c.chunk_id for c in version("two")}


def test_a_document_between_the_last_check_and_the_swap_makes_the_swap_wait_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = world.indexer.build(card("better"))
    real = world.releases.swap

    def swap_after_an_ingestion(*arguments: Any, **options: Any) -> None:
        monkeypatch.setattr(world.releases, "swap", real)
        world.put(filing("Birchwater", 2022))
        real(*arguments, **options)

    monkeypatch.setattr(world.releases, "swap", swap_after_an_ingestion)
    world.promoter.promote(candidate.release)

    assert world.live_ids() == world.chunks.chunk_ids()


def test_of_two_operators_one_wins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = (world.indexer.build(card(name)) for name in ("mine", "theirs"))
    real = world.releases.swap

    def swap_second(*arguments: Any, **options: Any) -> None:
        monkeypatch.setattr(world.releases, "swap", real)
        world.promoter.promote(theirs.release)
        real(*arguments, **options)

    monkeypatch.setattr(world.releases, "swap", swap_second)
    with pytest.raises(ReleaseConflict):
        world.promoter.promote(mine.release)
    live = world.releases.current()
    assert live is not None
    assert live.release == theirs.release


def test_a_rollback_brings_back_the_release_before_and_what_came_since(world: World) -> None:
    candidate = world.indexer.build(card("better"))
    world.promoter.promote(candidate.release)
    world.registry.embedded.clear()
    world.put(filing("Birchwater", 2022))
    came_since = len(filing("Birchwater", 2022))

    restored = world.promoter.rollback()

    assert (restored.release, restored.model) == ("r0001", "base")
    assert world.live_ids() == world.chunks.chunk_ids()
    assert len(world.registry.embedded) == 2 * came_since
    with pytest.raises(NotFound, match="no earlier release"):
        world.promoter.rollback()


def test_a_candidate_goes_live_only_in_the_place_of_the_release_it_was_compared_with(
    world: World,
) -> None:
    candidate = world.indexer.build(card("better"))
    world.promoter.promote(world.indexer.build(card("meanwhile")).release)
    with pytest.raises(ReleaseConflict, match="compared with r0001"):
        world.promoter.promote(candidate.release, instead_of="r0001")


def test_a_removal_killed_half_way_is_mended_by_the_next_writer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: Any) -> None:
        raise StoreUnavailable("killed")

    with monkeypatch.context() as patch:
        patch.setattr(world.chunks, "remove", die)
        with pytest.raises(StoreUnavailable):
            world.writer.remove("ALDERMILLS_2022_10K.pdf")
    live = world.releases.current()
    assert live is not None
    assert world.live_ids() != world.chunks.chunk_ids()
    with pytest.raises(ReleaseConflict, match="live"):
        world.indexer.catch_up(live)
    world.indexer.catch_up(live, writing=True)
    assert world.live_ids() == world.chunks.chunk_ids()


def test_a_chunk_that_the_model_would_cut_off_is_refused(world: World) -> None:
    (chunk, *_) = filing("Birchwater", 2022)
    long = replace(chunk, text="very " * 5000 + "long")
    with pytest.raises(ModelError, match="RAGLOOP_CHUNK_TOKENS"):
        world.put([long])
    assert world.live_ids() == world.chunks.chunk_ids()


def test_refused_candidates_do_not_pile_up(world: World) -> None:
    for name in ("one", "two", "three", "four"):
        world.indexer.build(card(name))
    world.promoter.promote(world.indexer.build(card("five")).release)
    candidates = [r.model for r in world.releases.all() if r.state == "candidate"]
    assert candidates == ["three", "four"]


def test_what_is_not_ready_cannot_go_live(world: World) -> None:
    building = world.indexer.create(card("half"))
    with pytest.raises(InvalidRequest, match="building"):
        world.promoter.promote(building.release)
    with pytest.raises(NotFound, match="r0001"):
        world.promoter.promote("r9999")


def test_retention_drops_the_oldest_retired_and_never_the_rollback_target(world: World) -> None:
    for name in ("one", "two", "three", "four"):
        world.promoter.promote(world.indexer.build(card(name)).release)

    kept = {release.model: release.state for release in world.releases.all()}
    assert kept == {"two": "retired", "three": "retired", "four": "live"}
    previous = world.releases.previous()
    assert previous is not None
    assert previous.model == "three"
    assert set(world.redis.indexes) == {release.index for release in world.releases.all()}


def test_vectors_of_two_models_of_equal_dimension_never_meet(world: World) -> None:
    candidate = world.indexer.build(card("better"))
    query = np.asarray(world.registry.load("base").embed_queries(["net sales 2022"])[0])
    live = world.releases.current()
    assert live is not None
    found = world.vectors.search(live.index, query, 3, Filters())
    assert {hit.chunk.chunk_id for hit in found} <= world.vectors.ids(live.index)
    assert world.vectors.model(live.index) != world.vectors.model(candidate.index)
