"""Figures of what is stored, read when somebody scrapes, at most every few seconds."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import get_args

from rag_service.core.bounded import Bounded
from rag_service.core.errors import RagloopError
from rag_service.core.protocols import ChunkStore, JobQueue, ReleaseStore
from rag_service.core.telemetry import (
    BUILD,
    CHUNKS,
    DOCUMENTS,
    HOME_FREE,
    JOBS,
    LIVE_RELEASE,
    REDIS_MEMORY,
    RELEASES,
    UP,
    Figure,
)
from rag_service.core.types import JobKind, JobState, Readiness, ReleaseState

_FRESH_SECONDS = 10.0
_WAIT_SECONDS = 2.0

log = logging.getLogger(__name__)


class StateFigures:
    """Figures of `STATE`. Those of Redis are left out while it does not answer.

    Args:
        home: The folder whose free space is told.
        releases: All that there are.
        chunks: Documents and their chunks; read again only after they have changed.
        jobs: Gives the queue of those that are kept.
        redis_memory: Bytes that Redis holds.
        ready: What is well, and what is not.
    """

    def __init__(
        self,
        home: Path,
        releases: ReleaseStore,
        chunks: ChunkStore,
        jobs: Callable[[], JobQueue],
        redis_memory: Callable[[], int],
        ready: Callable[[], Readiness],
    ) -> None:
        self._home = home
        self._releases = releases
        self._chunks = chunks
        self._jobs = jobs
        self._redis_memory = redis_memory
        self._ready = ready
        self._held: tuple[int, int, int] | None = None
        self._stored = Bounded(lambda: list(self._in_redis()), fresh=_FRESH_SECONDS)

    def __call__(self) -> Iterator[Figure]:
        """Within some seconds, whatever hangs."""
        yield Figure(BUILD, 1, (version("ragloop"),))
        readiness = self._ready()
        for part, state in {**readiness.checks, **readiness.notes}.items():
            yield Figure(UP, float(state == "ok"), (part,))
        if self._home.exists():
            yield Figure(HOME_FREE, shutil.disk_usage(self._home).free)
        if readiness.checks.get("redis") == "ok":
            try:
                yield from self._stored.begin().result(_WAIT_SECONDS)
            except (RagloopError, TimeoutError) as error:
                log.warning("figures of what is stored are left out: %s", error or "no answer")

    def _in_redis(self) -> Iterator[Figure]:
        yield Figure(REDIS_MEMORY, self._redis_memory())
        releases = self._releases.all()
        states = Counter(release.state for release in releases)
        for state in get_args(ReleaseState):
            yield Figure(RELEASES, states[state], (state,))
        for release in releases:
            if release.state == "live":
                yield Figure(LIVE_RELEASE, 1, (release.release, release.model))
        documents, chunks = self._counted()
        yield Figure(DOCUMENTS, documents)
        yield Figure(CHUNKS, chunks)
        jobs = Counter((job.kind, job.state) for job in self._jobs().all())
        # Zeros too: an alert sees the first that fails.
        for of in product(get_args(JobKind), get_args(JobState)):
            yield Figure(JOBS, jobs[of], of)

    def _counted(self) -> tuple[int, int]:
        revision = self._chunks.revision()
        if self._held is None or self._held[0] != revision:
            documents = self._chunks.documents()
            self._held = revision, len(documents), sum(d.chunks for d in documents)
        return self._held[1:]
