"""What a service's processes hold over time: memory, file descriptors and threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

JOBS = "jobs"
"""Stands for the processes that are there for the time of a job or of a page."""
_MB = 1e6
_ENDS = 5
"""Samples whose median is the first and the last."""


@dataclass(frozen=True, slots=True)
class Held:
    """Of one process. ``memory`` is its proportional share (PSS) where the system tells it."""

    pid: int
    memory: int
    rss: int
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True)
class Sample:
    """``at``: seconds since the start; ``busy``: whether a job was queued or ran."""

    at: float
    busy: bool
    redis: int
    """Bytes that Redis says it uses."""
    held: Mapping[str, Held]

    def as_dict(self) -> dict[str, Any]:
        processes = {
            name: {
                "pid": one.pid,
                "mb": round(one.memory / _MB, 1),
                "rss_mb": round(one.rss / _MB, 1),
                "descriptors": one.descriptors,
                "threads": one.threads,
            }
            for name, one in self.held.items()
        }
        redis = round(self.redis / _MB, 2)
        return {
            "at": round(self.at, 1), "busy": self.busy, "redis_mb": redis, "processes": processes
        }  # fmt: skip


class Sampler:
    """Looks every ``every`` seconds at the family of ``root``. A context manager.

    Its processes are named by ``serving``, the process ids of those that answer requests.
    """

    def __init__(
        self,
        root: int,
        serving: Iterable[int],
        home: Path,
        redis: Callable[[], int],
        busy: Callable[[], bool],
        every: float,
    ) -> None:
        self._root = psutil.Process(root)
        self._names = {pid: f"process {n}" for n, pid in enumerate(sorted(serving), 1)}
        for child in self._root.children():
            name = "trackers" if "resource_tracker" in " ".join(child.cmdline()) else "worker"
            self._names.setdefault(child.pid, name)
        self._names[root] = "supervisor"
        self._home = str(home)
        self._redis = redis
        self._busy = busy
        self._every = every
        self._began = time.perf_counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_until_over, daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def wait_for(self, samples: int, seconds: float) -> None:
        """Returns after so many more samples, or so many seconds if they do not come."""
        wanted, until = len(self.samples) + samples, time.perf_counter() + seconds
        while len(self.samples) < wanted and time.perf_counter() < until:
            time.sleep(min(self._every, 1.0))

    def _look_until_over(self) -> None:
        while not self._over.wait(self._every):
            busy = self._busy()
            held = self._held()
            at = time.perf_counter() - self._began
            self.samples.append(Sample(at, busy or self._busy(), self._redis(), held))

    def _held(self) -> dict[str, Held]:
        held: dict[str, Held] = {}
        for process in [self._root, *self._root.children(recursive=True), *self._of_redis()]:
            # One that ends meanwhile held nothing for long.
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                name, one = self._name(process), _look_at(process)
                held[name] = _together(held[name], one) if name in held else one
        return held

    def _of_redis(self) -> list[psutil.Process]:
        return [
            process
            for process in psutil.process_iter(["name", "cmdline"])
            if process.info["name"] == "redis-server" and self._is_ours(process)
        ]

    def _is_ours(self, process: psutil.Process) -> bool:
        return any(self._home in word for word in process.info["cmdline"] or ())

    def _name(self, process: psutil.Process) -> str:
        if process.name() == "redis-server":
            return "redis"
        return self._names.get(process.pid, JOBS)


def _look_at(process: psutil.Process) -> Held:
    with process.oneshot():
        full = process.memory_full_info()
        memory = getattr(full, "pss", 0) or full.rss
        return Held(process.pid, memory, full.rss, process.num_fds(), process.num_threads())


def _together(a: Held, b: Held) -> Held:
    return Held(
        min(a.pid, b.pid),
        a.memory + b.memory,
        a.rss + b.rss,
        a.descriptors + b.descriptors,
        a.threads + b.threads,
    )


def summary(
    samples: Sequence[Sample], after: float, *, busy: bool = False
) -> dict[str, dict[str, Any]]:
    """How each process, all together and Redis' own figure changed, by the samples behind
    ``after`` seconds while no job ran, or with ``busy`` by all. Empty if there are fewer than two.
    """
    quiet = [sample for sample in samples if sample.at >= after and (busy or not sample.busy)]
    if len(quiet) < 2:
        return {}
    lasting = set.intersection(*(set(sample.held) for sample in quiet)) - {JOBS}
    at = [sample.at for sample in quiet]
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(lasting):
        held = [sample.held[name] for sample in quiet]
        found[name] = {
            **growth(at, [one.memory / _MB for one in held]),
            "rss": growth(at, [one.rss / _MB for one in held]),
            "descriptors": _ends([one.descriptors for one in held]),
            "threads": _ends([one.threads for one in held]),
        }
    whole = [sum(sample.held[name].memory for name in lasting) / _MB for sample in quiet]
    found["all"] = growth(at, whole)
    found["redis's own figure"] = growth(at, [sample.redis / _MB for sample in quiet])
    return found


def died(samples: Sequence[Sample]) -> list[str]:
    """Processes that were there at first and are not any more."""
    if not samples:
        return []
    return sorted(set(samples[0].held) - set(samples[-1].held) - {JOBS})


def growth(at: Sequence[float], values: Sequence[float]) -> dict[str, float]:
    """The Theil-Sen line through ``values`` at its ends, and its rise in per cent."""
    x, y = np.asarray(at), np.asarray(values)
    later, earlier = np.triu_indices(len(x), 1)[::-1]
    slope = float(np.median((y[later] - y[earlier]) / (x[later] - x[earlier])))
    level = float(np.median(y - slope * x))
    first, last = level + slope * x[0], level + slope * x[-1]
    return {
        "first_mb": round(first, 2),
        "last_mb": round(last, 2),
        "growth_percent": round(100 * (last - first) / first, 2) if first else 0.0,
    }


def _ends(values: Sequence[int]) -> dict[str, float]:
    ends = min(_ENDS, len(values))
    return {"first": median(values[:ends]), "last": median(values[-ends:]), "most": max(values)}
