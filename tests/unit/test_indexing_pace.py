"""How fast a reindex goes beside simulated traffic, by a clock of its own."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random

import numpy as np
import pytest

from rag_service.indexing.pace import Pace, WorkShare


class Simulation:
    """A service whose requests take longer while a worker works; time passes by ``pass_`` alone.

    ``rate`` requests a second come at each moment; the log learns of them once a second. The part
    ``chance`` of them takes twice as long whatever the worker does.
    """

    def __init__(self, rate: Callable[[float], float], slowed: float, chance: float = 0.0) -> None:
        self.now = 60_000.0
        self.began = self.now
        self.rate = rate
        self.slowed = slowed
        self.chance = chance
        self.modest_steps = 0
        self.latencies: list[tuple[float, float]] = []
        self._unwritten: list[float] = []
        self._log: list[tuple[float, float]] = []
        self._random = Random(5)

    def record(self, milliseconds: Sequence[float]) -> None:
        """Services are part of the simulation."""

    def recent(self, seconds: float) -> list[float]:
        since = bisect_left(self._log, (self.now - seconds, 0.0))
        return [ms for _, ms in self._log[since:]]

    def sleep(self, seconds: float) -> None:
        self.pass_(seconds, working=False)

    def pass_(self, seconds: float, *, working: bool) -> None:
        end = self.now + seconds
        while self.now < end:
            tick = min(0.05, end - self.now)
            due = self.rate(self.now - self.began) * tick
            for _ in range(math.floor(due + self._random.random())):
                ms = self._random.gauss(20, 1) * (self.slowed if working else 1)
                ms *= 2 if self._random.random() < self.chance else 1
                self.latencies.append((self.now, ms))
                self._unwritten.append(ms)
            if math.floor(self.now + tick) > math.floor(self.now):
                self._log += [(self.now + tick, ms) for ms in self._unwritten]
                self._unwritten.clear()
            self.now += tick

    def work(self, seconds: float, chunks_per_second: float = 20.0) -> float:
        """Work for so long, and give the share of the time that was worked."""
        pace = Pace(self, 1.5, self._modestly, clock=lambda: self.now, sleep=self.sleep)
        worked = 0.0
        while self.now < self.began + seconds:
            size = pace.next_step(64)
            with pace.work(size):
                self.pass_(size / chunks_per_second, working=True)
            worked += size / chunks_per_second
        return worked / (self.now - self.began)

    @contextmanager
    def _modestly(self) -> Iterator[None]:
        self.modest_steps += 1
        yield

    def p95(self, after: float) -> float:
        found = [ms for when, ms in self.latencies if when - self.began >= after]
        return float(np.percentile(found, 95))


def test_without_traffic_it_works_all_the_time() -> None:
    quiet = Simulation(lambda _: 0.0, 3.0)
    assert quiet.work(120) == pytest.approx(1.0)
    assert quiet.modest_steps == 0


def test_traffic_that_is_slowed_down_little_leaves_it_almost_all_the_time() -> None:
    simulation = Simulation(lambda _: 20.0, 1.2)
    assert simulation.work(600) > 0.7
    assert simulation.modest_steps > 100
    assert simulation.p95(0) < 1.5 * 22


@pytest.mark.parametrize("slowed", [1.8, 3.0, 10.0])
def test_latency_stays_within_bounds_and_work_goes_on(slowed: float) -> None:
    simulation = Simulation(lambda _: 20.0, slowed)
    share = simulation.work(600)
    assert 0.01 < share < 0.2
    assert simulation.p95(0) < 1.5 * 22


def test_it_gives_way_when_traffic_begins_and_speeds_up_when_it_ends() -> None:
    def rate(seconds: float) -> float:
        return 80.0 if 100 <= seconds < 400 else 0.0

    simulation = Simulation(rate, 3.0)
    share = simulation.work(600)
    assert 0.45 < share < 0.65
    assert simulation.p95(110) < 1.5 * 22


def test_a_request_now_and_then_does_not_stop_it() -> None:
    assert Simulation(lambda _: 0.2, 10.0).work(600) > 0.9


def test_requests_that_are_slow_by_chance_do_not_stop_it() -> None:
    """As on a busy machine, where a few in a hundred are, in rests and in between."""
    assert Simulation(lambda _: 40.0, 1.1, chance=0.03).work(900) > 0.4


def test_the_share_grows_is_halved_and_never_ends() -> None:
    share = WorkShare(1.5)
    share.worked([1000.0] * 30)
    assert share.value == share.first, "nothing is known of latency at rest"
    share.rested([10.0] * 30)
    share.worked([14.9] * 30)
    assert share.value == pytest.approx(share.first * share.growth)
    share.worked([15.1] * 30)
    assert share.value == pytest.approx(share.first * share.growth / 2)
    for _ in range(50):
        share.worked([15.1] * 30)
    assert share.value == share.least
    for _ in range(50):
        share.worked([10.0] * 30)
    assert share.value == 1.0
