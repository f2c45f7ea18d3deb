"""``ragloop bench ray``: the engine ``ray`` against the local one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.cli.own_home import own_home
from rag_service.wiring import open_services


def ray(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Filings, or folders with filings; by default the sample filings."),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes, and actors.", min=1)] = 2,
    rounds: Annotated[int, typer.Option(help="Rounds, each with both engines.", min=1)] = 3,
    as_json: JsonFlag = False,
) -> None:
    """Reindex by several processes, and by as many actors of Ray: what Ray costs.

    In a home of its own; each run has a model of the same shape that no index has vectors of.
    """
    from rag_service.loop.ray_benchmark import RayBenchmark

    with (
        own_home() as (settings, own),
        open_services(settings) as services,
        progress_bar() as progress,
    ):
        services.ingestion.run(paths or [own.samples()], progress)
        base = services.registry.resolve(settings.embedding_model)
        parts = (services.chunks, services.vectors, services.releases, services.registry)
        report = RayBenchmark(own, *parts).run(
            base, workers=workers, rounds=rounds, seed=settings.seed, progress=progress
        )
    report |= {"model": base.name}
    emit(report, as_json, lambda console: _render(console, report))


def _render(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['chunks']} chunks, {report['workers']} workers, {report['model']} with noise; "
        f"load at the end {report['load']:.1f}"
    )
    columns = ("seconds", "start_seconds", "chunks_per_second")
    rows = [
        (number, engine, *(f"{one[engine][column]:.1f}" for column in columns))
        for number, one in enumerate(report["rounds"], 1)
        for engine in ("local", "ray")
    ]
    console.print(grid(("round", "engine", "s", "s to the first chunk", "chunks/s then"), rows))
    for name, told in (
        ("overhead", "of the whole command"),
        ("overhead_beyond_start", "from the first chunk on"),
    ):
        figure = report[name]
        low, high = figure["low"], figure["high"]
        console.print(f"overhead {told}: {figure['value']:+.1%} [{low:+.1%}, {high:+.1%}]")
