"""Measures what filings take on this machine, for `ragloop plan`."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from rag_service.core.errors import DataError
from rag_service.core.ids import now
from rag_service.core.protocols import Progress
from rag_service.core.settings import Settings
from rag_service.core.types import ModelCard, Vectors
from rag_service.wiring import Services, make_registry, open_services, read_options

if TYPE_CHECKING:
    from ingest.read import Filing
    from rag_service.loop.own_home import OwnHome
    from rag_service.loop.rates import Rates, Sizes, Training

_ROUNDS = 3
"""Of a command's start, and of reindexing."""


def measure(
    settings: Settings,
    own: OwnHome,
    files: Sequence[Path],
    filings_from: str,
    chunks: int,
    progress: Progress,
) -> Rates:
    """All rates, in a home of its own; about ``chunks`` chunks are encoded, some times.

    Raises DataError if none of the files can be read.
    """
    from rag_service.loop import calibration, rates
    from rag_service.loop.noisy_model import noisy_model

    own.path.mkdir(parents=True, exist_ok=True)
    with open_services(settings) as services:
        # A Redis that others use as well tells of them all.
        empty = 0 if settings.redis_url else services.used_memory()
    warm, *pages = calibration.one_pagers(own.path, _ROUNDS + 1)
    progress("start", 0, 2)
    # Choosing an engine is done once for a model, not at the start of each ingestion; and the
    # first command of all has its modules read from the disk.
    own.command("models", "prepare")
    own.command("ingest", str(warm))
    start_ingest = tuple(_seconds(own, "ingest", str(page)) for page in pages)
    registry = make_registry(settings)
    base = registry.resolve(settings.embedding_model)
    models = [noisy_model(registry, base, settings.seed + i) for i in range(_ROUNDS + 1)]
    progress("start", 1, 2)
    own.command("models", "prepare", models[0].fingerprint)
    again = ("reindex", "--model", models[0].fingerprint, "--fresh")
    start_reindex = tuple(_seconds(own, *again) for _ in range(_ROUNDS))
    progress("start", 2, 2)
    with open_services(settings) as services:
        services.registry.load(base.fingerprint).embed_queries(["what is loaded first"])
        threads = rates.busy_threads()
        filings, read = calibration.read_rate(
            files,
            warm,
            read_options(settings),
            services.registry.load(base.fingerprint).count_tokens,
            os.cpu_count() or 1,
            progress,
        )
        for page in (warm, *pages):
            services.ingestion.remove(page.name)
        few = calibration.drawn(filings, chunks)
        embed = calibration.embed_rate(services.writer, few, progress)
        progress("reindex", 0, 0)
        reindex = calibration.reindex_rate(services.indexer, services.registry.load, models[1:])
        training, why = _training(services, filings, few, progress)
        rows = _rows(services, few)
    progress("fill an index", 0, 0)
    filled = _fill(settings, base, filings, rows)
    return rates.Rates(
        measured=now(),
        machine=rates.machine(),
        cores=os.cpu_count() or 1,
        threads=threads,
        model=rates.described(base),
        settings=rates.shape(settings),
        filings=tuple(map(_sizes, filings)),
        filings_from=filings_from,
        start_ingest=start_ingest,
        start_reindex=start_reindex,
        read=read,
        embed=embed,
        reindex=reindex,
        empty_bytes=empty,
        training=training,
        no_training=why,
        **filled,
    )


def _seconds(own: OwnHome, *arguments: str) -> float:
    started = time.perf_counter()
    own.command(*arguments)
    return time.perf_counter() - started


def _sizes(filing: Filing) -> Sizes:
    from rag_service.loop.rates import Sizes

    size = filing.path.stat().st_size
    return Sizes(pages=filing.document.pages, chunks=len(filing.chunks), bytes=size)


def _training(
    services: Services, filings: Sequence[Filing], few: Sequence[Filing], progress: Progress
) -> tuple[Training | None, str]:
    """What a small training took, or why there is none."""
    from rag_service.loop.training_rates import training_rates

    chunks = [chunk for filing in filings for chunk in filing.chunks]
    stored = sum(len(filing.chunks) for filing in few)
    try:
        with services.jobs.run("plan", {}) as job:
            seed = services.settings.seed
            found = training_rates(services.improver, job, chunks, stored, seed, progress)
    except DataError as error:
        return None, error.message
    return found, ""


def _rows(services: Services, few: Sequence[Filing]) -> Vectors:
    chunks = [chunk for filing in few for chunk in filing.chunks]
    return services.indexer.document_vectors(services.ensure_live(), chunks)


def _fill(
    settings: Settings, base: ModelCard, filings: Sequence[Filing], rows: Vectors
) -> dict[str, object]:
    """What an index and the chunk store take of Redis's memory, and of the disk if it is ours."""
    from rag_service.loop import calibration
    from rag_service.loop.rates import RedisFile

    apart = settings.model_copy(update={"namespace": f"{settings.namespace}-fill"})
    blocks = calibration.enough_chunks(filings, Random(settings.seed))
    with open_services(apart) as services:
        try:
            files = None if settings.redis_url else services.redis_files
            sizes = [files.rewritten()] if files else []
            index = services.indexer.create(base).index
            random = np.random.default_rng(settings.seed)
            first, in_index = calibration.fill_index(
                services.vectors, index, blocks, rows, services.used_memory, random
            )
            sizes += [files.rewritten()] if files else []
            in_store = calibration.fill_store(
                services.chunks, blocks, filings[0], services.used_memory
            )
            sizes += [files.rewritten()] if files else []
            redis_file = None
            if files:
                percent, least = files.rule()
                redis_file = RedisFile(
                    index_bytes=sizes[1] - sizes[0],
                    store_bytes=sizes[2] - sizes[1],
                    grows_percent=percent,
                    least_bytes=least,
                )
        finally:
            services.forget_namespace()
    return {
        "first_bytes": first,
        "block": calibration.BLOCK,
        "fills": calibration.fills(blocks, in_index, in_store),
        "redis_file": redis_file,
    }
