"""A candidate release of any model beside the live one, as a job that several processes share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rag_service.core.errors import NotFound
from rag_service.core.protocols import Progress, ReleaseStore, no_progress
from rag_service.core.types import ModelCard, Release
from rag_service.indexing.shadow import BuildOptions, ShadowIndexer
from rag_service.indexing.shared_vectors import Tally
from rag_service.loop.jobs import Job


@dataclass(frozen=True, slots=True)
class Reindexed:
    """A candidate, and what this process did for it."""

    release: Release
    tally: Tally
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        done = self.tally.encoded + self.tally.copied
        return {
            "release": self.release.release,
            "state": self.release.state,
            "model": self.release.model,
            "chunks": self.release.chunks,
            "dims": self.release.dims,
            "algorithm": self.release.algorithm,
            "datatype": self.release.datatype,
            "embedded": self.tally.encoded,
            "copied": self.tally.copied,
            "seconds": round(self.seconds, 2),
            "chunks_per_second": round(done / self.seconds, 1) if self.seconds else 0.0,
        }


class Reindexer:
    """Runs the job ``reindex``."""

    def __init__(
        self, indexer: ShadowIndexer, releases: ReleaseStore, hold: Callable[[str], None]
    ) -> None:
        self._indexer = indexer
        self._releases = releases
        self._hold = hold

    def run(
        self, job: Job, model: ModelCard, options: BuildOptions, progress: Progress = no_progress
    ) -> Reindexed:
        """Build a candidate, or go on with the one that this job or another worker began.

        Raises what `ShadowIndexer.finish` raises.
        """
        started = time.perf_counter()
        note = f"reindexed by {job.id}"

        def start() -> str:
            return self._indexer.start(model, note, options).release

        release = self._built(job.step("release", start), model)
        if release is None:
            # Still to be built, or gone with the last writes of a Redis that was killed.
            job.again("release")
            release = self._releases.get(job.step("release", start))
        self._hold(release.release)
        tally = Tally()
        release = self._indexer.finish(release, progress, tally=tally)
        return Reindexed(release, tally, time.perf_counter() - started)

    def _built(self, name: str, model: ModelCard) -> Release | None:
        """The release of this name and model, if it was built already."""
        try:
            release = self._releases.get(name)
        except NotFound:
            return None
        unbuilt = release.state in {"building", "failed"} or release.model != model.fingerprint
        return None if unbuilt else release
