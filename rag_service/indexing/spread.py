"""Shares of a build that are written by workers elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from rag_service.core.protocols import ChunkStore, VectorStore
from rag_service.core.types import Chunk, Release
from rag_service.indexing.build import IndexFiller
from rag_service.indexing.crew import Crew
from rag_service.indexing.pace import Pace
from rag_service.indexing.shared_vectors import SharedVectors

_MOST = 256
"""Chunks in a share."""


class Filled(NamedTuple):
    """Chunks of a share that are written now, and how this worker came by their vectors."""

    chunks: int
    encoded: int
    copied: int


Spread = Callable[[Release, Sequence[str], Sequence[Sequence[str]]], Iterator[Filled]]
"""Has each of the shares of chunk ids written into a release, vectors copied from the indexes that
are named where those hold them, and tells of each share when it is done."""


class SpreadFiller(IndexFiller):
    """Each worker fills its share as an `IndexFiller` would, under the name of this one.

    So what a lost worker held is free for the one that does its share again, and what it wrote is
    not written twice.
    """

    def __init__(
        self,
        chunks: ChunkStore,
        vectors: VectorStore,
        crew: Crew,
        pace: Pace,
        batch: int,
        spread: Spread,
    ) -> None:
        super().__init__(chunks, vectors, crew, pace, batch)
        self._spread = spread

    def fill(
        self,
        release: Release,
        missing: Collection[str],
        shared: SharedVectors,
        on_done: Callable[[int], None],
    ) -> None:
        if len(missing) <= self._batch:  # not worth having them start
            super().fill(release, missing, shared, on_done)
            return
        shares = list(_shares(self._longest_first(release, missing, shared), self._batch // 2))
        for done in self._spread(release, shared.indexes, shares):
            shared.tally.encoded += done.encoded
            shared.tally.copied += done.copied
            on_done(done.chunks)

    def _lengths(
        self, release: Release, chunks: Sequence[Chunk], shared: SharedVectors
    ) -> list[int]:
        """In letters: the encoder is loaded where the work is done."""
        return [len(chunk.embedded_text) for chunk in chunks]


def _shares(ids: Sequence[str], least: int) -> Iterator[Sequence[str]]:
    """Small ones at last, so that all workers end at about the same time."""
    start = 0
    while start < len(ids):
        size = max(1, least, min(_MOST, (len(ids) - start) // 4))
        yield ids[start : start + size]
        start += size
