"""Experiments in memory, kept as the store in Redis keeps them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

from rag_service.core.errors import InvalidRequest, ReleaseConflict
from rag_service.core.types import Arm, ArmTally, Experiment, Impression, Tally
from tests.fakes.stores import FakeRedis


class FakeExperimentStore:
    def __init__(self, redis: FakeRedis | None = None) -> None:
        self._redis = redis or FakeRedis()
        self._running: Experiment | None = None
        self._ended: list[Experiment] = []
        self._shown: dict[str, tuple[Impression, float]] = {}
        self._credited: set[tuple[str, str]] = set()
        self._counts: Counter[tuple[str, str, Arm]] = Counter()

    def start(self, experiment: Experiment) -> None:
        if self._running is not None:
            raise InvalidRequest(f"experiment {self._running.experiment} runs")
        if self._redis.live != experiment.a:
            raise ReleaseConflict(f"release {self._redis.live} is live")
        self._running = experiment

    def running(self) -> Experiment | None:
        return self._running

    def end(self, experiment: str, ended: str, reason: str) -> bool:
        if self._running is None or self._running.experiment != experiment:
            return False
        self._ended.append(replace(self._running, ended=ended, reason=reason))
        self._running = None
        return True

    def all(self) -> list[Experiment]:
        known = [*self._ended, *([self._running] if self._running else [])]
        return sorted(known, key=lambda e: (e.started, e.experiment))

    def show(self, impression: Impression, seconds: float) -> None:
        self._shown[impression.request_id] = (impression, time.monotonic() + seconds)
        both: tuple[Arm, ...] = ("a", "b")
        for arm in (impression.arm,) if impression.arm else both:
            self._counts[impression.experiment.experiment, "requests", arm] += 1

    def shown(self, request_id: str) -> Impression | None:
        impression, until = self._shown.get(request_id, (None, 0.0))
        return impression if time.monotonic() < until else None

    def credit(self, experiment: str, unit: str, arm: Arm, *, good: bool) -> bool:
        runs = self._running is not None and self._running.experiment == experiment
        if not runs or (experiment, unit) in self._credited:
            return False
        self._credited.add((experiment, unit))
        self._counts[experiment, "good" if good else "bad", arm] += 1
        return True

    def tally(self, experiment: str) -> Tally:
        def of(arm: Arm) -> ArmTally:
            kinds = ("requests", "good", "bad")
            return ArmTally(*(self._counts[experiment, kind, arm] for kind in kinds))

        return Tally(of("a"), of("b"))
