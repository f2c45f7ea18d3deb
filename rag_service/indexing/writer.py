"""Documents into and out of the live index, in step with the chunk store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from rag_service.core.errors import NotFound, ReleaseConflict
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import Chunk, Document, Release, Vectors
from rag_service.indexing.embedding import embed_chunks

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors ``(n, dims)`` of a document's chunks, by the model of this fingerprint."""

    model: str
    vectors: Vectors


class DocumentWriter:
    """Writes to the release that is live, and again if the live release moved meanwhile.

    The index changes first and the chunk store last, both each in one step: a process killed
    between the two leaves a document that queries find whole and that the next ingestion of the
    same file writes again. Other releases catch up from the chunk store before they go live.
    """

    def __init__(
        self,
        chunks: ChunkStore,
        vectors: VectorStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
    ) -> None:
        self._chunks = chunks
        self._vectors = vectors
        self._releases = releases
        self._registry = registry

    def put(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        progress: Progress = no_progress,
        encoded: Encoded | None = None,
    ) -> None:
        """Index ``chunks`` and store them, in place of the document of the same name.

        Only what the live index does not hold yet of this document is embedded, unless it was
        ``encoded`` before by the model that is live.

        Raises NotFound if no release is live, ReleaseConflict if releases keep moving.
        """
        for _ in range(_ATTEMPTS):
            live = self._live()
            former = self._former(document)
            ready = encoded if encoded and encoded.model == live.model else None
            step = f"embed {document.name}"
            vectors = self._vectors_of(chunks, former, live, step, progress, ready)
            stale = {chunk.chunk_id for chunk in former} - {chunk.chunk_id for chunk in chunks}
            self._vectors.write(live.index, chunks, vectors, stale)
            try:
                self._chunks.replace(document, chunks, live.release)
            except ReleaseConflict:
                continue
            self._record_size(live)
            return
        raise ReleaseConflict(
            f"{document.name} could not be written: the live release moved {_ATTEMPTS} times; "
            "try again when promotions have ended"
        )

    def remove(self, name: str) -> Document:
        """Take the document ingested as ``name`` out. Raises NotFound."""
        document = self._chunks.find(name)
        if document is None:
            raise NotFound(f"no document named {name!r}; `ragloop documents` lists them")
        for _ in range(_ATTEMPTS):
            live = self._live()
            nothing = np.empty((0, live.dims), np.float32)
            stale = [chunk.chunk_id for chunk in self._chunks.chunks([document.document_id])]
            self._vectors.write(live.index, (), nothing, stale)
            try:
                self._chunks.remove(document.document_id, live.release)
            except ReleaseConflict:
                continue
            self._record_size(live)
            return document
        raise ReleaseConflict(f"{name} could not be removed: the live release keeps moving")

    def _vectors_of(
        self,
        chunks: Sequence[Chunk],
        former: Sequence[Chunk],
        live: Release,
        step: str,
        progress: Progress,
        encoded: Encoded | None,
    ) -> Vectors:
        """float32 ``(n, dims)``: read back where the live index holds the same text, or encoded.

        A vector depends on the embedded text alone, so that it outlives a change of the file's
        bytes, of pages and of facts.
        """
        texts = {chunk.chunk_id: chunk.embedded_text for chunk in (*former, *chunks)}
        written = self._vectors.documents(live.index, list(texts))
        held = {texts[chunk_id]: chunk_id for chunk_id in written}
        wanted = dict.fromkeys(chunk.embedded_text for chunk in chunks)
        kept = [text for text in wanted if text in held]
        rows = dict(
            zip(kept, self._vectors.vectors(live.index, [held[t] for t in kept]), strict=True)
        )
        if encoded is not None:
            texts_encoded = (chunk.embedded_text for chunk in chunks)
            rows = dict(zip(texts_encoded, encoded.vectors, strict=True)) | rows
        new = {c.embedded_text: c for c in chunks if c.embedded_text not in rows}
        if new:
            done = 0

            def advance(n: int) -> None:
                nonlocal done
                done += n
                progress(step, done, len(new))

            embedder = self._registry.load(live.model)
            rows |= zip(new, embed_chunks(embedder, list(new.values()), advance), strict=True)
        found = [rows[chunk.embedded_text] for chunk in chunks]
        return np.asarray(found, np.float32).reshape(len(chunks), live.dims)

    def _former(self, document: Document) -> list[Chunk]:
        """What is stored under the document's name and under its id."""
        namesake = self._chunks.find(document.name)
        ids = {document.document_id, namesake.document_id if namesake else document.document_id}
        return list(self._chunks.chunks(ids))

    def _live(self) -> Release:
        live = self._releases.current()
        if live is None:
            raise NotFound("no release is live; `ragloop ingest` makes the first one")
        return live

    def _record_size(self, live: Release) -> None:
        sized = replace(live, chunks=self._vectors.count(live.index))
        with suppress(ReleaseConflict):  # retired meanwhile: its size is no longer reported
            self._releases.put(sized)
