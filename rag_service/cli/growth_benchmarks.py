"""``ragloop bench growth``: what a store becomes as it grows, in a home of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.cli.own_home import own_home
from rag_service.core.files import write_atomically
from rag_service.wiring import open_services

_WAYS = ("vectors", "hybrid")


def growth(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Filings, or folders with filings; by default the sample filings."),
    ] = None,
    most: Annotated[int, typer.Option(help="Chunks to stop at.", min=1000)] = 300_000,
    reindex_most: Annotated[
        int, typer.Option(help="Larger stores are not reindexed.", min=0)
    ] = 300_000,
    recall: Annotated[
        float, typer.Option(help="Share of the exact hits to find.", min=0.5, max=1.0)
    ] = 0.99,
    k: Annotated[int, typer.Option(help="Hits.", min=1, max=100)] = 10,
    questions: Annotated[int, typer.Option(help="Questions, at most.", min=40)] = 400,
    m: Annotated[
        int, typer.Option(help="Links of a chunk in the graph: 16 are too few for 300,000.", min=2)
    ] = 32,
    ef_construction: Annotated[int, typer.Option(help="Width at building it.", min=4)] = 200,
    output: Annotated[
        Path | None, typer.Option(help="Also write the JSON here, as the chart reads it.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Grow a store from 1,000 chunks: rates, latency, recall and memory, with their exponents.

    Real chunks first, then copies of them with vectors near theirs.
    """
    from rag_service.loop.growing_corpus import GrowingCorpus
    from rag_service.loop.growth_benchmark import SIZES, about_headings
    from rag_service.loop.index_recall import RecallTarget
    from rag_service.loop.own_home import distinct_questions

    with (
        own_home() as (settings, own),
        open_services(settings) as real,
        progress_bar() as progress,
    ):
        real.ingestion.run(paths or [own.samples()], progress)
        chunks = list(real.chunks.chunks())
        live = real.ensure_live()
        texts = distinct_questions(real.chunks, settings.seed)[:questions]
        asked = about_headings(texts, real.registry.load(live.model))
        vectors = real.vectors.vectors(live.index, [chunk.chunk_id for chunk in chunks])
        corpus = GrowingCorpus(chunks, vectors, settings.seed)
        # Beside the real filings, in a store that only grows.
        graph = {"hnsw_m": m, "hnsw_ef_construction": ef_construction}
        grown = settings.model_copy(update={"namespace": "growth", **graph})
        with open_services(grown) as services:
            report = services.growth_benchmark.run(
                corpus,
                asked,
                services.ensure_live(),
                services.registry.get(live.model),
                [size for size in SIZES if size <= most],
                RecallTarget(recall, k, settings.seed),
                reindex_most,
                progress,
            )
            report |= {
                "model": real.registry.get(live.model).name,
                "index": services.vectors.spec(services.ensure_live().index).shape,
                "real_chunks": len(chunks),
                "noise": corpus.noise.told(),
            }
    if output:
        write_atomically(output, f"{json.dumps(report, indent=1)}\n")
    emit(report, as_json, lambda console: _render(console, report))


def _render(console: Console, report: dict[str, Any]) -> None:
    console.print(
        f"{report['model']}, {report['real_chunks']} real chunks and copies; "
        f"{report['questions']} questions ({report['question_set']}); load at the end "
        f"{report['load']:.1f}"
    )
    columns = (
        *("ingest /s", "reindex /s", "vectors p50", "p99 ms", "hybrid p50", "p99 ms"),
        *("ef", "recall", "bytes a chunk", "nearest"),
    )
    rows = [
        (
            f"{at['chunks']:,}",
            f"{at['ingest_chunks_per_second']:.0f}",
            f"{rate:.0f}" if (rate := at["reindex_chunks_per_second"]) else "",
            *(f"{at[way][q]['value']:.2f}" for way in _WAYS for q in ("p50_ms", "p99_ms")),
            at["ef_runtime"],
            f"{at['recall']['value']:.4f} [{at['recall']['low']:.4f}, {at['recall']['high']:.4f}]",
            f"{at['bytes_per_chunk']:,.0f}",
            f"{at['nearest_cosine']:.3f}",
        )
        for at in report["sizes"]
    ]
    console.print(grid(("chunks", *columns), rows))
    for name, found in report["exponents"].items():
        console.print(
            f"{name}: exponent {found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"
        )
    if ratio := report["p99_ratio"]:
        console.print(
            f"p99 at {ratio['to']:,} to that at {ratio['from']:,}: vectors "
            f"{ratio['vectors']:.2f}, hybrid {ratio['hybrid']:.2f}"
        )
