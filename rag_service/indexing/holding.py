"""What a process works with is noted in Redis, so that retention leaves it alone."""

from __future__ import annotations

import logging
import threading

from rag_service.core.errors import NotFound, StoreError
from rag_service.core.protocols import ReleaseStore

_RENEWALS = 4
"""Turns in the life of a note: so many renewals but one may fail before it runs out."""

log = logging.getLogger(__name__)


class Holder:
    """Keeps releases from being deleted while this process, the ``user``, works with them.

    A note in the release store lasts ``seconds`` and is renewed by a thread, so that a process
    that died holds nothing for longer than that. Safe to use from several threads.
    """

    def __init__(self, releases: ReleaseStore, user: str, seconds: float = 300) -> None:
        self._releases = releases
        self._user = user
        self._seconds = seconds
        self._lock = threading.Lock()
        self._noted: set[str] = set()
        self._held: set[str] = set()
        """Those of ``_noted`` that are renewed."""
        self._closed = threading.Event()
        self._renewer: threading.Thread | None = None

    def hold(self, release: str) -> None:
        """Hold a release until it is let go; one that is held already costs nothing.

        Raises NotFound if the release is gone, StoreUnavailable.
        """
        if release in self._held:
            return
        with self._lock:
            self._releases.use(release, self._user, self._seconds)
            self._noted.add(release)
            self._held.add(release)
            if self._renewer is None:
                self._renewer = threading.Thread(
                    target=self._renew_until_closed, name="hold-releases", daemon=True
                )
                self._renewer.start()

    def lapse(self, release: str) -> None:
        """Hold it no longer than for some minutes, in which requests that use it now can end."""
        with self._lock:
            self._held.discard(release)

    def release(self, release: str) -> None:
        """Let go of a release at once; nothing happens if it is not held."""
        with self._lock:
            self._leave(release)

    def close(self) -> None:
        """Let go of all."""
        self._closed.set()
        with self._lock:
            for release in sorted(self._noted):
                self._leave(release)
        if self._renewer is not None:
            self._renewer.join(timeout=5)

    def _leave(self, release: str) -> None:
        if release not in self._noted:
            return
        self._noted.discard(release)
        self._held.discard(release)
        try:
            self._releases.leave(release, self._user)
        except StoreError as error:
            log.warning(
                "release %s stays noted as used for %.0f s: %s",
                release,
                self._seconds,
                error.message,
            )

    def _renew_until_closed(self) -> None:
        while not self._closed.wait(self._seconds / _RENEWALS):
            for release in sorted(self._held.copy()):
                with self._lock:
                    if release in self._held:
                        self._renew(release)

    def _renew(self, release: str) -> None:
        try:
            self._releases.use(release, self._user, self._seconds)
        except NotFound:
            log.warning("release %s, which this process used, was deleted", release)
            self._noted.discard(release)
            self._held.discard(release)
        except StoreError as error:
            log.warning("release %s could not be held, trying again: %s", release, error.message)
