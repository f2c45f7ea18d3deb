"""Bringing the index of any release up to date with the chunk store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from rag_service.core.errors import ReleaseConflict
from rag_service.core.ids import document_of
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import Release
from rag_service.indexing.build import IndexFiller
from rag_service.indexing.completeness import Completeness, compare_ids
from rag_service.indexing.shared_vectors import SharedVectors, Tally, indexes_like

_PASSES = 10
"""After which documents are said to change faster than they are embedded."""


class IndexMender:
    """Writes what a release's index lacks and takes out what is too much.

    What an index of the same document vectors holds is copied, not embedded.
    """

    def __init__(
        self,
        chunks: ChunkStore,
        vectors: VectorStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        filler: IndexFiller,
        batch: int,
    ) -> None:
        self._chunks = chunks
        self._vectors = vectors
        self._releases = releases
        self._registry = registry
        self._filler = filler
        self._batch = batch

    def completeness(self, release: Release) -> Completeness:
        """Compare the ids in the index with those in the chunk store."""
        return compare_ids(self._chunks, self._vectors, release)

    def catch_up(
        self, release: Release, progress: Progress = no_progress, *, writing: bool = False
    ) -> int:
        """Make a release's index hold exactly the chunk store's chunks.

        Returns the revision at which it did, for ``ReleaseStore.swap`` to insist on. The live
        release is mended only by who is ``writing``, alone: to others, a document that is just
        being written looks like one too many.

        Raises ReleaseConflict if it still does not after several passes.
        """
        found = self.mend(release, progress, writing=writing)
        if not found.complete:
            raise incomplete(release, found)
        return found.revision

    def mend(
        self,
        release: Release,
        progress: Progress = no_progress,
        *,
        writing: bool = False,
        tally: Tally | None = None,
    ) -> Completeness:
        """Do what `catch_up` does as far as it can be done, and tell how the index then differs.

        Raises ReleaseConflict if that is because documents change meanwhile.
        """
        first = found = self.completeness(release)
        for _ in range(_PASSES):
            if found.complete:
                return found
            if not writing:
                self._check_not_live(release)
            self._mend(release, found, progress, tally, writing)
            found = self.completeness(release)
        if not found.complete and found.revision != first.revision:
            raise incomplete(release, found)
        return found

    def _check_not_live(self, release: Release) -> None:
        live = self._releases.current()
        if live is not None and live.release == release.release:
            raise ReleaseConflict(f"release {release.release} went live meanwhile")

    def _mend(
        self,
        release: Release,
        found: Completeness,
        progress: Progress,
        tally: Tally | None,
        writing: bool,
    ) -> None:
        """Write what is missing and take out what is too much."""
        indexes = indexes_like(release, self._releases, self._registry) if found.missing else []
        if found.outdated:
            indexes = [release.index, *indexes]
        shared = SharedVectors(self._vectors, self._registry, indexes, release.dims, tally)
        done = 0

        def advance(n: int) -> None:
            nonlocal done
            done += n
            progress(f"reindex {release.release}", done, len(found.missing))

        if release.state == "building":
            self._filler.clear(release, found.extra)
            self._filler.fill(release, found.missing, shared, advance)
            return
        for ids, gone in self._steps(release, found):
            self._step(release, ids, gone, shared, writing)
            if ids:
                advance(len(ids))

    def _steps(
        self, release: Release, found: Completeness
    ) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
        """Chunk ids to write, with those to take out in the same step.

        Of a document that the index holds in another state, no query sees both or neither: all
        its chunks change in one step.
        """
        stale = self._by_name(release, found.extra)
        names = {document.document_id: document.name for document in self._chunks.documents()}
        missing: dict[str, list[str]] = {}
        for chunk_id in sorted(found.missing):
            missing.setdefault(document_of(chunk_id), []).append(chunk_id)
        written = self._vectors.ids(release.index)
        replaced = {
            document: stale.pop(names.get(document, ""), [])
            for document, ids in missing.items()
            if names.get(document) in stale or not written.isdisjoint(ids)
        }
        new = [c for document, ids in missing.items() if document not in replaced for c in ids]
        for start in range(0, len(new), self._batch):
            yield new[start : start + self._batch], ()
        for document, gone in replaced.items():
            yield missing[document], gone
        for gone in stale.values():
            yield (), gone

    def _step(
        self,
        release: Release,
        ids: Sequence[str],
        gone: Sequence[str],
        shared: SharedVectors,
        writing: bool,
    ) -> None:
        chunks = self._chunks.load(ids)
        if gone and len(chunks) < len(ids):
            return  # replaced once more meanwhile: the next pass sees by what
        vectors = np.empty((0, release.dims), np.float32)
        if chunks:
            vectors = shared.of(chunks, release.model)
        if not writing:
            # Encoding takes its time, and who ingests writes to what is live by now.
            self._check_not_live(release)
        self._vectors.write(release.index, chunks, vectors, gone)

    def _by_name(self, release: Release, chunk_ids: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        names = self._vectors.documents(release.index, sorted(chunk_ids))
        for chunk_id, name in names.items():
            found.setdefault(name, []).append(chunk_id)
        return found


def incomplete(release: Release, found: Completeness) -> ReleaseConflict:
    """The error that says what is wrong with a release's index."""
    return ReleaseConflict(
        f"release {release.release} is not complete after {_PASSES} passes: "
        f"{len(found.missing)} chunks missing, {len(found.extra)} too many, "
        f"{found.unindexed} not indexed; try again when ingestion has ended"
    )
