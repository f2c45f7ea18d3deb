"""Figures for Prometheus, of one process or of all that share PROMETHEUS_MULTIPROC_DIR.

Which of the two is settled by the environment when prometheus_client is imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from rag_service.core.telemetry import COUNTED, Figure, Metric

_Family = Counter | Gauge | Histogram
_GAUGES_OF = re.compile(r"gauge_live\w*_(\d+)\.db")


class PrometheusMeter:
    """Keeps the figures of `COUNTED`, and asks ``figures`` for the others at every scrape."""

    def __init__(self, figures: Callable[[], Iterable[Figure]] = lambda: ()) -> None:
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        self._folder = Path(folder) if folder else None
        self._registry = CollectorRegistry()
        if self._folder is None:
            ProcessCollector(registry=self._registry)
        else:
            MultiProcessCollector(self._registry, str(self._folder))  # type: ignore[no-untyped-call]
        held = self._registry if self._folder is None else None
        self._families = {metric.name: _family(metric, held) for metric in COUNTED}
        self._children: dict[tuple[str, tuple[str, ...]], _Family] = {}
        self._registry.register(_Read(figures))

    def add(self, metric: Metric, by: float, *labels: str) -> None:
        child = self._child(metric, labels)
        assert not isinstance(child, Histogram)
        child.inc(by)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        child = self._child(metric, labels)
        assert isinstance(child, Histogram)
        child.observe(value)

    def scrape(self, accept: str) -> tuple[bytes, str]:
        if self._folder is not None:
            _forget_the_dead(self._folder)
        encode, kind = choose_encoder(accept)
        return encode(self._registry), kind

    def _child(self, metric: Metric, labels: tuple[str, ...]) -> _Family:
        # The library's own look-up takes a lock and longer than what is counted by it.
        key = metric.name, labels
        child = self._children.get(key)
        if child is None:
            family = self._families[metric.name]
            child = self._children[key] = family.labels(*labels) if labels else family
        return child


class _Read(Collector):
    def __init__(self, figures: Callable[[], Iterable[Figure]]) -> None:
        self._figures = figures

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: the registry would read all figures to know their names."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for metric, value, labels in self._figures():
            if metric.name not in families:
                families[metric.name] = GaugeMetricFamily(
                    metric.name, metric.says, labels=metric.labels
                )
            families[metric.name].add_metric(labels, value)
        yield from families.values()


def _family(metric: Metric, registry: CollectorRegistry | None) -> _Family:
    told = metric.name, metric.says, metric.labels
    if metric.kind == "counter":
        return Counter(*told, registry=registry)
    if metric.kind == "gauge":
        return Gauge(*told, registry=registry, multiprocess_mode="livesum")
    return Histogram(*told, registry=registry, buckets=metric.buckets)


def _forget_the_dead(folder: Path) -> None:
    """A process that was killed could not take back what it had in progress."""
    for path in folder.glob("gauge_live*.db"):
        found = _GAUGES_OF.fullmatch(path.name)
        if found and not _lives(int(found[1])):
            mark_process_dead(int(found[1]), str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
