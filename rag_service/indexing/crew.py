"""Several workers on one build: who embeds what, and who does what only one may do."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager

from rag_service.core.errors import ReleaseConflict
from rag_service.core.protocols import ClaimStore

_PATIENCE = 4
"""Leases that are waited for another worker to do what only one may do."""


class NobodyElse:
    """The protocol ``ClaimStore`` where there is one worker alone: all is its own."""

    def take(
        self, work: str, items: Sequence[str], n: int, worker: str, seconds: float
    ) -> list[str]:
        return list(items[:n])

    def give_back(self, work: str, items: Sequence[str], worker: str) -> None:
        """Nobody waits for it."""

    def forget(self, work: str) -> None:
        """Nothing is noted."""


class Crew:
    """The workers of builds, as one of them sees them.

    ``worker`` gives this one's name, which no other living worker has. What it holds comes free
    ``lease`` seconds after it last took it; a worker that begins again under the same name goes
    on with it at once.
    """

    def __init__(
        self,
        claims: ClaimStore,
        worker: Callable[[], str],
        lease: float = 120.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._claims = claims
        self._worker = worker
        self._lease = lease
        self._sleep = sleep

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Held by one worker at a time. Raises ReleaseConflict if another holds it for too long."""
        waited, pause = 0.0, min(0.1, self._lease / 10)
        while not self._claims.take("alone", [what], 1, self._worker(), self._lease):
            if waited > _PATIENCE * self._lease:
                raise ReleaseConflict(f"another worker has long been about to {what}: try again")
            self._sleep(pause)
            waited += pause
        try:
            yield
        finally:
            self._claims.give_back("alone", [what], self._worker())

    def shares(
        self, work: str, items: Sequence[str], least: int, most: int
    ) -> Generator[list[str], None, None]:
        """Lists of ``items``, until each of them was this worker's turn.

        A share is a quarter of what is left, so that workers end at about the same time. What
        another worker holds comes last, when it is given back: done, or for this one to do.
        """
        left = list(items)
        while left:
            n = max(least, min(most, len(left) // 4))
            share = self._claims.take(work, left, n, self._worker(), self._lease)
            if not share:
                self._sleep(min(0.5, self._lease / 10))
                continue
            taken = set(share)
            left = [item for item in left if item not in taken]
            try:
                yield share
            finally:
                self._claims.give_back(work, share, self._worker())

    def still_mine(self, work: str, items: Sequence[str]) -> set[str]:
        """Hold ``items`` for another lease; those that were lost to another are left out."""
        return set(self._claims.take(work, items, len(items), self._worker(), self._lease))

    def forget(self, work: str) -> None:
        """The work is over."""
        self._claims.forget(work)
