"""Chunks into an index that no query sees yet: by several workers, in small steps, at a pace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

import numpy as np

from rag_service.core.protocols import ChunkStore, VectorStore
from rag_service.core.types import Chunk, Release, Vectors
from rag_service.indexing.crew import Crew
from rag_service.indexing.pace import Pace
from rag_service.indexing.shared_vectors import SharedVectors

_SHARE = 256
"""Chunks that a worker takes at a time, at most."""
_SLICE = 16
"""Chunks in one write: Redis does one thing at a time, and a live search waits for it."""


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
        work, ordered = _work(release), self._longest_first(release, missing, shared)
        with closing(self._crew.shares(work, ordered, self._batch, _SHARE)) as shares:
            for share in shares:
                chunks = self._unwritten(release, share)
                on_done(len(share) - len(chunks))
                for written in self._write(release, chunks, shared, work):
                    on_done(written)

    def clear(self, release: Release, extra: Iterable[str]) -> None:
        """Take chunks out."""
        nothing = np.empty((0, release.dims), np.float32)
        ids = sorted(extra)
        for start in range(0, len(ids), _SLICE):
            self._vectors.write(release.index, (), nothing, ids[start : start + _SLICE])

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

    def _unwritten(self, release: Release, share: Sequence[str]) -> list[Chunk]:
        """The chunks that are still to be written, or to be written anew as they now are."""
        written = self._vectors.documents(release.index, share)
        done = written.keys() - self._vectors.outdated(release.index, share)
        return [chunk for chunk in self._chunks.load(share) if chunk.chunk_id not in done]

    def _write(
        self, release: Release, chunks: Sequence[Chunk], shared: SharedVectors, work: str
    ) -> Iterator[int]:
        """Write ``chunks``, and tell after each step how many it had."""
        rows = shared.copies(chunks)
        copied = [chunk for chunk in chunks if chunk.chunk_id in rows]
        for part in self._steps(copied, work):
            with self._pace.work(len(part)):
                yield self._put(release, part, np.stack([rows[c.chunk_id] for c in part]))
        new = [chunk for chunk in chunks if chunk.chunk_id not in rows]
        if new:
            shared.load(release.model)  # no step of work: its time says nothing of the others
            yield from self._encode(release, new, shared, work)

    def _encode(
        self, release: Release, chunks: Sequence[Chunk], shared: SharedVectors, work: str
    ) -> Iterator[int]:
        """As `_write`, of chunks whose vectors are to be made.

        A step is written while the next one is encoded; beside traffic before the next one, so
        that the step's pace is that of all its work.
        """
        with ThreadPoolExecutor(1, "index writer") as writer:
            writing: Future[int] | None = None
            for part in self._steps(chunks, work):
                with self._pace.work(len(part)) as alone:
                    rows = shared.encode(part, release.model)
                    if writing is not None:
                        yield writing.result()
                    writing = writer.submit(self._put, release, part, rows)
                    if not alone:
                        yield writing.result()
                        writing = None
            if writing is not None:
                yield writing.result()

    def _steps(self, chunks: Sequence[Chunk], work: str) -> Iterator[list[Chunk]]:
        """Chunks for one step of work after another, in their order."""
        rest = list(chunks)
        while rest:
            size = self._pace.next_step(self._batch)
            # One that was held up for longer than its claims last leaves them to who took them.
            mine = self._crew.still_mine(work, [chunk.chunk_id for chunk in rest])
            rest = [chunk for chunk in rest if chunk.chunk_id in mine]
            if part := rest[:size]:
                yield part
            rest = rest[size:]

    def _put(self, release: Release, chunks: Sequence[Chunk], rows: Vectors) -> int:
        for start in range(0, len(chunks), _SLICE):
            end = start + _SLICE
            self._vectors.write(release.index, chunks[start:end], rows[start:end])
        return len(chunks)


def _work(release: Release) -> str:
    return f"build {release.release}"
