"""One document in many versions on a real Redis; run as a program, it writes one and may die."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from functools import cached_property

import redis

from rag_service.adapters.redis_chunks import RedisChunkStore
from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.core.types import Chunk, Document, FilingFacts, Filters, IndexSpec, ModelCard
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.indexing.writer import DocumentWriter
from tests.fakes.filings import filings
from tests.fakes.models import FakeRegistry

NAME = "HARROW_2023_10K.pdf"
SIZE = 400
ONLY = Filters(documents=(NAME,))
DIMS = 16


@dataclass(frozen=True)
class World:
    """The stores of one namespace, with the writer and the indexer on them."""

    client: redis.Redis
    namespace: str

    @cached_property
    def cards(self) -> dict[str, ModelCard]:
        return {
            name: ModelCard(name, name, "", DIMS, 256, "", "", "2026-01-01T00:00:00Z")
            for name in ("base", "better")
        }

    @cached_property
    def vectors(self) -> RedisVectorStore:
        return RedisVectorStore(self.client, self.namespace)

    @cached_property
    def chunks(self) -> RedisChunkStore:
        return RedisChunkStore(self.client, self.namespace)

    @cached_property
    def releases(self) -> RedisReleaseStore:
        return RedisReleaseStore(self.client, self.namespace)

    @cached_property
    def registry(self) -> FakeRegistry:
        return FakeRegistry(self.cards.values())

    @cached_property
    def indexer(self) -> ShadowIndexer:
        return ShadowIndexer(
            self.chunks,
            self.vectors,
            self.releases,
            self.registry,
            lambda release, model: IndexSpec(f"ix-{release}", model.dims, model.fingerprint),
            batch=100,
        )

    @cached_property
    def writer(self) -> DocumentWriter:
        return DocumentWriter(self.chunks, self.vectors, self.releases, self.registry)

    def begin(self) -> str:
        """A live release with a few documents; gives its index."""
        promoter = Promoter(self.indexer, self.vectors, self.releases, self.registry, 2)
        live = promoter.ensure_live(lambda: self.cards["base"])
        others: dict[str, list[Chunk]] = {}
        for chunk in filings(3):
            others.setdefault(chunk.document_id, []).append(chunk)
        for chunks in others.values():
            self.writer.put(document(chunks), chunks)
        self.put(0)
        return live.index

    def put(self, version: int) -> None:
        """What an ingestion does: mend the live release, then write the document."""
        live = self.releases.current()
        assert live is not None
        self.indexer.catch_up(live, writing=True)
        chunks = harrow(version)
        self.writer.put(document(chunks), chunks)

    def seen(self, index: str, *, text: bool) -> list[Chunk]:
        """The document's chunks that a search finds."""
        if text:
            hits = self.vectors.search_text(index, "sales", 2 * SIZE, ONLY)
        else:
            vector = self.registry.load("base").embed_queries(["net sales"])[0]
            hits = self.vectors.search(index, vector, 2 * SIZE, ONLY)
        return [hit.chunk for hit in hits]


def harrow(version: int) -> list[Chunk]:
    """Chunks of one version, none of which stands in another."""
    facts = FilingFacts("Harrow", "", "10-K", 2023, "2023-12-31")
    digest = f"{version:016x}"
    return [
        Chunk(
            chunk_id=f"{digest}.{number:016x}",
            document_id=digest,
            document=NAME,
            text=f"Net sales of plant {number} in version {version}.",
            context="Harrow",
            kind="prose",
            section="Item 7",
            heading="",
            page_start=1 + number // 10,
            page_end=1 + number // 10,
            position=number,
            facts=facts,
        )
        for number in range(SIZE)
    ]


def document(chunks: list[Chunk]) -> Document:
    first = chunks[0]
    return Document(
        first.document_id, first.document, first.facts, 40, len(chunks), 0, "2026-01-01T00:00:00Z"
    )


class _DyingChunkStore(RedisChunkStore):
    """Kills the process when the index is written and the chunk store is not."""

    def replace(self, *_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, namespace: str, version: str, death: str) -> None:
    world = World(connect(url), namespace)
    if death == "between":
        world.__dict__["chunks"] = _DyingChunkStore(world.client, namespace)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    world.put(int(version))


if __name__ == "__main__":
    main(*sys.argv[1:])
