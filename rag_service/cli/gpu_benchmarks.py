"""``ragloop bench gpu``: how much of a GPU encoding makes use of."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import load_settings


def gpu(
    device: Annotated[
        Literal["cuda", "cpu"], typer.Option(help="cpu tries the script on a small model.")
    ] = "cuda",
    texts: Annotated[int, typer.Option(help="Texts; 0: by the device.", min=0)] = 0,
    tokens: Annotated[int, typer.Option(help="Tokens of each; 0: by the device.", min=0)] = 0,
    batch_tokens: Annotated[
        int, typer.Option(help="Tokens of a pass of the network alone; 0: by the device.", min=0)
    ] = 0,
    layers: Annotated[int, typer.Option(help="Layers of the model; 0: by the device.", min=0)] = 0,
    width: Annotated[int, typer.Option(help="Its width; 0: by the device.", min=0)] = 0,
    rounds: Annotated[int, typer.Option(help="Rounds of all arms; 0: by the device.", min=0)] = 0,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Measure the network through torch.compile too.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="File to write the figures to.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Tokens a second, and the share of the device's matrix rate, beside plain `encode`."""
    if device == "cpu":
        # The encoder takes a GPU where it sees one.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    from rag_service.loop.gpu_benchmark import TRIAL, Work, benchmark

    asked = {
        "texts": texts,
        "tokens": tokens,
        "batch_tokens": batch_tokens,
        "layers": layers,
        "width": width,
        "rounds": rounds,
    }
    work = replace(
        TRIAL if device == "cpu" else Work(),
        **{name: value for name, value in asked.items() if value},
    )
    settings = load_settings()
    with progress_bar() as progress:
        report = benchmark(
            device,
            work,
            batch_size=settings.batch_size,
            compiled=compiled,
            seed=settings.seed,
            progress=progress,
        )
    if output is not None:
        output.write_text(json.dumps(report, indent=2) + "\n")
    emit(report, as_json, lambda console: _render(console, report))


def _render(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['layers']} layers of {report['width']} on {report['device']}, {report['texts']} "
        f"texts of {report['tokens']} tokens; bfloat16 matrix product "
        f"{report['matrix_teraflops']:.2f} TFLOP/s"
    )
    rows = [
        (
            name,
            f"{arm['tokens_per_second']:,.0f}",
            f"{arm['teraflops']:.2f}",
            f"{arm['share_of_matrix_rate']:.1%}",
        )
        for name, arm in report["arms"].items()
    ]
    console.print(grid(("arm", "tokens/s", "TFLOP/s", "of the matrix rate"), rows))
    console.print(f"{report['ratio']:.2f} times plain encode; medians of {report['rounds']} rounds")
