"""What the engine ``ray`` costs beside the local one, with as many workers on the same chunks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import psutil

from eval.significance import interval
from rag_service.core.errors import DataError, IndexMissing
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import ModelCard
from rag_service.loop.noisy_model import noisy_model
from rag_service.loop.own_home import OwnHome

_EVERY = 0.2
"""Seconds between two looks at how much is written."""


class RayBenchmark:
    """Runs `ragloop reindex` in a home of its own: by so many processes, and by so many actors."""

    def __init__(
        self,
        own: OwnHome,
        chunks: ChunkStore,
        vectors: VectorStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
    ) -> None:
        self._own = own
        self._chunks = chunks
        self._vectors = vectors
        self._releases = releases
        self._registry = registry

    def run(
        self,
        base: ModelCard,
        *,
        workers: int,
        rounds: int,
        seed: int,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """Figures of each engine in each round; the two take turns at going first.

        Every run has a model of its own, ``base`` with noise, so that no vector is copied.
        ``overhead`` is of the commands' seconds as a whole, ``overhead_beyond_start`` from the
        first chunk that is written to the last; both are means over rounds with their intervals.

        Raises DataError if there is too little to encode, RagloopError if a command fails.
        """
        total = len(self._chunks.chunk_ids())
        if not total:
            raise DataError("there is no chunk to index: ingest filings first")
        found: list[dict[str, Any]] = []
        for number in range(rounds):
            one: dict[str, Any] = {}
            for place, engine in enumerate(("local", "ray") if number % 2 else ("ray", "local")):
                progress(f"round {number + 1}, {engine}", 0, 0)
                model = noisy_model(self._registry, base, seed + 2 * number + place)
                one[engine] = self._reindexed(engine, model, workers, total)
            beyond = one["local"]["chunks_per_second"] / one["ray"]["chunks_per_second"] - 1
            whole = one["ray"]["seconds"] / one["local"]["seconds"] - 1
            found.append({**one, "overhead": whole, "overhead_beyond_start": beyond})
        return {
            "chunks": total,
            "workers": workers,
            "rounds": found,
            **{
                name: asdict(interval([one[name] for one in found], seed)) | {"by": "rounds"}
                for name in ("overhead", "overhead_beyond_start")
            },
            "load": psutil.getloadavg()[0],
        }

    def _reindexed(
        self, engine: str, model: ModelCard, workers: int, total: int
    ) -> dict[str, float]:
        """Seconds of the command, or of the commands that share the work, and its pace."""
        threads = max(1, (os.cpu_count() or 1) // workers)
        settings = {
            "OMP_NUM_THREADS": str(threads),
            "RAGLOOP_ENGINE": engine,
            "RAGLOOP_RAY_ADDRESS": "",
        }
        processes = 1 if engine == "ray" else workers
        if engine == "ray":
            settings |= {"RAGLOOP_RAY_ACTORS": str(workers)}
        # Making the files of the encoder's engine is the work of one process, with either engine.
        self._own.command("models", "prepare", model.fingerprint)
        started = time.perf_counter()
        with self._watched(model) as written, ThreadPoolExecutor(processes) as pool:
            done = [pool.submit(self._reindex, model, settings) for _ in range(processes)]
            for one in done:
                one.result()
        seconds = time.perf_counter() - started
        (first, already), (last, _) = written[0], next(w for w in written if w[1] >= total)
        if last <= first:
            raise DataError("all chunks were written between two looks: give more filings")
        return {
            "seconds": seconds,
            "start_seconds": first - started,
            "chunks_per_second": (total - already) / (last - first),
        }

    def _reindex(self, model: ModelCard, settings: Mapping[str, str]) -> None:
        self._own.command("reindex", "--model", model.fingerprint, settings=settings)

    @contextmanager
    def _watched(self, model: ModelCard) -> Iterator[list[tuple[float, int]]]:
        """When how many chunks were written, from the first on."""
        written: list[tuple[float, int]] = []
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(_EVERY):
                if chunks := self._written(model):
                    written.append((time.perf_counter(), chunks))

        watcher = threading.Thread(target=watch, name="watch-index", daemon=True)
        watcher.start()
        try:
            yield written
            written.append((time.perf_counter(), self._written(model)))
        finally:
            ended.set()
            watcher.join()

    def _written(self, model: ModelCard) -> int:
        for release in self._releases.all():
            if release.model == model.fingerprint:
                try:
                    return self._vectors.count(release.index)
                except IndexMissing:  # about to be made
                    return 0
        return 0
