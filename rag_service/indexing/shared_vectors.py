"""Document vectors that indexes already hold, so that they need not be encoded again."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rag_service.core.errors import IndexMissing, NotFound, StoreError
from rag_service.core.protocols import ModelRegistry, ReleaseStore, VectorStore
from rag_service.core.types import Chunk, Release, Vectors
from rag_service.indexing.embedding import embed_chunks

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """How many vectors a worker encoded, and how many it copied."""

    encoded: int = 0
    copied: int = 0


class SharedVectors:
    """Vectors of chunks: copied from the first of ``indexes`` that holds them, or else encoded.

    A chunk's id comes from what is embedded, so that of equal ids the vectors are equal wherever
    the models' document vectors are. Of more dimensions than ``dims`` the first are copied, as a
    cut model gives them. ``indexes`` may change or be dropped meanwhile. What is given is added to
    ``tally``.
    """

    def __init__(
        self,
        store: VectorStore,
        registry: ModelRegistry,
        indexes: Iterable[str],
        dims: int,
        tally: Tally | None = None,
    ) -> None:
        self._dims = dims
        self.indexes = list(indexes)
        self.tally = tally or Tally()
        self._store = store
        self._registry = registry
        self._index_of: dict[str, str] = {}
        for index in self.indexes:
            try:
                held = store.ids(index)
            except IndexMissing:
                continue  # retention dropped it meanwhile
            for chunk_id in held:
                self._index_of.setdefault(chunk_id, index)

    def holds(self, chunk_id: str) -> bool:
        """Whether an index held it."""
        return chunk_id in self._index_of

    def of(self, chunks: Sequence[Chunk], model: str) -> Vectors:
        """float32 ``(n, dims)`` as the model of fingerprint ``model`` encodes them.

        Its encoder is loaded only if there is something to encode.
        """
        rows = self.copies(chunks)
        new = [chunk for chunk in chunks if chunk.chunk_id not in rows]
        if new:
            rows |= zip((chunk.chunk_id for chunk in new), self.encode(new, model), strict=True)
        return np.stack([rows[chunk.chunk_id] for chunk in chunks])

    def load(self, model: str) -> None:
        """Have the encoder at hand that `encode` needs."""
        self._registry.load(model)

    def count_tokens(self, chunks: Sequence[Chunk], model: str) -> list[int]:
        """Of what is encoded of each chunk."""
        return self._registry.load(model).count_tokens([chunk.embedded_text for chunk in chunks])

    def encode(self, chunks: Sequence[Chunk], model: str) -> Vectors:
        """float32 ``(n, dims)``, none of them copied."""
        self.tally.encoded += len(chunks)
        return embed_chunks(self._registry.load(model), chunks)

    def copies(self, chunks: Sequence[Chunk]) -> dict[str, Vectors]:
        """By chunk id, the vectors ``(dims,)`` that an index holds."""
        by_index: dict[str, list[str]] = {}
        for chunk in chunks:
            if chunk.chunk_id in self._index_of:
                by_index.setdefault(self._index_of[chunk.chunk_id], []).append(chunk.chunk_id)
        rows: dict[str, Vectors] = {}
        for index, ids in by_index.items():
            try:
                rows |= self._cut(ids, self._store.vectors(index, ids))
            except StoreError as error:
                if error.retryable:
                    raise
                # Dropped, or its documents changed since: the encoder gives the same vectors.
                _log.info("%d chunks are encoded instead of copied: %s", len(ids), error.message)
        self.tally.copied += len(rows)
        return rows

    def _cut(self, chunk_ids: Sequence[str], vectors: Vectors) -> dict[str, Vectors]:
        """The vectors at this length; one of which nothing is left there is for the encoder."""
        if vectors.shape[1] == self._dims:
            return dict(zip(chunk_ids, vectors, strict=True))
        kept = vectors[:, : self._dims]
        lengths = np.linalg.norm(kept, axis=1)
        return {
            chunk_id: row / length
            for chunk_id, row, length in zip(chunk_ids, kept, lengths, strict=True)
            if length > 0
        }


def indexes_like(release: Release, releases: ReleaseStore, registry: ModelRegistry) -> list[str]:
    """Other indexes whose vectors are those of ``release``, newest first; none if it is fresh.

    They are of its model, of the whole one that it was cut from, or of another one with the same
    document vectors, and not rounded more than its own.
    """
    if release.fresh:
        return []
    model = registry.get(release.model)
    wanted = {model.document_vectors}
    if model.cut_from:
        wanted.add(_document_vectors(registry, model.cut_from) or model.cut_from)
    found = []
    for other in reversed(releases.all()):
        if other.index == release.index or other.state == "failed":
            continue
        if other.datatype != "float32" and release.datatype == "float32":
            continue
        if _document_vectors(registry, other.model) in wanted:
            found.append(other.index)
    return found


def _document_vectors(registry: ModelRegistry, fingerprint: str) -> str | None:
    """Names what an index of the model holds; None where nobody knows any more."""
    try:
        return registry.get(fingerprint).document_vectors
    except NotFound:
        return None
