"""Which release a request is served by, and the encoder that belongs to it."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from rag_service.answering.considerate import considerately
from rag_service.core.errors import InvalidRequest, ModelError, NotFound, RagloopError, StoreError
from rag_service.core.protocols import Embedder, ModelRegistry, ReleaseStore, VectorStore
from rag_service.core.types import Release

_RETRY_SECONDS = 30.0
_LOADING_SHARE = 0.1
"""Of the time, for loading an encoder where another one serves."""
_WARMING = ("net sales", "What were net sales in fiscal year 2018? " * 4, "net sales " * 60)
"""Of different lengths: the first text of a length takes longer to encode than the next."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pinned:
    """One release with its own encoder: what a request uses from its start to its end."""

    release: Release
    embedder: Embedder


class Leases(Protocol):
    """Keeps releases from being deleted while this process serves them."""

    def hold(self, release: str) -> None:
        """Called at every pin. Raises NotFound if the release is gone."""
        ...

    def lapse(self, release: str) -> None:
        """Hold it no longer than a request that uses it now can take."""
        ...


class Serving:
    """Pins releases and keeps the ``keep`` most recently used encoders loaded.

    With ``background`` (a service), a release that goes live is loaded and warmed in a thread
    while the one before it goes on serving; otherwise (a command) it is loaded at once. As many
    releases are held with ``leases``, those that were pinned last, but for any whose encoder had
    to go.
    """

    def __init__(
        self,
        releases: ReleaseStore,
        vectors: VectorStore,
        registry: ModelRegistry,
        *,
        leases: Leases | None = None,
        background: bool = False,
        keep: int = 3,
    ) -> None:
        self._leases = leases
        self._releases = releases
        self._vectors = vectors
        self._registry = registry
        self._background = background
        self._keep = keep
        self._lock = threading.Lock()
        self._load_lock = threading.Lock()
        self._encoders: OrderedDict[str, Embedder] = OrderedDict()
        self._checked: OrderedDict[tuple[str, str], str] = OrderedDict()
        """Releases with their indexes that were found to be of one model, to that model.

        Those that are held, the least recently pinned first.
        """
        self._served: Release | None = None
        self._loader: threading.Thread | None = None
        self._hurry = threading.Event()
        self._failed: tuple[str, RagloopError, float] | None = None

    def pin(self, release: str | None = None) -> Pinned:
        """The live release, or the one that is named, ready to search.

        The pointer is read once. Raises NotFound, InvalidRequest for a release that cannot be
        searched, ModelError or StoreError if encoder and index are not of the release's model.
        """
        if release is not None:
            return self._open(self._named(release))
        live = self._releases.current()
        if live is None:
            raise NotFound("no release is live yet: run `ragloop ingest` with your filings")
        old = self._stand_in(live) if self._background else None
        if old is not None:
            return old
        pinned = self._open(live)
        with self._lock:
            self._served = live
        return pinned

    def warm(self) -> None:
        """Begin to load the live release, if there is one, so that the first request need not."""
        live = self._releases.current()
        if live is not None and not self._is_open(live):
            self._load_aside(live)

    def problem(self) -> str:
        """Why the live release is not served, or ``""``; a load that is due is begun, not awaited.

        A release that is loaded while the one before it serves is no problem.
        """
        live = self._releases.current()
        if live is None:
            return "no release is live: ingest filings first"
        if self._is_open(live):
            return ""
        self._load_aside(live)
        with self._lock:
            failed, served = self._failed, self._served
        serves = f"{served.release if served else 'no release'} serves"
        if failed is not None and failed[0] == live.release:
            reason = failed[1].message
            return f"release {live.release} is live but cannot be loaded: {reason} ({serves})"
        return "" if served else f"release {live.release} is being loaded"

    def at_hand(self, name: str) -> bool:
        """Whether a release can be searched without waiting for its encoder.

        A service begins to load it, and does not wait; a command, which has nobody else to
        serve, is always ready to. Raises what `pin` raises of a release that cannot be loaded.
        """
        if not self._background:
            return True
        release = self._named(name)
        if self._is_open(release):
            return True
        with self._lock:
            failed = self._failed
        if failed is not None and failed[0] == name and not self._may_retry(failed):
            raise failed[1]
        self._load_aside(release)
        return False

    def check_there(self, release: Release) -> None:
        """Raises NotFound if a release that was pinned has been deleted since."""
        self._releases.get(release.release)

    def close(self) -> None:
        """Wait for an encoder that is being loaded, which makes way for nobody then."""
        self._hurry.set()
        loader = self._loader
        if loader is not None:
            loader.join()
        self._hurry.clear()

    def _named(self, name: str) -> Release:
        release = self._releases.get(name)
        if release.state == "building":
            raise InvalidRequest(
                f"release {name} is still being built: ask again when `ragloop releases` "
                "shows it as candidate"
            )
        if release.state == "failed":
            raise InvalidRequest(f"release {name} failed while it was built and cannot be searched")
        return release

    def _is_open(self, release: Release) -> bool:
        with self._lock:
            return (
                release.model in self._encoders
                and (release.release, release.index) in self._checked
            )

    def _stand_in(self, live: Release) -> Pinned | None:
        """The release before ``live``, while the encoder of ``live`` is being loaded."""
        with self._lock:
            old = self._served
            if old is None or live.model in self._encoders or old.model not in self._encoders:
                return None
            embedder = self._encoders[old.model]
            self._encoders.move_to_end(old.model)
            if (key := (old.release, old.index)) in self._checked:
                self._checked.move_to_end(key)
        try:
            self.check_there(old)
        except NotFound:
            return None
        self._load_aside(live)
        return Pinned(old, embedder)

    def _load_aside(self, release: Release) -> None:
        with self._lock:
            if self._loader is not None and self._loader.is_alive():
                return
            failed = self._failed
            if failed is not None and failed[0] == release.release and not self._may_retry(failed):
                return
            self._loader = threading.Thread(
                target=self._try_open, args=(release,), name=f"load-{release.release}", daemon=True
            )
            self._loader.start()

    def _may_retry(self, failed: tuple[str, RagloopError, float]) -> bool:
        return time.monotonic() - failed[2] >= _RETRY_SECONDS

    def _try_open(self, release: Release) -> None:
        try:
            self._open(release)
            if release.state == "live":
                with self._lock:
                    self._served = self._served or release
        except RagloopError as error:
            log.error(
                "release %s (%s) cannot be loaded: %s",
                release.release,
                release.state,
                error.message,
            )
            with self._lock:
                self._failed = (release.release, error, time.monotonic())

    def _open(self, release: Release) -> Pinned:
        embedder = self._encoder(release.model)
        if embedder.fingerprint != release.model:
            raise ModelError(
                f"release {release.release} needs model {release.model}, but the registry loaded "
                f"{embedder.fingerprint}"
            )
        key = (release.release, release.index)
        if key not in self._checked:
            indexed = self._vectors.model(release.index)
            if indexed != release.model:
                raise StoreError(
                    f"index {release.index} holds vectors of model {indexed}, but release "
                    f"{release.release} is of model {release.model}: reindex with `ragloop reindex`"
                )
        if self._leases is not None:
            self._leases.hold(release.release)
        with self._lock:
            self._checked[key] = release.model
            self._checked.move_to_end(key)
            if self._failed is not None and self._failed[0] == release.release:
                self._failed = None
        self._let_go()
        return Pinned(release, embedder)

    def _encoder(self, fingerprint: str) -> Embedder:
        loaded = self._loaded(fingerprint)
        if loaded is not None:
            return loaded
        with self._load_lock:
            loaded = self._loaded(fingerprint)
            if loaded is not None:
                return loaded
            embedder = self._load(fingerprint)
            with self._lock:
                self._encoders[fingerprint] = embedder
                while len(self._encoders) > self._keep:
                    self._encoders.popitem(last=False)
            return embedder

    def _load(self, fingerprint: str) -> Embedder:
        if not self._background:
            return self._registry.load(fingerprint)
        if not self._encoders:
            return self._load_warm(fingerprint)
        return considerately(
            lambda: self._load_warm(fingerprint), _LOADING_SHARE, hurry=self._hurry
        )

    def _load_warm(self, fingerprint: str) -> Embedder:
        embedder = self._registry.load(fingerprint)
        for text in _WARMING:
            embedder.embed_queries([text])
        return embedder

    def _let_go(self) -> None:
        """Releases that are too many, or without an encoder, need not be kept for this process."""
        with self._lock:
            too_many = max(0, len(self._checked) - self._keep)
            gone = [
                key
                for place, (key, model) in enumerate(self._checked.items())
                if place < too_many or model not in self._encoders
            ]
            for key in gone:
                del self._checked[key]
        if self._leases is not None:
            for release, _ in gone:
                self._leases.lapse(release)

    def _loaded(self, fingerprint: str) -> Embedder | None:
        with self._lock:
            embedder = self._encoders.get(fingerprint)
            if embedder is not None:
                self._encoders.move_to_end(fingerprint)
            return embedder
