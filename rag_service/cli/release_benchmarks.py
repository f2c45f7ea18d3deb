"""``ragloop bench swap`` and ``bench reindex``: what releases cost, in a home of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.cli.own_home import own_home
from rag_service.core.settings import Settings
from rag_service.core.types import ModelCard
from rag_service.wiring import open_services


def swap(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Filings, or folders with filings; by default the sample filings."),
    ] = None,
    clients: Annotated[int, typer.Option(help="Clients that search all the time.", min=1)] = 8,
    pause: Annotated[
        float, typer.Option(help="Seconds from an answer to a client's next search.", min=0.0)
    ] = 0.1,
    processes: Annotated[int, typer.Option(help="Processes of the service.", min=1)] = 2,
    seconds: Annotated[float, typer.Option(help="Of quiet before and after.", min=1.0)] = 20.0,
    as_json: JsonFlag = False,
) -> None:
    """Search a service all the time while its model is swapped: what failed, and how fast it was.

    Reindex, promote, rollback, promote, in a home of its own. The second model is the first with
    noise on its weights: of the same dimension, with other vectors.
    """
    from rag_service.loop.swap_benchmark import SwapBenchmark

    with (
        own_home() as (settings, own),
        open_services(settings) as services,
        progress_bar() as progress,
    ):
        parts = (services.chunks, services.registry, services.ingestion)
        report = SwapBenchmark(own, *parts).run(
            paths or [],
            services.registry.resolve(settings.embedding_model),
            clients=clients,
            pause=pause,
            processes=processes,
            seconds=seconds,
            seed=settings.seed,
            progress=progress,
        )
    emit(report, as_json, lambda console: _render_swap(console, report))
    if report["failed"] or report["mismatched"]:
        raise typer.Exit(1)


def _render_swap(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['clients']} clients, {report['processes']} processes; {report['documents']} "
        f"documents, {report['chunks']} chunks; {report['model']} and {report['second_model']}"
    )
    columns = ("seconds", "requests", "failed", "mismatched", "p50_ms", "p95_ms", "p99_ms")
    rows = [
        (name, *(phase[column] for column in columns), phase["requests_per_second"])
        for name, phase in report["phases"].items()
    ]
    console.print(grid(("phase", *(c.replace("_", " ") for c in columns), "requests/s"), rows))
    for failure, times in report["failures"].items():
        console.print(f"failed {times} times: {failure}", markup=False)
    if report["p99_ratio"] is not None:
        console.print(f"p99 in the swaps is {report['p99_ratio']:.2f} times that before")


def reindex(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Filings, or folders with filings; by default the sample filings."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds, each with a new model.", min=1)] = 3,
    as_json: JsonFlag = False,
) -> None:
    """Reindex with a model of the same shape: speed against the encoder alone, and memory.

    In a home of its own. The models are the configured one with noise on its weights, so that no
    vector can be copied.
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from rag_service.loop.noisy_model import noisy_model

    with own_home() as (settings, own), open_services(settings) as services:
        with progress_bar() as progress:
            services.ingestion.run(paths or [own.samples()], progress)
            base = services.registry.resolve(settings.embedding_model)
            seeds = range(settings.seed, settings.seed + rounds)
            models = [noisy_model(services.registry, base, seed) for seed in seeds]
        documents = len(services.chunks.documents())
        # In a process of its own: what ingestion left in this one would hide what it takes.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            report = pool.submit(_reindex, settings, models).result()
    report |= {"model": base.name, "documents": documents}
    emit(report, as_json, lambda console: _render_reindex(console, report))


def _reindex(settings: Settings, models: list[ModelCard]) -> dict[str, Any]:
    with open_services(settings) as services, progress_bar() as progress:
        return services.reindex_benchmark.run(models, progress)


def _render_reindex(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['documents']} documents, {report['chunks']} chunks, {report['model']} with noise"
    )
    columns = ("chunks_per_second", "encoder_chunks_per_second", "ratio", "cpu_ratio")
    rows = [
        (number, *(f"{one[column]:.2f}" for column in columns))
        for number, one in enumerate(report["rounds"], 1)
    ]
    console.print(grid(("round", "chunks/s", "encoder alone", "ratio", "of CPU seconds"), rows))
    memory = report["memory"]
    console.print(
        f"ratio {report['ratio']:.2f}, of CPU seconds {report['cpu_ratio']:.2f} (medians); load at "
        f"the end {report['load']:.1f}\n"
        f"memory of the process: {memory['before_mb']:.0f} MB before, at most "
        f"{memory['beyond_mb']:.0f} MB beyond; the index takes {memory['index_mb']:.0f} MB in "
        f"Redis, so that {memory['allowed_mb']:.0f} MB are allowed"
    )
