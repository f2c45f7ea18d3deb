"""Documents and their chunks in Redis: the source of truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain

import redis
from redis.client import Pipeline
from redis.typing import EncodableT, FieldT

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_codec import dump_chunk, dump_document, load_chunk, load_document
from rag_service.adapters.redis_keys import Keys
from rag_service.core.errors import NotFound, ReleaseConflict, StoreError
from rag_service.core.ids import document_of
from rag_service.core.types import Chunk, Document


class RedisChunkStore:
    """The protocol ``ChunkStore`` on one namespace of a Redis.

    Over slots a document is there when the hash of documents says so: its chunks are written
    before that and deleted after it. Of what a crash leaves between, nothing is found of a new
    document, and the next ingestion of the same file writes it again.
    """

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._keys = Keys(namespace)

    @store_errors()
    def revision(self) -> int:
        return int(self._client.get(self._keys.revision) or 0)

    @store_errors()
    def documents(self) -> list[Document]:
        stored = self._client.hvals(self._keys.documents)
        return sorted(map(load_document, stored), key=lambda d: (d.name, d.document_id))

    def find(self, name: str) -> Document | None:
        return next((d for d in self.documents() if d.name == name), None)

    @store_errors()
    def get(self, document_id: str) -> Document | None:
        stored = self._client.hget(self._keys.documents, document_id)
        return None if stored is None else load_document(stored)

    @store_errors()
    def replace(self, document: Document, chunks: Sequence[Chunk], live: str | None) -> None:
        strangers = [c.chunk_id for c in chunks if document_of(c.chunk_id) != document.document_id]
        if strangers:
            raise StoreError(f"{strangers[0]} is no chunk of document {document.document_id}")
        stored: Mapping[FieldT, EncodableT] = {
            chunk.chunk_id: dump_chunk(chunk) for chunk in chunks
        }

        def write(pipe: Pipeline) -> None:
            self._unlink(pipe, document.document_id)
            if stored:
                pipe.hset(self._keys.chunks(document.document_id), mapping=stored)

        def change(pipe: Pipeline) -> None:
            self._check_live(live)
            namesake = self.find(document.name)
            former = namesake.document_id if namesake else document.document_id
            if self._keys.spread:
                self._client.transaction(write)
                if former != document.document_id:
                    self._unlink_last(leftover, former)
            pipe.multi()
            pipe.hdel(self._keys.documents, former)
            if not self._keys.spread:
                self._unlink(pipe, former)
                write(pipe)
            pipe.hset(self._keys.documents, document.document_id, dump_document(document))
            pipe.incr(self._keys.revision)

        with self._leftover() as leftover:
            self._client.transaction(change, self._keys.live, self._keys.documents)

    @store_errors()
    def remove(self, document_id: str, live: str | None) -> None:
        def change(pipe: Pipeline) -> None:
            self._check_live(live)
            if not self._client.hexists(self._keys.documents, document_id):
                raise NotFound(f"there is no document {document_id}")
            if self._keys.spread:
                self._unlink_last(leftover, document_id)
            pipe.multi()
            pipe.hdel(self._keys.documents, document_id)
            if not self._keys.spread:
                self._unlink(pipe, document_id)
            pipe.incr(self._keys.revision)

        with self._leftover() as leftover:
            self._client.transaction(change, self._keys.live, self._keys.documents)

    @store_errors()
    def chunk_ids(self) -> set[str]:
        with self._client.pipeline(transaction=False) as pipe:
            for document_id in self._client.hkeys(self._keys.documents):
                pipe.hkeys(self._keys.chunks(str(document_id)))
            return {chunk_id for ids in pipe.execute() for chunk_id in ids}

    def chunks(self, document_ids: Iterable[str] | None = None) -> Iterator[Chunk]:
        wanted = None if document_ids is None else set(document_ids)
        for document in self.documents():
            if wanted is None or document.document_id in wanted:
                yield from self._chunks_of(document)

    @store_errors()
    def load(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        with self._client.pipeline(transaction=False) as pipe:
            for chunk_id in chunk_ids:
                pipe.hget(self._keys.chunks(document_of(chunk_id)), chunk_id)
            return [load_chunk(stored) for stored in pipe.execute() if stored is not None]

    @store_errors()
    def around(self, chunks: Sequence[Chunk], reach: int) -> list[Chunk]:
        wanted = sorted(chunks, key=lambda chunk: (chunk.document_id, chunk.position))
        windows = self._windows(wanted, reach)
        unknown = {c.document_id for c, ids in zip(wanted, windows, strict=True) if not ids}
        if unknown:
            for document_id in unknown:
                self._put_in_order(document_id)
            windows = self._windows(wanted, reach)
        return self.load(list(dict.fromkeys(chain.from_iterable(windows))))

    def _windows(self, chunks: Sequence[Chunk], reach: int) -> list[list[str]]:
        """For each chunk the ids around it; none where it does not stand at its position."""
        with self._client.pipeline(transaction=False) as pipe:
            for chunk in chunks:
                first = max(0, chunk.position - reach)
                pipe.lrange(
                    self._keys.reading_order(chunk.document_id), first, chunk.position + reach
                )
            found = pipe.execute()
        return [
            ids if chunk.chunk_id in ids else [] for chunk, ids in zip(chunks, found, strict=True)
        ]

    def _put_in_order(self, document_id: str) -> None:
        chunks, order = self._keys.chunks(document_id), self._keys.reading_order(document_id)

        def write(pipe: Pipeline) -> None:
            kept = sorted(map(load_chunk, pipe.hvals(chunks)), key=lambda chunk: chunk.position)
            pipe.multi()
            pipe.unlink(order)
            if kept:
                pipe.rpush(order, *(chunk.chunk_id for chunk in kept))

        self._client.transaction(write, chunks)

    @contextmanager
    def _leftover(self) -> Iterator[Pipeline]:
        """At its end it deletes what is queued in it, unless that was written anew meanwhile."""
        with self._client.pipeline(transaction=True) as pipe:
            yield pipe
            with suppress(redis.WatchError):
                pipe.execute()

    def _unlink_last(self, leftover: Pipeline, document_id: str) -> None:
        leftover.reset()
        leftover.watch(self._keys.chunks(document_id))  # type: ignore[no-untyped-call]
        leftover.multi()
        self._unlink(leftover, document_id)

    def _unlink(self, pipe: Pipeline, document_id: str) -> None:
        pipe.unlink(self._keys.chunks(document_id), self._keys.reading_order(document_id))

    @store_errors()
    def _chunks_of(self, document: Document) -> list[Chunk]:
        stored = self._client.hvals(self._keys.chunks(document.document_id))
        return sorted(map(load_chunk, stored), key=lambda c: (c.position, c.chunk_id))

    def _check_live(self, expected: str | None) -> None:
        live = self._client.get(self._keys.live)
        if live != expected:
            raise ReleaseConflict(
                f"release {live!s} went live in place of {expected}: try again with it"
            )
