"""Whether a release's index holds what it should: every chunk, and the vectors of its model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import numpy as np

from rag_service.core.ids import document_of
from rag_service.core.protocols import ChunkStore, ModelRegistry, VectorStore
from rag_service.core.types import Release
from rag_service.indexing.embedding import embed_chunks

_ALIKE = 0.998
"""Cosine of a vector to the same one encoded again, at least.

Measured with MiniLM: bfloat16 against float32 gives 0.9999 and more, other neighbours in the
encoder's batch 0.99997, numbers of 16 bits in the index 0.9999999.
"""

_FEWEST = 8
_ONE_IN = 100


@dataclass(frozen=True, slots=True)
class Completeness:
    """How a release's index differs from the chunk store at ``revision``.

    All chunks of a document that is indexed under another name are ``missing``.
    """

    revision: int
    missing: frozenset[str]
    extra: frozenset[str]
    unindexed: int
    """Written entries that the engine has not indexed, so that no query can find them."""
    differing: frozenset[str] = frozenset()
    """Of the chunks that were encoded again as a sample, those whose vectors are others."""

    @property
    def complete(self) -> bool:
        return not (self.missing or self.extra or self.unindexed or self.differing)


def compare_ids(chunks: ChunkStore, vectors: VectorStore, release: Release) -> Completeness:
    """The ids in the index against those in the chunk store."""
    revision = chunks.revision()
    wanted = chunks.chunk_ids()
    written = vectors.ids(release.index)
    renamed = _renamed(chunks, vectors, release, wanted & written)
    return Completeness(
        revision=revision,
        missing=frozenset(c for c in wanted if c not in written or document_of(c) in renamed),
        extra=frozenset(written - wanted),
        unindexed=max(0, len(written) - vectors.count(release.index)),
    )


def differing(
    chunks: ChunkStore,
    vectors: VectorStore,
    registry: ModelRegistry,
    release: Release,
    sample: int,
) -> frozenset[str]:
    """Of about ``sample`` chunks, those that the model encodes otherwise.

    They are drawn by the index's name; of a small index fewer, so that they cost little of the
    time that encoding it takes.
    """
    written = sorted(vectors.ids(release.index))
    drawn = Random(release.index).sample(
        written, min(sample, len(written), max(_FEWEST, len(written) // _ONE_IN))
    )
    known = chunks.load(drawn)
    if not known:
        return frozenset()
    ids = [chunk.chunk_id for chunk in known]
    stored = vectors.vectors(release.index, ids)
    encoded = embed_chunks(registry.load(release.model), known)
    # Numbers of 16 bits are no unit vectors any more.
    cosines = (stored * encoded).sum(axis=1) / np.linalg.norm(stored, axis=1)
    return frozenset(c for c, cosine in zip(ids, cosines, strict=True) if cosine < _ALIKE)


def _renamed(
    chunks: ChunkStore, vectors: VectorStore, release: Release, chunk_ids: Iterable[str]
) -> set[str]:
    """Documents of these chunks that are indexed under another name than they now have."""
    samples = {document_of(chunk_id): chunk_id for chunk_id in chunk_ids}
    names = {document.document_id: document.name for document in chunks.documents()}
    indexed = vectors.documents(release.index, list(samples.values()))
    return {
        document
        for document, chunk_id in samples.items()
        if chunk_id in indexed and indexed[chunk_id] != names.get(document)
    }
