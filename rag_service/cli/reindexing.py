"""``ragloop reindex``: a candidate release beside the live one."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

from rag_service import work
from rag_service.cli.engines import EngineOption, settings_on
from rag_service.cli.output import JsonFlag, emit, progress_bar
from rag_service.indexing.shadow import BuildOptions
from rag_service.wiring import open_services

_NICENESS = 10
"""A service on the same machine goes first; where nothing else runs, it costs nothing."""


def register(app: typer.Typer) -> None:
    app.command()(reindex)


def reindex(
    model: Annotated[str, typer.Option(help="Fingerprint, name or folder of a model.")],
    dims: Annotated[
        int, typer.Option(min=0, help="First dimensions to keep of its vectors; 0: all.")
    ] = 0,
    algorithm: Annotated[
        Literal["hnsw", "flat"] | None,
        typer.Option(help="How the index is searched; by default RAGLOOP_INDEX_ALGORITHM."),
    ] = None,
    datatype: Annotated[
        Literal["float32", "float16"] | None,
        typer.Option(help="Numbers of its vectors; by default RAGLOOP_INDEX_DATATYPE."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Encode every chunk; copy no vector of another index.")
    ] = False,
    engine: EngineOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Build a candidate release beside the live one; resumes if killed.

    The same command in a second process, or on a second machine, takes a part of the work.
    """
    settings = settings_on(engine)
    options = BuildOptions(algorithm, datatype, fresh)
    with open_services(settings) as services, progress_bar() as progress:
        # Here, so that an embedded Redis that this process started keeps its own priority.
        os.nice(_NICENESS)
        document = work.reindex(services, model, dims, options, progress)
    emit(
        document,
        as_json,
        lambda console: console.print(
            f"{document['release']}: {document['state']}, {document['chunks']} chunks of model "
            f"{document['model']} ({document['dims']} dimensions, {document['algorithm']}, "
            f"{document['datatype']})\n{document['embedded']} embedded and {document['copied']} "
            f"copied here in {document['seconds']:.0f} s, "
            f"{document['chunks_per_second']:.1f} chunks/s"
        ),
    )
