"""``ragloop finetune-reranker``: a cross-encoder trained on the embedding model's data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import load_settings
from rag_service.wiring import open_services


def register(app: typer.Typer) -> None:
    app.command("finetune-reranker")(finetune_reranker)


def finetune_reranker(
    base: Annotated[
        str, typer.Option(help="Cross-encoder to start from: a pulled or hub name, or a folder.")
    ] = "",
    data: Annotated[
        str,
        typer.Option(
            "--from", help="Job or folder with training data; by default the home's newest."
        ),
    ] = "",
    epochs: Annotated[int, typer.Option(help="Passes over the training questions.", min=1)] = 1,
    negatives: Annotated[int, typer.Option(help="Hard negatives a question.", min=1, max=16)] = 4,
    batch_size: Annotated[
        int, typer.Option(help="Questions in one training batch; 0: what fits.", min=0)
    ] = 0,
    learning_rate: Annotated[
        float, typer.Option(help="Highest step size; 0: 2e-5.", min=0.0, max=1.0)
    ] = 0.0,
    as_json: JsonFlag = False,
) -> None:
    """Train a reranker on the data that `finetune` or `improve` made, and print its name."""
    from finetune.options import TrainOptions
    from rag_service.loop.reranking import DEFAULT_BASE

    settings = load_settings()
    options = TrainOptions(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_tokens=320,
        precision=settings.arithmetic,
        seed=settings.seed,
    )
    base = base or DEFAULT_BASE
    with open_services(settings) as services, progress_bar() as progress:
        folder = services.reranker_tuner.data_folder(data)
        arguments = {
            "base": base,
            "data": str(folder),
            "negatives": negatives,
            "options": asdict(options),
        }
        with services.jobs.run("finetune-reranker", arguments) as job:
            document = services.reranker_tuner.run(job, base, folder, options, negatives, progress)

    def render(console: Console) -> None:
        rows = []
        for measure, gain in document["difference"].items():
            figures = document[measure]
            shown = [
                f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
                for figure in (figures["retrieved"], figures["base"], figures["reranker"])
            ]
            moved = f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
            rows.append((measure, *shown, moved, f"{gain['p']:.4f}"))
        title = (
            f"{document['questions']} questions of {document['documents']} held-out documents, "
            f"their first 20 hits in release {document['release']}"
        )
        columns = ("", "as found", "by the base", "fine-tuned", "difference", "p")
        console.print(grid(columns, rows, title))
        console.print(f"\n{document['reranker']}  {document['base']}, fine-tuned")
        console.print(
            f"To use it: RAGLOOP_RERANKER={document['reranker']}, and rerank in RAGLOOP_STAGES"
        )

    emit(document, as_json, render)
