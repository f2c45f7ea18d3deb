"""``ragloop bench all``: every benchmark in one run, and one table."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, progress_bar, stderr_console
from rag_service.cli.own_home import own_home
from rag_service.core.errors import InvalidRequest
from rag_service.core.ids import now

if TYPE_CHECKING:
    from rag_service.loop.all_benchmarks import Benchmark

_FEW = 4
"""Filings of a quick run."""


def run_all(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Filings, or folders with filings; by default the sample filings."),
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="Question set of those that ask one, in BEIR layout.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of that question set.")] = "test",
    quick: Annotated[
        bool,
        typer.Option("--quick", help="As short as they can be: whether all run, not how fast."),
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="This benchmark alone; may be repeated.")
    ] = None,
    output: Annotated[
        Path, typer.Option(help="Where the table goes; beside it one as .json, and the reports.")
    ] = Path("var/bench.md"),
    as_json: JsonFlag = False,
) -> None:
    """Run all benchmarks, one after the other, and write one table of their ratios.

    Exit status 1 if one fails, is not possible here, or misses what is wanted; a quick run does
    not judge that.
    """
    from ingest.read import find_files
    from rag_service.loop.all_benchmarks import AllBenchmarks, table

    chosen = _chosen(only or [])
    logs = output.with_name(f"{output.stem}-reports")
    logs.mkdir(parents=True, exist_ok=True)
    results = []
    with own_home() as (_, own), TemporaryDirectory() as folder, progress_bar() as progress:
        files = find_files(paths or [own.samples()])
        if quick:
            # Every other one, since samples of a company stand side by side.
            files = files[: 2 * _FEW : 2]
        asked = ["--dataset", str(dataset.absolute()), "--split", split] if dataset else []
        given = _linked(files, Path(folder)) if quick else files
        runs = AllBenchmarks(given, asked, own.path, logs, quick=quick, gpu=_has_gpu())
        for number, one in enumerate(chosen):
            progress(f"bench {one.name}", number, len(chosen))
            results += runs.run(one)
            output.write_text(_head(quick, len(files)) + table(results), encoding="utf-8")
        progress("bench", len(chosen), len(chosen))
    document = {
        "measured": now(),
        "machine": platform.node(),
        "cores": os.cpu_count(),
        "quick": quick,
        "filings": len(files),
        "results": [one._asdict() for one in results],
    }
    output.with_suffix(".json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    emit(document, as_json, lambda console: _render(console, output))
    if any(one.status != "ok" for one in results):
        stderr_console().print(f"not all is as wanted: see {output}")
        raise typer.Exit(1)


def _chosen(only: list[str]) -> list[Benchmark]:
    from rag_service.loop.all_benchmarks import benchmarks

    known = {one.name: one for one in benchmarks()}
    if unknown := [name for name in only if name not in known]:
        raise InvalidRequest(f"no benchmark {unknown[0]}; there are {', '.join(known)}")
    return [one for name, one in known.items() if not only or name in only]


def _linked(files: Sequence[Path], folder: Path) -> list[Path]:
    """A folder with these files alone."""
    few = folder / "filings"
    few.mkdir()
    for path in files:
        (few / path.name).symlink_to(path.absolute())
    return [few]


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _head(quick: bool, filings: int) -> str:
    how = "quick: these figures say only that all runs" if quick else "ratios are of one run each"
    cores, load = os.cpu_count(), os.getloadavg()[0]
    return (
        f"`ragloop bench all`, {now()}, {cores} cores, {filings} filings, load "
        f"{load:.1f}; {how}.\n\n"
    )


def _render(console: Console, output: Path) -> None:
    console.print(output.read_text(encoding="utf-8"), markup=False)
