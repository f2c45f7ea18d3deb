"""Document vectors that indexes already hold, so that they need not be encoded again."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import numpy as np

from rag_service.core.errors import IndexMissing, NotFound, StoreError
from rag_service.core.protocols import ModelRegistry, ReleaseStore, VectorStore
from rag_service.core.types import Chunk, Release, Vectors
from rag_service.indexing.embedding import embed_chunks

_log = logging.getLogger(__name__)


class SharedVectors:
    """Vectors of chunks: copied from the first of ``indexes`` that holds them, or else encoded.

    A chunk's id comes from what is embedded, so that of equal ids the vectors are equal wherever
    the models' document vectors are. ``indexes`` may change or be dropped meanwhile.
    """

    def __init__(self, store: VectorStore, registry: ModelRegistry, indexes: Iterable[str]) -> None:
        self._store = store
        self._registry = registry
        self._index_of: dict[str, str] = {}
        for index in indexes:
            try:
                held = store.ids(index)
            except IndexMissing:
                continue  # retention dropped it meanwhile
            for chunk_id in held:
                self._index_of.setdefault(chunk_id, index)

    def of(self, chunks: Sequence[Chunk], model: str) -> Vectors:
        """float32 ``(n, dims)`` as the model of fingerprint ``model`` encodes them.

        Its encoder is loaded only if there is something to encode.
        """
        rows = self._copied([chunk.chunk_id for chunk in chunks])
        new = [chunk for chunk in chunks if chunk.chunk_id not in rows]
        if new:
            encoded = embed_chunks(self._registry.load(model), new)
            rows |= {chunk.chunk_id: row for chunk, row in zip(new, encoded, strict=True)}
        return np.stack([rows[chunk.chunk_id] for chunk in chunks])

    def _copied(self, chunk_ids: Sequence[str]) -> dict[str, Vectors]:
        by_index: dict[str, list[str]] = {}
        for chunk_id in chunk_ids:
            if chunk_id in self._index_of:
                by_index.setdefault(self._index_of[chunk_id], []).append(chunk_id)
        rows: dict[str, Vectors] = {}
        for index, ids in by_index.items():
            try:
                rows |= dict(zip(ids, self._store.vectors(index, ids), strict=True))
            except StoreError as error:
                if error.retryable:
                    raise
                # Dropped, or its documents changed since: the encoder gives the same vectors.
                _log.info("%d chunks are encoded instead of copied: %s", len(ids), error.message)
        return rows


def indexes_like(release: Release, releases: ReleaseStore, registry: ModelRegistry) -> list[str]:
    """Indexes of other models with the document vectors of ``release``'s model, newest first.

    Those of the same model are left out: who builds it once more wants it encoded once more, as
    after a change of precision.
    """
    wanted = registry.get(release.model).document_vectors
    found = []
    for other in reversed(releases.all()):
        if other.model == release.model:
            continue
        try:
            held = registry.get(other.model).document_vectors
        except NotFound:
            continue  # nobody knows what it holds
        if held == wanted:
            found.append(other.index)
    return found
