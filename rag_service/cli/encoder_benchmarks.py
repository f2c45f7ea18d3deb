"""``ragloop bench encoder``: encoding against sentence-transformers' own."""

from __future__ import annotations

import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import load_settings
from rag_service.wiring import make_registry, read_options


def encoder(
    paths: Annotated[list[Path], typer.Argument(help="Filings, or folders with filings.")],
    model: Annotated[
        list[str] | None, typer.Option(help="A model; may be repeated. By default the set one.")
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(help="LAYERSxWIDTH of a BERT with random weights; may be repeated."),
    ] = None,
    chunks: Annotated[int, typer.Option(help="Chunks drawn from the filings.", min=1)] = 256,
    rounds: Annotated[int, typer.Option(help="Rounds, each with both encoders.", min=1)] = 5,
    output: Annotated[Path | None, typer.Option(help="File to write the figures to.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Encode chunks of filings: speed and vectors against plain float32 `encode`, in one run."""
    from ingest.read import find_files, read_file
    from rag_service.loop.encoder_benchmark import benchmark, shaped_model

    settings = load_settings()
    registry = make_registry(settings)
    shapes = [_shape(text) for text in shape or ()]
    with progress_bar() as progress, TemporaryDirectory() as folder:
        # Random weights are not for the models of this home.
        apart = make_registry(settings.model_copy(update={"home": Path(folder)}))
        cards = [registry.resolve(name) for name in model or [settings.embedding_model]]
        random_cards = [shaped_model(apart, cards[0], *size) for size in shapes]
        count_tokens, _ = registry.token_counter(settings.embedding_model)
        options = read_options(settings)
        read = [read_file(path, options, count_tokens) for path in find_files(paths)]
        texts = [chunk.embedded_text for filing in read for chunk in filing.chunks]
        drawn = random.Random(settings.seed).sample(texts, min(chunks, len(texts)))
        models = [
            benchmark(of, card, drawn, rounds, progress)
            for of, among in ((registry, cards), (apart, random_cards))
            for card in among
        ]
    report = {"files": len(read), "chunks": len(drawn), "models": models}
    if output is not None:
        output.write_text(json.dumps(report, indent=2) + "\n")
    emit(report, as_json, lambda console: _render(console, report))


def _shape(text: str) -> tuple[int, int]:
    layers, _, width = text.partition("x")
    if not (layers.isdigit() and width.isdigit() and int(layers) and int(width) % 64 == 0):
        raise typer.BadParameter(f"{text} is no LAYERSxWIDTH with a width of whole 64s")
    return int(layers), int(width)


def _render(console: Console, report: dict[str, Any]) -> None:
    rows = [
        (
            one["model"],
            one["engine"],
            f"{one['texts_per_second']:.1f}",
            f"{one['plain_texts_per_second']:.1f}",
            f"{one['ratio']:.2f}",
            f"{one['cpu_ratio']:.2f}",
            f"{one['cosine']['least']:.4f}",
            f"{one['ndcg@10']['loss']:+.4f}",
            f"{one['load']:.1f}",
        )
        for one in report["models"]
    ]
    columns = (
        *("model", "engine", "chunks/s", "plain encode", "ratio", "of CPU seconds"),
        *("least cosine", "NDCG@10 loss", "load"),
    )
    console.print(grid(columns, rows, f"{report['chunks']} chunks of {report['files']} filings"))
