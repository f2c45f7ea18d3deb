"""What a process of a reindex test does: work on the job, or serve the live release."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from rag_service.adapters.redis_chunks import RedisChunkStore
from rag_service.adapters.redis_claims import RedisClaimStore
from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.answering.retrieve import Retriever
from rag_service.answering.serving import Serving
from rag_service.core.errors import StoreUnavailable
from rag_service.core.types import Chunk, IndexSpec, ModelCard, Vectors
from rag_service.indexing.crew import Crew
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import BuildOptions, ShadowIndexer
from rag_service.indexing.writer import DocumentWriter
from rag_service.loop.jobs import JobStore, WorkerSlot
from rag_service.loop.reindexing import Reindexer
from tests.fakes.models import FakeEmbedder, FakeRegistry
from tests.unit.test_indexing import document

DIMS = 16
CARDS = {
    name: ModelCard(name, name, "", DIMS, 4096, "", "", "2026-01-01T00:00:00Z")
    for name in ("base", "better")
}
BATCH = 4


@dataclass(frozen=True)
class Place:
    """A namespace of a Redis, and a home; ``log`` gets the first line of each text encoded."""

    url: str
    namespace: str
    home: Path
    log: Path
    delay: float = 0.0
    """Seconds to encode one chunk."""


class LoggedEmbedder(FakeEmbedder):
    def __init__(self, place: Place, fingerprint: str) -> None:
        super().__init__(DIMS, fingerprint, 4096)
        self._place = place

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        lines = "".join(f"{self.fingerprint}\t{text!r}\n" for text in texts)
        log = os.open(self._place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, lines.encode())
        os.close(log)
        time.sleep(self._place.delay * len(texts))
        return super().embed_documents(texts, on_done)


class LoggedRegistry(FakeRegistry):
    def __init__(self, place: Place) -> None:
        super().__init__(CARDS.values())
        self._place = place

    def load(self, fingerprint: str) -> FakeEmbedder:
        return LoggedEmbedder(self._place, fingerprint)


class World:
    """The parts of one process at a place."""

    def __init__(self, place: Place, crew: Crew | None = None, sample: int = 0) -> None:
        self.place = place
        self.client = connect(place.url)
        self.chunks = RedisChunkStore(self.client, place.namespace)
        self.vectors = RedisVectorStore(self.client, place.namespace)
        self.releases = RedisReleaseStore(self.client, place.namespace)
        self.claims = RedisClaimStore(self.client, place.namespace)
        self.registry: Any = LoggedRegistry(place)
        self.indexer = ShadowIndexer(
            self.chunks,
            self.vectors,
            self.releases,
            self.registry,
            lambda release, model: IndexSpec(
                f"{place.namespace}-ix-{release}", model.dims, model.fingerprint
            ),
            crew=crew,
            batch=BATCH,
            sample=sample,
        )

    @cached_property
    def writer(self) -> DocumentWriter:
        return DocumentWriter(self.chunks, self.vectors, self.releases, self.registry)

    @cached_property
    def promoter(self) -> Promoter:
        return Promoter(self.indexer, self.vectors, self.releases, self.registry, 3)

    @cached_property
    def retriever(self) -> Retriever:
        return Retriever(Serving(self.releases, self.vectors, self.registry), self.vectors, 2000)

    def put(self, chunks: Sequence[Chunk]) -> None:
        self.writer.put(document(chunks), chunks)

    def close(self) -> None:
        self.client.close()


def begin(place: Place, documents: Sequence[Sequence[Chunk]]) -> None:
    """A live release of the base model with these documents."""
    world = World(replace(place, delay=0.0))
    world.promoter.ensure_live(lambda: CARDS["base"])
    for chunks in documents:
        world.put(chunks)
    world.close()


def context() -> ForkServerContext:
    """Starts processes in a few milliseconds: what they import is imported once."""
    started = multiprocessing.get_context("forkserver")
    started.set_forkserver_preload(["__main__", __name__])
    return started


def work(place: Place, ready: Any = None, ended: Any = None) -> None:
    """Run the job ``reindex`` as its command does; ``ended`` gets the release."""
    slot = WorkerSlot(place.home)
    claims = RedisClaimStore(connect(place.url), place.namespace)
    world = World(place, Crew(claims, lambda: slot.name, lease=20.0))
    if ready is not None:
        ready.wait(30)
    reindexer = Reindexer(world.indexer, world.releases, lambda release: None)
    with JobStore(place.home).run("reindex", {"model": "better"}, alone=False) as job:
        done = reindexer.run(job, CARDS["better"], BuildOptions())
    if ended is not None:
        ended.put((done.release.release, done.release.state, done.tally.encoded))


def serve(place: Place, question: str, answer: str, answers: Any, wrong: Any) -> None:
    """Ask the live release without end, and count right and wrong answers."""
    world = World(place)
    while True:
        with suppress(StoreUnavailable):
            (hit,) = world.retriever.search(question, k=1).hits
            counted = answers if hit.chunk.chunk_id == answer and hit.model == "base" else wrong
            counted.value += 1
        time.sleep(0.01)
