"""``ragloop evaluate`` and ``ragloop export``: question sets asked, and written for other tools."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.cli.stages import StagesOption, chosen
from rag_service.core.errors import InvalidRequest
from rag_service.core.settings import load_settings
from rag_service.wiring import open_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rag_service.core.types import Interval, Run

Split = Annotated[str, typer.Option(help="Split of the question set.")]


def register(app: typer.Typer) -> None:
    app.command()(evaluate)
    app.command()(export)


def evaluate(
    dataset: Annotated[Path, typer.Option(help="Question set in BEIR layout.")],
    split: Split = "test",
    release: Annotated[str | None, typer.Option(help="By default the live one.")] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Also by brute force over the index's own vectors.")
    ] = False,
    dims: Annotated[
        str, typer.Option(help="Also with vectors cut to so many dimensions, such as 256,128.")
    ] = "",
    probe: Annotated[
        bool, typer.Option("--probe", help="Also the model's figure on general text.")
    ] = False,
    stages: StagesOption = "",
    trec: Annotated[
        Path | None, typer.Option(help="Also write the ranking here, in the format of TREC.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure a release on a question set, through its Redis index."""
    from eval.documents import run_document
    from eval.question_sets import load
    from eval.trec import write_run

    sizes = _sizes(dims)
    questions = load(dataset, split)
    with open_services(load_settings()) as services, progress_bar() as progress:
        name = release or services.improver.live_release()
        run = services.evaluator.run(
            questions,
            name,
            progress,
            exact=exact,
            dims=sizes,
            probe=probe,
            stages=chosen(stages),
        )
    if trec:
        write_run(trec, run)
    document = run_document(run) | ({"trec": str(trec.absolute())} if trec else {})
    emit(document, as_json, lambda console: _print_run(console, run))


def export(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    dataset: Annotated[
        Path | None, typer.Option(help="Question set; by default the newest held-out questions.")
    ] = None,
    split: Split = "test",
    as_json: JsonFlag = False,
) -> None:
    """Write a question set with the whole corpus in BEIR layout, for other tools."""
    from eval.export import export as write
    from eval.question_sets import load

    with open_services(load_settings()) as services:
        questions = load(dataset or services.newest_question_set(), split)
        written = write(folder, questions, services.chunks.chunks())
    document = {"folder": str(folder.absolute()), "split": split, **asdict(written)}

    def render(console: Console) -> None:
        left_out = f", {written.skipped} left out" if written.skipped else ""
        console.print(
            escape(f"{folder}: {written.questions} questions{left_out}, {written.corpus} passages")
        )

    emit(document, as_json, render)


def _sizes(dims: str) -> list[int]:
    words = [word.strip() for word in dims.split(",") if word.strip()]
    if wrong := [word for word in words if not (word.isascii() and word.isdigit())]:
        raise InvalidRequest(f"--dims takes numbers such as 256,128, not {wrong[0][:40]!r}")
    return [int(word) for word in words]


def _print_run(console: Console, run: Run) -> None:
    title = f"{run.question_set}/{run.split} on {run.release}, {run.questions} questions"
    if run.skipped:
        title += f" ({run.skipped} left out: their documents are not indexed)"
    alone = run.questions == 1
    _print_figures(console, run.metrics, title, alone)
    for name, metrics in run.variants.items():
        _print_figures(console, metrics, f"\n{name}", alone)
    if run.probe:
        _print_figures(
            console,
            {"ndcg@10": run.probe.ndcg},
            f"\ngeneral text, {run.probe.questions} questions",
        )
    drawn = next(iter(run.metrics.values())).by
    told = f"intervals by bootstrap over {drawn}"
    console.print("an interval needs more than one question" if alone else told, style="dim")
    if run.trained_on:
        console.print(
            f"[yellow]{run.trained_on} of the questions are about documents that the model was "
            "trained on[/]"
        )


def _print_figures(
    console: Console, metrics: Mapping[str, Interval], title: str, alone: bool = False
) -> None:
    """``alone``: of a single question, whose figure has no interval."""
    rows = [
        (name, f"{i.value:.4f}", "–" if alone else f"[{i.low:.4f}, {i.high:.4f}]")
        for name, i in metrics.items()
    ]
    console.print(grid(("measure", "value", "95 % interval"), rows, title))
