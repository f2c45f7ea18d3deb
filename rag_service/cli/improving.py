"""``ragloop demo``, ``improve`` and its single steps ``finetune``, ``reindex``, ``evaluate``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from rag_service.cli.asking import print_answer
from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import Settings, load_settings
from rag_service.wiring import open_services

DEMO_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""Encodes four times as fast as bge-small, so that the demo's two indexes fit its ten minutes."""

Questions = Annotated[int, typer.Option(help="Template questions to train on, at most.", min=50)]
LlmQuestions = Annotated[int, typer.Option(help="Questions that the LLM writes, at most.", min=0)]
LlmMinutes = Annotated[float, typer.Option(help="Longest time that the LLM may take.", min=0.0)]
Epochs = Annotated[int, typer.Option(help="Passes over the training pairs.", min=1)]
BatchSize = Annotated[int, typer.Option(help="Pairs in one training batch; 0: what fits.", min=0)]
Negatives = Annotated[
    bool, typer.Option("--hard-negatives", help="Mine hard negatives from the live index.")
]


def register(app: typer.Typer) -> None:
    app.command()(demo)
    app.command()(improve)
    app.command()(finetune)
    app.command()(reindex)
    app.command()(evaluate)


def demo(
    filings: Annotated[
        Path | None, typer.Option(help="Folder of filings; by default the sample filings.")
    ] = None,
    questions: Questions = 1200,
    llm_questions: LlmQuestions = 12,
    llm_minutes: LlmMinutes = 1.0,
    epochs: Epochs = 1,
    batch_size: BatchSize = 0,
    hard_negatives: Negatives = False,
    as_json: JsonFlag = False,
) -> None:
    """The whole loop: ingest, finetune, reindex, evaluate, gate, promote, and one answer."""
    settings = demo_settings()
    options = finetune_options(
        settings, questions, llm_questions, llm_minutes, epochs, batch_size, hard_negatives
    )
    folder = str(filings.absolute()) if filings else ""
    arguments = _arguments(settings, options) | {"filings": folder}
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


def improve(
    questions: Questions = 1200,
    llm_questions: LlmQuestions = 200,
    llm_minutes: LlmMinutes = 20.0,
    epochs: Epochs = 1,
    batch_size: BatchSize = 0,
    hard_negatives: Negatives = False,
    as_json: JsonFlag = False,
) -> None:
    """Finetune, reindex, evaluate, ask the gate, promote: one job that resumes if killed."""
    settings = load_settings()
    options = finetune_options(
        settings, questions, llm_questions, llm_minutes, epochs, batch_size, hard_negatives
    )
    with (
        open_services(settings) as services,
        progress_bar() as progress,
        services.jobs.run("improve", _arguments(settings, options)) as job,
    ):
        improvement = services.improver.run(job, options, _thresholds(), progress)
    document = improvement.as_dict()
    emit(document, as_json, lambda console: print_improvement(console, document))
    if not improvement.decision.promoted:
        raise typer.Exit(1)


def finetune(
    questions: Questions = 1200,
    llm_questions: LlmQuestions = 200,
    llm_minutes: LlmMinutes = 20.0,
    epochs: Epochs = 1,
    batch_size: BatchSize = 0,
    hard_negatives: Negatives = False,
    as_json: JsonFlag = False,
) -> None:
    """Build training data from the live chunks, train on it, and print the model."""
    settings = load_settings()
    options = finetune_options(
        settings, questions, llm_questions, llm_minutes, epochs, batch_size, hard_negatives
    )
    with (
        open_services(settings) as services,
        progress_bar() as progress,
        services.jobs.run("finetune", _arguments(settings, options)) as job,
    ):
        live = services.improver.live_release()
        card = services.improver.finetune(job, live, options, progress)
    document = {
        "model": card.fingerprint,
        "name": card.name,
        "base": card.base,
        "dims": card.dims,
        "data": str(job.folder / "data"),
        "training": dict(card.training),
        "seconds": job.seconds,
    }
    emit(document, as_json, lambda console: console.print(f"{card.fingerprint}  {card.name}"))


def reindex(
    model: Annotated[str, typer.Option(help="Fingerprint, name or folder of a model.")],
    as_json: JsonFlag = False,
) -> None:
    """Build a candidate release with another model beside the live one; resumes if killed."""
    with open_services(load_settings()) as services, progress_bar() as progress:
        card = services.registry.resolve(model)
        services.ensure_live()
        release = services.indexer.build(card, progress=progress)
    document = {
        "release": release.release,
        "state": release.state,
        "model": release.model,
        "chunks": release.chunks,
        "dims": release.dims,
    }
    emit(
        document,
        as_json,
        lambda console: console.print(
            f"{release.release}: {release.state}, {release.chunks} chunks of model {release.model}"
        ),
    )


def evaluate(
    dataset: Annotated[Path, typer.Option(help="Question set in BEIR layout.")],
    split: Annotated[str, typer.Option(help="Split of the question set.")] = "test",
    release: Annotated[str | None, typer.Option(help="By default the live one.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure a release on a question set, through its Redis index."""
    from eval.documents import run_document
    from eval.question_sets import load

    questions = load(dataset, split)
    with open_services(load_settings()) as services, progress_bar() as progress:
        name = release or services.improver.live_release()
        run = services.evaluator.run(questions, name, progress)

    def render(console: Console) -> None:
        rows = [
            (measure, f"{i.value:.4f}", f"[{i.low:.4f}, {i.high:.4f}]")
            for measure, i in run.metrics.items()
        ]
        title = f"{run.question_set}/{run.split} on {run.release}, {run.questions} questions"
        if run.skipped:
            title += f" ({run.skipped} left out: their documents are not indexed)"
        console.print(grid(("measure", "value", "95 % interval"), rows, title))

    emit(run_document(run), as_json, render)


def demo_settings() -> Settings:
    """Settings of the demo: a home of its own and a fast model, unless the environment says."""
    overrides: dict[str, object] = {}
    if "RAGLOOP_HOME" not in os.environ:
        overrides["home"] = Path("var/demo")
    if "RAGLOOP_EMBEDDING_MODEL" not in os.environ:
        overrides["embedding_model"] = DEMO_MODEL
    return load_settings(**overrides)


def finetune_options(
    settings: Settings,
    questions: int,
    llm_questions: int,
    llm_minutes: float,
    epochs: int,
    batch_size: int,
    hard_negatives: bool,
) -> Any:
    from finetune.options import DataOptions, TrainOptions
    from rag_service.loop.training import FinetuneOptions

    return FinetuneOptions(
        data=DataOptions(
            max_questions=questions,
            max_llm_questions=llm_questions if settings.llm != "none" else 0,
            max_minutes=llm_minutes,
            seed=settings.seed,
        ),
        training=TrainOptions(
            epochs=epochs,
            batch_size=batch_size,
            precision=settings.precision,
            seed=settings.seed,
        ),
        hard_negatives=hard_negatives,
    )


def print_improvement(console: Console, document: dict[str, Any]) -> None:
    """The table of figures before and after, and what the gate said."""
    before, after, difference = document["before"], document["after"], document["difference"]
    rows = []
    for measure in ("ndcg@10", "mrr@10", "recall@10", "hit@5"):
        b, a, d = before["metrics"][measure], after["metrics"][measure], difference[measure]
        rows.append(
            (
                measure,
                f"{b['value']:.3f} [{b['low']:.3f}, {b['high']:.3f}]",
                f"{a['value']:.3f} [{a['low']:.3f}, {a['high']:.3f}]",
                f"{d['value']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]",
                f"{d['p']:.4f}",
            )
        )
    title = (
        f"{before['questions']} questions of held-out documents, through Redis; "
        "95 % intervals by bootstrap"
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
    took = {name: seconds for name, seconds in document["seconds"].items() if seconds >= 1}
    steps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items())
    console.print(steps, style="dim")


def _thresholds() -> Any:
    from eval.gate import GateThresholds

    return GateThresholds()


def _arguments(settings: Settings, options: Any) -> dict[str, Any]:
    """What makes two jobs the same work, so that one resumes the other."""
    from dataclasses import asdict

    return {
        "options": asdict(options),
        "embedding_model": settings.embedding_model,
        "llm": settings.llm,
    }


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
