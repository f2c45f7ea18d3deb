"""A reindex against the encoder alone on the same texts, and the memory that it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil

from rag_service.core.errors import DataError
from rag_service.core.protocols import ChunkStore, ModelRegistry, Progress, no_progress
from rag_service.core.types import ModelCard
from rag_service.indexing.shadow import ShadowIndexer

BEYOND_MB = 300
"""What a reindex may take in the process beyond the size of its index."""
_EVERY = 0.02
"""Seconds between two looks at the memory."""


@dataclass(slots=True)
class Watched:
    """Megabytes of this process: when it was watched first, and at most since."""

    before: float
    peak: float


class ReindexBenchmark:
    """For a process that has not encoded anything: memory is measured in its first reindex."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        registry: ModelRegistry,
        indexer: ShadowIndexer,
        used_memory: Callable[[], int],
    ) -> None:
        self._chunks = chunks
        self._registry = registry
        self._indexer = indexer
        self._used_memory = used_memory

    def run(self, models: Sequence[ModelCard], progress: Progress = no_progress) -> dict[str, Any]:
        """A round for each of ``models``, of which no index may hold vectors yet.

        Encoder and reindex take turns at going first, so that a machine that gets faster or slower
        favours neither. ``cpu_ratio`` is that of this process's CPU seconds, which what else the
        machine does changes little.

        Raises DataError if there is nothing to encode.
        """
        texts = [chunk.embedded_text for chunk in self._chunks.chunks()]
        if not texts:
            raise DataError("there is no chunk to index: ingest filings first")
        rounds: list[dict[str, float]] = []
        memory: dict[str, float] = {}
        for number, model in enumerate(models, 1):
            progress(f"round {number}", 0, 0)
            embedder = self._registry.load(model.fingerprint)
            embedder.embed_queries(["a first one, as a service asks before it serves"])
            took = {"reindex": (0.0, 0.0), "encode": (0.0, 0.0)}
            for part in took if number % 2 else reversed(took):
                started, worked = time.perf_counter(), time.process_time()
                if part == "encode":
                    embedder.embed_documents(texts)
                else:
                    found = self._reindex(model, progress)
                    memory = memory or found
                took[part] = (time.perf_counter() - started, time.process_time() - worked)
            (seconds, cpu), (alone, cpu_alone) = took["reindex"], took["encode"]
            rounds.append(
                {
                    "chunks_per_second": len(texts) / seconds,
                    "encoder_chunks_per_second": len(texts) / alone,
                    "ratio": alone / seconds,
                    "cpu_ratio": cpu_alone / cpu,
                }
            )
        return {
            "chunks": len(texts),
            **{name: median(one[name] for one in rounds) for name in rounds[0]},
            "rounds": rounds,
            "memory": memory,
            "load": psutil.getloadavg()[0],
        }

    def _reindex(self, model: ModelCard, progress: Progress) -> dict[str, float]:
        """Builds a candidate of ``model``; megabytes that it takes."""
        used = self._used_memory()
        with watched_memory() as watched:
            self._indexer.build(model, progress=progress)
        index = (self._used_memory() - used) / 1e6
        return {
            "before_mb": watched.before,
            "beyond_mb": watched.peak - watched.before,
            "index_mb": index,
            "allowed_mb": index + BEYOND_MB,
        }


@contextmanager
def watched_memory() -> Iterator[Watched]:
    """The resident memory of this process while something runs, looked at all the time."""
    process = psutil.Process()
    now = process.memory_info().rss / 1e6
    watched = Watched(now, now)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_EVERY):
            watched.peak = max(watched.peak, process.memory_info().rss / 1e6)

    watcher = threading.Thread(target=watch, name="watch-memory", daemon=True)
    watcher.start()
    try:
        yield watched
    finally:
        ended.set()
        watcher.join()
