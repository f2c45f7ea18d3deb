"""``ragloop bench retrieval``: each stage of a search on one question set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.finetune_flags import MakeOptions, finetune_flags
from rag_service.cli.improving import fast_settings
from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.errors import DataError
from rag_service.core.protocols import Progress
from rag_service.core.types import ModelCard
from rag_service.wiring import Services, open_services
from rag_service.work import job_arguments

if TYPE_CHECKING:
    from rag_service.loop.training import FinetuneOptions


@finetune_flags(llm_questions=0)
def retrieval(
    paths: Annotated[list[Path], typer.Argument(help="Filings, or folders with filings.")],
    flags: MakeOptions,
    dataset: Annotated[Path, typer.Option(help="Question set in BEIR layout.")],
    split: Annotated[str, typer.Option(help="Split of the question set.")] = "test",
    train: Annotated[
        bool, typer.Option(help="Train a model where the home has none yet; else without it.")
    ] = True,
    as_json: JsonFlag = False,
) -> None:
    """Vectors, BM25, hybrid, then each further stage, then the trained model: figures and times.

    In the home ./var/bench unless RAGLOOP_HOME is set. With RAGLOOP_RERANKER also reranked.
    """
    from eval.question_sets import load

    questions = load(dataset, split)
    settings = fast_settings(Path("var/bench"))
    with open_services(settings) as services, progress_bar() as progress:
        outcomes = services.ingestion.run(paths, progress)
        if not any(outcome.document for outcome in outcomes):
            raise DataError("nothing could be ingested: name a folder that holds filings")
        model = services.registry.resolve(settings.embedding_model)
        base = _newest(services, lambda card: card.fingerprint == model.fingerprint)
        if base is None:
            base = services.indexer.build(model, "benchmark: base", progress).release
        tuned = _newest(services, lambda card: _trained_from(card, model))
        if tuned is None and train:
            tuned = _train(services, base, flags(settings), progress)
        for release in filter(None, (base, tuned)):
            services.indexer.mend(services.releases.get(release), progress)
        report = services.retrieval_benchmark.run(
            questions, base, tuned, rerank=bool(settings.reranker), progress=progress
        )
    report["refused"] = {o.path: o.message for o in outcomes if o.status == "refused"}
    emit(report, as_json, lambda console: _render(console, report))
    if report["refused"]:
        raise typer.Exit(1)


def _newest(services: Services, suits: Callable[[ModelCard], bool]) -> str | None:
    """The newest release that can be searched and whose model ``suits``."""
    for release in reversed(services.releases.all()):
        if release.state not in ("building", "failed") and suits(
            services.registry.get(release.model)
        ):
            return release.release
    return None


def _trained_from(card: ModelCard, base: ModelCard) -> bool:
    """Trained by this program, whole: neither cut nor by a recipe that it is compared with."""
    return card.base == base.fingerprint and not card.cut_from and "recipe" not in card.training


def _train(services: Services, base: str, options: FinetuneOptions, progress: Progress) -> str:
    arguments = job_arguments(services.settings, options)
    with services.jobs.run("bench-retrieval", arguments) as job:
        model = services.improver.finetune(job, base, options, progress)
        return services.indexer.build(model, "benchmark: trained", progress).release


def _render(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['questions']} questions of {report['question_set']}/{report['split']}; "
        f"{report['documents']} documents, {report['chunks']} chunks"
    )
    rows = [
        (
            row["name"],
            _figure(row["ndcg@10"]),
            _figure(row["hit@5"]),
            f"{row['difference']['value']:+.3f}",
            f"{row['difference']['p']:.4f}",
            str(row["p50_ms"]),
            str(row["p99_ms"]),
        )
        for row in report["rows"]
    ]
    columns = ("search", "ndcg@10", "hit@5", "- vectors", "p", "p50 ms", "p99 ms")
    console.print(grid(columns, rows))
    first = report["rows"][-1]["right_filing_first_where_named"]
    if first["questions"]:
        console.print(
            f"right filing first: {_figure(first)} of {first['questions']} questions that name "
            "company and year"
        )


def _figure(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
