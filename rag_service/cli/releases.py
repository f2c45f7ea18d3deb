"""``ragloop releases``, ``ragloop promote`` and ``ragloop rollback``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from rag_service.answering.documents import releases_document
from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import load_settings
from rag_service.core.types import Release
from rag_service.wiring import open_services


def register(app: typer.Typer) -> None:
    app.command()(releases)
    app.command()(promote)
    app.command()(rollback)


def releases(as_json: JsonFlag = False) -> None:
    """All releases, and which one is live."""
    with open_services(load_settings()) as services:
        document = releases_document(services.releases.current(), services.releases.all())

    def render(console: Console) -> None:
        columns = ("release", "state", "model", "chunks", "dims", "created")
        rows = [[dict(release)[name] for name in columns] for release in document["releases"]]
        console.print(grid(columns, rows))

    emit(dict(document), as_json, render)


def promote(
    release: Annotated[str, typer.Argument(help="A candidate, or a retired release.")],
    force: Annotated[bool, typer.Option("--force", help="Without the gate's yes.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a release live, in one atomic step."""
    with open_services(load_settings()) as services, progress_bar() as progress:
        _emit_live(services.promote(release, force, progress), as_json)


def rollback(as_json: JsonFlag = False) -> None:
    """Make the release live again that was live before this one."""
    with open_services(load_settings()) as services, progress_bar() as progress:
        _emit_live(services.rollback(progress), as_json)


def _emit_live(live: Release, as_json: bool) -> None:
    document = {"live": live.release, "model": live.model, "chunks": live.chunks}
    emit(document, as_json, lambda console: console.print(f"{live.release} is live"))
