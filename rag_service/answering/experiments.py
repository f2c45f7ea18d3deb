"""Requests inside a live experiment: which release they get, and what feedback is credited to."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from uuid import uuid4

from rag_service.answering.interleaving import team_draft
from rag_service.answering.retrieve import NO_FILTERS, Retriever, SearchResult
from rag_service.core.errors import InvalidRequest, ModelError, NotFound, StoreError
from rag_service.core.ids import now
from rag_service.core.protocols import ExperimentStore, ReleaseStore
from rag_service.core.types import Arm, Experiment, Filters, Impression, Stage

IMPRESSION_SECONDS = 24 * 3600.0
LEASE_SECONDS = 7 * 24 * 3600.0
"""For so long an experiment holds its releases after the last request in it."""

_RENEW_SECONDS = 3600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one request was given; ``experiment`` is the one that it is part of."""

    request_id: str
    result: SearchResult
    experiment: Experiment | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """The place of a client in an experiment."""

    experiment: Experiment
    client: str
    arm: Arm | None


class Experiments:
    """Searches for clients in the way of the experiment that runs, if there is one.

    An experiment is over as soon as another release than its ``a`` is live. Where ``at_hand`` says
    that a release is still being loaded, nobody waits for it: the live one answers.
    """

    def __init__(
        self,
        store: ExperimentStore,
        releases: ReleaseStore,
        retriever: Retriever,
        coin: Callable[[], bool] = lambda: bool(secrets.randbits(1)),
        at_hand: Callable[[str], bool] = lambda release: True,
    ) -> None:
        self.store = store
        self._releases = releases
        self._retriever = retriever
        self._coin = coin
        self._at_hand = at_hand
        self._renewed: tuple[str, float] = ("", 0.0)

    def search(
        self,
        query: str,
        k: int = 10,
        filters: Filters = NO_FILTERS,
        release: str | None = None,
        *,
        stages: Collection[Stage] | None = None,
        client: str = "",
        interleave: bool = False,
        request_id: str = "",
    ) -> Shown:
        """The ``k`` chunks nearest to ``query`` under the release that ``client`` is to see.

        Without a ``client``, or if a ``release`` is named, the request is no part of an
        experiment; nor without ``interleave`` (the list is shown as it is, not made an answer of)
        where lists are interleaved. What it was shown is kept under an id that is always new, for a
        client chooses its ``request_id`` itself, and may send one twice; elsewhere that one is
        given back. Raises what `Retriever.search` raises.
        """
        part = self._part(client, interleave) if client and release is None else None
        found = self._search_in(part, query, k, filters, stages) if part is not None else None
        if part is not None and found is not None:
            result, teams = found
            shown = uuid4().hex
            impression = Impression(shown, part.experiment, part.client, query, part.arm, teams)
            self.store.show(impression, IMPRESSION_SECONDS)
            return Shown(shown, result, part.experiment)
        return Shown(
            request_id or uuid4().hex, self._retriever.search(query, k, filters, release, stages)
        )

    def credit(
        self, request_id: str, used: str | None, verdict: str | None
    ) -> tuple[Impression, Arm | None]:
        """Count what a client says of what it was shown, and give what it was shown, and of whom.

        A release is credited with the first verdict of each client; a used hit is a good one.
        With interleaving, each request credits the team whose hit is used first: an outcome that
        later uses could turn round would not be one that a sequential test may look at.

        Raises NotFound for a request that is not known, InvalidRequest for a chunk that was not
        shown in it.
        """
        impression = self.store.shown(request_id)
        if impression is None:
            raise NotFound(
                f"no request {request_id[:64]!r} is known: feedback by request_id is taken for "
                "requests inside an experiment, for a day; otherwise send question, verdict and "
                "release"
            )
        if used is not None and used not in impression.shown:
            raise InvalidRequest(f"chunk {used[:64]!r} was not shown in request {request_id}")
        arm = impression.arm or (impression.shown[used] if used is not None else None)
        if arm is not None:
            split = impression.arm is not None
            self.store.credit(
                impression.experiment.experiment,
                impression.client if split else request_id,
                arm,
                good=not split or verdict != "bad",
            )
        return impression, arm

    def running(self) -> Experiment | None:
        """The experiment that runs; one whose live release was replaced ends here."""
        experiment = self.store.running()
        if experiment is None:
            return None
        live = self._releases.current()
        if live is not None and live.release == experiment.a:
            return experiment
        name = live.release if live else "no release"
        self.end(experiment, f"{name} went live in place of {experiment.a}")
        return None

    def hold(self, experiment: Experiment) -> None:
        """Keep its releases from being deleted. Raises NotFound if one of them is gone."""
        for release in (experiment.a, experiment.b):
            self._releases.use(release, _user(experiment), LEASE_SECONDS)
        self._renewed = (experiment.experiment, time.monotonic())

    def end(self, experiment: Experiment, reason: str) -> None:
        """End it, if it has not ended, and let go of its releases."""
        self.store.end(experiment.experiment, now(), reason)
        for release in (experiment.a, experiment.b):
            self._releases.leave(release, _user(experiment))

    def _part(self, client: str, interleave: bool) -> _Part | None:
        experiment = self.running()
        if experiment is None:
            return None
        digest = client_digest(experiment.experiment, client)
        drawn = fraction(digest) < experiment.share
        if experiment.kind == "split":
            return _Part(experiment, digest, "b" if drawn else "a")
        return _Part(experiment, digest, None) if drawn and interleave else None

    def _search_in(
        self,
        part: _Part,
        query: str,
        k: int,
        filters: Filters,
        stages: Collection[Stage] | None,
    ) -> tuple[SearchResult, dict[str, Arm]] | None:
        """What the client is to see, and by chunk the release; None where it is no part after all.

        That is where another release than a is served already, and where b cannot be searched:
        the client asked for neither.
        """
        experiment = part.experiment
        if part.arm == "b":
            b = self._rival(experiment, query, k, filters, stages)
            return None if b is None else (b, _all_of("b", b))
        a = self._retriever.search(query, k, filters, stages=stages)
        if a.release != experiment.a:
            return None
        if part.arm == "a":
            return a, _all_of("a", a)
        b = self._rival(experiment, query, k, filters, stages)
        if b is None:
            return None
        hits, teams = team_draft(a.hits, b.hits, k, self._coin)
        timings = {step: round(a.timings[step] + b.timings[step], 2) for step in a.timings}
        return replace(a, hits=hits, timings=timings), teams

    def _rival(
        self,
        experiment: Experiment,
        query: str,
        k: int,
        filters: Filters,
        stages: Collection[Stage] | None,
    ) -> SearchResult | None:
        """What b finds, if it is at hand; if it cannot be searched the experiment ends."""
        try:
            name, when = self._renewed
            if name != experiment.experiment or time.monotonic() - when > _RENEW_SECONDS:
                self.hold(experiment)
            if not self._at_hand(experiment.b):
                return None
            return self._retriever.search(query, k, filters, experiment.b, stages)
        except (NotFound, ModelError, StoreError) as error:
            if error.retryable:
                raise
            log.error("experiment %s ends: %s", experiment.experiment, error.message)
            self.end(experiment, f"{experiment.b} could not be searched: {error.message}")
            return None


def _all_of(arm: Arm, result: SearchResult) -> dict[str, Arm]:
    return {hit.chunk.chunk_id: arm for hit in result.hits}


def client_digest(experiment: str, client: str) -> str:
    """Names a client within one experiment, without its key."""
    return hashlib.sha256(f"{experiment}\x00{client}".encode()).hexdigest()[:32]


def fraction(digest: str) -> float:
    """A hexadecimal digest as a number in [0, 1), evenly spread."""
    return int(digest[:13], 16) / 16**13


def _user(experiment: Experiment) -> str:
    return f"experiment:{experiment.experiment}"
