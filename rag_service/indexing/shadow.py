"""Building a release's index beside the live one, and bringing any release up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag_service.core.errors import ReleaseConflict
from rag_service.core.ids import document_of, now
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import Chunk, IndexSpec, ModelCard, Release, Vectors
from rag_service.indexing.shared_vectors import SharedVectors, indexes_like


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

    @property
    def complete(self) -> bool:
        return not self.missing and not self.extra and not self.unindexed


class ShadowIndexer:
    """Writes what a release's index lacks. The index itself is the checkpoint.

    A killed build goes on where it stopped: chunks that are written are not embedded again. What
    an index of another model with the same document vectors holds is copied, not embedded.
    """

    def __init__(
        self,
        chunks: ChunkStore,
        vectors: VectorStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        make_spec: Callable[[str, ModelCard], IndexSpec],
        batch: int = 256,
    ) -> None:
        self._chunks = chunks
        self._vectors = vectors
        self._releases = releases
        self._registry = registry
        self._make_spec = make_spec
        self._batch = batch

    def build(
        self,
        model: ModelCard,
        note: str = "",
        progress: Progress = no_progress,
        *,
        complete: bool = True,
    ) -> Release:
        """A complete candidate release of ``model``: an unfinished one is resumed.

        With ``complete`` off, one that cannot be completed is a candidate too, for the gate to
        refuse. Raises ReleaseConflict if documents change faster than they are embedded.
        """
        release = self._unfinished(model.fingerprint) or self.create(model, note)
        (self.catch_up if complete else self.mend)(release, progress)
        release = replace(release, state="candidate", chunks=self._vectors.count(release.index))
        self._releases.put(release)
        return release

    def create(self, model: ModelCard, note: str = "") -> Release:
        """An empty release in state ``building`` with an index of its own."""
        name = self._releases.new_name()
        spec = self._make_spec(name, model)
        self._vectors.create(spec)
        release = Release(
            release=name,
            state="building",
            model=model.fingerprint,
            index=spec.name,
            dims=model.dims,
            chunks=0,
            created=now(),
            note=note,
        )
        self._releases.put(release)
        return release

    def completeness(self, release: Release) -> Completeness:
        """Compare the ids in the index with those in the chunk store."""
        revision = self._chunks.revision()
        wanted = self._chunks.chunk_ids()
        written = self._vectors.ids(release.index)
        renamed = self._renamed(release, wanted & written)
        return Completeness(
            revision=revision,
            missing=frozenset(c for c in wanted if c not in written or document_of(c) in renamed),
            extra=frozenset(written - wanted),
            unindexed=max(0, len(written) - self._vectors.count(release.index)),
        )

    def catch_up(
        self,
        release: Release,
        progress: Progress = no_progress,
        passes: int = 10,
        *,
        writing: bool = False,
    ) -> int:
        """Make a release's index hold exactly the chunk store's chunks.

        Returns the revision at which it did, for ``ReleaseStore.swap`` to insist on. The live
        release is mended only by who is ``writing``, alone: to others, a document that is just
        being written looks like one too many.

        Raises ReleaseConflict if it still does not after ``passes`` passes.
        """
        found = self.mend(release, progress, passes, writing=writing)
        if not found.complete:
            raise _incomplete(release, found, passes)
        return found.revision

    def mend(
        self,
        release: Release,
        progress: Progress = no_progress,
        passes: int = 10,
        *,
        writing: bool = False,
    ) -> Completeness:
        """Do what `catch_up` does as far as it can be done, and tell how the index then differs.

        Raises ReleaseConflict if that is because documents change meanwhile.
        """
        first = found = self.completeness(release)
        for _ in range(passes):
            if found.complete:
                return found
            if not writing and self._is_live(release):
                raise ReleaseConflict(f"release {release.release} went live meanwhile")
            self._mend(release, found, progress)
            found = self.completeness(release)
        if not found.complete and found.revision != first.revision:
            raise _incomplete(release, found, passes)
        return found

    def document_vectors(self, release: Release, chunks: Sequence[Chunk]) -> Vectors:
        """float32 ``(n, dims)`` of ``chunks``: from the index of ``release``, or encoded."""
        shared = SharedVectors(self._vectors, self._registry, [release.index])
        batches = [chunks[i : i + self._batch] for i in range(0, len(chunks), self._batch)]
        rows = [shared.of(batch, release.model) for batch in batches]
        return np.concatenate([np.empty((0, release.dims), np.float32), *rows])

    def _is_live(self, release: Release) -> bool:
        live = self._releases.current()
        return live is not None and live.release == release.release

    def _unfinished(self, fingerprint: str) -> Release | None:
        for release in reversed(self._releases.all()):
            if release.model == fingerprint and release.state in {"building", "candidate"}:
                return release
        return None

    def _renamed(self, release: Release, chunk_ids: Iterable[str]) -> set[str]:
        """Documents of these chunks that are indexed under another name than they now have."""
        samples = {document_of(chunk_id): chunk_id for chunk_id in chunk_ids}
        names = {document.document_id: document.name for document in self._chunks.documents()}
        indexed = self._vectors.documents(release.index, list(samples.values()))
        return {
            document
            for document, chunk_id in samples.items()
            if chunk_id in indexed and indexed[chunk_id] != names.get(document)
        }

    def _mend(self, release: Release, found: Completeness, progress: Progress) -> None:
        """Write what is missing and take out what is too much.

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
        steps = [
            *((ids, []) for ids in self._batches(new)),
            *((missing[document], gone) for document, gone in replaced.items()),
            *(([], gone) for gone in stale.values()),
        ]
        indexes = indexes_like(release, self._releases, self._registry) if found.missing else []
        shared = SharedVectors(self._vectors, self._registry, indexes)
        done = 0
        for ids, gone in steps:
            self._step(release, ids, gone, shared)
            done += len(ids)
            if ids:
                progress(f"reindex {release.release}", done, len(found.missing))

    def _step(
        self, release: Release, ids: Sequence[str], gone: Sequence[str], shared: SharedVectors
    ) -> None:
        chunks = self._chunks.load(ids)
        if gone and len(chunks) < len(ids):
            return  # replaced once more meanwhile: the next pass sees by what
        vectors = np.empty((0, release.dims), np.float32)
        if chunks:
            vectors = shared.of(chunks, release.model)
        self._vectors.write(release.index, chunks, vectors, gone)

    def _by_name(self, release: Release, chunk_ids: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        names = self._vectors.documents(release.index, sorted(chunk_ids))
        for chunk_id, name in names.items():
            found.setdefault(name, []).append(chunk_id)
        return found

    def _batches(self, ids: list[str]) -> Iterator[list[str]]:
        for start in range(0, len(ids), self._batch):
            yield ids[start : start + self._batch]


def _incomplete(release: Release, found: Completeness, passes: int) -> ReleaseConflict:
    return ReleaseConflict(
        f"release {release.release} is not complete after {passes} passes: "
        f"{len(found.missing)} chunks missing, {len(found.extra)} too many, "
        f"{found.unindexed} not indexed; try again when ingestion has ended"
    )
