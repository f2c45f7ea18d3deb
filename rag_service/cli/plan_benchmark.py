"""``ragloop bench plan``: plans against real runs of three sizes."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.cli.own_home import own_home
from rag_service.cli.planning import CHUNKS, FIGURES, FILINGS, told
from rag_service.core.errors import InvalidRequest
from rag_service.wiring import open_services

if TYPE_CHECKING:
    from rag_service.loop.rates import Rates


def plan(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Filings, or folders with filings; by default the sample filings."),
    ] = None,
    sizes: Annotated[str, typer.Option(help="Numbers of filings that are planned.")] = "3,6,12",
    training: Annotated[
        bool, typer.Option(help="Train too, once, with the fewest filings.")
    ] = False,
    sample: Annotated[int, typer.Option(help="Filings that are measured first.", min=1)] = FILINGS,
    chunks: Annotated[int, typer.Option(help="Chunks that are encoded for it.", min=32)] = CHUNKS,
    as_json: JsonFlag = False,
) -> None:
    """Measure rates, plan, then ingest and reindex so many filings: planned against measured.

    Rates are measured on other filings than those that are planned for, if there are enough; the
    plan is told their mean number of pages. Exit status 1 if a figure is off by more than 25 %.
    """
    from ingest.read import find_files
    from rag_service.planning import measure

    wanted = _sizes(sizes)
    with own_home() as (settings, own), progress_bar() as progress:
        files = find_files(paths or [own.samples()])
        if len(files) < wanted[-1]:
            raise InvalidRequest(f"there are {len(files)} filings, fewer than {wanted[-1]}")
        random.Random(settings.seed).shuffle(files)
        held_out = len(files) - wanted[-1] >= sample
        measured = (files[wanted[-1] :] if held_out else files)[:sample]
        named = "filings that are not planned for" if held_out else "filings, planned for too"
        rates = measure(settings, own, measured, named, chunks, progress)
        keep = [(path.name, path.read_bytes()) for path in files[: wanted[-1]]]
        runs = []
        for size in wanted:
            runs.append(_run(keep[:size], rates, training=training and size == wanted[0]))
            progress("run", len(runs), len(wanted))
    figures = [one for run in runs for one in run["figures"].values()]
    document = {
        "model": rates.model["name"],
        "held_out": held_out,
        "runs": runs,
        "right": sum(one["right"] for one in figures),
        "figures": len(figures),
        "worst": max(figures, key=lambda one: abs(one["ratio"] - 1))["ratio"],
        "load": round(os.getloadavg()[0], 1),
        "rates": rates.model_dump(mode="json"),
    }
    emit(document, as_json, lambda console: _render(console, document))
    if document["right"] < len(figures):
        raise typer.Exit(1)


def _sizes(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        raise typer.BadParameter(f"expected 3,6,12 or the like, not {text!r}", param_hint="--sizes")
    return sorted({int(part) for part in parts})


def _run(filings: Sequence[tuple[str, bytes]], rates: Rates, *, training: bool) -> dict[str, Any]:
    from rag_service.loop.noisy_model import noisy_model
    from rag_service.loop.plan import Wanted, plan
    from rag_service.loop.plan_benchmark import compared, real_run

    with own_home() as (settings, own):
        folder = own.path / "given"
        folder.mkdir(parents=True)
        for name, data in filings:
            (folder / name).write_bytes(data)
        with open_services(settings) as services:
            registry = services.registry
            real = real_run(
                own,
                sorted(folder.iterdir()),
                lambda: noisy_model(
                    registry, registry.resolve(settings.embedding_model), settings.seed
                ),
                chunks=services.chunks,
                used_memory=services.used_memory,
                redis_files=services.redis_files,
                training=training,
            )
    pages = real["pages"] / len(filings)
    planned = plan(rates, Wanted(len(filings), pages))
    return {
        "filings": len(filings),
        "pages_per_filing": pages,
        "figures": compared(planned, real),
    }


def _render(console: Console, document: dict[str, Any]) -> None:
    for run in document["runs"]:
        rows = [
            (
                FIGURES[name],
                *(told(one[which], one["unit"]) for which in ("planned", "low", "high")),
                told(one["measured"], one["unit"]),
                f"{one['ratio']:.2f}{'' if one['right'] else ' (!)'}",
            )
            for name, one in run["figures"].items()
        ]
        title = f"{run['filings']} filings of {run['pages_per_filing']:.0f} pages"
        columns = ("", "planned", "low", "high", "measured", "planned / measured")
        console.print(grid(columns, rows, title))
    console.print(
        f"{document['model']}; {document['right']} of {document['figures']} figures within 25 %; "
        f"load at the end {document['load']}"
    )
