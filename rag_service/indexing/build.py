"""Chunks into an index that no query sees yet: by several workers, in small steps, at a pace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np

from rag_service.core.protocols import ChunkStore, VectorStore
from rag_service.core.types import Chunk, Release
from rag_service.indexing.crew import Crew
from rag_service.indexing.filling import SLICE, Filling
from rag_service.indexing.pace import Pace
from rag_service.indexing.shared_vectors import SharedVectors

_SHARE = 256
"""Chunks that a worker takes at a time, at most."""


class IndexFiller:
    """Writes chunks into the index of a ``building`` release, each worker its share of them.

    What is written is not embedded again, and what one worker holds no other one embeds.
    """

    def __init__(
        self, chunks: ChunkStore, vectors: VectorStore, crew: Crew, pace: Pace, batch: int
    ) -> None:
        self._chunks = chunks
        self._vectors = vectors
        self._crew = crew
        self._pace = pace
        self._batch = batch

    def fill(
        self,
        release: Release,
        missing: Collection[str],
        shared: SharedVectors,
        on_done: Callable[[int], None],
    ) -> None:
        """Have each of ``missing`` written, by this worker or another one.

        ``on_done`` is told how many more are.
        """
        ordered = self._longest_first(release, missing, shared)
        least = max(1, self._batch // 2)  # a worker holds one share and reads the next
        with self._crew.shares(_work(release), ordered, least, _SHARE) as shares:
            parts = (self._chunks, self._vectors, self._pace, self._batch)
            Filling(*parts, release, shares, shared).run(on_done)

    def clear(self, release: Release, extra: Iterable[str]) -> None:
        """Take chunks out."""
        nothing = np.empty((0, release.dims), np.float32)
        ids = sorted(extra)
        for start in range(0, len(ids), SLICE):
            self._vectors.write(release.index, (), nothing, ids[start : start + SLICE])

    def forget(self, release: Release) -> None:
        """Nobody will fill it any more."""
        self._crew.forget(_work(release))

    def _longest_first(
        self, release: Release, missing: Collection[str], shared: SharedVectors
    ) -> list[str]:
        """The same order for all workers, in which texts of like length fill encoder batches."""
        ids = sorted(missing)
        encoded = [chunk_id for chunk_id in ids if not shared.holds(chunk_id)]
        length: dict[str, int] = {}
        for start in range(0, len(encoded), _SHARE):
            chunks = self._chunks.load(encoded[start : start + _SHARE])
            found = self._lengths(release, chunks, shared)
            length |= zip((chunk.chunk_id for chunk in chunks), found, strict=True)
        return sorted(ids, key=lambda chunk_id: -length.get(chunk_id, 0))

    def _lengths(
        self, release: Release, chunks: Sequence[Chunk], shared: SharedVectors
    ) -> list[int]:
        """In tokens: batches by them need less padding than by letters."""
        return shared.count_tokens(chunks, release.model)


def _work(release: Release) -> str:
    return f"build {release.release}"
