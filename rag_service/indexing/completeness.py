"""Whether a release's index holds what it should: every chunk, and the vectors of its model."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from rag_service.core.protocols import ChunkStore, ModelRegistry, VectorStore
from rag_service.core.tolerance import ALIKE
from rag_service.core.types import Release
from rag_service.indexing.embedding import embed_chunks

_FEWEST = 8
_ONE_IN = 100


@dataclass(frozen=True, slots=True)
class Completeness:
    """How a release's index differs from the chunk store at ``revision``."""

    revision: int
    missing: frozenset[str]
    """Those among them that are written with other facts, names or cells: see ``outdated``."""
    extra: frozenset[str]
    unindexed: int
    """Written entries that the engine has not indexed, so that no query can find them."""
    differing: frozenset[str] = frozenset()
    """Of the chunks that were encoded again as a sample, those whose vectors are others."""
    outdated: frozenset[str] = frozenset()
    """Of ``missing``, those of which the vector is there."""

    @property
    def complete(self) -> bool:
        return not (self.missing or self.extra or self.unindexed or self.differing)


def compare_ids(chunks: ChunkStore, vectors: VectorStore, release: Release) -> Completeness:
    """The ids in the index against those in the chunk store, and what is said of each chunk."""
    revision = chunks.revision()
    wanted = chunks.chunk_ids()
    written = vectors.ids(release.index)
    outdated = vectors.outdated(release.index, sorted(wanted & written))
    return Completeness(
        revision=revision,
        missing=frozenset((wanted - written) | outdated),
        outdated=frozenset(outdated),
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
    return frozenset(c for c, cosine in zip(ids, cosines, strict=True) if cosine < ALIKE)
