"""Which release is live: promotion, rollback, and the retention of what was live before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rag_service.core.errors import InvalidRequest, NotFound, ReleaseConflict
from rag_service.core.protocols import (
    ModelRegistry,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import ModelCard, Release
from rag_service.indexing.shadow import ShadowIndexer

_ATTEMPTS = 5


class Promoter:
    """Moves the live pointer; every move first brings the target's index up to date."""

    def __init__(
        self,
        indexer: ShadowIndexer,
        vectors: VectorStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        keep: int,
    ) -> None:
        self._indexer = indexer
        self._vectors = vectors
        self._releases = releases
        self._registry = registry
        self._keep = keep

    def ensure_live(self, base: Callable[[], ModelCard]) -> Release:
        """The live release; an empty one of the ``base`` model if there is none yet."""
        live = self._releases.current()
        if live is not None:
            return live
        created = self._indexer.create(base(), note="first release")
        try:
            return self._swap(created, expected=None)
        except ReleaseConflict:
            self._discard(created)
            winner = self._releases.current()
            if winner is None:
                raise
            return winner

    def promote(
        self, name: str, progress: Progress = no_progress, *, instead_of: str | None = None
    ) -> Release:
        """Make release ``name`` live; with ``instead_of``, only in that release's place.

        Raises NotFound, InvalidRequest for a failed or unfinished release, and ReleaseConflict
        if another operator moved the pointer meanwhile.
        """
        target = self._releases.get(name)
        live = self._releases.current()
        if live is not None and live.release == name:
            return live
        if instead_of is not None and (live is None or live.release != instead_of):
            raise ReleaseConflict(
                f"release {name} was compared with {instead_of}, and "
                f"{live.release if live else 'none'} is live now: improve again"
            )
        if target.state in {"failed", "building"}:
            raise InvalidRequest(
                f"release {name} is {target.state}; build a candidate with `ragloop reindex`"
            )
        promoted = self._swap(target, live.release if live else None, progress)
        self._retire_old()
        return promoted

    def rollback(self, progress: Progress = no_progress) -> Release:
        """Make the release live again that was live before this one.

        Raises NotFound if there is none.
        """
        live, target = self._releases.current(), self._releases.previous()
        if live is None or target is None:
            raise NotFound("there is no earlier release to roll back to; see `ragloop releases`")
        return self._swap(target, live.release, progress, rollback=True)

    def _swap(
        self,
        target: Release,
        expected: str | None,
        progress: Progress = no_progress,
        rollback: bool = False,
    ) -> Release:
        self._registry.load(target.model)
        if target.state == "building":
            self._releases.mark(target.release, "candidate")
        for attempt in range(1, _ATTEMPTS + 1):
            revision = self._indexer.catch_up(target, progress)
            size = self._vectors.count(target.index)
            try:
                self._releases.put(replace(self._releases.get(target.release), chunks=size))
                self._releases.swap(expected, target.release, revision, rollback=rollback)
                break
            except ReleaseConflict:
                live = self._releases.current()
                moved = (live.release if live else None) != expected
                if moved or attempt == _ATTEMPTS:
                    raise
        return self._releases.get(target.release)

    def _retire_old(self) -> None:
        previous = self._releases.previous()
        keep = {previous.release} if previous else set()
        for state in ("retired", "candidate"):
            releases = [r for r in self._releases.all() if r.state == state]
            for release in releases[: -self._keep]:
                if release.release not in keep:
                    self._discard(release)

    def _discard(self, release: Release) -> None:
        self._releases.delete(release.release)
        self._vectors.drop(release.index)
