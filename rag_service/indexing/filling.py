"""One worker's part of a build: shares are read, encoded and written, each beside the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rag_service.core.protocols import ChunkStore, VectorStore
from rag_service.core.types import Chunk, Release, Vectors
from rag_service.indexing.crew import Shares
from rag_service.indexing.pace import Pace
from rag_service.indexing.shared_vectors import SharedVectors

SLICE = 16
"""Chunks in one write: Redis does one thing at a time, and a live search waits for it."""


@dataclass(frozen=True, slots=True)
class Filling:
    """Has shares of a release's chunks written, of ``batch`` chunks a step or as the pace has it.

    While a step is encoded the one before is written, and the share after is read: one of each.
    """

    chunks: ChunkStore
    vectors: VectorStore
    pace: Pace
    batch: int
    release: Release
    shares: Shares
    shared: SharedVectors

    def run(self, on_done: Callable[[int], None]) -> None:
        """Until each share was its turn; ``on_done`` is told how many more chunks are written."""
        with (
            ThreadPoolExecutor(1, "index writer") as thread,
            closing(self._read_ahead()) as reading,
        ):
            writer = _Writer(thread, self._put, on_done)
            for share in reading:
                if share.ids:
                    on_done(len(share.ids) - len(share.chunks))
                    self._write(share, writer)
                else:
                    writer.wait()
                    self.shares.wait()
            writer.wait()

    def _read_ahead(self) -> Generator[_Share, None, None]:
        """Shares, each read while the one before is worked on.

        One is empty where other workers hold all that is left.
        """
        with ThreadPoolExecutor(1, "index reader") as reader:
            share = self._read()
            while share.ids or not self.shares.over:
                ahead = reader.submit(self._read) if share.ids else None
                yield share
                share = ahead.result() if ahead else self._read()

    def _read(self) -> _Share:
        """The next share, with those of its chunks that are to be written, or written anew."""
        ids = self.shares.take()
        if not ids:
            return _Share([], [], {})
        written = self.vectors.documents(self.release.index, ids)
        done = written.keys() - self.vectors.outdated(self.release.index, ids)
        chunks = [chunk for chunk in self.chunks.load(ids) if chunk.chunk_id not in done]
        self.shares.give_back(sorted(set(ids) - {chunk.chunk_id for chunk in chunks}))
        return _Share(ids, chunks, self.shared.copies(chunks))

    def _write(self, share: _Share, writer: _Writer) -> None:
        """Have a share's chunks written: first those whose vectors are copied.

        Beside traffic a step is written before the next one is encoded, so that its pace is that
        of all its work.
        """
        copied = [chunk for chunk in share.chunks if chunk.chunk_id in share.copies]
        for part in self._steps(copied):
            with self.pace.work(len(part)):
                writer.write(part, np.stack([share.copies[chunk.chunk_id] for chunk in part]))
                writer.wait()
        new = [chunk for chunk in share.chunks if chunk.chunk_id not in share.copies]
        model = self.release.model
        if new:
            self.shared.load(model)  # no step of work: its time says nothing of the others
        for part in self._steps(new):
            with self.pace.work(len(part)) as alone:
                writer.write(part, self.shared.encode(part, model))
                if not alone:
                    writer.wait()

    def _steps(self, chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
        """Chunks for one step of work after another, in their order."""
        rest = list(chunks)
        while rest:
            size = self.pace.next_step(self.batch)
            # One that was held up for longer than its claims last leaves them to who took them.
            mine = self.shares.still_mine([chunk.chunk_id for chunk in rest])
            rest = [chunk for chunk in rest if chunk.chunk_id in mine]
            if part := rest[:size]:
                yield part
            rest = rest[size:]

    def _put(self, chunks: Sequence[Chunk], rows: Vectors) -> None:
        for start in range(0, len(chunks), SLICE):
            end = start + SLICE
            self.vectors.write(self.release.index, chunks[start:end], rows[start:end])
        self.shares.give_back([chunk.chunk_id for chunk in chunks])


class _Share(NamedTuple):
    """Chunk ids that a worker holds, and what is to be done about them."""

    ids: list[str]
    chunks: list[Chunk]
    """Those to write."""
    copies: dict[str, Vectors]
    """By chunk id, the vectors ``(dims,)`` that another index holds."""


class _Writer:
    """Writes steps in ``thread``, one at a time, and tells of each when it is written."""

    def __init__(
        self,
        thread: ThreadPoolExecutor,
        put: Callable[[Sequence[Chunk], Vectors], None],
        on_done: Callable[[int], None],
    ) -> None:
        self._thread = thread
        self._put = put
        self._on_done = on_done
        self._step: Future[None] | None = None
        self._chunks = 0

    def write(self, chunks: Sequence[Chunk], rows: Vectors) -> None:
        """Begin to write a step, after the one before."""
        self.wait()
        self._chunks = len(chunks)
        self._step = self._thread.submit(self._put, chunks, rows)

    def wait(self) -> None:
        """Until all is written. Raises what writing raised."""
        if self._step is not None:
            step, self._step = self._step, None
            step.result()
            self._on_done(self._chunks)
