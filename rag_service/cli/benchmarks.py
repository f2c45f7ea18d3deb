"""``ragloop bench``: what this program claims of itself, measured on this machine."""

from __future__ import annotations

import json
import os
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.all_benchmarks import run_all
from rag_service.cli.answer_benchmarks import answers
from rag_service.cli.encoder_benchmarks import encoder
from rag_service.cli.finetune_flags import MakeOptions, finetune_flags
from rag_service.cli.gpu_benchmarks import gpu
from rag_service.cli.growth_benchmarks import growth
from rag_service.cli.improving import fast_settings
from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.cli.plan_benchmark import plan
from rag_service.cli.ray_benchmarks import ray
from rag_service.cli.release_benchmarks import reindex, swap
from rag_service.cli.retrieval_benchmarks import retrieval
from rag_service.cli.service_benchmarks import service, soak
from rag_service.core.ids import file_id
from rag_service.core.settings import load_settings
from rag_service.wiring import make_registry, open_services, read_options
from rag_service.work import job_arguments

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

_MEASURES = {
    "in_one_chunk": "row in one chunk",
    "on_one_line": "on one line",
    "whole": "with headers",
    "aligned": "aligned",
}


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Measure this program on this machine.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("ingest")(ingest)
    group.command("memory")(memory)
    group.command("finetune")(finetune)
    group.command("training")(training)
    group.command("encoder")(encoder)
    group.command("gpu")(gpu)
    group.command("swap")(swap)
    group.command("reindex")(reindex)
    group.command("growth")(growth)
    group.command("ray")(ray)
    group.command("retrieval")(retrieval)
    group.command("service")(service)
    group.command("soak")(soak)
    group.command("answers")(answers)
    group.command("plan")(plan)
    group.command("all")(run_all)
    app.add_typer(group, name="bench")


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="PDFs, or folders with PDFs.")],
    baseline: Annotated[
        bool, typer.Option(help="Run unstructured's fast strategy on the same files too.")
    ] = True,
    as_json: JsonFlag = False,
) -> None:
    """Read PDFs up to chunks, in one process: pages a second, and how whole tables stay."""
    os.environ.update(_ONE_THREAD)
    from ingest.read import find_files
    from rag_service.loop.ingest_benchmark import benchmark

    settings = load_settings()
    count_tokens, _ = make_registry(settings).token_counter(settings.embedding_model)
    with progress_bar() as progress:
        report = benchmark(
            find_files(paths), read_options(settings), count_tokens, baseline, progress
        )
    emit(report, as_json, lambda console: _render(console, report))


def memory(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders with files.")],
    as_json: JsonFlag = False,
) -> None:
    """Ingest into a new home: peak memory of all processes; then again, nothing having changed."""
    from rag_service.loop.memory_benchmark import peak_of

    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        arguments = ["ingest", *(str(path.absolute()) for path in paths)]
        first = peak_of(arguments, home)
        # In turn: what Redis reads at its start changes when it tidies up its files.
        rounds = [(peak_of(["releases"], home), peak_of(arguments, home)) for _ in range(3)]
    idle = median(start.seconds for start, _ in rounds)
    again = median(repeated.seconds for _, repeated in rounds)
    outcomes = [json.loads(repeated.output)["documents"] for _, repeated in rounds]
    report: dict[str, Any] = {
        "megabytes": first.megabytes,
        "by_process": first.by_process,
        "seconds": first.seconds,
        "documents": len(json.loads(first.output)["documents"]),
        "again": {
            "seconds": again,
            "beyond_start_up": again - idle,
            "rounds": len(rounds),
            "status": sorted({d["status"] for documents in outcomes for d in documents}),
        },
    }

    def render(console: Console) -> None:
        parts = ", ".join(f"{name} {size:.0f}" for name, size in first.by_process.items())
        console.print(f"{report['documents']} documents in {first.seconds:.0f} s")
        console.print(f"peak {first.megabytes:.0f} MB ({parts})")
        console.print(
            f"again ({', '.join(report['again']['status'])}): {again:.1f} s, of which "
            f"`ragloop releases` alone takes {idle:.1f} s; medians of {len(rounds)} rounds"
        )

    emit(report, as_json, render)


@finetune_flags(llm_questions=0)
def finetune(
    paths: Annotated[list[Path], typer.Argument(help="Filings, or folders with filings.")],
    flags: MakeOptions,
    dataset: Annotated[
        Path | None, typer.Option(help="Another question set to ask, in BEIR layout.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of that question set.")] = "test",
    recipe_minutes: Annotated[
        float,
        typer.Option(help="Time of the LLM to write the recipe's pairs; 0: none.", min=0.0),
    ] = 10.0,
    accumulation: Annotated[
        list[int] | None,
        typer.Option(help="Batches that make one step of the recipe; may be repeated.", min=1),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Base model, published recipe and this program's training, each through its own index."""
    from eval.question_sets import load
    from ingest.read import find_files

    settings = fast_settings(Path("var/bench"))
    options = flags(settings)
    sets = [load(dataset, split)] if dataset else []
    accumulations = sorted(set(accumulation or [16]), reverse=True)
    work = {
        "filings": {str(path.absolute()): file_id(path) for path in find_files(paths)},
        "recipe_minutes": recipe_minutes,
        "accumulations": accumulations,
    }
    with (
        open_services(settings) as services,
        progress_bar() as progress,
        services.jobs.run("bench", job_arguments(settings, options) | work) as job,
    ):
        base = services.registry.resolve(settings.embedding_model)
        report = services.finetune_benchmark.run(
            job, paths, base, options, recipe_minutes, accumulations, sets, progress
        )
    emit(report, as_json, lambda console: _render_finetune(console, report))
    if report["refused"]:
        raise typer.Exit(1)


def _render_finetune(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['model']}, {report['documents']} documents, {report['chunks']} chunks; every "
        f"arm learns from {report['pairs']} pairs"
    )
    for arm, figures in report["training"].items():
        told = f"{figures['steps']} steps"
        if "own_ndcg@10" in figures:
            own = figures["own_ndcg@10"]
            told += (
                f", {figures['llm_pairs']} of its pairs by the LLM; by its own measure "
                f"{own['before']:.3f} to {own['after']:.3f} on {figures['test_rows']} rows"
            )
        console.print(f"  {arm}: {told}")
    for found in report["sets"]:
        rows = []
        for measure in ("ndcg@10", "mrr@10", "recall@10", "recall@50", "hit@5"):
            figures = [_told(run["metrics"][measure]) for run in found["runs"].values()]
            rows.append((measure, *figures))
        title = f"{found['question_set']}/{found['split']}: {found['questions']} questions"
        console.print(grid(("", *found["runs"]), rows, title))
        for name, differences in found["differences"].items():
            for measure in ("ndcg@10", "ndcg@10 on unseen documents"):
                if d := differences.get(measure):
                    few = f" ({found['unseen_questions']})" if "unseen" in measure else ""
                    console.print(f"  {measure}{few}, {name}: {_told(d)}, p {d['p']:.4f}")
    for path, reason in report["refused"].items():
        console.print(f"refused: {path}: {reason}")
    took = report["seconds"]
    console.print(", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items()))


def training(
    batch: Annotated[int, typer.Option(help="Pairs in a batch.", min=2)] = 64,
    max_tokens: Annotated[int, typer.Option(help="Where texts are cut off.", min=16)] = 256,
    steps: Annotated[int, typer.Option(help="Steps of a round that are timed.", min=1)] = 40,
    rounds: Annotated[int, typer.Option(help="Rounds, each with both trainers.", min=1)] = 3,
    layers: Annotated[int, typer.Option(help="Layers of the model; bge-base has 12.", min=1)] = 12,
    width: Annotated[int, typer.Option(help="Its width; bge-base has 768.", min=64)] = 768,
    as_json: JsonFlag = False,
) -> None:
    """Speed of training on this machine, against the plain trainer with its defaults."""
    from finetune.speed import Shape, measure

    with progress_bar() as progress:
        report = measure(
            Shape(layers, width),
            batch=batch,
            max_tokens=max_tokens,
            steps=steps,
            rounds=rounds,
            seed=load_settings().seed,
            progress=progress,
        )

    def render(console: Console) -> None:
        console.print(
            f"{layers} layers of {width} on {report['device']}, batch {batch}, at most "
            f"{max_tokens} tokens; bfloat16 matrix product {report['matrix_teraflops']:.2f} TFLOP/s"
        )
        rows = [
            (
                name,
                f"{speed['pairs_per_second']:.1f}",
                f"{speed['teraflops']:.2f}",
                f"{speed['share_of_matrix_rate']:.1%}",
            )
            for name, speed in report["trainers"].items()
        ]
        console.print(grid(("trainer", "pairs/s", "TFLOP/s", "of the matrix rate"), rows))
        low, high = min(report["ratios"]), max(report["ratios"])
        console.print(f"ratio {report['ratio']:.2f}, in {rounds} rounds {low:.2f} to {high:.2f}")

    emit(report, as_json, render)


def _render(console: Console, report: dict[str, Any]) -> None:
    speed, tables = report["speed"], report.get("tables", {})
    readers = [name for name in speed if not name.endswith("ratio")]
    rows = [
        (
            name,
            f"{speed[name]['pages_per_second']:.1f}",
            f"{speed[name]['pages_per_cpu_second']:.1f}",
            speed[name]["chunks"],
            *(_told(tables[name][measure]) for measure in _MEASURES),
        )
        if tables
        else (name, f"{speed[name]['pages_per_second']:.1f}",
              f"{speed[name]['pages_per_cpu_second']:.1f}", speed[name]["chunks"])
        for name in readers
    ]  # fmt: skip
    columns = ["reader", "pages/s", "pages/CPU s", "chunks"]
    if tables:
        columns += _MEASURES.values()
    console.print(f"{report['files']} files, {report['pages']} pages, one process")
    console.print(grid(columns, rows))
    if "ratio" in speed:
        files = report["cpu_ratio_by_file"].values()
        console.print(
            f"ratio {speed['ratio']:.1f}; of CPU seconds {speed['cpu_ratio']:.1f}, "
            f"by file {min(files):.1f} to {max(files):.1f}; load at the end {report['load']:.1f}"
        )
    for name, reason in report["refused"].items():
        console.print(f"refused: {name}: {reason}")
    if tables:
        console.print(f"rows of tables judged: {tables['rows']}")
    if "items" in report:
        items = report["items"]
        console.print(f"Items right on {_told(items['right'])} of {items['pages']} pages")
    if "covers" in report:
        covers = report["covers"]
        console.print(f"company and fiscal year right: {covers['right']} of {covers['filings']}")
        for name in covers["wrong"]:
            console.print(f"  wrong: {name}")


def _told(share: dict[str, float]) -> str:
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"
