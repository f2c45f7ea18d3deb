"""``ragloop bench service`` and ``bench soak``: the service under load, in a home of its own."""

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


def soak(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Filings, or folders with filings; by default the sample filings."),
    ] = None,
    minutes: Annotated[float, typer.Option(help="How long.", min=0.05)] = 30.0,
    clients: Annotated[int, typer.Option(help="Clients that ask all the time.", min=1)] = 4,
    pause: Annotated[
        float, typer.Option(help="Seconds from an answer to a client's next request.", min=0.0)
    ] = 0.5,
    processes: Annotated[int, typer.Option(help="Processes of the service.", min=1)] = 2,
    llm: Annotated[str, typer.Option(help="RAGLOOP_LLM of the service.")] = "none",
    growth: Annotated[
        float, typer.Option(help="Per cent that memory may grow once it is warm.", min=0.0)
    ] = 5.0,
    as_json: JsonFlag = False,
) -> None:
    """Ask a service for everything at once, for long: what failed, and what its processes hold.

    Filings come and go meanwhile, and the model is improved, promoted and rolled back. Exit
    status 1 if a request ended in an error of the service, or memory grew.
    """
    from rag_service.loop.soak_benchmark import SoakBenchmark

    with (
        own_home() as (settings, own),
        open_services(settings) as services,
        progress_bar() as progress,
    ):
        parts = (services.chunks, services.ingestion, services.used_memory)
        report = SoakBenchmark(own, *parts).run(
            paths or [],
            minutes=minutes,
            clients=clients,
            pause=pause,
            processes=processes,
            llm=llm,
            growth=growth,
            seed=settings.seed,
            progress=progress,
        )
        report |= {"model": services.registry.resolve(settings.embedding_model).name}
    emit(report, as_json, lambda console: _render_soak(console, report))
    if report["faults"]:
        raise typer.Exit(1)


def _render_soak(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['minutes']:g} minutes, {report['clients']} clients, {report['processes']} "
        f"processes; {report['documents']} documents, {report['chunks']} chunks; "
        f"{report['model']}, LLM {report['llm']}; {report['total']} requests"
    )
    requests = [
        (
            kind,
            ", ".join(f"{status}: {count}" for status, count in one["statuses"].items()),
            f"{one['p50_ms']:.0f}",
            f"{one['p99_ms']:.0f}",
        )
        for kind, one in report["requests"].items()
    ]
    console.print(grid(("request", "statuses", "p50, ms", "p99, ms"), requests))
    held = [
        (
            name,
            *(f"{one[end]:.1f}" for end in ("first_mb", "last_mb", "growth_percent")),
            *(
                f"{one[what]['first']:.0f} to {one[what]['last']:.0f}" if what in one else ""
                for what in ("descriptors", "threads")
            ),
        )
        for name, one in report["held"].items()
    ]
    columns = ("warm, MB", "at the end", "growth, %", "descriptors", "threads")
    console.print(grid(("without a job", *columns), held))
    for kind, ends in report["jobs"].items():
        counted = ", ".join(f"{count} {state}" for state, count in ends.items())
        console.print(f"jobs, {kind}: {counted}")
    for move in report["moves"]:
        console.print(f"{move['at']:.0f} s: {move['what']}")
    for one in report["wrong"]:
        said = f"{one['at']:.0f} s, {one['kind']}: {one['status']} {one['said']}"
        console.print(said, markup=False)
    for fault in report["faults"]:
        console.print(f"[bold red]fault[/] {fault}")


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
    sides = {
        "together": "encoded together",
        "one_by_one": "one by one",
        "times_one_by_one": "ratio",
        "one_by_one_float32": "one by one, torch float32",
        "times_one_by_one_float32": "ratio",
    }
    speeds = [
        (name, *(f"{one[side]:.{2 if side.startswith('times') else 1}f}" for side in sides))
        for name, one in report["throughput"].items()
    ]
    console.print(grid((f"requests/s, {report['clients']} clients", *sides.values()), speeds))
    rounds = [(f"latency, {name}", one["ratios"]) for name, one in report["latency"].items()]
    for name, one in report["throughput"].items():
        rounds += [
            (f"throughput, {name}, {sides[side]}", found) for side, found in one["rounds"].items()
        ]
    for what, ratios in rounds:
        console.print(f"{what}: ratio {min(ratios):.2f} to {max(ratios):.2f} in the rounds")
