"""A plan against what came of it: filings ingested and indexed again in homes of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rag_service.core.protocols import ChunkStore
from rag_service.core.types import ModelCard
from rag_service.loop.own_home import OwnHome
from rag_service.loop.plan import Figure
from rag_service.loop.rates import folder_bytes

WITHIN = 0.25
"""A figure is right if it is not off by a larger part of what was measured."""


class RedisFileSize(Protocol):
    def rewritten(self) -> int: ...


def real_run(
    own: OwnHome,
    files: Sequence[Path],
    another_model: Callable[[], ModelCard],
    *,
    chunks: ChunkStore,
    used_memory: Callable[[], int],
    redis_files: RedisFileSize,
    training: bool,
) -> dict[str, float]:
    """What ``files`` take as a user would ingest them, named as a plan's figures are.

    The home's Redis runs all the time: one that has just read its file is packed otherwise.
    """
    found: dict[str, float] = {}
    own.command("models", "prepare")  # once for each model, and planned with none of the figures
    started = time.perf_counter()
    own.command("ingest", *map(str, files))
    found["ingest_seconds"] = time.perf_counter() - started
    documents = chunks.documents()
    found["pages"] = sum(document.pages for document in documents)
    found["chunks"] = sum(document.chunks for document in documents)
    found["redis_memory"] = used_memory()
    found["kept_filings"] = folder_bytes(own.path / "filings")
    found["redis_file"] = redis_files.rewritten()
    if training:
        done = own.command("finetune", "--llm-questions", "0")
        found["training_seconds"] = sum(done["seconds"].values())
    model = another_model()
    own.command("models", "prepare", model.fingerprint)
    before = used_memory()
    started = time.perf_counter()
    own.command("reindex", "--model", model.fingerprint)
    found["reindex_seconds"] = time.perf_counter() - started
    found["redis_memory_further_release"] = used_memory() - before
    return found


def compared(planned: Mapping[str, Figure], real: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """Each figure that was measured, with its ratio and whether it is right."""
    rows: dict[str, dict[str, Any]] = {}
    for name, figure in planned.items():
        if name in real and name != "pages":
            ratio = figure.estimate.value / real[name]
            rows[name] = {
                "planned": figure.estimate.value,
                "low": figure.estimate.low,
                "high": figure.estimate.high,
                "measured": real[name],
                "unit": figure.unit,
                "ratio": ratio,
                "right": abs(ratio - 1) <= WITHIN,
                "in_range": figure.estimate.low <= real[name] <= figure.estimate.high,
            }
    return rows
