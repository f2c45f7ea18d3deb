"""How fast a reindex goes beside live searches: in a share of the time that keeps them quick."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np

from rag_service.core.protocols import LatencyLog

_STEP = 0.25
"""Seconds of work at a time while there is traffic."""
_STEP_ALONE = 4.0
"""The same without: traffic that begins meanwhile is beside full speed for so long."""
_LAG = 1.5
"""Seconds until a request's latency stands in the log: services write once a second."""
_LOOK = 4.0
"""Seconds between two looks at the log, at least."""
_STEPS = 4
"""Steps of work between two judgments, at least: their requests stand for the others."""
_ENOUGH = 20
"""Requests that are judged together, at least."""
_SLOW = 0.04
"""The part of the requests that may be slow: less than the twentieth of a 95th percentile."""
_WINDOW = 10.0
_FEW = 5
"""Fewer requests than so many in ``_WINDOW`` seconds are no traffic: they pass between steps, and
holding a reindex back for a single one would cost more than it spares."""
_PERIOD = 30.0
_REST = 4.0
"""Seconds of every ``_PERIOD`` of the clock in which all workers rest, to see what rest is."""
_SHORTEST_REST = 2.5
_RESTS = 10
"""Rests whose requests say what latency at rest is."""


class NoTraffic:
    """The protocol ``LatencyLog`` where no service runs."""

    def record(self, milliseconds: Sequence[float]) -> None:
        """Nobody asks for it."""

    def recent(self, seconds: float) -> list[float]:
        return []


class WorkShare:
    """The part of the time that may be worked, from the latencies of live searches.

    A request is slow that takes more than ``ratio`` times the 95th percentile at rest. The share
    begins low, grows by up to ``growth`` while fewer than ``_SLOW`` of the requests are, and falls
    to as little as half when more are: in proportion, so that one slow request of twenty, which
    chance brings, costs little of what nineteen have earned. Both are factors, since what is
    allowed may be a fiftieth of the time or all of it: where work slows every request down, the
    95th percentile allows it in less than a twentieth. Nothing is decided before a rest has been
    seen. (Stochastic approximation of a quantile: H. Robbins and S. Monro, 1951.)
    """

    first = 0.1
    growth = 1.15
    least = 0.02

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._rests: deque[Sequence[float]] = deque(maxlen=_RESTS)
        self.value = self.first

    def rested(self, milliseconds: Sequence[float]) -> None:
        """Requests that nobody disturbed."""
        if milliseconds:
            self._rests.append(milliseconds)

    def worked(self, milliseconds: Sequence[float]) -> None:
        """Requests of a time in which this share was worked."""
        if not self._rests or not milliseconds:
            return
        rest = np.percentile([ms for rest in self._rests for ms in rest], 95)
        slow = np.count_nonzero(np.asarray(milliseconds) > self._ratio * rest)
        earned = (_SLOW * len(milliseconds) - slow) / (_SLOW * _ENOUGH)
        factor = max(0.5, self.growth ** min(1.0, earned))
        self.value = min(1.0, max(self.least, self.value * factor))


class Pace:
    """Lets a worker work at full speed without traffic, and pause between its steps with it.

    A step beside traffic is worked within ``modestly()``. Workers rest at the same moments of
    ``clock`` (seconds since the epoch), so that each of them sees what latency is when none of
    them works.
    """

    def __init__(
        self,
        log: LatencyLog,
        ratio: float = 1.5,
        modestly: Callable[[], AbstractContextManager[None]] = nullcontext,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._log = log
        self._modestly = modestly
        self._clock = clock
        self._sleep = sleep
        self._share = WorkShare(ratio)
        self._traffic = False
        self._speed = 0.0
        self._steps = 0
        self._seen: list[float] = []
        self._looked = 0.0
        self._period = -1.0

    def next_step(self, usual: int) -> int:
        """Chunks to work on now; returns after a rest if one is due.

        At most ``usual`` and few while there is traffic, ``usual`` or more without.
        """
        self._look()
        if self._traffic:
            return max(1, min(usual, int(self._speed * _STEP)))
        return max(usual, int(self._speed * _STEP_ALONE))

    @contextmanager
    def work(self, chunks: int) -> Iterator[bool]:
        """A step of work on so many chunks, and the pause that is due after it.

        Gives whether there is no traffic beside it.
        """
        started = self._clock()
        with self._modestly() if self._traffic else nullcontext():
            yield not self._traffic
        worked = max(1e-6, self._clock() - started)
        self._speed = chunks / worked
        self._steps += 1
        if self._traffic:
            self._sleep(worked * (1 / self._share.value - 1))

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked < _LOOK:
            return
        new = self._log.recent(min(now - self._looked, _PERIOD))
        self._looked = now
        traffic = len(self._log.recent(_WINDOW)) >= _FEW
        began = traffic and not self._traffic
        self._traffic = traffic
        period, into = divmod(now, _PERIOD)
        if began:
            self._rest(_REST)  # what was seen comes from a time of full speed
        elif self._traffic:
            self._seen += new
            if len(self._seen) >= _ENOUGH and self._steps >= _STEPS:
                self._share.worked(self._seen)
                self._seen, self._steps = [], 0
            if period != self._period:
                self._rest(_REST - into if _REST - into >= _SHORTEST_REST else _REST)
        self._period = period

    def _rest(self, seconds: float) -> None:
        self._sleep(seconds)
        self._share.rested(self._log.recent(seconds - _LAG))
        self._looked = self._clock()
