"""Which release is live: promotion, rollback, and the retention of what was live before."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from uuid import uuid4

from rag_service.core.errors import (
    IndexMissing,
    InvalidRequest,
    ModelError,
    NotFound,
    ReleaseConflict,
    StoreError,
)
from rag_service.core.protocols import (
    ModelRegistry,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import ModelCard, Release
from rag_service.indexing.holding import Holder
from rag_service.indexing.shadow import ShadowIndexer

_ATTEMPTS = 5

log = logging.getLogger(__name__)


class Promoter:
    """Moves the live pointer; every move first brings the target's index up to date.

    Of the releases that are not live, the newest ``keep`` of each state stay, and besides them
    what a rollback would bring back and what a request or a job uses.
    """

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

        Raises NotFound, InvalidRequest for a failed or unfinished release, ModelError or
        StoreError if its encoder and its index are not of its model, and ReleaseConflict if
        another operator moved the pointer meanwhile.
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
        self._check_encoder(target)
        promoted = self._swap(target, live.release if live else None, progress)
        try:
            self._retire_old()
        except StoreError as error:
            log.warning("%s is live, but older releases are not dropped: %s", name, error.message)
        return promoted

    def rollback(self, progress: Progress = no_progress) -> Release:
        """Make the release live again that was live before this one.

        Its encoder is loaded only if documents came since. Raises NotFound if there is none.
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
        with closing(Holder(self._releases, f"promotion:{uuid4().hex[:8]}")) as holder:
            # Another operator's retention must not drop it under way.
            holder.hold(target.release)
            self._check_index(target)
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

    def _check_encoder(self, release: Release) -> None:
        loaded = self._registry.load(release.model).fingerprint
        if loaded != release.model:
            raise ModelError(
                f"release {release.release} needs model {release.model}, but the registry loaded "
                f"{loaded}"
            )

    def _check_index(self, release: Release) -> None:
        indexed = self._vectors.model(release.index)
        if indexed != release.model:
            raise StoreError(
                f"index {release.index} holds vectors of model {indexed}, but release "
                f"{release.release} is of model {release.model}: reindex with `ragloop reindex`"
            )

    def _retire_old(self) -> None:
        # Of those that are building too: nobody resumes one that so many came after.
        for state in ("retired", "candidate", "failed", "building"):
            releases = [r for r in self._releases.all() if r.state == state]
            for release in releases[: -self._keep]:
                previous = self._releases.previous()
                if previous is None or previous.release != release.release:
                    self._discard(release)
        self._sweep()

    def _sweep(self) -> None:
        """Drop indexes whose release a killed retention had deleted already."""
        there = self._vectors.names()
        # Read after the indexes: a release that is being created is stored before its index.
        known = {release.index for release in self._releases.all()}
        for index in there:
            if index not in known:
                self._drop(index)

    def _discard(self, release: Release) -> None:
        try:
            self._releases.delete(release.release)
        except ReleaseConflict as error:
            log.info("release %s is kept: %s", release.release, error.message)
        except InvalidRequest:
            pass  # live, or deleted by another operator meanwhile
        else:
            self._drop(release.index)

    def _drop(self, index: str) -> None:
        with suppress(IndexMissing):  # another operator dropped it
            self._vectors.drop(index)
