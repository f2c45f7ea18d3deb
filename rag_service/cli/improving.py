"""``ragloop demo``, ``improve`` and its first step ``finetune``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from rag_service import work
from rag_service.cli.asking import print_answer
from rag_service.cli.finetune_flags import MakeOptions, finetune_flags
from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import Settings, load_settings
from rag_service.wiring import open_services
from rag_service.work import job_arguments

FAST_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""Encodes four times as fast as bge-small, so that the demo's two indexes fit its ten minutes."""


def register(app: typer.Typer) -> None:
    app.command()(demo)
    app.command()(improve)
    app.command()(finetune)


@finetune_flags(questions=1200, llm_questions=12, llm_minutes=1.0)
def demo(
    flags: MakeOptions,
    filings: Annotated[
        Path | None, typer.Option(help="Folder of filings; by default the sample filings.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """The whole loop: ingest, finetune, reindex, evaluate, gate, promote, and one answer."""
    settings = fast_settings(Path("var/demo"))
    options = flags(settings)
    folder = str(filings.absolute()) if filings else ""
    arguments = job_arguments(settings, options) | {"filings": folder}
    with (
        open_services(settings) as services,
        progress_bar() as progress,
        services.jobs.run("demo", arguments) as job,
    ):
        base = services.registry.resolve(settings.embedding_model)
        result = services.demo.run(job, filings, base, options, _thresholds(), progress)
    document = result.as_dict()

    def render(console: Console) -> None:
        console.print(f"home {_shown(settings.home)} · model {result.model}")
        refused = [d for d in result.ingested if d["status"] == "refused"]
        chunks = sum(int(d["chunks"]) for d in result.ingested)
        console.print(f"{len(result.ingested) - len(refused)} documents, {chunks} chunks")
        for outcome in refused:
            console.print(escape(f"refused {outcome['path']}: {outcome['message']}"))
        print_improvement(console, document)
        console.print(f"\n[bold]{escape(result.answer.question)}[/]", highlight=False)
        if result.tried > 1:
            console.print(f"(held-out question {result.tried}; none before it was answered)")
        print_answer(console, result.answer)
        console.print(
            f'\nAsk on: RAGLOOP_HOME={_shown(settings.home)} ragloop ask "..."   '
            f"or serve: RAGLOOP_HOME={_shown(settings.home)} ragloop serve"
        )

    emit(document, as_json, render)
    if not document["gate"]["promoted"]:
        raise typer.Exit(1)


@finetune_flags()
def improve(flags: MakeOptions, as_json: JsonFlag = False) -> None:
    """Finetune, reindex, evaluate, ask the gate, promote: one job that resumes if killed."""
    settings = load_settings()
    options = flags(settings)
    with open_services(settings) as services, progress_bar() as progress:
        improvement = work.improve(services, options, progress)
    document = improvement.as_dict()
    emit(document, as_json, lambda console: print_improvement(console, document))
    if not improvement.judged.decision.promoted:
        raise typer.Exit(1)


@finetune_flags()
def finetune(flags: MakeOptions, as_json: JsonFlag = False) -> None:
    """Build training data from the live chunks, train on it, and print the model."""
    settings = load_settings()
    options = flags(settings)
    with open_services(settings) as services, progress_bar() as progress:
        document = work.finetune(services, options, progress)
    emit(
        document,
        as_json,
        lambda console: console.print(f"{document['model']}  {document['name']}"),
    )


def fast_settings(home: Path) -> Settings:
    """A home of its own and a fast model, unless the environment says otherwise."""
    overrides: dict[str, object] = {}
    if "RAGLOOP_HOME" not in os.environ:
        overrides["home"] = home
    if "RAGLOOP_EMBEDDING_MODEL" not in os.environ:
        overrides["embedding_model"] = FAST_MODEL
    return load_settings(**overrides)


def print_improvement(console: Console, document: dict[str, Any]) -> None:
    """The table of figures before and after, and what the gate said."""
    before, after, difference = document["before"], document["after"], document["difference"]
    rows = [
        _row(measure, before["metrics"][measure], after["metrics"][measure], difference[measure])
        for measure in ("ndcg@10", "mrr@10", "recall@10", "hit@5")
    ]
    probe = document["probe"]
    rows.append(
        _row(
            f"general text, ndcg@10, {probe['after']['questions']} questions",
            probe["before"]["ndcg@10"],
            probe["after"]["ndcg@10"],
            probe["difference"],
        )
    )
    title = (
        f"{before['questions']} questions of held-out documents, through Redis; "
        f"95 % intervals by bootstrap over {before['metrics']['ndcg@10']['by']}"
    )
    columns = (
        "",
        f"before ({before['release']})",
        f"after ({after['release']})",
        "difference",
        "p",
    )
    console.print(grid(columns, rows, title))
    gate = document["gate"]
    console.print("[green]promoted[/]" if gate["promoted"] else "[yellow]not promoted[/]")
    for reason in gate["reasons"]:
        console.print(f"  {escape(reason)}")
    latency = document["latency"]
    console.print(
        f"a query takes {latency['before_ms']:.1f} ms before, {latency['after_ms']:.1f} ms after",
        style="dim",
    )
    took = {name: seconds for name, seconds in document["seconds"].items() if seconds >= 1}
    steps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items())
    console.print(steps, style="dim")


def _row(label: str, b: dict[str, Any], a: dict[str, Any], d: dict[str, Any]) -> tuple[str, ...]:
    return (
        label,
        f"{b['value']:.3f} [{b['low']:.3f}, {b['high']:.3f}]",
        f"{a['value']:.3f} [{a['low']:.3f}, {a['high']:.3f}]",
        f"{d['value']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]",
        f"{d['p']:.4f}",
    )


def _thresholds() -> Any:
    from eval.gate import GateThresholds

    return GateThresholds()


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
