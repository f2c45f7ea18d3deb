"""``ragloop ingest`` and ``ragloop documents``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rag_service.answering.documents import documents_document
from rag_service.cli.engines import EngineOption, settings_on
from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import load_settings
from rag_service.wiring import open_services


def register(app: typer.Typer) -> None:
    app.command()(ingest)
    group = typer.Typer(help="List or remove the ingested documents.", no_args_is_help=True)
    group.command("list")(list_documents)
    group.command("remove")(remove)
    app.add_typer(group, name="documents")


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders with files.")],
    engine: EngineOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Read files or folders into the live index; unchanged files are skipped."""
    with open_services(settings_on(engine)) as services, progress_bar() as progress:
        outcomes = services.ingestion.run(paths, progress)

    def render(console: Console) -> None:
        rows = [
            (
                outcome.status,
                Path(outcome.path).name,
                outcome.document.pages if outcome.document else "",
                outcome.document.chunks if outcome.document else "",
                outcome.document.tables if outcome.document else "",
                outcome.message,
            )
            for outcome in outcomes
        ]
        console.print(grid(("status", "file", "pages", "chunks", "tables", ""), rows))

    emit({"documents": [outcome.as_dict() for outcome in outcomes]}, as_json, render)
    if any(outcome.status == "refused" for outcome in outcomes):
        raise typer.Exit(1)


def list_documents(as_json: JsonFlag = False) -> None:
    """The documents that are ingested."""
    with open_services(load_settings()) as services:
        document = documents_document(services.chunks.documents())

    def render(console: Console) -> None:
        fields = ("document", "company", "form", "fiscal_year", "pages", "chunks", "tables")
        rows = [[dict(record)[name] for name in fields] for record in document["documents"]]
        console.print(grid([name.removeprefix("fiscal_") for name in fields], rows))

    emit(dict(document), as_json, render)


def remove(
    name: Annotated[str, typer.Argument(help="Document, such as ACME_2023_10K.pdf.")],
    as_json: JsonFlag = False,
) -> None:
    """Take a document out of the live index and the chunk store."""
    with open_services(load_settings()) as services:
        removed = services.ingestion.remove(name)
    emit(
        {"removed": documents_document([removed])["documents"][0]},
        as_json,
        lambda console: console.print(f"removed {removed.name}: {removed.chunks} chunks"),
    )
