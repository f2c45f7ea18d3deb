"""``ragloop backup`` and ``ragloop restore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, progress_bar
from rag_service.core.settings import load_settings
from rag_service.wiring import open_services

if TYPE_CHECKING:
    from rag_service.loop.backup import BackupResult


def register(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="A file that is not there yet, as a.tar.zst.")],
    as_json: JsonFlag = False,
) -> None:
    """All that this home holds in one file: documents, releases, models, history, keys.

    The service goes on meanwhile; documents that arrive wait until theirs are copied. Settings,
    pulled weights and jobs in the queue are not in it.
    """
    with open_services(load_settings()) as services, progress_bar() as progress:
        result = services.backups.back_up(file, progress)
    _emit(result, as_json, f"backed up in {result.file}")


def restore(
    file: Annotated[Path, typer.Argument(help="What `ragloop backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Delete what this home holds.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Put a backup into this home and namespace, which are empty and not in use.

    Nothing is changed unless the whole file is as it was written. If this is killed, give the
    same command again, with --force.
    """
    with open_services(load_settings()) as services, progress_bar() as progress:
        result = services.backups.restore(file, force=force, progress=progress)
    _emit(result, as_json, f"restored into {result.home}, namespace {result.namespace}")


def _emit(result: BackupResult, as_json: bool, done: str) -> None:
    document = result.as_dict()

    def render(console: Console) -> None:
        from rag_service.loop.backup import told

        live = f"release {result.live} is live" if result.live else "no release is live"
        console.print(f"{done}: {told(result.counts)}; {live}", markup=False)
        console.print(f"{document['bytes'] / 1e6:.1f} MB, {result.seconds:.1f} s", markup=False)

    emit(document, as_json, render)
