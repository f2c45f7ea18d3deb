"""Several workers on one build: who embeds what, and who does what only one may do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
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

    @contextmanager
    def shares(self, work: str, items: Sequence[str], least: int, most: int) -> Iterator[Shares]:
        """Parts of ``items``; what of them is still held at the end is given back."""
        shares = Shares(self, work, items, least, most)
        try:
            yield shares
        finally:
            shares.give_back(list(shares.held))

    def take(self, work: str, items: Sequence[str], n: int) -> list[str]:
        """The first ``n`` of ``items`` that no other worker holds, held for a lease from now."""
        return self._claims.take(work, items, n, self._worker(), self._lease)

    def give_back(self, work: str, items: Sequence[str]) -> None:
        """Those of ``items`` that this worker holds are done, or for others to do."""
        self._claims.give_back(work, items, self._worker())

    def wait(self) -> None:
        """Until others may have given something back."""
        self._sleep(min(0.5, self._lease / 10))

    def forget(self, work: str) -> None:
        """The work is over."""
        self._claims.forget(work)


class Shares:
    """Parts of the items of one work, until each of them was this worker's turn.

    One thread may take what another one gives back.
    """

    def __init__(self, crew: Crew, work: str, items: Sequence[str], least: int, most: int) -> None:
        self.held: set[str] = set()
        self._crew = crew
        self._work = work
        self._left = list(items)
        self._least = least
        self._most = most

    @property
    def over(self) -> bool:
        """Whether nothing is left to take."""
        return not self._left

    def take(self) -> list[str]:
        """The next share, or nothing if other workers hold all that is left.

        It is a quarter of what is left, so that workers end at about the same time. What another
        worker holds comes last, when it is given back: done, or for this one to do.
        """
        n = max(self._least, min(self._most, len(self._left) // 4))
        share = self._crew.take(self._work, self._left, n)
        self.held.update(share)
        taken = set(share)
        self._left = [item for item in self._left if item not in taken]
        return share

    def still_mine(self, items: Sequence[str]) -> set[str]:
        """Hold ``items`` for another lease; those that were lost to another are left out."""
        return set(self._crew.take(self._work, items, len(items)))

    def give_back(self, items: Sequence[str]) -> None:
        """They are done, or for another worker to do."""
        self._crew.give_back(self._work, items)
        self.held.difference_update(items)

    def wait(self) -> None:
        """Until others may have given something back."""
        self._crew.wait()
