"""Building a release's index beside the live one, and bringing any release up to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rag_service.core.errors import IndexMissing, ReleaseConflict, StoreError
from rag_service.core.ids import now
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import (
    Algorithm,
    Chunk,
    IndexSpec,
    ModelCard,
    Release,
    Vectors,
    VectorType,
)
from rag_service.indexing.build import IndexFiller
from rag_service.indexing.completeness import Completeness, differing
from rag_service.indexing.crew import Crew, NobodyElse
from rag_service.indexing.mending import IndexMender, incomplete
from rag_service.indexing.pace import NoTraffic, Pace
from rag_service.indexing.shared_vectors import SharedVectors, Tally
from rag_service.indexing.spread import Spread, SpreadFiller

_ROWS = 256
"""Chunks whose vectors are read at a time."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a release's index is to be like; None: as configured."""

    algorithm: Algorithm | None = None
    datatype: VectorType | None = None
    fresh: bool = False
    """Encode every chunk, also where an index holds the vectors."""


AS_CONFIGURED = BuildOptions()


class ShadowIndexer(IndexMender):
    """Builds releases. The index itself is the checkpoint.

    A killed build goes on where it stopped, and several workers may share one: chunks that are
    written are not embedded again. What an index of the same document vectors holds is copied,
    not embedded, unless the release is to be fresh. With ``spread``, releases that are being built
    are filled by workers elsewhere.
    """

    def __init__(
        self,
        chunks: ChunkStore,
        vectors: VectorStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        make_spec: Callable[[str, ModelCard], IndexSpec],
        *,
        crew: Crew | None = None,
        pace: Pace | None = None,
        spread: Spread | None = None,
        batch: int = 64,
        sample: int = 32,
    ) -> None:
        crew = crew or Crew(NobodyElse(), lambda: "alone")
        parts = (chunks, vectors, crew, pace or Pace(NoTraffic()), batch)
        filler = SpreadFiller(*parts, spread) if spread else IndexFiller(*parts)
        super().__init__(chunks, vectors, releases, registry, filler, batch)
        self._make_spec = make_spec
        self._crew = crew
        self._sample = sample

    def build(
        self,
        model: ModelCard,
        note: str = "",
        progress: Progress = no_progress,
        *,
        complete: bool = True,
    ) -> Release:
        """A complete candidate release of ``model``, as `start` and `finish` make it."""
        return self.finish(self.start(model, note), progress, complete=complete)

    def start(
        self, model: ModelCard, note: str = "", options: BuildOptions = AS_CONFIGURED
    ) -> Release:
        """The unfinished release of this model and these options, or a new one.

        Workers that start at once get the same one.
        """
        spec = self._spec("", model, options)
        with self._crew.alone(f"start a release of model {model.fingerprint}"):
            found = self._unfinished(spec, options.fresh)
            if found is not None and self._has_index(found, model):
                return found
            return self.create(model, note, options)

    def create(
        self, model: ModelCard, note: str = "", options: BuildOptions = AS_CONFIGURED
    ) -> Release:
        """An empty release in state ``building`` with an index of its own."""
        name = self._releases.new_name()
        spec = self._spec(name, model, options)
        release = Release(
            release=name,
            state="building",
            model=model.fingerprint,
            index=spec.name,
            dims=model.dims,
            chunks=0,
            created=now(),
            note=note,
            algorithm=spec.algorithm,
            datatype=spec.datatype,
            fresh=options.fresh,
        )
        # Before its index, so that a kill between the two leaves none that nobody knows of.
        self._releases.put(release)
        self._vectors.create(spec)
        return release

    def finish(
        self,
        release: Release,
        progress: Progress = no_progress,
        *,
        complete: bool = True,
        tally: Tally | None = None,
    ) -> Release:
        """Make a release that was started a complete candidate, together with other workers.

        With ``complete`` off, one that cannot be completed is a candidate too, for the gate to
        refuse. Raises ReleaseConflict if documents change faster than they are embedded, and
        StoreError if its vectors are not those of its model, which makes it ``failed``.
        """
        try:
            found = self.mend(release, progress, tally=tally)
        except ReleaseConflict:
            if ended := self._ended(release):
                return ended
            raise
        if complete and not found.complete:
            raise incomplete(release, found)
        with self._crew.alone(f"finish release {release.release}"):
            if ended := self._ended(release):
                return ended
            differing = self.check(release).differing
            if complete and differing:
                self._releases.mark(release.release, "failed")
                raise self._stale(release, differing)
            size = self._vectors.count(release.index)
            candidate = replace(release, state="candidate", chunks=size)
            self._releases.put(candidate)
            self._filler.forget(release)
        return candidate

    def check(self, release: Release) -> Completeness:
        """Compare the ids, and a sample of the vectors with what the model gives now."""
        found = self.completeness(release)
        others = differing(self._chunks, self._vectors, self._registry, release, self._sample)
        return replace(found, differing=others)

    def document_vectors(self, release: Release, chunks: Sequence[Chunk]) -> Vectors:
        """float32 ``(n, dims)`` of ``chunks``: from the index of ``release``, or encoded."""
        shared = SharedVectors(self._vectors, self._registry, [release.index], release.dims)
        batches = [chunks[i : i + _ROWS] for i in range(0, len(chunks), _ROWS)]
        rows = [shared.of(batch, release.model) for batch in batches]
        return np.concatenate([np.empty((0, release.dims), np.float32), *rows])

    def shape(self, model: ModelCard, options: BuildOptions) -> dict[str, Any]:
        """What an index of this model and these options would be like."""
        return self._spec("", model, options).shape

    def _spec(self, release: str, model: ModelCard, options: BuildOptions) -> IndexSpec:
        spec = self._make_spec(release, model)
        return replace(
            spec,
            algorithm=options.algorithm or spec.algorithm,
            datatype=options.datatype or spec.datatype,
        )

    def _unfinished(self, spec: IndexSpec, fresh: bool) -> Release | None:
        """The newest release of this model and shape that was not live yet."""
        for release in reversed(self._releases.all()):
            if release.model != spec.model or not self._is_like(release, spec):
                continue
            if release.state == "candidate" and not fresh:
                return release
            if release.state == "building" and release.fresh == fresh:
                return release
        return None

    def _is_like(self, release: Release, spec: IndexSpec) -> bool:
        try:
            return self._vectors.spec(release.index).shape == spec.shape
        except IndexMissing:  # to be made now
            return (release.algorithm, release.datatype) == (spec.algorithm, spec.datatype)

    def _has_index(self, release: Release, model: ModelCard) -> bool:
        """Whether its index is there, made now if a kill prevented it.

        A release whose index is lost, and whose index name is spent, is forgotten.
        """
        try:
            self._vectors.count(release.index)
            return True
        except IndexMissing:
            pass
        try:
            shape = BuildOptions(release.algorithm, release.datatype)
            self._vectors.create(self._spec(release.release, model, shape))
            return True
        except StoreError as error:
            if error.retryable:
                raise
            self._releases.delete(release.release)
            with suppress(IndexMissing):
                self._vectors.drop(release.index)
            return False

    def _ended(self, release: Release) -> Release | None:
        """The release, if there is nothing to finish any more. Raises StoreError if it failed."""
        current = self._releases.get(release.release)
        if current.state == "failed":
            raise StoreError(
                f"release {release.release} failed in another worker, which says why: reindex with "
                "--fresh"
            )
        ended = current.state != release.state or current.state in {"live", "retired"}
        return current if ended else None

    def _stale(self, release: Release, differing: frozenset[str]) -> StoreError:
        return StoreError(
            f"release {release.release} failed: {len(differing)} of the chunks that were encoded "
            "again as a sample have other vectors in its index, which was copied from stale ones "
            f"or written by another encoder: run `ragloop reindex --model {release.model} --fresh`"
        )
