"""Documents into and out of the live index, in step with the chunk store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

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
from rag_service.core.types import Chunk, Document, Release
from rag_service.indexing.embedding import embed_chunks

_ATTEMPTS = 5


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
        self, document: Document, chunks: Sequence[Chunk], progress: Progress = no_progress
    ) -> None:
        """Index ``chunks`` and store them, in place of the document of the same name.

        Raises NotFound if no release is live, ReleaseConflict if releases keep moving.
        """
        for _ in range(_ATTEMPTS):
            live = self._live()
            embedder = self._registry.load(live.model)
            done = 0

            def advance(n: int) -> None:
                nonlocal done
                done += n
                progress(f"embed {document.name}", done, len(chunks))

            vectors = embed_chunks(embedder, chunks, advance)
            stale = self._ids_under(document.name) | self._ids_of(document.document_id)
            self._vectors.write(
                live.index, chunks, vectors, stale - {chunk.chunk_id for chunk in chunks}
            )
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
            self._vectors.write(live.index, (), nothing, self._ids_of(document.document_id))
            try:
                self._chunks.remove(document.document_id, live.release)
            except ReleaseConflict:
                continue
            self._record_size(live)
            return document
        raise ReleaseConflict(f"{name} could not be removed: the live release keeps moving")

    def _live(self) -> Release:
        live = self._releases.current()
        if live is None:
            raise NotFound("no release is live; `ragloop ingest` makes the first one")
        return live

    def _record_size(self, live: Release) -> None:
        sized = replace(live, chunks=self._vectors.count(live.index))
        with suppress(ReleaseConflict):  # retired meanwhile: its size is no longer reported
            self._releases.put(sized)

    def _ids_under(self, name: str) -> set[str]:
        former = self._chunks.find(name)
        return self._ids_of(former.document_id) if former else set()

    def _ids_of(self, document_id: str) -> set[str]:
        return {chunk.chunk_id for chunk in self._chunks.chunks([document_id])}
