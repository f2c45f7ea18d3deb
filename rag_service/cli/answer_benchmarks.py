"""``ragloop bench answers``: what is grounded, right and truly quoted on a question set."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.improving import fast_settings
from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.wiring import open_services


def answers(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Filings, or folders with them, to ingest and to check quotes in."),
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="Question set; by default the newest held-out questions.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the question set.")] = "test",
    as_json: JsonFlag = False,
) -> None:
    """Ask a question set: shares grounded, right as a number, and quoted from the cited page.

    In the home ./var/bench unless RAGLOOP_HOME is set. Gold answers are read from the questions'
    metadata, ``answer``.
    """
    from eval.question_sets import load
    from ingest.read import find_files
    from rag_service.loop.answer_benchmark import AnswerBenchmark

    settings = fast_settings(Path("var/bench"))
    files = find_files(paths or [])
    with open_services(settings) as services, progress_bar() as progress:
        if files:
            services.ingestion.run(files, progress)
        questions = load(dataset or services.newest_question_set(), split)
        benchmark = AnswerBenchmark(services.answerer, services.chunks, settings.seed)
        report = asyncio.run(benchmark.run(questions, files, progress))
    report["llm"], report["stages"] = settings.llm, settings.stages
    emit(report, as_json, lambda console: _render(console, report))


def _render(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['questions']} questions of {report['question_set']}/{report['split']}, release "
        f"{report['release']}, LLM {report['llm']}"
    )
    rows = [
        (
            told,
            share["questions"],
            f"{share['value']:.3f}",
            f"[{share['low']:.3f}, {share['high']:.3f}]",
        )
        for name, told in (
            ("grounded", "grounded"),
            ("right", "right, of those with one number"),
            ("quoted", "quoted from the cited page, of those grounded"),
        )
        if (share := report[name])["questions"]
    ]
    console.print(grid(("share", "questions", "value", "95 % interval"), rows))
    for title in ("methods", "right_by_method", "wrong_by_method"):
        told = ", ".join(f"{name} {count}" for name, count in report[title].items())
        console.print(f"{title.replace('_', ' ')}: {told or 'none'}")
