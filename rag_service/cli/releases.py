"""``ragloop releases``, ``ragloop promote`` and ``ragloop rollback``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from rag_service.answering.documents import releases_document
from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import load_settings
from rag_service.core.types import Release
from rag_service.wiring import open_services

if TYPE_CHECKING:
    from rag_service.loop.judging import Judgment


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
    dataset: Annotated[
        Path | None,
        typer.Option(help="Questions to judge it on; by default the newest held-out ones."),
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the question set.")] = "test",
    as_json: JsonFlag = False,
) -> None:
    """Make a release live, in one atomic step.

    A candidate that the gate has not compared with the live release yet, or with --dataset, is
    judged first, which takes as long as two evaluations.
    """
    with open_services(load_settings()) as services, progress_bar() as progress:
        judged = None
        if not force:
            judged = services.judge_candidate(release, dataset, split, progress)
        refused = judged is not None and not judged.decision.promoted
        live = (
            services.releases.get(services.improver.live_release())
            if refused
            else services.promote(release, force, progress)
        )
    _emit_live(live, as_json, judged)
    if refused:
        raise typer.Exit(1)


def rollback(as_json: JsonFlag = False) -> None:
    """Make the release live again that was live before this one."""
    with open_services(load_settings()) as services, progress_bar() as progress:
        _emit_live(services.rollback(progress), as_json)


def _emit_live(live: Release, as_json: bool, judged: Judgment | None = None) -> None:
    document: dict[str, Any] = {
        "live": live.release,
        "model": live.model,
        "chunks": live.chunks,
    }
    if judged is not None:
        document |= {key: judged.as_dict()[key] for key in ("gate", "difference")}

    def render(console: Console) -> None:
        for reason in judged.decision.reasons if judged else ():
            console.print(escape(reason))
        console.print(f"{live.release} is live")

    emit(document, as_json, render)
