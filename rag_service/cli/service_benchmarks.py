"""``ragloop bench service``: what the service adds to a search, in a home of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.cli.own_home import own_home
from rag_service.wiring import open_services


def service(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Filings, or folders with filings; by default the sample filings."),
    ] = None,
    clients: Annotated[int, typer.Option(help="Clients that search all the time.", min=1)] = 16,
    seconds: Annotated[
        float, typer.Option(help="Of their searches, on each side of a round.", min=1.0)
    ] = 5.0,
    as_json: JsonFlag = False,
) -> None:
    """Search a service: latency against encoder and Redis alone, throughput against one by one.

    With one client, beside the same questions in this process; with many, beside a service that
    encodes each question by itself.
    """
    from rag_service.loop.service_benchmark import ServiceBenchmark

    with (
        own_home() as (settings, own),
        open_services(settings) as services,
        progress_bar() as progress,
    ):
        parts = (services.chunks, services.ingestion, services.retriever)
        report = ServiceBenchmark(own, *parts).run(
            paths or [], clients=clients, seconds=seconds, seed=settings.seed, progress=progress
        )
        report |= {"model": services.registry.resolve(settings.embedding_model).name}
    emit(report, as_json, lambda console: _render(console, report))


def _render(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['documents']} documents, {report['chunks']} chunks, {report['model']}; "
        f"stages {', '.join(report['stages'])}; load at the end {report['load']:.1f}"
    )
    columns = {
        "service_ms": "/v1/search",
        "alone_ms": "encoder and Redis alone",
        "encode_alone_ms": "encoder",
        "redis_alone_ms": "Redis",
        "other_steps_ms": "other steps",
        "http_ms": "HTTP",
    }
    rows = [
        (name, *(f"{one[column]:.2f}" for column in columns), f"{one['ratio']:.2f}")
        for name, one in report["latency"].items()
    ]
    console.print(grid(("p50, ms", *columns.values(), "ratio"), rows))
    sides = {"together": "encoded together", "one_by_one": "one by one"}
    speeds = [
        (name, *(f"{one[side]:.1f}" for side in sides), f"{one['ratio']:.2f}")
        for name, one in report["throughput"].items()
    ]
    head = f"requests/s, {report['clients']} clients"
    console.print(grid((head, *sides.values(), "ratio"), speeds))
    for what in ("latency", "throughput"):
        for name, one in report[what].items():
            low, high = min(one["ratios"]), max(one["ratios"])
            console.print(f"{what}, {name}: ratio {low:.2f} to {high:.2f} in the rounds")
